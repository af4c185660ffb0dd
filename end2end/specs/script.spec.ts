// pulse.js in a real browser, on the demo pages and on a site's own: what it reports, what it does not, and that nothing gets lost.
import { type Owner, expect, test } from "../support/actors.ts";
import { Pages, html } from "../support/pages.ts";

/** What has been stored: `pageview /demo`, oldest first. */
const stored = async (owner: Owner, domain = "demo") => (await owner.exports(domain)).map(({ name, path }) => `${name} ${path}`);
const find = async (owner: Owner, name: string, domain = "demo") => (await owner.exports(domain)).find((event) => event.name === name);

test("a click on a link to another host is reported with its address", async ({ owner, visitor }) => {
  const guest = await visitor();
  await guest.context.route("https://en.wikipedia.org/**", (route) => route.fulfill({ contentType: "text/html", body: "<title>Lighthouse</title>" }));
  await guest.opens("/demo/article");
  await guest.page.getByRole("link", { name: "a good deal more to read" }).click();
  await expect(guest.page).toHaveTitle("Lighthouse");
  await expect.poll(() => stored(owner)).toContain("Outbound Link: Click /demo/article");
  expect((await find(owner, "Outbound Link: Click"))?.props).toEqual({ url: "https://en.wikipedia.org/wiki/Lighthouse" });
});

test("a download is reported with its address", async ({ owner, visitor }) => {
  const guest = await visitor();
  await guest.opens("/demo/article");
  const download = guest.page.waitForEvent("download");
  await guest.page.getByRole("link", { name: "download the tide table" }).click();
  expect((await download).suggestedFilename()).toBe("tides.csv");
  await expect.poll(() => stored(owner)).toContain("File Download /demo/article");
  expect((await find(owner, "File Download"))?.props).toEqual({ url: `${owner.server.url}/demo/tides.csv` });
});

test("a submitted form is reported, without what was typed", async ({ owner, visitor }) => {
  const guest = await visitor();
  await guest.opens("/demo/article");
  await guest.page.getByLabel("What would you like to know?").fill("Is there cake?");
  await guest.page.getByRole("button", { name: "Ask the keeper" }).click();
  await expect.poll(() => stored(owner)).toContain("Form: Submission /demo/article");
  expect((await find(owner, "Form: Submission"))?.props ?? {}).toEqual({});
});

test("a custom event arrives with its properties", async ({ owner, visitor }) => {
  const guest = await visitor();
  await guest.opens("/demo/article");
  for (const _ of [1, 2]) await guest.page.getByRole("button", { name: "Ring the harbour bell" }).click();
  await expect.poll(async () => (await owner.exports("demo")).filter(({ name }) => name === "Bell rung").map(({ props }) => props?.rings)).toEqual(["1", "2"]);
});

test("leaving a page reports how long it was looked at and how far down it was seen", async ({ owner, visitor }) => {
  const guest = await visitor("chrome");
  await guest.opens("/demo/article");
  await guest.page.getByRole("heading", { name: "Come and see" }).scrollIntoViewIfNeeded();
  await guest.page.evaluate(() => new Promise(requestAnimationFrame));
  await guest.page.goto("about:blank");
  await expect.poll(() => stored(owner)).toEqual(["pageview /demo/article", "engagement /demo/article"]);
  const { scroll_depth, engaged_ms } = (await find(owner, "engagement")) as unknown as Record<string, number>;
  expect(scroll_depth).toBeGreaterThan(40);
  expect(scroll_depth).toBeLessThanOrEqual(100);
  expect(engaged_ms).toBeGreaterThan(0);
  expect(engaged_ms).toBeLessThan(60_000);
});

test("a page that says it is the 404 page reports what was missing", async ({ owner, visitor }) => {
  await owner.adds("shop.example");
  const pages = await Pages.serve({ "/404": html(`<script defer data-site="shop.example" data-404 src="${owner.server.url}/js/pulse.js"></script>`) });
  const guest = await visitor();
  await guest.acts(() => guest.page.goto(`${pages.origin("shop.example")}/no/such/page`));
  // Two requests at the same time: either may be first.
  await expect.poll(async () => (await stored(owner, "shop.example")).sort()).toEqual(["404 /no/such/page", "pageview /no/such/page"]);
  expect((await find(owner, "404", "shop.example"))?.props).toEqual({ path: "/no/such/page" });
  await pages.close();
});

