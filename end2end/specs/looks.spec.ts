// How every page looks and reads: light and dark, wide and narrow, by keyboard and to assistive technology. The screenshots are in
// end2end/test-results/looks, to be looked at.
import { Known } from "../support/known.ts";
import AxeBuilder from "@axe-core/playwright";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { type Browser, type Page } from "@playwright/test";
import { BROWSERS, type Owner, type Server, expect, test } from "../support/actors.ts";

const LOOKS = [1440, 390].flatMap((width) => (["light", "dark"] as const).map((scheme) => ({ width, scheme })));

const STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** An open menu lies over what is below it; axe takes what is left of that for a target that is too small. */
const COVERED: Record<string, string[]> = { "waiting-opened": ["target-size"] };

/** Collects what the page complained of. */
function complaints(page: Page): string[] {
  const said: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) said.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => said.push(`uncaught: ${error.message}`));
  return said;
}

/** Looks at the page in every way: takes its picture, lets axe read it, and sees whether anything sticks out. */
async function look(page: Page, name: string, folder: string): Promise<void> {
  for (const { width, scheme } of LOOKS) {
    await page.setViewportSize({ width, height: width > 1000 ? 900 : 844 });
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    await mkdir(folder, { recursive: true });
    await page.screenshot({ path: path.join(folder, `${name}-${scheme}-${width}.png`), fullPage: true, animations: "disabled" });
    const sticksOut = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect.soft(sticksOut, `${name}, ${width}: nothing sticks out to the right`).toBeLessThanOrEqual(0);
    // Legacy only in how frames are read, and there are none: it spares a new tab a look.
    const axe = new AxeBuilder({ page }).setLegacyMode();
    const { violations } = await axe.withTags(STANDARDS).disableRules(COVERED[name] ?? []).analyze();
    const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target, any }) => `${target} ${any[0]?.message ?? ""}`).join(" | ")}`);
    expect.soft(found, `${name}, ${scheme}, ${width}: axe`).toEqual([]);
  }
}

const settled = (page: Page) => expect(page.getByTestId("status")).toHaveText("Live");

/** A site with some life in it, from several places and times; as a proxy passes visits on. */
test.use({ flags: ["--trusted-proxies", "127.0.0.1/32"] });
async function enliven(server: Server): Promise<void> {
  const pages = ["/", "/article", "/app#/inbox", "/a/rather/long/path/that/has/to/be/cut/somewhere/because/no/column/is/that/wide", "/pricing"];
  const referrers = ["https://news.ycombinator.com/", "https://www.google.com/", "https://duckduckgo.com/", "", "https://a-blog-with-a-long-name.example/post", ""];
  const places = ["91.198.174.192", "8.8.8.8", "200.147.35.149", "133.242.0.3", "41.203.64.1", "1.1.1.1", "2001:4860:4860::8888"];
  const agents = Object.values(BROWSERS);
  for (let n = 39; n >= 0; n--) {
    const answer = await server.event(
      { n: n % 9 ? "pageview" : "Signup", u: `http://127.0.0.1/demo${pages[(n * n) % pages.length]}`, d: "demo", r: referrers[(n * n) % referrers.length], a: n * n * 1100, h: 1, w: [1500, 400, 900][n % 3] },
      { "user-agent": agents[n % agents.length], "x-forwarded-for": places[(n * 3) % places.length] },
    );
    expect(answer.status).toBe(202);
  }
}

