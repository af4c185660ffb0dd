// Other people's clients, unchanged: npm's centrifuge, npm's Plausible tracker, and Plausible's classic snippet.
import { readFile } from "node:fs/promises";
import { Centrifuge, type PublicationContext, type SubscribedContext } from "centrifuge";
import WebSocket from "ws";
import { Owner, expect, test } from "../support/actors.ts";
import { Pages, html } from "../support/pages.ts";
import type { Server } from "../support/server.ts";

const event = (path: string) => ({ n: "pageview", u: `http://127.0.0.1${path}`, d: "demo" });

/** A Centrifugo client with a cable that can be pulled. */
class Reader {
  readonly published: PublicationContext[] = [];
  readonly subscribed: SubscribedContext[] = [];
  readonly client: Centrifuge;
  #cable = true;
  #sockets: WebSocket[] = [];

  constructor(server: Server, getToken: () => Promise<string>) {
    const reader = this;
    class Socket extends WebSocket {
      constructor(url: string, protocols?: string[]) {
        // Port 9 discards: what connecting without a cable comes to.
        super(reader.#cable ? url : "ws://127.0.0.1:9", protocols);
        reader.#sockets.push(this);
      }
    }
    this.client = new Centrifuge(`${server.url.replace("http", "ws")}/connection/websocket`, { websocket: Socket, getToken, maxReconnectDelay: 1000 });
    const subscription = this.client.newSubscription("live:demo");
    subscription.on("publication", (publication) => this.published.push(publication));
    subscription.on("subscribed", (context) => this.subscribed.push(context));
    subscription.subscribe();
    this.client.connect();
  }

  /** Every path that publications have told of, in the order they came. */
  get paths(): string[] {
    return this.published.flatMap(({ data }) => (data.stream ?? []).map((row: { path: string }) => row.path));
  }

  cut(): void {
    this.#cable = false;
    for (const socket of this.#sockets) socket.terminate();
  }

  mend(): void {
    this.#cable = true;
  }
}

test("npm's centrifuge reads a dashboard's channel with a member's token", async ({ owner }) => {
  const token = () => owner.server.command("member-token", "--user", Owner.email).then((line) => line.trim());
  const reader = new Reader(owner.server, token);
  await expect.poll(() => reader.subscribed.length).toBe(1);
  expect(reader.subscribed[0]).toMatchObject({ channel: "live:demo", recoverable: true, positioned: true, wasRecovering: false });
  expect(reader.subscribed[0].data, "the state to start from comes with the subscription").toMatchObject({ current_visitors: 0, stream: [] });
  await owner.server.event(event("/hello"));
  await expect.poll(() => reader.paths).toEqual(["/hello"]);
  expect(reader.published[0].offset).toBeGreaterThan(0);
  reader.client.disconnect();
});

test("the token of a signed-in member's browser serves as well, and without one there is nothing to read", async ({ owner }) => {
  const answer = await owner.context.request.post(`${owner.server.url}/api/token`, { headers: { origin: owner.server.url } });
  const { token } = await answer.json();
  const member = new Reader(owner.server, async () => token);
  await expect.poll(() => member.subscribed.length).toBe(1);
  member.client.disconnect();

  const nobody = new Centrifuge(`${owner.server.url.replace("http", "ws")}/connection/websocket`, { websocket: WebSocket });
  const subscription = nobody.newSubscription("live:demo");
  const refused = new Promise((resolve) => subscription.on("unsubscribed", resolve));
  subscription.subscribe();
  nobody.connect();
  expect(await refused).toMatchObject({ code: 103, reason: "permission denied" });
  nobody.disconnect();
});

test("npm's centrifuge recovers what it missed while it was cut off", async ({ owner }) => {
  const reader = new Reader(owner.server, async () => (await owner.server.command("member-token", "--user", Owner.email)).trim());
  await expect.poll(() => reader.subscribed.length).toBe(1);
  await owner.server.event(event("/before"));
  await expect.poll(() => reader.paths).toEqual(["/before"]);

  const gone = new Promise((resolve) => reader.client.once("connecting", resolve));
  reader.cut();
  await gone;
  for (const n of [1, 2, 3]) await owner.server.event(event(`/missed/${n}`));
  expect(reader.paths).toEqual(["/before"]);
  reader.mend();
  await expect.poll(() => reader.subscribed.length).toBe(2);
  expect(reader.subscribed[1]).toMatchObject({ wasRecovering: true, recovered: true });
  await expect.poll(() => reader.paths).toEqual(["/before", "/missed/1", "/missed/2", "/missed/3"]);
  const offsets = reader.published.map(({ offset }) => offset ?? 0);
  expect(offsets, "no publication missing, none twice").toEqual(offsets.map((_, i) => offsets[0] + i));
  await owner.server.event(event("/after"));
  await expect.poll(() => reader.paths.at(-1)).toBe("/after");
  reader.client.disconnect();
});

test("after a restart of the server npm's centrifuge is told that it starts anew, and gets the state", async ({ owner }) => {
  const token = (await owner.server.command("member-token", "--user", Owner.email)).trim();
  const reader = new Reader(owner.server, async () => token);
  await owner.server.event(event("/before"));
  await expect.poll(() => reader.subscribed.length).toBe(1);
  await owner.server.kill9();
  await owner.server.restart();
  await expect.poll(() => reader.subscribed.length).toBe(2);
  expect(reader.subscribed[1]).toMatchObject({ wasRecovering: true, recovered: false });
  const { stream } = reader.subscribed[1].data as { stream: { path: string }[] };
  expect(stream.map(({ path }) => path)).toEqual(["/before"]);
  await owner.server.event(event("/after"));
  await expect.poll(() => reader.paths.at(-1)).toBe("/after");
  reader.client.disconnect();
});

test("npm's Plausible tracker delivers pageviews and events in a real browser, unchanged", async ({ owner, visitor }) => {
  await owner.adds("shop.example");
  const pages = await Pages.serve({
    "/plausible.js": await readFile(new URL("../../node_modules/@plausible-analytics/tracker/plausible.js", import.meta.url), "utf8"),
    // What its own README shows, but for the endpoint. Driven browsers are left out by the tracker itself unless captureOnLocalhost is set.
    "/": html(`<script type="module">
      import { init, track } from "/plausible.js";
      init({ domain: "shop.example", endpoint: "${owner.server.url}/api/event", captureOnLocalhost: true, outboundLinks: true });
      window.track = track;
    </script>`),
  });
  const guest = await visitor("firefox");
  const dashboard = await owner.watches("shop.example");
  await guest.acts(() => guest.page.goto(`${pages.origin("shop.example")}/?utm_source=newsletter`));
  await expect(dashboard.getByTestId("stream-row")).toHaveCount(1);
  await expect(dashboard.getByTestId("stream-row").locator(".stream__source")).toHaveText(/newsletter/i);
  await guest.acts(() => guest.page.evaluate(() => history.pushState({}, "", "/checkout")));
  const status = await guest.page.evaluate(
    () =>
      new Promise((callback) =>
        (window as unknown as { track: (name: string, options: object) => void }).track("Purchase", { props: { plan: "team" }, revenue: { amount: 29.5, currency: "EUR" }, callback }),
      ),
  );
  expect(status).toEqual({ status: 202 });
  await expect(dashboard.getByTestId("stream-row")).toHaveCount(3);
  await guest.page.goto("about:blank");
  await expect.poll(async () => (await owner.exports("shop.example")).map(({ name, path }) => `${name} ${path}`)).toEqual(
    expect.arrayContaining(["pageview /", "pageview /checkout", "Purchase /checkout", expect.stringMatching(/^engagement \//)]),
  );
  const purchase = (await owner.exports("shop.example")).find(({ name }) => name === "Purchase");
  expect(purchase).toMatchObject({ hostname: "shop.example", props: { plan: "team" } });
  expect(JSON.stringify(purchase)).toContain("EUR");
  await pages.close();
});

test("Plausible's classic snippet works by changing its host", async ({ owner, visitor }) => {
  await owner.adds("shop.example");
  const pages = await Pages.serve({
    "/": html(`<script defer data-domain="shop.example" src="${owner.server.url}/js/script.js"></script>
      <script>window.plausible = window.plausible || function () { (window.plausible.q = window.plausible.q || []).push(arguments); }; plausible("Early");</script>`),
  });
  const guest = await visitor();
  const dashboard = await owner.watches("shop.example");
  await guest.acts(() => guest.page.goto(pages.origin("shop.example")));
  await guest.page.evaluate(() => (window as unknown as { plausible: (name: string, options: object) => void }).plausible("Signup", { props: { plan: "free" } }));
  await expect(dashboard.locator(".stream__row .badge")).toHaveText(["Signup", "Early"]);
  await expect(dashboard.getByTestId("stream-row")).toHaveCount(3);
  await pages.close();
});

test("a page without JavaScript counts by its pixel", async ({ owner, browser }) => {
  await owner.adds("shop.example");
  const pages = await Pages.serve({ "/quiet": html("", `<img alt="" src="${owner.server.url}/api/event/pixel.gif?d=shop.example">`) });
  const context = await browser.newContext({ javaScriptEnabled: false });
  const dashboard = await owner.watches("shop.example");
  const pixel = context.waitForEvent("response", (r) => r.url().includes("pixel.gif"));
  await (await context.newPage()).goto(`${pages.origin("shop.example")}/quiet`);
  expect((await pixel).headers()["x-pulsecast-dropped"]).toBeUndefined();
  await expect(dashboard.getByTestId("stream-row")).toHaveCount(1);
  await context.close();
  await pages.close();
});
