// The counter on pages of somebody else: on two origins, each counted apart; visitors, not tabs; and what is left when one goes.
import type { BrowserContext, Page } from "@playwright/test";
import { BROWSERS, type Owner, expect, test } from "../support/actors.ts";
import { Pages, html } from "../support/pages.ts";

/** What stands in a page's counter. */
const shows = (page: Page, nth = 0) => page.locator("pulse-counter").nth(nth);
const tag = (server: string, site: string, more = "") => `<script src="${server}/js/counter.js" data-site="${site}" ${more}></script>`;
const connections = (owner: Owner) => owner.server.metric("pulsecast_connections");

/** Two sites on this machine: one at 127.0.0.1, one at localhost. Both are places where browsers have locks. */
async function sites(owner: Owner, body: (site: string) => string) {
  const town = await Pages.serve({ "/": html("", body("town.example")), "/other": html("", body("town.example")) });
  const farm = await Pages.serve({ "/": html("", body("farm.example")) });
  await owner.adds("town.example");
  await owner.adds("farm.example");
  await owner.sets("town.example", { origins: town.origin("127.0.0.1") });
  await owner.sets("farm.example", { origins: farm.origin("localhost") });
  return { town: town.origin("127.0.0.1"), farm: farm.origin("localhost"), close: async () => void (await Promise.all([town.close(), farm.close()])) };
}

async function opens(context: BrowserContext, address: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(address);
  return page;
}

test("two origins count apart, tabs are one visitor, and the count falls when a window closes", async ({ owner, browser }) => {
  const { town, farm, close } = await sites(owner, (site) => tag(owner.server.url, site));
  const [ann, bob] = await Promise.all([BROWSERS.chrome, BROWSERS.firefox].map((userAgent) => browser.newContext({ userAgent })));
  const here = await opens(ann, town);
  await expect(shows(here)).toHaveText("1online");
  const there = await opens(ann, farm);
  await expect(shows(there)).toHaveText("1online");
  const bobs = await opens(bob, town);
  for (const page of [here, bobs]) await expect(shows(page)).toHaveText("2online");
  await expect(shows(there), "the farm has nothing to do with the town").toHaveText("1online");

  const tabs = [await opens(ann, town), await opens(ann, town)];
  for (const tab of tabs) await expect(shows(tab)).toHaveText("2online");
  expect(await connections(owner), "one for each browser and origin").toBe(3);

  const closed = Date.now();
  await bob.close();
  await expect(shows(here)).toHaveText("1online");
  const took = Date.now() - closed;
  console.log(`     a closed window is missed after ${took} ms`);
  expect(took).toBeLessThan(6_500);
  await ann.close();
  await expect.poll(() => connections(owner)).toBe(0);
  await close();
});

test("when the tab that holds the connection closes, the others go on and nobody is missed", async ({ owner, browser }) => {
  const { town, close } = await sites(owner, (site) => tag(owner.server.url, site));
  const [ann, bob] = await Promise.all([BROWSERS.chrome, BROWSERS.firefox].map((userAgent) => browser.newContext({ userAgent })));
  const watching = await opens(bob, town);
  const first = await opens(ann, town);
  const second = await opens(ann, town);
  await expect(shows(watching)).toHaveText("2online");
  const heard: string[] = [];
  await watching.exposeFunction("heard", (count: number) => heard.push(String(count)));
  await watching.evaluate(() => document.addEventListener("pulse:count", (event) => (window as never as { heard(n: number): void }).heard((event as CustomEvent).detail)));
  await first.close();
  await expect.poll(() => connections(owner)).toBe(2);
  const third = await opens(await browser.newContext({ userAgent: BROWSERS.safari }), town);
  for (const page of [second, watching, third]) await expect(shows(page)).toHaveText("3online");
  expect(heard, "Ann was there all the time").toEqual(["3"]);
  await third.context().close();
  await expect(shows(second)).toHaveText("2online");
  await ann.close();
  await bob.close();
  await close();
});

test("a reload does not flicker, and the back button brings the counter back", async ({ owner, browser }) => {
  const { town, close } = await sites(owner, (site) => tag(owner.server.url, site));
  const [ann, bob] = await Promise.all([BROWSERS.chrome, BROWSERS.firefox].map((userAgent) => browser.newContext({ userAgent })));
  const page = await opens(ann, town);
  const watching = await opens(bob, town);
  await expect(shows(watching)).toHaveText("2online");
  await watching.evaluate(() => {
    const counts: number[] = [];
    Object.assign(window, { counts });
    document.addEventListener("pulse:count", (event) => counts.push((event as CustomEvent).detail));
  });
  for (let n = 0; n < 3; n++) {
    await page.reload();
    await expect(shows(page)).toHaveText("2online");
  }
  await page.goto(`${town}/other`);
  await expect(shows(page)).toHaveText("2online");
  await page.goBack();
  await expect(shows(page)).toHaveText("2online");
  expect(await watching.evaluate(() => (window as never as { counts: number[] }).counts)).toEqual([]);
  await ann.close();
  await bob.close();
  await close();
});