type Stage = { owner: Owner; page: Page; browser: Browser };
/** Every page and state, and how to get there. */
const STAGES: Record<string, (stage: Stage) => Promise<Page>> = {
  login: async ({ owner, browser }) => open(browser, `${owner.server.url}/login`),
  "login-error": async ({ owner, browser }) => open(browser, `${owner.server.url}/login?error=credentials&email=ada%40example.com`),
  "sites-quiet": async ({ owner, page }) => {
    await page.goto(owner.server.url);
    await settled(page);
    return page;
  },
  "sites-lively": async ({ owner, page }) => {
    await enliven(owner.server);
    for (const domain of ["example.com", "a-long-name.of-a-customer.example"]) await owner.adds(domain);
    await owner.server.event({ n: "pageview", u: "https://example.com/", d: "example.com" });
    await page.goto(owner.server.url);
    await settled(page);
    return page;
  },
  "sites-none": async ({ owner, page }) => {
    await owner.posts("/fn/remove-site", { domain: "demo", confirm: "demo" });
    await page.goto(owner.server.url);
    await expect(page.getByRole("heading", { name: "No site yet" })).toBeVisible();
    return page;
  },
  "new-site": async ({ owner, page }) => {
    await page.goto(`${owner.server.url}/sites/new`);
    return page;
  },
  "new-site-error": async ({ owner, page }) => {
    await page.goto(`${owner.server.url}/sites/new`);
    await page.getByLabel("Domain").fill("not a domain");
    await page.getByRole("button", { name: "Add site" }).click();
    await expect(page.locator("#domain-error")).toHaveText(/.+/);
    return page;
  },
  waiting: async ({ owner, page }) => {
    await owner.adds("example.com");
    await page.goto(`${owner.server.url}/sites/example.com/live`);
    await settled(page);
    return page;
  },
  "waiting-opened": async ({ owner, page }) => {
    await owner.adds("example.com");
    await page.goto(`${owner.server.url}/sites/example.com/live`);
    await settled(page);
    await page.getByText("Nothing arrives?").click();
    await page.getByLabel("Switch to another site").click();
    await expect(page.getByRole("link", { name: "demo", exact: true })).toBeVisible();
    return page;
  },
  live: async ({ owner, page }) => {
    await enliven(owner.server);
    await owner.watches("demo", page);
    await expect(page.getByTestId("stream-row")).toHaveCount(40);
    return page;
  },
  "live-empty": async ({ owner, page }) => {
    // Something has happened once, and nothing for half an hour.
    await owner.server.event({ n: "pageview", u: "http://127.0.0.1/demo", d: "demo", a: 45 * 60_000 });
    // The stream shows what arrived, however late; after a restart what happened in the last half hour.
    await owner.server.restart();
    await owner.watches("demo", page);
    await expect(page.getByText("No event in the last 30 minutes")).toBeVisible();
    return page;
  },
  board: async ({ owner }) => (await Known.of(owner)).opens("compare=previous"),
  "board-filtered": async ({ owner }) => (await Known.of(owner)).opens("f=is,country,DE&f=contains,page,/&tabs=map,utm_campaigns"),
  "board-compared": async ({ owner }) => (await Known.of(owner)).opens("period=day&date=2026-03-30&compare=previous&tabs=retention"),
  "board-details-compared": async ({ owner }) => (await Known.of(owner)).opens("period=day&date=2026-03-30&compare=previous&details=pages"),
  "board-goals": async ({ owner }) => (await Known.of(owner)).opens("tabs=goals,countries"),
  "board-realtime": async ({ owner, page }) => {
    await enliven(owner.server);
    await page.goto(`${owner.server.url}/sites/demo?period=realtime`);
    await settled(page);
    return page;
  },
  "share-open": async ({ owner, page, browser }) => {
    await enliven(owner.server);
    await page.goto(`${owner.server.url}/sites/demo/settings/links`);
    await page.getByLabel("Name").fill("Open");
    await page.getByRole("button", { name: "Make link" }).click();
    const guest = await open(browser, await page.getByTestId("share-link").inputValue());
    await settled(guest);
    return guest;
  },
  "board-details": async ({ owner }) => (await Known.of(owner)).opens("details=pages"),
  "board-filter": async ({ owner }) => {
    const page = await (await Known.of(owner)).opens("edit=country");
    await expect(page.getByTestId("filter-dialog")).toBeVisible();
    return page;
  },
  "board-nothing": async ({ owner }) => (await Known.of(owner)).opens("f=is,page,/nowhere"),
  funnels: async ({ owner }) => {
    const known = await Known.of(owner);
    await known.adds("Buying");
    await owner.page.goto(`${owner.server.url}/sites/${Known.domain}/funnels?${Known.days}`);
    return owner.page;
  },
  retention: async ({ owner }) => {
    await Known.of(owner);
    await owner.page.goto(`${owner.server.url}/sites/${Known.domain}/retention?${Known.days}`);
    return owner.page;
  },
  import: async ({ owner }) => {
    await Known.of(owner);
    await owner.page.goto(`${owner.server.url}/sites/${Known.domain}/import`);
    return owner.page;
  },
  "live-offline": async ({ owner, page }) => {
    await enliven(owner.server);
    await owner.watches("demo", page);
    await owner.context.setOffline(true);
    await expect(page.getByTestId("offline")).toBeVisible();
    return page;
  },
  settings: async ({ owner, page }) => {
    await page.goto(`${owner.server.url}/sites/demo/settings`);
    return page;
  },
  "settings-saved": async ({ owner, page }) => {
    await page.goto(`${owner.server.url}/sites/demo/settings`);
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByTestId("saved")).toBeVisible();
    return page;
  },
  "settings-goals": async ({ owner, page }) => {
    await owner.posts("/fn/add-goal", { domain: "demo", kind: "event", event: "Signup", props: "plan=team", currency: "EUR" });
    await owner.posts("/fn/add-goal", { domain: "demo", kind: "scroll", path: "/demo/article", threshold: "75" });
    await page.goto(`${owner.server.url}/sites/demo/settings/goals`);
    return page;
  },
  "settings-funnels": async ({ owner, page }) => {
    for (const path of ["/demo", "/demo/article"]) await owner.posts("/fn/add-goal", { domain: "demo", kind: "page", path });
    await page.goto(`${owner.server.url}/sites/demo/settings/funnels`);
    await page.getByLabel("Name").fill("Reading");
    await page.getByLabel("Step 1").selectOption({ index: 1 });
    await page.getByLabel("Step 2").selectOption({ index: 2 });
    await page.getByRole("button", { name: "Add funnel" }).click();
    return page;
  },
  "settings-segments": async ({ owner, page }) => {
    await owner.posts("/fn/save-segment", { domain: "demo", name: "Germany and Austria", shared: "on", filters: '[["is","visit:country",["DE","AT"]]]' });
    await page.goto(`${owner.server.url}/sites/demo/settings/segments`);
    return page;
  },
  "settings-people": async ({ owner, page }) => {
    await page.goto(`${owner.server.url}/sites/demo/settings/people`);
    await page.getByLabel("Email").fill("a.rather.long.address.of.somebody@department.example.com");
    await page.getByRole("button", { name: "Make invitation" }).click();
    await expect(page.getByTestId("invitation-link")).toBeVisible();
    return page;
  },
  "settings-links": async ({ owner, page }) => {
    await page.goto(`${owner.server.url}/sites/demo/settings/links`);
    await page.getByLabel("Name").fill("The screen in the hall");
    await page.getByLabel("May be embedded").check();
    await page.getByRole("button", { name: "Make link" }).click();
    await expect(page.getByTestId("share-frame")).toBeVisible();
    return page;
  },
  // For a path that no page has: the demo's own pages stay as they are.
  "feed-mistaken": async ({ owner, page }) => {
    const publishes = (fields: Record<string, string>) => owner.posts("/sites/demo/feed", { action: "publish", kind: "message", path: "/nowhere", ...fields });
    await publishes({ title: "The ferry leaves an hour later today, because of the wind and of a rather long title", text: "Until *six*.", pinned: "1", countries: "DE, AT" });
    await publishes({ title: "Market day", publish_at: "2027-01-04T08:00", expires_at: "2027-01-04T14:00" });
    await page.goto(`${owner.server.url}/sites/demo/feed`);
    await page.getByLabel("a link").check();
    await page.getByLabel("Title").fill("Where to stay");
    await page.getByLabel("Address").fill("example.com");
    await page.getByRole("button", { name: "Publish" }).click();
    await expect(page.locator("#url-error")).toBeVisible();
    return page;
  },
  "settings-visitors": async ({ owner, page }) => {
    await owner.posts("/fn/revoke-visitor", { domain: "demo", kind: "user", name: "somebody.with.a.rather.long.name@department.example.com" });
    await page.goto(`${owner.server.url}/sites/demo/settings/visitors`);
    await page.getByLabel("A secret (HS256)").check();
    await page.getByLabel("Connect endpoint").fill("https://example.com/pulsecast/connect");
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByTestId("visitor-secret")).toBeVisible();
    return page;
  },
  "settings-exclusions": async ({ owner, page }) => {
    await page.goto(`${owner.server.url}/sites/demo/settings/exclusions`);
    await page.getByLabel("IP addresses").fill("the office");
    await page.getByRole("button", { name: "Save" }).first().click();
    await expect(page.locator("#ips-error")).toHaveText(/.+/);
    return page;
  },
  "settings-audit": async ({ owner, page }) => {
    await owner.posts("/fn/add-goal", { domain: "demo", kind: "page", path: "/demo/article" });
    await owner.sets("demo", { ip_display: "none" });
    await page.goto(`${owner.server.url}/sites/demo/settings/audit`);
    return page;
  },
  "settings-danger": async ({ owner, page }) => {
    await page.goto(`${owner.server.url}/sites/demo/settings/danger`);
    return page;
  },
  account: async ({ owner, page }) => {
    await page.goto(`${owner.server.url}/account`);
    return page;
  },
  invitation: async ({ owner, page, browser }) => {
    await page.goto(`${owner.server.url}/sites/demo/settings/people`);
    await page.getByLabel("Email").fill("bob@example.com");
    await page.getByRole("button", { name: "Make invitation" }).click();
    return open(browser, await page.getByTestId("invitation-link").inputValue());
  },
  "share-password": async ({ owner, page, browser }) => {
    await page.goto(`${owner.server.url}/sites/demo/settings/links`);
    await page.getByLabel("Name").fill("Closed");
    await page.getByLabel("Password").fill("open sesame please");
    await page.getByRole("button", { name: "Make link" }).click();
    return open(browser, await page.getByTestId("share-link").inputValue());
  },
  "not-found": async ({ owner, page }) => {
    await page.goto(`${owner.server.url}/no/such/page`);
    return page;
  },
  "no-such-site": async ({ owner, page }) => {
    await page.goto(`${owner.server.url}/sites/nowhere.example`);
    return page;
  },
  "demo-home": async ({ owner, page }) => {
    await page.goto(`${owner.server.url}/demo`);
    await expect(page.locator("[data-pulse-online]")).toHaveText(/\d/);
    return page;
  },
  "demo-article": async ({ owner, page }) => {
    await page.goto(`${owner.server.url}/demo/article`);
    await expect(page.locator("[data-pulse-online]")).toHaveText(/\d/);
    return page;
  },
  "demo-app": async ({ owner, page }) => {
    await page.goto(`${owner.server.url}/demo/app`);
    await expect(page.locator("[data-pulse-online]")).toHaveText(/\d/);
    return page;
  },
  "demo-counter": async ({ owner, page }) => {
    await page.goto(`${owner.server.url}/demo/counter`);
    await expect(page.getByTestId("on-this-page")).toHaveText(/1reader$/);
    return page;
  },
};

