// A key from the settings: shown once, good for the site's figures, worthless after it was revoked; by keyboard and to assistive technology.
import AxeBuilder from "@axe-core/playwright";
import { mkdir } from "node:fs/promises";
import { expect, test } from "../support/actors.ts";

const domain = "shop.example";
const question = { site_id: domain, metrics: ["visitors", "pageviews"], date_range: "day" };

test("a program asks with a key that was made on the page, until it is revoked", async ({ owner, request }) => {
  const { page, server } = owner;
  await owner.adds(domain);
  await server.event({ n: "pageview", u: `https://${domain}/pricing`, d: domain });
  await page.goto(`${server.url}/sites/${domain}/settings`);
  await page.getByRole("link", { name: "API keys" }).click();
  await page.getByLabel("Name").fill("Spreadsheet");
  await page.getByRole("button", { name: "Make key" }).click();

  const key = await page.getByTestId("fresh-key").inputValue();
  expect(key).toMatch(/^pc_[\w-]{43}$/);
  const ask = () => request.post(`${server.url}/api/v2/query`, { data: question, headers: { authorization: `Bearer ${key}` } });
  await expect.poll(async () => (await (await ask()).json()).results).toEqual([{ dimensions: [], metrics: [1, 1] }]);

  await page.reload();
  await expect(page.getByTestId("fresh-key")).toHaveCount(0);
  await expect(page.getByTestId("key")).toContainText("Spreadsheet");
  await expect(page.getByTestId("key")).toContainText("Last used");
  await page.getByRole("button", { name: "Revoke the key Spreadsheet" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("key")).toHaveCount(0);
  expect((await ask()).status()).toBe(401);
});

test("the page of keys reads well, light and dark, wide and narrow", async ({ owner }, info) => {
  const { page, server } = owner;
  await owner.adds(domain);
  await owner.posts("/fn/add-key", { domain, name: "Spreadsheet", right: "stats", reach: "site" });
  await owner.posts("/fn/add-key", { domain, name: "All of our sites’ figures, for the wall", right: "stats", reach: "all_sites" });
  await page.goto(`${server.url}/sites/${domain}/keys`);
  await expect(page.getByTestId("fresh-key")).toBeVisible();
  await mkdir(info.outputDir, { recursive: true });
  for (const width of [1440, 390]) {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.screenshot({ path: info.outputPath(`keys-${colorScheme}-${width}.png`), fullPage: true });
      const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
      expect.soft(violations.map(({ id, help }) => `${id}: ${help}`), `${colorScheme}, ${width}`).toEqual([]);
      const sticksOut = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect.soft(sticksOut).toBeLessThanOrEqual(0);
    }
  }
});