test("a visitor who has opted out is neither reported nor online", async ({ owner, visitor }) => {
  const dashboard = await owner.watches("demo");
  const shy = await visitor("safari");
  await shy.context.addInitScript(() => localStorage.setItem("pulse_ignore", "true"));
  const sent: string[] = [];
  shy.page.on("request", (request) => sent.push(new URL(request.url()).pathname));
  // The page's feed is for everybody; being counted is not.
  const said: string[] = [];
  shy.page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => said.push(String(payload))));
  await shy.page.goto(`${owner.server.url}/demo/article`);
  await shy.page.getByRole("button", { name: "Ring the harbour bell" }).click();
  await shy.page.goto(`${owner.server.url}/demo`);
  await shy.page.waitForLoadState("networkidle");
  const other = await visitor("firefox");
  await other.opens("/demo/app");
  await expect(dashboard.getByTestId("stream-row"), "only the other one's").toHaveCount(1);
  await expect(dashboard.getByTestId("online-now")).toHaveText("1");
  expect(sent).toContain("/js/pulse.js");
  expect(sent).not.toContain("/api/event");
  expect(said.join("\n")).toContain("feed:demo");
  expect(said.join("\n")).not.toContain("online:");
});

test("an event that the server could not take is sent again after the time it named, once", async ({ owner, visitor }) => {
  const guest = await visitor();
  const answers: number[] = [];
  guest.page.on("response", (answer) => answer.url().endsWith("/api/event") && answers.push(answer.status()));
  await guest.context.route("**/api/event", (route) => route.fulfill({ status: 503, headers: { "retry-after": "1" } }), { times: 1 });
  await guest.page.goto(`${owner.server.url}/demo/article`);
  await expect.poll(() => stored(owner)).toEqual(["pageview /demo/article"]);
  expect(answers).toEqual([503, 202]);
  expect(await guest.page.evaluate(() => Object.keys(localStorage)), "nothing is left behind").toEqual([]);
});

test("what happens while the visitor is offline arrives when the network is back, once and in order", async ({ owner, visitor }) => {
  const guest = await visitor();
  await guest.opens("/demo");
  await guest.context.setOffline(true);
  for (const n of [1, 2, 3]) await guest.page.evaluate((n) => history.pushState({}, "", `/demo/offline/${n}`), n);
  await expect.poll(() => guest.page.evaluate(() => JSON.parse(localStorage["pulse:demo"] ?? "[]").filter((e: { n: string }) => e.n === "pageview").length)).toBe(3);
  expect(await stored(owner)).not.toContain("pageview /demo/offline/1");
  await guest.context.setOffline(false);
  const pageviews = async () => (await stored(owner)).filter((event) => event.startsWith("pageview"));
  await expect.poll(pageviews).toEqual(["pageview /demo", "pageview /demo/offline/1", "pageview /demo/offline/2", "pageview /demo/offline/3"]);
  await expect.poll(() => guest.page.evaluate(() => localStorage["pulse:demo"])).toBeUndefined();
  expect(await pageviews()).toHaveLength(4);
});

test("what happens while the server is away waits in the browser and arrives with the next page, once", async ({ owner, visitor }) => {
  const guest = await visitor();
  await guest.opens("/demo");
  await owner.server.kill9();
  await guest.page.evaluate(() => history.pushState({}, "", "/demo/server-away"));
  await expect.poll(() => guest.page.evaluate(() => localStorage["pulse:demo"] ?? "")).toContain("server-away");
  await owner.server.restart();
  await guest.page.goto(`${owner.server.url}/demo/article`);
  const pageviews = async () => (await stored(owner)).filter((event) => event.startsWith("pageview")).sort();
  await expect.poll(pageviews).toEqual(["pageview /demo", "pageview /demo/article", "pageview /demo/server-away"]);
});

test("the script sets no cookie and leaves nothing that outlives the tab", async ({ owner, visitor }) => {
  const guest = await visitor();
  await guest.opens("/demo");
  await guest.opens("/demo/article");
  expect(await guest.context.cookies()).toEqual([]);
  await expect.poll(() => guest.page.evaluate(() => Object.keys(sessionStorage).sort())).toEqual(["pulse:feed:demo", "pulse_way"]);
  expect(await guest.page.evaluate(() => Object.keys(localStorage))).toEqual([]);
  await expect.poll(() => stored(owner)).toContain("pageview /demo/article");
});