/** Somebody who is not signed in opens this. */
async function open(browser: Browser, address: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(address);
  return page;
}

/** What browsers say themselves about an answer that is meant to be an error, or about a network that is meant to be away. */
const MEANT: Record<string, RegExp> = {
  "not-found": /status of 404/,
  "no-such-site": /status of 404/,
  "new-site-error": /status of 4\d\d/,
  "live-offline": /WebSocket|ERR_INTERNET_DISCONNECTED/,
};

for (const [name, arrive] of Object.entries(STAGES)) {
  test(`${name} looks right, reads right and complains of nothing`, async ({ owner, browser }, info) => {
    const said = complaints(owner.page);
    const page = await arrive({ owner, page: owner.page, browser });
    if (page !== owner.page) page.on("console", (message) => message.type() === "error" && said.push(message.text()));
    await look(page, name, path.join(info.project.outputDir, "looks"));
    expect(said.filter((line) => !MEANT[name]?.test(line))).toEqual([]);
    if (page !== owner.page) await page.context().close();
  });
}

test("set-up looks right and reads right", async ({ server, page }, info) => {
  const said = complaints(page);
  await page.goto(await server.firstAccount());
  await look(page, "setup", path.join(info.project.outputDir, "looks"));
  await page.goto(`${server.url}/login`);
  await look(page, "welcome", path.join(info.project.outputDir, "looks"));
  expect(said).toEqual([]);
});

