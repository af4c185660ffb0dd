// The second iteration: strangers are turned away. A page elsewhere gets neither socket nor data unless the owner lists it.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "../support/actors.ts";
import { Pages, html } from "../support/pages.ts";
import type { Server } from "../support/server.ts";

const domain = "shop.example";
const snippet = (server: Server) => html(`<script defer data-site="${domain}" data-live src="${server.url}/js/pulse.js"></script>`, "<b data-pulse-online>–</b>");
const isReport = (answer: { url(): string }) => answer.url().endsWith("/api/event");
const accepted = 'pulsecast_events_total{outcome="accepted"}';
const foreign = 'pulsecast_events_total{outcome="hostname"}';

/** Tries to read a channel as a page's script would. Answers what the server said, or why nothing. */
const subscribes = ([url, channel]: [string, string]) =>
  new Promise<string>((resolve) => {
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/connection/websocket`);
    socket.onerror = () => resolve("refused");
    socket.onclose = ({ code }) => resolve(`closed with ${code}`);
    socket.onopen = () => {
      socket.send('{"id":1,"connect":{}}');
      socket.send(JSON.stringify({ id: 2, subscribe: { channel } }));
    };
    socket.onmessage = ({ data }) => {
      for (const line of data.split("\n")) {
        const reply = JSON.parse(line);
        if (reply.id === 2) resolve(reply.error ? reply.error.message : `received ${JSON.stringify(reply.subscribe.data)}`);
      }
    };
  });

test("a page that the site does not list gets neither socket nor data, and its events are dropped and counted", async ({ owner, visitor }) => {
  await owner.adds(domain);
  const pages = await Pages.serve({ "/": snippet(owner.server) });
  const guest = await visitor();
  const report = guest.page.waitForResponse(isReport);
  await guest.page.goto(pages.origin("evil.example"));
  const answer = await report;
  expect(answer.status()).toBe(202);
  expect(answer.headers()["x-pulsecast-dropped"]).toBe("hostname");
  expect(await owner.server.metric(foreign)).toBe(1);
  expect(await owner.server.metric(accepted)).toBe(0);

  for (const channel of [`online:${domain}`, `live:${domain}`, "online:demo", "live:demo"]) {
    expect(await guest.page.evaluate(subscribes, [owner.server.url, channel] as [string, string]), channel).toBe("refused");
  }
  await expect(guest.page.locator("[data-pulse-online]")).toHaveText("–");
  await owner.watches(domain);
  await expect(owner.page.getByTestId("waiting")).toBeVisible();
  await pages.close();
});

test("the site's own hostname on another port counts, but opens no socket until its origin is listed", async ({ owner, visitor }) => {
  await owner.adds(domain);
  const pages = await Pages.serve({ "/": snippet(owner.server) });
  const origin = pages.origin(domain);
  const guest = await visitor();
  const dashboard = await owner.watches(domain);
  await guest.page.goto(origin);
  await expect(dashboard.getByTestId("stream-row")).toHaveCount(1);
  expect(await guest.page.evaluate(subscribes, [owner.server.url, `online:${domain}`] as [string, string])).toBe("refused");
  await expect(dashboard.getByTestId("online-now")).toHaveText("0");

  await owner.sets(domain, { origins: origin });
  await guest.page.reload();
  await expect(guest.page.locator("[data-pulse-online]")).toHaveText("1");
  await expect(dashboard.getByTestId("online-now")).toHaveText("1");
  expect(await guest.page.evaluate(subscribes, [owner.server.url, `live:${domain}`] as [string, string]), "counts are public, dashboards are not").toBe("permission denied");
  await pages.close();
});

test("where any origin is accepted, a page from the file system counts and is online", async ({ owner, visitor }) => {
  await owner.adds(domain);
  const file = path.join(owner.server.data, "page.html");
  await writeFile(file, snippet(owner.server));
  const address = pathToFileURL(file).href;
  const guest = await visitor();
  const first = guest.page.waitForResponse(isReport);
  await guest.page.goto(address);
  expect((await first).headers()["x-pulsecast-dropped"]).toBe("hostname");
  expect(await owner.server.metric(accepted)).toBe(0);
  expect(await guest.page.evaluate(subscribes, [owner.server.url, `online:${domain}`] as [string, string])).toBe("refused");

  await owner.sets(domain, { any_origin: "on" });
  const dashboard = await owner.watches(domain);
  await guest.page.reload();
  await expect(dashboard.getByTestId("stream-row")).toHaveCount(1);
  await expect(dashboard.getByTestId("online-now")).toHaveText("1");
  await expect(guest.page.locator("[data-pulse-online]")).toHaveText("1");
});

test("a form on somebody else's page can neither sign the owner out nor change a site", async ({ owner }) => {
  await owner.adds(domain);
  const form = (action: string, fields: Record<string, string>) =>
    `<form method="post" action="${owner.server.url}${action}">${Object.entries(fields).map(([k, v]) => `<input name="${k}" value="${v}">`).join("")}<button>${action}</button></form>`;
  const pages = await Pages.serve({
    "/": html("", form("/logout", {}) + form("/fn/remove-site", { domain, confirm: domain }) + form("/fn/add-site", { domain: "new.example", timezone: "UTC" }) + form("/login", { email: "eve@example.com", password: "x" })),
  });
  for (const action of ["/logout", "/fn/remove-site", "/fn/add-site", "/login"]) {
    await owner.page.goto(pages.origin("evil.example"));
    const answer = owner.page.waitForResponse((r) => r.url() === owner.server.url + action);
    await owner.page.getByRole("button", { name: action, exact: true }).click();
    expect((await answer).status(), action).toBe(403);
  }
  await owner.page.goto(owner.server.url);
  await expect(owner.page.getByTestId("site-card"), "signed in still, with the same sites").toHaveCount(2);
  await expect(owner.page.locator(`[data-site="${domain}"]`)).toBeVisible();
  expect(await owner.server.metric("pulsecast_http_foreign_total")).toBe(4);
  await pages.close();
});

test("somebody else's page cannot read the owner's dashboard with the owner's cookies", async ({ owner }) => {
  const pages = await Pages.serve({ "/": html("") });
  await owner.page.goto(pages.origin("evil.example"));
  for (const path of ["/sites/demo", "/fn/sites", "/api/token", "/sites/demo/export.ndjson", "/metrics"]) {
    const read = await owner.page.evaluate(
      (url) => fetch(url, { credentials: "include", method: url.endsWith("token") ? "POST" : "GET" }).then((r) => r.text()).catch(() => "blocked"),
      owner.server.url + path,
    );
    expect(read, path).toBe("blocked");
  }
  expect(await owner.page.evaluate(subscribes, [owner.server.url, "live:demo"] as [string, string])).toBe("refused");
  await pages.close();
});

test("a dashboard cannot be put into a frame of somebody else's page", async ({ owner }) => {
  const pages = await Pages.serve({ "/": html("", `<iframe src="${owner.server.url}/sites/demo"></iframe>`) });
  await owner.page.goto(pages.origin("evil.example"));
  await expect.poll(() => owner.page.frames()[1]?.url()).toMatch(/^chrome-error:/);
  const answer = await owner.context.request.get(`${owner.server.url}/sites/demo`);
  expect(answer.headers()["content-security-policy"]).toContain("frame-ancestors 'none'");
  await pages.close();
});

test("an event for a site that does not exist says so and what to do", async ({ server }) => {
  const answer = await server.event({ n: "pageview", u: "https://nowhere.example/", d: "nowhere.example" });
  expect(answer.status).toBe(400);
  expect(answer.headers.get("x-pulsecast-dropped")).toBe("unknown_site");
  expect(JSON.stringify(await answer.json())).toContain("add it on the dashboard");
});

test("the browser that these tests drive is a bot by its own name, and is left out", async ({ server }) => {
  const answer = await server.event({ n: "pageview", u: "http://127.0.0.1/", d: "demo" }, { "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36" });
  expect(answer.headers.get("x-pulsecast-dropped")).toBe("bot");
});
