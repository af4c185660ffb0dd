// Periods and comparisons: those made of times, those that end now, those of the year before, and the graph as a way into them.
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { expect, test } from "../support/actors.ts";
import { Known, figure, number } from "../support/known.ts";

const site_id = Known.domain;
const asked = async (known: Known, date_range: unknown, more: object = {}) =>
  (await known.asks({ site_id, metrics: ["visitors", "pageviews"], date_range, ...more })).map((row) => Number(row.metrics[0]));
const change = async (page: Page) => number((await page.getByTestId("figure-visitors").locator("xpath=..").locator(".strip__change").textContent()) ?? "");
const percent = (now: number, before: number) => Math.round((Math.abs(now - before) / before) * 100);

test("a period can begin and end within a day, by the site's clock", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = await known.opens();
  await page.getByTestId("period").click();
  const form = page.locator("form").filter({ hasText: "Custom times, Europe/Berlin" });
  await form.getByLabel("From").fill("2026-03-30T08:00");
  await form.getByLabel("to", { exact: false }).last().fill("2026-03-30T16:30");
  await form.getByRole("button", { name: "Apply" }).click();
  await expect(page).toHaveURL(/from=2026-03-30T08(:|%3A)00&to=2026-03-30T16(:|%3A)30/);
  await expect(page.getByTestId("period")).toHaveText("Mon 30 Mar, 8:00–16:30");
  const times = ["2026-03-30T08:00:00+02:00", "2026-03-30T16:30:00+02:00"];
  const [visitors] = await asked(known, times);
  expect(await figure(page, "visitors")).toBe(visitors);
  // Hours unless minutes are asked for: 8 to 16.
  await expect(page.getByTestId("graph").locator("tbody td")).toHaveCount(9);
  const hours = await known.asks({ site_id, metrics: ["visitors"], date_range: times, dimensions: ["time:hour"] });
  const shown = (await page.getByTestId("graph").locator("tbody td").allTextContents()).map(number);
  expect(shown.filter((n) => n > 0)).toEqual(hours.map((row) => row.metrics[0]));

  await page.getByTestId("compare").click();
  await page.getByRole("link", { name: "Previous period" }).click();
  await expect(page.getByTestId("graph").locator(".graph__key--before")).toHaveText("29 Mar, 23:30 – 30 Mar, 8:00");
  const [before] = await asked(known, ["2026-03-29T23:30:00+02:00", "2026-03-30T08:00:00+02:00"]);
  expect(await change(page)).toBe(percent(visitors, before));
  await page.getByRole("link", { name: "One period back" }).click();
  await expect(page).toHaveURL(/from=2026-03-29T23:30&to=2026-03-30T08:00/);
  expect(await figure(page, "visitors")).toBe(before);
});

test("a point of the graph opens its day, and then its hour", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = await known.opens("f=is,country,DE");
  const area = page.getByTestId("graph").locator(".graph__area");
  const box = (await area.boundingBox()) ?? { width: 0, height: 0 };
  await expect(async () => {
    await area.hover({ position: { x: box.width / 2 + 3, y: 60 } });
    await area.hover({ position: { x: box.width / 2, y: 60 } });
    await expect(page.locator(".graph__when")).toHaveText("Sun 29 Mar", { timeout: 500 });
  }).toPass();
  await area.click({ position: { x: box.width / 2, y: 60 } });
  await expect(page).toHaveURL(/f=is,country,DE.*period=day&date=2026-03-29/);
  await expect(page.getByTestId("pill")).toHaveCount(1);
  await expect(async () => {
    await area.hover({ position: { x: 8, y: 60 } });
    await area.hover({ position: { x: 2, y: 60 } });
    await expect(page.locator(".graph__when")).toHaveText("Sun 29 Mar, 00:00", { timeout: 500 });
  }).toPass();
  await area.click({ position: { x: 2, y: 60 } });
  await expect(page.getByTestId("period")).toHaveText("Sun 29 Mar, 0:00–1:00");
  const filters = [["is", "visit:country", ["DE"]]];
  const [visitors] = await asked(known, ["2026-03-29T00:00:00+01:00", "2026-03-29T01:00:00+01:00"], { filters });
  expect(await figure(page, "visitors")).toBe(visitors);
});

