// The dashboard of a site's history: its numbers are the API's and the oracle's, everything on it can be clicked, and every state is an address.
import { expect, test } from "../support/actors.ts";
import { Known, figure, number, rows } from "../support/known.ts";

/** Tab, its card, and what the oracle calls its question. */
const TABS: [tab: string, card: string, answer: string][] = [
  ["sources", "sources", "sources"],
  ["channels", "sources", "channels"],
  ["referrers", "sources", "referrers"],
  ["utm_campaigns", "sources", "utm campaigns"],
  ["utm_sources", "sources", "utm sources"],
  ["utm_mediums", "sources", "utm mediums"],
  ["utm_contents", "sources", "utm contents"],
  ["utm_terms", "sources", "utm terms"],
  ["pages", "pages", "pages"],
  ["entries", "pages", "entry pages"],
  ["exits", "pages", "exit pages"],
  ["countries", "places", "countries"],
  ["regions", "places", "regions"],
  ["cities", "places", "cities"],
  ["browsers", "technology", "browsers"],
  ["systems", "technology", "systems"],
  ["devices", "technology", "devices"],
  ["screens", "technology", "screens"],
  ["languages", "technology", "languages"],
  ["goals", "behaviour", "goals"],
];

test("every card shows what the API answers and what the oracle expects", async ({ owner }) => {
  test.slow();
  const known = await Known.of(owner);
  for (const [tab, card, name] of TABS) {
    await test.step(tab, async () => {
      const { query, results } = known.answer(name);
      expect(await known.asks(query)).toEqual(results);
      const page = await known.opens(`tabs=${tab}`);
      const shown = await rows(page, card);
      // Some cards leave out who came without a tag, or from nowhere known.
      const all = shown.some((row) => row.name === "(not set)");
      const named = all ? results : results.filter((row) => row.dimensions[0] !== "(not set)");
      const expected = named.slice(0, shown.length).map((row) => row.metrics[0]);
      expect(shown.length).toBe(Math.min(named.length, 9));
      expect(shown.map((row) => number(row.figures[0]))).toEqual(expected);
    });
  }
});

test("the headline figures are the API's and the oracle's, under every filter", async ({ owner }) => {
  const known = await Known.of(owner);
  const cases: [answer: string, address: string][] = [
    ["totals", ""],
    ["totals of Germany", "f=is,country,DE"],
    ["totals of the blog", "f=contains,page,/blog"],
    ["totals of Google or e-mail, not on phones", "f=is,source,Google;is,channel,Email&f=is_not,device,Mobile"],
    ["totals of who bought", "f=done,goal,Purchase"],
  ];
  const metrics = ["visitors", "visits", "pageviews", "views_per_visit", "bounce_rate"];
  for (const [name, address] of cases) {
    await test.step(name, async () => {
      const { query, results } = known.answer(name);
      expect(await known.asks(query)).toEqual(results);
      const page = await known.opens(address);
      for (const [i, metric] of metrics.entries()) {
        const shown = page.getByTestId(`figure-${metric}`);
        if (await shown.count()) expect(await figure(page, metric), metric).toBe(results[0].metrics[i]);
      }
    });
  }
});

test("the graph has the day's numbers, for those who listen too", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = await known.opens("metric=visitors");
  const cells = page.getByTestId("graph").locator("tbody td");
  await expect(cells).toHaveCount(3);
  const shown = (await cells.allTextContents()).map(number);
  expect(shown).toEqual(known.answer("graph by day").results.map((row) => row.metrics[0]));
  await page.getByTestId("graph").locator(".graph__area").hover({ position: { x: 3, y: 40 } });
  await expect(page.locator(".graph__tip b")).toHaveText(String(shown[0]));
});

test("a figure shows itself as the graph, and the interval can be chosen", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = await known.opens();
  await page.getByTestId("figure-pageviews").click();
  await expect(page).toHaveURL(/metric=pageviews/);
  const days = (await page.getByTestId("graph").locator("tbody td").allTextContents()).map(number);
  expect(days).toEqual(known.answer("graph by day").results.map((row) => row.metrics[1]));
  await page.getByTestId("graph").getByRole("link", { name: "Hour" }).click();
  await expect(page.getByTestId("graph").locator("tbody td")).toHaveCount(71); // the clocks go forward on Sunday
});

