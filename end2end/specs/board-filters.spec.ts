// Filters made by hand: every way to compare, alternatives, names of places, expressions that are none, segments.
import type { Page } from "@playwright/test";
import { expect, test } from "../support/actors.ts";
import { Known, figure, number, rows } from "../support/known.ts";

const days = ["2026-03-28", "2026-03-30"];

/** What the API says to the question of the headline under these filters. */
const counted = async (known: Known, filters: unknown[]) =>
  (await known.asks({ site_id: Known.domain, metrics: ["visitors", "pageviews"], date_range: days, filters }))[0].metrics;

/** Opens the dialog of a dimension. */
async function choose(page: Page, dimension: string) {
  await page.getByTestId("filter").click();
  await page.getByTestId("toolbar").getByRole("link", { name: dimension, exact: true }).click();
  return page.getByTestId("filter-dialog");
}

const any = { case_sensitive: false };
/** Dimension, way to compare, capitals, what is typed; and the same as a query has it. */
const WAYS: [dimension: string, op: string, capitals: string, typed: string, filter: unknown][] = [
  ["Page", "is", "", "/blog/hello-world", ["is", "event:page", ["/blog/hello-world"]]],
  ["Page", "is", "any", "/BLOG/hello-world", ["is", "event:page", ["/blog/hello-world"]]],
  ["Page", "is_not", "", "/blog/hello-world", ["is_not", "event:page", ["/blog/hello-world"]]],
  ["Page", "contains", "", "BLOG", ["contains", "event:page", ["BLOG"], any]],
  ["Page", "contains", "case", "BLOG", ["contains", "event:page", ["BLOG"]]],
  ["Entry page", "contains_not", "", "blog", ["contains_not", "visit:entry_page", ["blog"], any]],
  ["Page", "matches", "", "^/blog/.*-push$", ["matches", "event:page", ["^/blog/.*-push$"]]],
  ["Page", "matches", "any", "^/BLOG", ["matches", "event:page", ["^/BLOG"], any]],
  ["Source", "matches_not", "", "^(Google|Hacker News)$", ["matches_not", "visit:source", ["^(Google|Hacker News)$"]]],
  ["Page", "done", "", "/pricing", ["has_done", ["is", "event:page", ["/pricing"]]]],
  ["Goal", "not_done", "", "Signup", ["has_not_done", ["is", "event:goal", ["Signup"]]]],
  ["Country", "is", "", "Germany", ["is", "visit:country", ["DE"]]],
  ["Country", "is_not", "", "germany", ["is_not", "visit:country", ["DE"]]],
  ["Country", "contains", "", "Germ", ["is", "visit:country", ["DE"]]],
  ["Country", "matches", "", "^(Germany|France)$", ["is", "visit:country", ["DE", "FR"]]],
  ["Region", "is", "", "Berlin", ["is", "visit:region", ["DE-BE"]]],
  ["Region", "contains_not", "", "ber", ["is_not", "visit:region", ["DE-BE"]]],
  ["Language", "contains", "", "erma", ["is", "visit:language", ["de"]]],
  ["Screen size", "contains", "", "1024", ["is", "visit:screen", ["lg"]]],
];

test("whatever is compared, and however, the figures are those of the API", async ({ owner }) => {
  test.setTimeout(240_000);
  const known = await Known.of(owner);
  for (const [dimension, op, capitals, typed, filter] of WAYS) {
    await test.step(`${dimension} ${op} ${typed} ${capitals}`, async () => {
      const page = await known.opens();
      const dialog = await choose(page, dimension);
      await dialog.locator("select[name=op]").selectOption(op);
      await dialog.getByLabel("Capitals").selectOption(capitals);
      await dialog.getByLabel("Or type").fill(typed);
      await dialog.getByRole("button", { name: "Apply" }).click();
      await expect(dialog).toBeHidden();
      await expect(page.getByTestId("pill")).toHaveCount(1);
      const [visitors, pageviews] = await counted(known, [filter]);
      expect(await figure(page, "visitors")).toBe(visitors);
      expect(await figure(page, "pageviews")).toBe(pageviews);
    });
  }
});

test("a pill says what people say, each value by its own dimension", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = await known.opens("f=is,country,Germany&f=is,language,de&f=is_not,utm_source,de");
  await expect(page.getByTestId("pill")).toHaveText(["Country is Germany", "Language is German", "UTM source is not de"]);
});

test("changing one of several alternatives keeps the others", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = await known.opens("f=is,source,Google;is,channel,Email&f=is_not,device,Mobile");
  const dialog = page.getByTestId("filter-dialog");
  await page.getByRole("link", { name: /^Source is Google, or Channel is Email/ }).click();
  await expect(dialog.getByTestId("beside").getByRole("link")).toHaveText(["Source is Google", "Channel is Email"]);
  await expect(dialog.getByRole("checkbox", { checked: true })).toHaveCount(1);
  await dialog.getByLabel("Hacker News").check();
  await dialog.getByRole("button", { name: "Apply" }).click();
  const pill = page.getByTestId("pill").first();
  await expect(pill).toHaveText(/^Source is (Hacker News or Google|Google or Hacker News), or Channel is Email$/);
  const either = ["or", [["is", "visit:source", ["Google", "Hacker News"]], ["is", "visit:channel", ["Email"]]]];
  expect(await figure(page, "visitors")).toBe((await counted(known, [either, ["is_not", "visit:device", ["Mobile"]]]))[0]);

  await pill.getByRole("link", { name: /^Source/ }).click();
  await dialog.getByTestId("beside").getByRole("link", { name: "Channel is Email" }).click();
  await dialog.locator("select[name=op]").selectOption("is_not");
  await dialog.getByRole("button", { name: "Apply" }).click();
  await expect(pill).toHaveText(/^Source is (Hacker News or Google|Google or Hacker News), or Channel is not Email$/);

  await pill.getByRole("link", { name: /^Source/ }).click();
  await dialog.getByRole("link", { name: "Remove", exact: true }).click();
  await expect(page.getByTestId("pill")).toHaveText([/^Channel is not Email/, /^Device is not Mobile/]);
});