test("a day is compared with the same days of the year before, by date and by weekday", async ({ owner }) => {
  const known = await Known.of(owner);
  const history = fileURLToPath(new URL("../fixtures/known-history.ndjson", import.meta.url));
  const earlier = path.join(owner.server.data, "earlier.ndjson");
  await writeFile(earlier, (await readFile(history, "utf8")).replaceAll('"time":"2026-', '"time":"2025-'));
  await owner.server.command("import", "--site", site_id, earlier);
  const page = owner.page;
  const opens = (more: string) => page.goto(`${owner.server.url}/sites/${site_id}?period=day&date=2026-03-28&${more}`);
  const [saturday] = await asked(known, ["2026-03-28", "2026-03-28"]);

  await opens("compare=year");
  await expect(page.getByTestId("graph").locator(".graph__key--before")).toHaveText("Fri 28 Mar 2025");
  const [friday] = await asked(known, ["2025-03-28", "2025-03-28"]);
  expect(await change(page)).toBe(percent(saturday, friday));

  await opens("compare=year&match_day=1");
  await expect(page.getByTestId("graph").locator(".graph__key--before")).toHaveText("Sat 29 Mar 2025");
  const [matched] = await asked(known, ["2025-03-29", "2025-03-29"]);
  expect(matched).not.toBe(friday);
  expect(await change(page)).toBe(percent(saturday, matched));

  await opens("compare=custom&compare_from=2026-03-30&compare_to=2026-03-30");
  const [monday] = await asked(known, ["2026-03-30", "2026-03-30"]);
  expect(await change(page)).toBe(percent(saturday, monday));

  // The picker leads there too.
  await page.getByTestId("compare").click();
  await page.getByRole("link", { name: "Year over year" }).click();
  await expect(page).toHaveURL(/compare=year/);
  expect(await change(page)).toBe(percent(saturday, friday));
});

test("the last half hour and the last 24 hours have what has just happened", async ({ owner, server }) => {
  const page = owner.page;
  const visit = (path: string) => server.event({ n: "pageview", u: `http://localhost${path}`, d: "demo" });
  await visit("/demo");
  await visit("/demo/article");
  const answers = async (date_range: string) => {
    const query = { site_id: "demo", metrics: ["visitors", "pageviews"], date_range };
    const answer = await owner.context.request.post(`${server.url}/api/v2/query`, { data: query, headers: { origin: server.url } });
    return (await answer.json()).results[0].metrics as number[];
  };
  await expect.poll(async () => (await answers("realtime_30m"))[1]).toBe(2);
  await page.goto(`${server.url}/sites/demo?period=realtime`);
  await expect(page.getByTestId("period")).toHaveText("Last 30 minutes");
  await expect(page.getByTestId("status")).toHaveText("Live");
  await expect.poll(() => figure(page, "pageviews")).toBe(2);
  expect(await figure(page, "visitors")).toBe((await answers("realtime_30m"))[0]);
  expect([30, 31]).toContain(await page.getByTestId("graph").locator("tbody td").count());
  await visit("/demo");
  await expect.poll(() => figure(page, "pageviews")).toBe(3);

  await page.goto(`${server.url}/sites/demo?period=24h`);
  await expect(page.getByTestId("period")).toHaveText("Last 24 hours");
  expect(await figure(page, "pageviews")).toBe((await answers("24h"))[1]);
  expect(await page.getByTestId("graph").locator("tbody td").count()).toBeGreaterThanOrEqual(24);
  await page.goto(`${server.url}/sites/demo?period=24h&compare=previous&match_day=1`);
  await expect(page.getByTestId("graph").locator(".graph__key--before")).toHaveText(/24 hours until/);
});
