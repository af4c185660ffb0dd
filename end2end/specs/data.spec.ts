// What comes in from elsewhere and goes out again, on the page that does both: a dry run, imported figures on the dashboard, undoing; files of
// what is there, whose numbers are the dashboard's.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import type { Download, Page } from "@playwright/test";
import { expect, test } from "../support/actors.ts";
import { Known, figure, number, rows } from "../support/known.ts";

const run = promisify(execFile);
const domain = "shop.example";

/** Two days as Plausible exports them. */
const EXPORT = {
  "imported_visitors_20260501_20260502.csv":
    "date,visitors,pageviews,bounces,visits,visit_duration\n2026-05-01,10,25,4,12,600\n2026-05-02,8,9,8,8,0\n",
  "imported_sources_20260501_20260502.csv":
    "date,source,referrer,utm_source,utm_medium,utm_campaign,utm_content,utm_term,pageviews,visitors,visits,visit_duration,bounces\n" +
    "2026-05-01,Google,google.com,,,,,,20,8,9,500,3\n2026-05-01,,,,,,,,5,2,3,100,1\n2026-05-02,,,,,,,,9,8,8,0,8\n",
};

function files(all: Record<string, string>) {
  return Object.entries(all).map(([name, text]) => ({ name, mimeType: "text/csv", buffer: Buffer.from(text) }));
}

async function reads(page: Page, all: Record<string, string>, dryRun: boolean): Promise<void> {
  await page.getByLabel("Files").setInputFiles(files(all));
  await page.getByRole("checkbox", { name: /Dry run/ }).setChecked(dryRun);
  await page.getByRole("button", { name: "Read files" }).click();
}

test("figures of Plausible are tried, imported, seen on the dashboard beside our own, and undone", async ({ owner }) => {
  const { page, server } = owner;
  await owner.adds(domain);
  await page.goto(`${server.url}/sites/${domain}/import`);
  const job = page.getByTestId("import-job");

  await reads(page, EXPORT, true);
  await expect(job).toContainText("Dry run: this would be imported");
  await expect(page.getByTestId("import-events")).toHaveText("34");
  await expect(page.getByTestId("imports")).toHaveCount(0);

  await reads(page, EXPORT, false);
  await expect(job).toContainText("Imported");
  await expect(job).toContainText("2 days, from 2026-05-01 to 2026-05-02");
  await expect(page.getByTestId("imports")).toContainText("Plausible’s figures");

  // Days enough for a graph of days: what was counted by the day is in no graph of hours.
  const board = `${server.url}/sites/${domain}?period=custom&from=2026-04-25&to=2026-05-05`;
  await page.goto(board);
  expect(await figure(page, "visitors")).toBe(18);
  expect(await figure(page, "pageviews")).toBe(34);
  await expect(page.getByText("with imported figures")).toBeVisible();
  const shown = await rows(page, "sources");
  expect(shown.map((row) => [row.name, number(row.figures[0])])).toContainEqual(["Google", 8]);

  await page.goto(`${server.url}/sites/${domain}/import`);
  await page.getByRole("button", { name: /^Undo the import of/ }).click();
  await expect(page.getByRole("status")).toContainText("The import is undone");
  await page.goto(board);
  await expect(page.getByText("with imported figures")).toHaveCount(0);
});

test("what is no file of ours is refused with advice, and nothing is imported", async ({ owner }) => {
  const { page, server } = owner;
  await owner.adds(domain);
  await page.goto(`${server.url}/sites/${domain}/import`);
  await reads(page, { "holiday.txt": "dear diary\n" }, false);
  await expect(page.getByTestId("import-job")).toContainText("Nothing was imported");
  await expect(page.getByTestId("import-job")).toContainText("holiday.txt line 1: not in the combined log format");
  await expect(page.getByTestId("import-events")).toHaveText("0");
});

test("all reports come as one archive, and raw events as lines and as a table", async ({ owner }) => {
  const known = await Known.of(owner);
  const { page, server } = owner;
  await page.goto(`${server.url}/sites/${Known.domain}/import`);
  const gets = async (button: string): Promise<Download> => {
    const waiting = page.waitForEvent("download");
    await page.getByRole("button", { name: button }).click();
    return waiting;
  };

  await page.locator("input[name=from]").first().fill("2026-03-28");
  await page.locator("input[name=to]").first().fill("2026-03-30");
  const archive = await gets("Download ZIP");
  expect(archive.suggestedFilename()).toMatch(/\.zip$/);
  // Python is on every machine that builds this, and reads archives.
  const reader = "import sys,zipfile; sys.stdout.write(zipfile.ZipFile(sys.argv[1]).read('pages.csv').decode())";
  const { stdout } = await run("python3", ["-c", reader, await archive.path()]);
  const [head, ...lines] = stdout.trim().split("\r\n").map((line) => line.split(",").slice(0, 2));
  expect(head).toEqual(["page", "visitors"]);
  const { results } = known.answer("pages");
  expect(lines.sort()).toEqual(results.map((row) => [row.dimensions[0], String(row.metrics[0])]).sort());

  // Without days it is all there is.
  await page.locator("input[name=from]").first().fill("");
  await page.locator("input[name=to]").first().fill("");
  const raw = await gets("Download NDJSON");
  const events = (await readFile(await raw.path(), "utf8")).trim().split("\n");
  expect(events.length).toBe((await owner.exports(Known.domain)).length);

  const table = await gets("Download Parquet");
  const bytes = await readFile(await table.path());
  expect(bytes.subarray(0, 4).toString()).toBe("PAR1");
  expect(bytes.subarray(-4).toString()).toBe("PAR1");
});
