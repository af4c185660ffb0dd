// What a site's page can open in a real browser, from an origin of its own: npm's centrifuge over each transport, a plain EventSource, fetch alone;
// each across a restart of the server, after which nobody has missed anything.
import { createHmac, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type Owner, expect, test } from "../support/actors.ts";
import { Pages, html } from "../support/pages.ts";

const SITE = "shop.example";
const sdk = readFile(new URL("../../node_modules/centrifuge/dist/centrifuge.js", import.meta.url), "utf8");

/** What the site's own server signs. */
function visitor(secret: string, sub: string): string {
  const part = (object: object) => Buffer.from(JSON.stringify(object)).toString("base64url");
  const iat = Math.floor(Date.now() / 1000);
  const rooms = { lobby: ["read", "publish", "presence", "history"] };
  const said = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub, aud: SITE, iat, exp: iat + 3600, jti: randomUUID(), rooms })}`;
  return `${said}.${createHmac("sha256", secret).update(said).digest("base64url")}`;
}

async function shop(owner: Owner) {
  const { server } = owner;
  await owner.adds(SITE);
  const key = (await server.command("key", "add", "--site", SITE, "--right", "publish")).trim();
  const secret = (await server.command("visitor-secret", "--site", SITE)).trim();
  const pages = await Pages.serve({ "/": html('<script src="/sdk.js"></script>'), "/sdk.js": await sdk });
  await owner.sets(SITE, { origins: pages.origin(SITE) });
  const publish = async (title: string) => {
    const body = JSON.stringify({ channel: `feed:${SITE}`, data: { kind: "message", title, text: "" } });
    const answer = await fetch(`${server.url}/api/publish`, { method: "POST", headers: { "x-api-key": key, "content-type": "application/json" }, body });
    expect((await answer.json()).result).toBeTruthy();
  };
  return { pages, publish, secret };
}

for (const transport of ["websocket", "http_stream", "sse"] as const) {
  test(`npm's centrifuge over ${transport} in a page of another origin: rooms, the feed, and a restart`, async ({ owner, server, page }) => {
    const { pages, publish, secret } = await shop(owner);
    await page.goto(pages.origin(SITE));
    const told = await page.evaluate(
      async ({ url, transport, site, token }) => {
        const endpoint = `${transport === "websocket" ? url.replace("http", "ws") : url}/connection/${transport}`;
        // @ts-expect-error the page's own global
        const client = new window.Centrifuge([{ transport, endpoint }], { token, emulationEndpoint: `${url}/emulation`, minReconnectDelay: 50, maxReconnectDelay: 500 });
        const heard: string[] = [];
        Object.assign(window, { client, heard });
        const connected = new Promise<{ transport: string }>((resolve) => client.on("connected", resolve));
        const feed = client.newSubscription(`feed:${site}`);
        feed.on("publication", ({ data }: { data: { publish: { title: string } } }) => heard.push(data.publish.title));
        feed.subscribe();
        const lobby = client.newSubscription(`room:${site}:lobby`);
        lobby.on("publication", ({ data }: { data: { said: string } }) => heard.push(data.said));
        lobby.subscribe();
        client.connect();
        await Promise.all([feed.ready(10_000), lobby.ready(10_000)]);
        await lobby.publish({ said: "hello" });
        const { clients } = await lobby.presence();
        const { publications } = await lobby.history({ limit: 10 });
        return { transport: (await connected).transport, there: Object.values(clients).map((one: any) => one.user), past: publications.length };
      },
      { url: server.url, transport, site: SITE, token: visitor(secret, "ann") },
    );
    expect(told).toEqual({ transport, there: ["ann"], past: 1 });
    const heard = () => page.evaluate("window.heard") as Promise<string[]>;
    await publish("one");
    await expect.poll(heard).toEqual(["hello", "one"]);
    await server.restart();
    for (const title of ["two", "three"]) await publish(title);
    await expect.poll(heard, { timeout: 20_000 }).toEqual(["hello", "one", "two", "three"]);
    await pages.close();
  });
}

test("a plain EventSource reads the feed, and misses nothing of a restart", async ({ owner, server, page }) => {
  const { pages, publish } = await shop(owner);
  await publish("before");
  await page.goto(pages.origin(SITE));
  await page.evaluate(
    ({ url, site }) => {
      const heard: string[] = [];
      const source = new EventSource(`${url}/api/feed/${site}/events`);
      source.onmessage = ({ data }) => heard.push(JSON.parse(data).publish.title);
      source.addEventListener("reset", () => heard.push("RESET"));
      Object.assign(window, { heard });
    },
    { url: server.url, site: SITE },
  );
  const heard = () => page.evaluate("window.heard") as Promise<string[]>;
  await expect.poll(heard).toEqual(["before"]);
  await server.restart();
  for (const title of ["two", "three"]) await publish(title);
  await expect.poll(heard, { timeout: 30_000 }).toEqual(["before", "two", "three"]);
  await pages.close();
});

test("fetch alone reads the feed by long polling, and misses nothing of a restart", async ({ owner, server, page }) => {
  const { pages, publish } = await shop(owner);
  await publish("before");
  await page.goto(pages.origin(SITE));
  await page.evaluate(
    ({ url, site }) => {
      const heard: string[] = [];
      Object.assign(window, { heard });
      const ask = async (since: string): Promise<void> => {
        const answer = await fetch(`${url}/api/feed/${site}${since}`).then((answer) => answer.json()).catch(() => undefined);
        if (!answer) {
          await new Promise((resolve) => setTimeout(resolve, 200));
          return ask(since);
        }
        for (const { publish } of answer.items) heard.push(publish.title);
        return ask(`?since=${answer.epoch}:${answer.offset}`);
      };
      void ask("");
    },
    { url: server.url, site: SITE },
  );
  const heard = () => page.evaluate("window.heard") as Promise<string[]>;
  await expect.poll(heard).toEqual(["before"]);
  await server.restart();
  for (const title of ["two", "three"]) await publish(title);
  await expect.poll(heard, { timeout: 20_000 }).toEqual(["before", "two", "three"]);
  await pages.close();
});

test("a page of a site that nobody knows gets none of it", async ({ owner, server, page }) => {
  const { pages } = await shop(owner);
  await page.goto(pages.origin("evil.example"));
  const refused = await page.evaluate(
    async ({ url, site }) => {
      const blocked = (path: string, options?: RequestInit) => fetch(url + path, options).then(() => false, () => true);
      const events = new Promise<boolean>((resolve) => {
        const source = new EventSource(`${url}/api/feed/${site}/events`);
        source.onopen = () => resolve(false);
        source.onerror = () => resolve(source.readyState === EventSource.CLOSED);
      });
      return [
        await blocked(`/api/feed/${site}`),
        await blocked("/connection/http_stream", { method: "POST", body: '{"id":1,"connect":{}}' }),
        await blocked("/emulation", { method: "POST", body: "{}" }),
        await events,
      ];
    },
    { url: server.url, site: SITE },
  );
  expect(refused, "the browser lets the page read none of the answers").toEqual([true, true, true, true]);
  await pages.close();
});