test("clicking a row filters by it, and the back button takes that back", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = await known.opens("tabs=countries");
  await page.getByTestId("card-places").getByRole("link", { name: "Germany", exact: true }).click();
  await expect(page.getByTestId("pill")).toHaveText(/Country is Germany/);
  expect(await figure(page, "visitors")).toBe(known.answer("totals of Germany").results[0].metrics[0]);
  await expect(page.getByTestId("card-places").getByRole("link", { name: "Regions" })).toHaveAttribute("aria-current", "true");
  await page.reload();
  await expect(page.getByTestId("pill")).toHaveCount(1);
  await page.goBack();
  await expect(page.getByTestId("pill")).toHaveCount(0);
  expect(await figure(page, "visitors")).toBe(known.answer("totals").results[0].metrics[0]);
});

test("a source leads to its referrers", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = await known.opens();
  await page.getByTestId("card-sources").getByRole("link", { name: "Google", exact: true }).click();
  const expected = known.answer("referrers of Google").results;
  const shown = await rows(page, "sources");
  expect(shown.map((row) => row.name)).toEqual(expected.map((row) => row.dimensions[0]).slice(0, shown.length));
});

test("filters are made with and, or, is not and contains, changed, and cleared", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = await known.opens();
  const choose = async (dimension: string) => {
    await page.getByTestId("filter").click();
    await page.getByTestId("toolbar").getByRole("link", { name: dimension, exact: true }).click();
  };
  const dialog = page.getByTestId("filter-dialog");
  await choose("Source");
  await dialog.getByLabel("Google", { exact: false }).first().check();
  await dialog.getByRole("button", { name: "Apply" }).click();
  await choose("Channel");
  await dialog.getByLabel("Or type").fill("Email"); // nobody came from Google by e-mail: it is not offered
  await dialog.getByLabel("Applies").selectOption({ index: 1 });
  await dialog.getByRole("button", { name: "Apply" }).click();
  await expect(page.getByTestId("pill")).toHaveText([/Source is Google, or Channel is Email/]);
  await choose("Device");
  await dialog.locator("select[name=op]").selectOption("is_not");
  await dialog.getByLabel("Mobile").check();
  await dialog.getByRole("button", { name: "Apply" }).click();
  await expect(page.getByTestId("pill")).toHaveCount(2);
  const expected = known.answer("totals of Google or e-mail, not on phones").results[0].metrics;
  expect(await figure(page, "visitors")).toBe(expected[0]);
  expect(await figure(page, "visits")).toBe(expected[1]);

  await page.getByTestId("pill").nth(1).getByRole("link", { name: /^Device/ }).click();
  await dialog.locator("select[name=op]").selectOption("contains");
  await dialog.getByRole("button", { name: "Apply" }).click();
  await expect(page.getByTestId("pill").nth(1)).toHaveText(/Device contains Mobile/);
  await page.getByRole("link", { name: "Clear all" }).click();
  await expect(page.getByTestId("pill")).toHaveCount(0);
});

test("the details have all rows, and search, sort and download them", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = await known.opens();
  await page.getByTestId("card-pages").getByRole("link", { name: "Details" }).click();
  const all = known.answer("pages").results;
  await expect(page.getByTestId("details-row")).toHaveCount(all.length);
  await page.getByRole("link", { name: "Pageviews" }).click();
  const most = Math.max(...all.map((row) => Number(row.metrics[1])));
  await expect(page.getByTestId("details-row").first().locator("td").nth(2)).toHaveText(String(most));
  await page.getByRole("searchbox", { name: "Search" }).fill("blog");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("details-row")).toHaveCount(all.filter((row) => row.dimensions[0].includes("blog")).length);
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "CSV" }).click()]);
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
  const lines = Buffer.concat(chunks).toString().trim().split(/\r?\n/);
  expect(lines.length).toBe(1 + all.filter((row) => row.dimensions[0].includes("blog")).length);
});

test("periods are picked, stepped by arrows and chosen by days", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = await known.opens();
  await page.goto(`${owner.server.url}/sites/${Known.domain}?period=day&date=2026-03-29`);
  expect(await figure(page, "visitors")).toBe(known.answer("totals of Sunday").results[0].metrics[0]);
  for (const [key, address] of [
    ["ArrowLeft", /date=2026-03-28/],
    ["ArrowRight", /date=2026-03-29/],
  ] as const) {
    // The program is there once it has taken over the page.
    await expect(async () => {
      if (!address.test(page.url())) await page.keyboard.press(key);
      await expect(page).toHaveURL(address, { timeout: 2000 });
    }).toPass();
  }
  await page.getByTestId("period").click();
  await page.getByRole("link", { name: /^Last 7 days/ }).click();
  await expect(page).toHaveURL(/period=7d/);
  await page.getByTestId("period").click();
  await page.locator("input[name=from]").first().fill("2026-03-28");
  await page.locator("input[name=to]").first().fill("2026-03-30");
  await page.getByTestId("toolbar").getByRole("button", { name: "Apply" }).first().click();
  await expect(page).toHaveURL(/from=2026-03-28.*to=2026-03-30/);
  expect(await figure(page, "visitors")).toBe(known.answer("totals").results[0].metrics[0]);
});

