// What the dashboard shows, as files: all of it in one archive, each card, the graph, a funnel and retention as CSV, for members and for whoever has
// a link. The numbers in the files are the API's and the oracle's.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import type { Locator, Page } from "@playwright/test";
import { expect, test } from "../support/actors.ts";
import { type Row, Known } from "../support/known.ts";

const run = promisify(execFile);

/** What a link leads to, as a file: its path and its name. */
async function takes(page: Page, link: Locator): Promise<{ path: string; name: string }> {
  const waiting = page.waitForEvent("download");
  await link.click();
  const download = await waiting;
  return { path: await download.path(), name: download.suggestedFilename() };
}

/** Rows of a CSV file by the names of its columns; none of ours here has a comma in a cell. */
function read(text: string): Record<string, string>[] {
  const [head, ...lines] = text.trim().split("\r\n").map((line) => line.split(","));
  return lines.map((cells) => Object.fromEntries(head.map((name, i) => [name, cells[i]])));
}

/** Files of an archive. Python is on every machine that builds this, and reads them. */
async function unpack(path: string): Promise<Record<string, string>> {
  const reader =
    "import sys,zipfile,json; z=zipfile.ZipFile(sys.argv[1]); print(json.dumps({n: z.read(n).decode() for n in z.namelist()}))";
  const { stdout } = await run("python3", ["-c", reader, path]);
  return JSON.parse(stdout);
}

/** The named columns of rows, in an order that says nothing. */
const table = (rows: Record<string, string>[], ...columns: string[]) => rows.map((row) => columns.map((name) => row[name]).join(" ")).sort();
/** The same of an answer: its dimension, then these of its metrics. */
const told = (rows: Row[], ...metrics: number[]) =>
  rows.map((row) => [...row.dimensions, ...metrics.map((at) => String(row.metrics[at] ?? ""))].join(" ")).sort();

const csvOf = (place: Locator) => place.getByRole("link", { name: "CSV" });

test("the archive is of the period and under the filter that the dashboard shows, and says what the API says", async ({ owner }) => {
  const known = await Known.of(owner);
  await known.adds("Buying");
  const page = await known.opens("f=is,country,DE");
  const archive = await takes(page, page.getByTestId("zip"));
  expect(archive.name).toBe(`${Known.domain}.zip`);
  const files = await unpack(archive.path);

  const pages = known.answer("pages of Germany");
  const asked = await known.asks(pages.query);
  expect(table(read(files["pages.csv"]), "page", "visitors", "pageviews", "time_on_page", "scroll_depth")).toEqual(told(asked, 0, 1, 3, 4));
  expect(told(asked, 0, 1, 3, 4)).toEqual(told(pages.results, 0, 1, 3, 4));

  const filtered = { site_id: Known.domain, date_range: ["2026-03-28", "2026-03-30"], filters: [["is", "visit:country", ["DE"]]] };
  for (const [file, dimension, column] of [
    ["sources.csv", "visit:source", "source"],
    ["browsers.csv", "visit:browser", "browser"],
    ["entry_pages.csv", "visit:entry_page", "entry_page"],
    ["countries.csv", "visit:country", "country"],
    ["visitors.csv", "time:day", "date"],
  ]) {
    const rows = await known.asks({ ...filtered, metrics: ["visitors", "visits", "bounce_rate"], dimensions: [dimension] });
    expect(table(read(files[file]), column, "visitors", "visits", "bounce_rate"), file).toEqual(told(rows, 0, 1, 2));
  }
  const totals = known.answer("totals of Germany").results[0].metrics;
  const visits = read(files["browsers.csv"]).reduce((sum, row) => sum + Number(row.visits), 0);
  expect(visits).toBe(totals[1]);
  expect(Object.keys(files)).toEqual(expect.arrayContaining(["conversions.csv", "funnels/01_Buying.csv", "retention.csv"]));
  expect(files["left-out.txt"]).toBeUndefined();
});

test("the graph, every card, a funnel and retention come as CSV", async ({ owner }) => {
  const known = await Known.of(owner);
  await known.adds("Buying");
  const page = await known.opens();
  const text = async (link: Locator) => readFile((await takes(page, link)).path, "utf8");

  const graph = read(await text(csvOf(page.getByTestId("graph"))));
  expect(table(graph, "date", "visitors")).toEqual(told(known.answer("graph by day").results, 0));
  const sources = read(await text(csvOf(page.getByTestId("card-sources"))));
  expect(table(sources, "source", "visitors")).toEqual(told(known.answer("sources").results, 0));
  for (const card of ["sources", "pages", "places", "technology", "behaviour"]) {
    await expect(csvOf(page.getByTestId(`card-${card}`)), card).toHaveAttribute("href", /\/csv\?/);
  }

  await page.goto(`${owner.server.url}/sites/${Known.domain}/funnels?${Known.days}`);
  const { answer } = known.funnel("Buying");
  expect(read(await text(csvOf(page.locator(".funnel"))))).toEqual([
    expect.objectContaining({ step: "(all visitors)", visitors: String(answer.all_visitors) }),
    ...answer.steps.map((step) => expect.objectContaining({ step: step.label, visitors: String(step.visitors) })),
  ]);

  await page.goto(`${owner.server.url}/sites/${Known.domain}/retention?${Known.days}`);
  const returns = read(await text(csvOf(page.locator(".retention").first())));
  expect(returns.length).toBe(10);
  const once = returns.filter((row) => row.what === "visits_in_a_day").reduce((sum, row) => sum + Number(row.count), 0);
  expect(once).toBeGreaterThan(0);
});

test("whoever has a link takes what it shows as files, and not what it does not", async ({ owner, browser }) => {
  const known = await Known.of(owner);
  const { server } = owner;
  await owner.posts("/fn/save-segment", { domain: Known.domain, name: "Germany", shared: "on", filters: '[["is","visit:country",["DE"]]]' });
  const made = await owner.context.request.post(`${server.url}/fn/add-link`, {
    form: { domain: Known.domain, name: "For Bob", segment: "1" },
    headers: { origin: server.url, accept: "text/html" },
    maxRedirects: 0,
  });
  const slug = new URL(made.headers().location, server.url).searchParams.get("made");

  const guest = await browser.newContext();
  const page = await guest.newPage();
  await page.goto(`${server.url}/share/${slug}?${Known.days}`);
  const german = known.answer("pages of Germany").results;
  const archive = await unpack((await takes(page, page.getByTestId("zip"))).path);
  expect(table(read(archive["pages.csv"]), "page", "visitors", "pageviews")).toEqual(told(german, 0, 1));
  const pages = await takes(page, csvOf(page.getByTestId("card-pages")));
  expect(table(read(await readFile(pages.path, "utf8")), "page", "visitors")).toEqual(told(german, 0));
  // The details, too.
  await page.getByTestId("card-pages").getByRole("link", { name: "Details" }).click();
  const details = await takes(page, csvOf(page.getByTestId("details")));
  expect(table(read(await readFile(details.path, "utf8")), "page", "visitors")).toEqual(told(german, 0));
  await guest.close();
});