test("each page has a count of its own, also in an app that changes pages by itself", async ({ owner, browser }) => {
  const { town, close } = await sites(owner, (site) => tag(owner.server.url, site, 'data-scope="page" data-label="reader|readers"'));
  const [ann, bob] = await Promise.all([BROWSERS.chrome, BROWSERS.firefox].map((userAgent) => browser.newContext({ userAgent })));
  const [page, other] = [await opens(ann, town), await opens(bob, `${town}/other`)];
  await expect(shows(page)).toHaveText("1reader");
  await expect(shows(other)).toHaveText("1reader");
  await page.evaluate(() => history.pushState({}, "", "/other?from=here"));
  await expect(shows(page)).toHaveText("2readers");
  await expect(shows(other)).toHaveText("2readers");
  await ann.close();
  await bob.close();
  await close();
});

test("a page whose policy forbids everything inline has its counter, and one that may not open sockets is left in peace", async ({ owner, browser }) => {
  const policy = (connect: string) =>
    `<meta http-equiv="content-security-policy" content="default-src 'none'; script-src ${owner.server.url}; connect-src ${connect}">`;
  const body = tag(owner.server.url, "town.example");
  const pages = await Pages.serve({
    "/": html(policy(owner.server.url.replace(/^http/, "ws")), body),
    "/closed": html(policy("'none'"), body),
  });
  const origin = pages.origin("127.0.0.1");
  await owner.adds("town.example");
  await owner.sets("town.example", { origins: origin });
  const context = await browser.newContext({ userAgent: BROWSERS.firefox });
  const page = await opens(context, origin);
  await expect(shows(page)).toHaveText("1online");
  const { display, gap } = await shows(page).evaluate((element) => ({ display: getComputedStyle(element).display, gap: getComputedStyle(element).columnGap }));
  expect([display, gap], "its looks are not inline either").toEqual(["inline-flex", "6.4px"]);
  await context.close();

  const strict = await browser.newContext({ userAgent: BROWSERS.firefox });
  const closed = await opens(strict, `${origin}/closed`);
  await expect(shows(closed)).toBeHidden();
  await expect(closed).toHaveTitle("A page");
  await strict.close();
  await pages.close();
});

test("where WebSockets do not get through the count comes as server-sent events, and who gets it so is counted like everybody", async ({ owner, browser }) => {
  const { town, close } = await sites(owner, (site) => tag(owner.server.url, site));
  const [ann, bob] = await Promise.all([BROWSERS.chrome, BROWSERS.firefox].map((userAgent) => browser.newContext({ userAgent })));
  await ann.addInitScript(() => {
    window.WebSocket = class {
      onclose?: (event: { code: number }) => void;
      constructor() {
        setTimeout(() => this.onclose?.({ code: 1006 }), 10);
      }
      close() {}
    } as never;
  });
  const blocked = await opens(ann, town);
  await expect(shows(blocked)).toHaveText("1online");
  const page = await opens(bob, town);
  for (const one of [blocked, page]) await expect(shows(one)).toHaveText("2online");
  const second = await opens(ann, town);
  await expect(shows(second)).toHaveText("2online");
  expect(await connections(owner)).toBe(2);
  await ann.close();
  await expect(shows(page)).toHaveText("1online");
  await bob.close();
  await close();
});

test("the demo's counters are those of a Leptos component, and one worker holds the connection of all tabs", async ({ owner, browser }) => {
  const context = await browser.newContext({ userAgent: BROWSERS.firefox });
  const first = await opens(context, `${owner.server.url}/demo/counter`);
  await expect(first.getByTestId("in-town")).toHaveText(/1visitor$/);
  await expect(first.getByTestId("on-this-page")).toHaveText(/1reader$/);
  await expect(first.getByTestId("at-the-lighthouse")).toHaveText(/0guests$/);
  const second = await opens(context, `${owner.server.url}/demo/counter`);
  await expect(second.getByTestId("in-town")).toHaveText(/1visitor$/);
  expect(await connections(owner)).toBe(1);
  // A worker goes by the browser's own name, whatever its context is called; the guest's tab connects by itself.
  const other = await browser.newContext({ userAgent: BROWSERS.safari });
  await other.addInitScript(() => void Reflect.deleteProperty(window, "SharedWorker"));
  const guest = await opens(other, `${owner.server.url}/demo/counter`);
  for (const page of [first, second, guest]) await expect(page.getByTestId("on-this-page")).toHaveText(/2readers$/);
  await first.close();
  await guest.context().close();
  await expect(second.getByTestId("on-this-page")).toHaveText(/1reader$/);
  await context.close();
  await expect.poll(() => connections(owner)).toBe(0);
});

test("a server that goes away takes the number with it and nothing else; when it is back, so is the number", async ({ owner, browser }) => {
  const { town, close } = await sites(owner, (site) => tag(owner.server.url, site));
  const context = await browser.newContext({ userAgent: BROWSERS.firefox });
  const page = await opens(context, town);
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  await expect(shows(page)).toHaveText("1online");
  await owner.server.kill9();
  await expect(shows(page), "for a while it stays").toHaveText("1online");
  await owner.server.restart();
  const visitor = await opens(await browser.newContext({ userAgent: BROWSERS.safari }), town);
  for (const one of [page, visitor]) await expect(shows(one)).toHaveText("2online", { timeout: 25_000 });
  expect(faults).toEqual([]);
  await visitor.context().close();
  await context.close();
  await close();
});