test("two periods are compared: the one before, chosen days, and the same weekdays", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = owner.page;
  await page.goto(`${owner.server.url}/sites/${Known.domain}?period=day&date=2026-03-30`);
  await page.getByTestId("compare").click();
  await page.getByRole("link", { name: "Previous period" }).click();
  await expect(page).toHaveURL(/compare=previous/);
  const compared = known.answer("totals compared with the day before").results[0] as unknown as { comparison: { change: number[] } };
  const change = await page.getByTestId("figure-visitors").locator("xpath=..").locator(".change").textContent();
  expect(number(change ?? "")).toBe(Math.abs(compared.comparison.change[0]));
  await expect(page.getByTestId("graph").locator(".graph__key--before")).toHaveText(/29 Mar/);
  await page.getByTestId("compare").click();
  await page.getByRole("link", { name: "Match day of the week" }).click();
  await expect(page).toHaveURL(/match_day=1/);
  await page.goto(`${owner.server.url}/sites/${Known.domain}?period=day&date=2026-03-30&compare=custom&compare_from=2026-03-28&compare_to=2026-03-28`);
  await expect(page.getByTestId("graph").locator(".graph__key--before")).toHaveText(/28 Mar/);
});

test("the keyboard does what the mouse does, and says what it can do", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = await known.opens("f=is,country,DE");
  for (const [key, address] of [
    ["w", /period=7d/],
    ["d", /period=day/],
    ["y", /period=year/],
    ["x", /compare=previous/],
    ["Escape", /^((?!f=).)*$/],
  ] as const) {
    // The program is there once it has taken over the page.
    await expect(async () => {
      await page.keyboard.press(key);
      await expect(page).toHaveURL(address, { timeout: 1000 });
    }).toPass();
  }
  const sheet = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await expect(async () => {
    if (!(await sheet.isVisible())) await page.keyboard.press("?");
    await expect(sheet).toBeVisible({ timeout: 1000 });
  }).toPass();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeHidden();
});

test("a goal made in the settings counts back over history, and a funnel shows who drops off", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = owner.page;
  await page.goto(`${owner.server.url}/sites/${Known.domain}/settings/goals`);
  await expect(page.getByText("Team signup").first()).toBeVisible();
  const { answer } = known.funnel("Buying");
  await known.adds("Buying");
  await page.goto(`${owner.server.url}/sites/${Known.domain}/funnels?${Known.days}`);
  for (const step of answer.steps) {
    await expect(page.getByTestId("funnel-step").filter({ hasText: step.label })).toContainText(String(step.visitors));
  }
});

test("a tile changes by itself under a filter when a matching visit happens, and only then", async ({ owner, server }) => {
  const page = owner.page;
  const visit = (path: string) => server.event({ n: "pageview", u: `http://localhost${path}`, d: "demo" });
  await visit("/demo"); // until somebody came, the site waits for its first event
  await page.goto(`${server.url}/sites/demo?period=day&f=is,page,/demo/article`);
  await expect(page.getByTestId("status")).toHaveText("Live");
  expect(await figure(page, "visitors")).toBe(0);
  await visit("/demo");
  await visit("/demo/article");
  await expect.poll(() => figure(page, "visitors")).toBe(1);
  await expect.poll(() => figure(page, "pageviews")).toBe(1);
  await expect(page.getByTestId("card-pages").getByTestId("row")).toHaveCount(1);
  await visit("/demo/article");
  await expect.poll(() => figure(page, "pageviews")).toBe(2);
});

test("without JavaScript the dashboard is complete and its filters work", async ({ owner, browser }) => {
  const known = await Known.of(owner);
  const context = await browser.newContext({ javaScriptEnabled: false });
  await context.addCookies(await owner.context.cookies());
  const page = await known.opens("", await context.newPage());
  expect(await figure(page, "visitors")).toBe(known.answer("totals").results[0].metrics[0]);
  await page.getByTestId("card-places").getByRole("link", { name: "Germany", exact: true }).click();
  expect(await figure(page, "visitors")).toBe(known.answer("totals of Germany").results[0].metrics[0]);
  await context.close();
});

test("an address that says something wrong is told so and shows what it can", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = await known.opens("f=nonsense&metric=moon");
  await expect(page.getByText(/could not|cannot be read|there is no such/i).first()).toBeVisible();
  expect(await figure(page, "visitors")).toBe(known.answer("totals").results[0].metrics[0]);
});