test("an expression that is none is told at its field, and nothing typed is lost", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = await known.opens("f=is,country,DE");
  const dialog = await choose(page, "Page");
  await dialog.locator("select[name=op]").selectOption("matches");
  await dialog.getByLabel("Or type").fill("^/blog/(");
  await dialog.getByRole("button", { name: "Apply" }).click();
  await expect(dialog.getByRole("alert")).toContainText(/no regular expression/);
  await expect(dialog.getByLabel("Or type")).toHaveValue("^/blog/(");
  await expect(dialog.getByLabel("Or type")).toHaveAttribute("aria-invalid", "true");
  await expect(dialog.locator("select[name=op]")).toHaveValue("matches");
  // What is behind it is shown without it.
  expect(await figure(page, "visitors")).toBe(known.answer("totals of Germany").results[0].metrics[0]);
  await dialog.getByLabel("Or type").fill("^/blog/");
  await dialog.getByRole("button", { name: "Apply" }).click();
  await expect(page.getByTestId("pill")).toHaveText([/Country is Germany/, /Page matches \^\/blog\//]);
  const both = [["is", "visit:country", ["DE"]], ["matches", "event:page", ["^/blog/"]]];
  expect(await figure(page, "visitors")).toBe((await counted(known, both))[0]);

  await page.getByRole("link", { name: /^Page matches/ }).click();
  await dialog.getByLabel("Or type").fill("[");
  await dialog.getByRole("button", { name: "Apply" }).click();
  await expect(dialog.getByRole("alert")).toBeVisible();
  await dialog.getByRole("link", { name: "Cancel" }).click();
  await expect(page.getByTestId("pill")).toHaveText([/Country is Germany/]);
});

test("a goal that there is not is told where it was typed", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = await known.opens();
  const dialog = await choose(page, "Goal");
  await dialog.getByLabel("Or type").fill("Signpu");
  await dialog.getByRole("button", { name: "Apply" }).click();
  await expect(dialog.getByRole("alert")).toContainText("no goal “Signpu”");
});

test("filters are kept as a segment, which is used from the menu", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = await known.opens("f=contains,country,Germ&f=contains,page,/blog");
  const expected = await figure(page, "visitors");
  await page.locator("summary").filter({ hasText: "Save" }).click();
  await page.getByLabel("Save as segment").fill("German readers");
  await page.getByRole("button", { name: "Save" }).click();
  await page.waitForLoadState();
  await known.opens();
  await page.getByTestId("filter").click();
  await page.getByRole("link", { name: "German readers" }).click();
  await expect(page.getByTestId("pill")).toHaveText([/Segment German readers/]);
  expect(await figure(page, "visitors")).toBe(expected);
  await page.getByRole("link", { name: "Remove: Segment German readers" }).click();
  await expect(page.getByTestId("pill")).toHaveCount(0);
});

test("details are searched and ordered by the names that they show", async ({ owner }) => {
  const known = await Known.of(owner);
  const names = async (more: string) => {
    const page = await known.opens(more);
    return page.getByTestId("details-row").locator(".row__link").allTextContents();
  };
  expect((await names("details=regions&search=a")).sort()).toEqual(["Bayern", "California"]);
  const page = await known.opens("details=countries");
  await page.getByTestId("details").getByRole("link", { name: /^Country/ }).first().click();
  await expect(page).toHaveURL(/sort=name/);
  const cells = page.getByTestId("details-row").locator(".row__link");
  await expect(cells).toHaveText(["(not set)", "France", "Germany", "United States"]);
  await page.getByTestId("details").getByRole("link", { name: /^Country/ }).first().click();
  await expect(cells).toHaveText(["United States", "Germany", "France", "(not set)"]);
  const pages = await names("details=pages&sort=name");
  expect(pages).toEqual([...pages].sort());
  expect(pages.length).toBe(known.answer("pages").results.length);
});

test("the values that are offered are those of the rest of the filters", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = await known.opens("f=is,country,US");
  const dialog = await choose(page, "City");
  await expect(dialog.getByRole("checkbox").first()).toBeVisible();
  const offered = (await dialog.locator(".sheet__count").allTextContents()).map(number);
  const expected = await known.asks({
    site_id: Known.domain,
    metrics: ["visitors"],
    date_range: days,
    dimensions: ["visit:city"],
    filters: [["is", "visit:country", ["US"]]],
  });
  expect(offered).toEqual(expected.map((row) => row.metrics[0]));
  await dialog.getByLabel("Find a value").fill("york");
  await dialog.getByRole("button", { name: "Find" }).click();
  await expect(dialog.locator(".sheet__name")).toHaveText(["New York"]);
  await dialog.getByLabel("New York").check();
  await dialog.getByRole("button", { name: "Apply" }).click();
  await expect(page.getByTestId("pill")).toHaveCount(2);
  expect((await rows(page, "places")).length).toBeGreaterThan(0);
});
