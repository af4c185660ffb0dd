// The dashboard's keys: what each does, and where.
import type { Page } from "@playwright/test";
import { expect, test } from "../support/actors.ts";
import { Known } from "../support/known.ts";

/** Presses until it has worked: the program is there once it has taken over the page. */
async function presses(page: Page, key: string, seen: () => Promise<void>) {
  await expect(async () => {
    await page.keyboard.press(key);
    await seen();
  }).toPass();
}

const KEYS: [key: string, address: RegExp][] = [
  ["d", /period=day$/],
  ["e", /period=day&date=/],
  ["h", /period=24h/],
  ["r", /period=realtime/],
  ["w", /period=7d/],
  ["f", /period=28d/],
  ["t", /known\.example$/],
  ["n", /period=91d/],
  ["m", /period=month$/],
  ["p", /period=month&date=/],
  ["y", /period=year/],
  ["s", /period=6mo/],
  ["l", /period=12mo/],
  ["a", /period=all/],
  ["w", /period=7d/],
  ["x", /compare=previous/],
  ["x", /period=7d$/],
  ["ArrowLeft", /date=/],
];

test("each key of the sheet does what the sheet says", async ({ owner }) => {
  test.slow();
  const known = await Known.of(owner);
  const page = await known.opens();
  for (const [key, address] of KEYS) {
    await test.step(key, () =>
      presses(page, key, async () => expect(page).toHaveURL(address, { timeout: 1500 })),
    );
  }
  await known.opens();
  await presses(page, "c", async () => expect(page.locator("input[type=date][name=from]").first()).toBeFocused({ timeout: 500 }));
  await expect(page.locator("input[type=date][name=from]").first()).toBeVisible();
  // A letter in a field is a letter; Escape closes the menu that it stands in.
  await page.keyboard.press("a");
  await expect(page).toHaveURL(/period=custom/);
  await page.keyboard.press("Escape");
  await expect(page.locator("input[type=date][name=from]").first()).toBeHidden();
  await page.keyboard.press("/");
  await expect(page.getByTestId("toolbar").getByRole("link", { name: "Entry page", exact: true })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByTestId("toolbar").getByRole("link", { name: "Entry page", exact: true })).toBeHidden();
});

test("Escape closes the sheet of keys and leaves the filters", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = await known.opens("f=is,country,DE");
  const sheet = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await expect(async () => {
    if (!(await sheet.isVisible())) await page.keyboard.press("?");
    await expect(sheet).toBeVisible({ timeout: 1000 });
  }).toPass();
  await page.keyboard.press("Escape");
  await expect(sheet).toBeHidden();
  await expect(page.getByTestId("pill")).toHaveCount(1);
  await page.keyboard.press("Escape");
  await expect(page.getByTestId("pill")).toHaveCount(0);
});

test("in details the keys are those of the details", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = await known.opens("f=is,country,DE&details=pages");
  const search = page.getByRole("searchbox", { name: "Search" });
  await presses(page, "/", async () => expect(search).toBeFocused({ timeout: 500 }));
  await page.keyboard.type("dew");
  await expect(search).toHaveValue("dew");
  // Escape leaves the field, then the details, then the filters.
  await page.keyboard.press("Escape");
  await expect(search).not.toBeFocused();
  await expect(page.getByTestId("details")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByTestId("details")).toBeHidden();
  await expect(page.getByTestId("pill")).toHaveText([/Country is Germany/]);
  await presses(page, "Escape", async () => expect(page.getByTestId("pill")).toHaveCount(0, { timeout: 1500 }));
});

test("while a filter is made, keys are about it alone", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = owner.page;
  // A period with now in it says when the program is there.
  await page.goto(`${owner.server.url}/sites/${Known.domain}?period=7d&f=is,country,DE&edit=page`);
  await expect(page.getByTestId("status")).toHaveText("Live");
  const dialog = page.getByTestId("filter-dialog");
  await dialog.locator("select[name=op]").focus();
  await dialog.getByRole("button", { name: "Apply" }).focus();
  for (const key of ["d", "x", "/", "ArrowLeft", "?"]) await page.keyboard.press(key);
  await expect(dialog).toBeVisible();
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeHidden();
  await expect(page).toHaveURL(/period=7d.*edit=page/);
  await dialog.getByLabel("Or type").fill("/x");
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(page.getByTestId("pill")).toHaveText([/Country is Germany/]);
  expect(known).toBeTruthy();
});

test("the graph is read and opened by keys", async ({ owner }) => {
  const known = await Known.of(owner);
  const page = await known.opens();
  const graph = page.getByTestId("graph").locator(".graph__area");
  const days = known.answer("graph by day").results.map((row) => String(row.metrics[0]));
  await graph.focus();
  await expect(page.locator(".graph__tip b")).toHaveText(days[2]);
  await presses(page, "ArrowLeft", async () => expect(page.locator(".graph__tip b")).toHaveText(days[1], { timeout: 500 }));
  await expect(page.locator(".graph__tip")).toBeVisible();
  await expect(page).toHaveURL(/period=custom/);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/period=day&date=2026-03-29/);
  await expect(page.getByTestId("figure-visitors")).toHaveAttribute("title", days[1]);
});
