// What the cards and their details show beyond their first figures: versions, properties, revenue, funnels, who comes back, what it was before; that they
// move by themselves; and that a long report stays smooth.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { type Owner, type Server, expect, test } from "../support/actors.ts";
import { Known, figure, number, rows } from "../support/known.ts";

const visit = (server: Server, path: string, more: Record<string, unknown> = {}) =>
  server.event({ n: "pageview", u: `http://localhost${path}`, d: "demo", ...more });

const live = (page: Page) => expect(page.getByTestId("status")).toHaveText("Live");

/** A row's figures, as numbers; what is no number is NaN. */
const figures = (row: { figures: string[] }) => row.figures.map((text) => (/\d/.test(text) ? number(text) : Number.NaN));

test("versions, hostnames and properties are what the API answers and the oracle expects", async ({ owner }) => {
  const known = await Known.of(owner);
  const cases: [answer: string, of: string, address: string, card: string][] = [
    ["browser versions", "Chrome", "f=is,browser,Chrome&tabs=browser_versions", "technology"],
    ["system versions", "Windows", "f=is,os,Windows&tabs=system_versions", "technology"],
  ];
  for (const [name, of, address, card] of cases) {
    const { query, results } = known.answer(name);
    expect(await known.asks(query)).toEqual(results);
    const expected = results.filter((row) => row.dimensions[0] === of).map((row) => [row.dimensions[1], row.metrics[0]]);
    const shown = await rows(await known.opens(address), card);
    expect(shown.map((row) => [row.name, figures(row)[0]])).toEqual(expected);
  }
  const { query, results } = known.answer("plans");
  expect(await known.asks(query)).toEqual(results);
  const plans = await rows(await known.opens("f=is,goal,Signup&tabs=properties&prop=plan"), "behaviour");
  expect(plans.map((row) => [row.name, ...figures(row)])).toEqual(results.map((row) => [...row.dimensions, ...row.metrics]));

  const hosts = await known.asks({ site_id: Known.domain, metrics: ["visitors"], date_range: ["2026-03-28", "2026-03-30"], dimensions: ["event:hostname"] });
  expect((await rows(await known.opens("tabs=hosts"), "pages")).map((row) => [row.name, figures(row)[0]])).toEqual(hosts.map((row) => [row.dimensions[0], row.metrics[0]]));
});

test("goals show what they earn, on their card and in full; a filter on goals by part of their name does too", async ({ owner }) => {
  const known = await Known.of(owner);
  const { query, results } = known.answer("goals");
  expect(await known.asks(query)).toEqual(results);
  const expected = results.map(({ dimensions, metrics }) => [
    dimensions[0],
    ...metrics.map((value) => (value === null ? Number.NaN : typeof value === "object" ? Math.round(value.value * 100) / 100 : value)),
  ]);
  const page = await known.opens("tabs=goals");
  const shown = await rows(page, "behaviour");
  expect(shown.map((row) => [row.name, ...figures(row)])).toEqual(expected);
  expect(shown.find((row) => row.name === "Purchase")?.figures[3]).toMatch(/€$/);

  await page.getByTestId("card-behaviour").getByRole("link", { name: "Details" }).click();
  const row = page.getByTestId("details-row").filter({ hasText: "Purchase" });
  await expect(row.locator("td").nth(3)).toHaveText(/236\.00.€/);
  await known.opens("f=contains,goal,urchas");
  expect(await figure(page, "total_revenue")).toBe(236);
  await known.opens("f=matches,goal,^Purch");
  expect(await figure(page, "total_revenue")).toBe(236);
});