test("by keyboard alone: past the top to the content, to the stream's pause, and on", async ({ owner }) => {
  await enliven(owner.server);
  const page = await owner.watches("demo");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeInViewport();
  await page.keyboard.press("Enter");
  await expect(page.locator("#main")).toBeFocused();
  await reaches(page, "pause");
  await page.keyboard.press("Space");
  await expect(page.getByRole("button", { name: "Resume" })).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("region", { name: "Events, newest first" }), "the stream can be scrolled by keyboard").toBeFocused();
});

test("by keyboard alone: the snippet can be copied and a site added", async ({ owner }) => {
  const { page, server, context } = owner;
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.url });
  await page.goto(`${server.url}/sites/new`);
  await page.getByLabel("Domain").focus();
  await page.keyboard.type("keys.example");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(`${server.url}/sites/keys.example/live`);
  await expect(page.getByTestId("status")).toHaveText("Live");
  await reaches(page, "copy-snippet");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("copy-snippet")).toHaveText("Copied");
});

/** Presses Tab until the element has the focus, and sees that the focus shows. */
async function reaches(page: Page, testid: string): Promise<void> {
  for (let presses = 0; presses < 30; presses++) {
    await page.keyboard.press("Tab");
    const focused = page.locator(":focus");
    const shows = await focused.evaluate((element) => {
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
      return (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
    });
    expect(shows, `the focus shows on ${await focused.evaluate((element) => element.outerHTML.slice(0, 120))}`).toBe(true);
    if ((await focused.getAttribute("data-testid")) === testid) return;
  }
  throw new Error(`Tab does not reach ${testid}`);
}