test("amounts in several currencies are not added up, and the page says so", async ({ owner, server }) => {
  await owner.posts("/fn/add-goal", { domain: "demo", kind: "event", event: "Order", currency: "EUR" });
  for (const currency of ["EUR", "USD"]) {
    await server.event({ n: "Order", u: "http://localhost/demo", d: "demo", $: { amount: 5, currency } });
  }
  const { page } = owner;
  await expect(async () => {
    await page.goto(`${server.url}/sites/demo?period=day&f=is,goal,Order`);
    expect(await figure(page, "events")).toBe(2);
  }).toPass();
  await expect(page.getByTestId("figure-total_revenue")).toHaveText("–");
  await expect(page.getByTestId("figure-total_revenue").locator("xpath=..")).toContainText("several currencies");
  await expect(page.getByTestId("card-behaviour")).toContainText("Amounts in several currencies cannot be added");
});

test("a funnel has a card whose steps are the oracle's, and leads to all of it", async ({ owner }) => {
  const known = await Known.of(owner);
  await known.adds("Buying");
  const { answer } = known.funnel("Buying");
  const page = await known.opens("tabs=funnels");
  const shown = await rows(page, "behaviour");
  expect(shown.map((row) => [row.name, figures(row)[0]])).toEqual(answer.steps.map((step) => [step.label, step.visitors]));
  await page.getByTestId("card-behaviour").getByRole("link", { name: "Details" }).click();
  await expect(page.getByTestId("funnel-step")).toHaveCount(answer.steps.length);
});

/** How many visits each visitor had in the three days, counted from the raw history. */
function visitsOfVisitors(): number[] {
  const file = fileURLToPath(new URL("../fixtures/known-history.ndjson", import.meta.url));
  const [from, to] = ["2026-03-27T23:00:00Z", "2026-03-30T22:00:00Z"].map((text) => Date.parse(text));
  const visits = new Map<number, { visitor: string; start: number; last: number }>();
  for (const line of readFileSync(file, "utf8").split("\n").filter(Boolean)) {
    const event = JSON.parse(line) as { visit: number; visitor: string; time: string };
    const time = Date.parse(event.time);
    const visit = visits.get(event.visit) ?? { visitor: event.visitor, start: time, last: time };
    visits.set(event.visit, { ...visit, start: Math.min(visit.start, time), last: Math.max(visit.last, time) });
  }
  const counts = new Map<string, number>();
  for (const { visitor, start, last } of visits.values()) {
    if (start < to && last >= from) counts.set(visitor, (counts.get(visitor) ?? 0) + 1);
  }
  return [...counts.values()];
}

test("who comes back is a tab, with the figures that the history has, and leads to its page", async ({ owner }) => {
  const known = await Known.of(owner);
  const counts = visitsOfVisitors();
  const page = await known.opens("tabs=retention");
  const shown = await rows(page, "behaviour");
  const expected = [1, 2, 3, 4].map((n) => counts.filter((count) => count === n).length);
  expect(shown.map((row) => figures(row)[0])).toEqual([...expected, counts.filter((count) => count > 4).length]);
  expect(counts.length).toBe(known.answer("totals").results[0].metrics[0]);
  await page.getByTestId("card-behaviour").getByRole("link", { name: "Details" }).click();
  const again = counts.filter((count) => count > 1).length;
  await expect(page.getByTestId("returned")).toContainText(`${counts.length} visitors`);
  expect(number((await page.getByTestId("returned").locator("b").textContent()) ?? "")).toBeCloseTo((again * 100) / counts.length, 0);
});

test("a country on the map filters by it", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = await known.opens("tabs=map");
  await page.getByTestId("stats-map").getByRole("link", { name: /^Germany: / }).click();
  await expect(page.getByTestId("pill")).toHaveText(/Country is Germany/);
  expect(await figure(page, "visitors")).toBe(known.answer("totals of Germany").results[0].metrics[0]);
});

test("where a comparison was chosen, cards and details tell what each row was before", async ({ owner }) => {
  const known = await Known.of(owner);
  type Compared = { dimensions: string[]; metrics: number[]; comparison: { metrics: number[]; change: (number | null)[] } };
  const answer = (await known.asks({
    site_id: Known.domain,
    metrics: ["visitors", "pageviews"],
    date_range: ["2026-03-30", "2026-03-30"],
    dimensions: ["event:page"],
    include: { comparisons: { mode: "previous_period" } },
  })) as unknown as Compared[];
  const address = `${owner.server.url}/sites/${Known.domain}?period=day&date=2026-03-30`;
  const { page } = owner;
  await page.goto(`${address}&details=pages`);
  await expect(page.getByTestId("details-row").first().locator(".change")).toHaveCount(0);
  await page.goto(`${address}&details=pages&compare=previous`);
  for (const { dimensions, metrics, comparison } of answer) {
    const row = page.getByTestId("details-row").filter({ has: page.getByRole("link", { name: dimensions[0], exact: true }) });
    for (const [i, cell] of [[0, 0], [1, 2]]) {
      const change = row.locator("td").nth(cell).locator(".change");
      await expect(change).toHaveAttribute("title", `before: ${comparison.metrics[i]}`);
      const text = (await change.textContent()) ?? "";
      if (comparison.metrics[i] === 0) expect(text).toBe(metrics[i] > 0 ? "new" : "");
      else expect(number(text)).toBe(Math.abs(comparison.change[i] ?? 0));
      if (metrics[i] < comparison.metrics[i]) expect(text).toContain("↓");
    }
  }
  await page.goto(`${address}&compare=previous`);
  const first = page.getByTestId("card-pages").getByTestId("row").first();
  await expect(first.locator(".change")).toHaveCount(1);
  await expect(first.locator(".change")).toHaveAttribute("title", `before: ${answer[0].comparison.metrics[0]}`);
});

test("a site that has just begun tells no change from days before it", async ({ owner, server }) => {
  const { page } = owner;
  await visit(server, "/demo");
  await page.goto(`${server.url}/sites/demo?compare=previous`);
  await live(page);
  await expect(page.getByTestId("figure-visitors").locator("xpath=..")).toContainText("no figures then");
  for (const change of await page.locator(".change").allTextContents()) expect(change.trim()).toBe("");
});

test("the details move by themselves, within their search", async ({ owner, server }) => {
  const { page } = owner;
  await visit(server, "/demo");
  await page.goto(`${server.url}/sites/demo?period=day&details=pages&search=article`);
  await live(page);
  await expect(page.getByTestId("details-count")).toHaveText("Nothing found");
  await visit(server, "/demo/article");
  await visit(server, "/demo/other");
  await expect(page.getByTestId("details-row")).toHaveCount(1);
  await expect(page.getByTestId("details-count")).toHaveText("1–1 of 1");
  const pageviews = page.getByTestId("details-row").locator("td").nth(2);
  await expect(pageviews).toHaveText("1");
  await visit(server, "/demo/article");
  await expect(pageviews).toHaveText("2");
  await visit(server, "/demo/article/two");
  await expect(page.getByTestId("details-count")).toHaveText("1–2 of 2");
});

/** The demo site with a funnel of two pages; answers the address of a shared link. */
async function launches(owner: Owner): Promise<string> {
  const { page, server } = owner;
  for (const path of ["/demo", "/demo/article"]) await owner.posts("/fn/add-goal", { domain: "demo", kind: "page", path });
  await page.goto(`${server.url}/sites/demo/settings/funnels`);
  await page.getByLabel("Name").fill("Reading");
  await page.getByLabel("Step 1").selectOption({ index: 1 });
  await page.getByLabel("Step 2").selectOption({ index: 2 });
  await page.getByRole("button", { name: "Add funnel" }).click();
  await page.waitForURL(/done=/);
  await page.goto(`${server.url}/sites/demo/settings/links`);
  await page.getByLabel("Name").fill("The launch");
  await page.getByRole("button", { name: "Make link" }).click();
  return page.getByTestId("share-link").inputValue();
}

test("a funnel is live during a launch: on its card, on its page, and for whoever has a shared link", async ({ owner, server, browser }) => {
  await visit(server, "/demo");
  const address = await launches(owner);
  const card = owner.page;
  await card.goto(`${server.url}/sites/demo?period=day&tabs=funnels`);
  await live(card);
  const page = await owner.context.newPage();
  await page.goto(`${server.url}/sites/demo/funnels?period=day`);
  const guest = await (await browser.newContext()).newPage();
  await guest.goto(`${address}?period=day&tabs=funnels`);
  await guest.getByTestId("card-behaviour").getByRole("link", { name: "Details" }).click();
  await expect(guest).toHaveURL(/\/share\/.*details=funnels/);

  const second = card.getByTestId("card-behaviour").getByTestId("row").nth(1).locator(".row__figure").first();
  const steps = [page, guest].map((page) => page.getByTestId("funnel-step").nth(1));
  await expect(second).toHaveText("0");
  for (const step of steps) await expect(step).toContainText("0 visitors");
  await visit(server, "/demo/article");
  await expect(second).toHaveText("1");
  for (const step of steps) await expect(step).toContainText("1 visitors");

  await guest.getByRole("link", { name: "Back to the dashboard" }).click();
  await guest.goto(`${address}?period=day&tabs=retention`);
  await guest.getByTestId("card-behaviour").getByRole("link", { name: "Details" }).click();
  await expect(guest.getByTestId("returned")).toContainText("1 visitor");
  await expect(guest.getByTestId("as-of")).toContainText(/As of \d\d:\d\d/);
  await guest.context().close();
});

test("a report of 12,000 paths is gone through, searched and ordered on a page that stays small", async ({ owner }, info) => {
  const { page, server } = owner;
  const domain = "long.example";
  const paths = 12_000;
  await owner.adds(domain);
  const log = info.outputPath("access.log");
  const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
  // Each path once, the first hundred twice; a visitor looks at fifty.
  const line = (n: number) => {
    const visitor = Math.floor(n / 50);
    const time = `10/Mar/2026:${String(Math.floor(n / 3600) % 24).padStart(2, "0")}:${String(Math.floor(n / 60) % 60).padStart(2, "0")}:${String(n % 60).padStart(2, "0")} +0000`;
    return `198.51.${Math.floor(visitor / 250)}.${(visitor % 250) + 1} - - [${time}] "GET /page/${String(n % paths).padStart(5, "0")} HTTP/1.1" 200 512 "-" "${agent}"`;
  };
  writeFileSync(log, Array.from({ length: paths + 100 }, (_, n) => line(n)).join("\n") + "\n");
  await server.command("import", "--site", domain, log);

  const count = page.getByTestId("details-count");
  const address = `${server.url}/sites/${domain}?period=month&date=2026-03-10`;
  await page.goto(`${address}&details=pages`);
  await expect(count).toHaveText("1–100 of 12\u202f000");
  await page.getByRole("link", { name: "Next" }).click();
  await expect(count).toHaveText("101–200 of 12\u202f000");
  await page.getByRole("spinbutton", { name: "Page of" }).fill("77");
  await page.keyboard.press("Enter");
  await expect(count).toHaveText("7\u202f601–7\u202f700 of 12\u202f000");
  await page.getByRole("link", { name: "Last" }).click();
  await expect(count).toHaveText("11\u202f901–12\u202f000 of 12\u202f000");
  await page.getByRole("searchbox", { name: "Search" }).fill("/page/0012");
  await page.keyboard.press("Enter");
  await expect(count).toHaveText("1–10 of 10");
  await page.goto(`${address}&details=pages`);
  await page.getByRole("link", { name: "Pageviews" }).click();
  await expect(page.getByRole("columnheader", { name: "Pageviews" })).toHaveAttribute("aria-sort", "descending");
  await expect(page.getByTestId("details-row").first().locator("td").nth(2)).toHaveText("2");
  await expect(page.getByTestId("details-row")).toHaveCount(100);
  const nodes = await page.evaluate(() => document.querySelectorAll("*").length);
  expect(nodes, "the page stays small").toBeLessThan(3000);
});
