// From an empty server to a site that is counted, and what its owner can set.
import { type Browser, type Page } from "@playwright/test";
import { type Owner, expect, test } from "../support/actors.ts";

const domain = "shop.example";
const event = (path = "/", host = domain) => ({ n: "pageview", u: `https://${host}${path}`, d: domain });

test("a new site shows its snippet, waits for the first event and turns live by itself", async ({ owner }) => {
  const { page, server, context } = owner;
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.url });
  await page.goto(server.url);
  await page.getByRole("link", { name: "Add a site" }).click();
  await page.getByLabel("Domain").fill(domain);
  await page.getByRole("button", { name: "Add site" }).click();
  await expect(page).toHaveURL(`${server.url}/sites/${domain}/live`);
  await expect(page.getByTestId("waiting")).toContainText("Waiting for the first event");
  await expect(page.getByTestId("status")).toHaveText("Live");

  const snippet = `<script defer data-site="${domain}" data-live src="${server.url}/js/pulse.js"></script>`;
  await expect(page.getByTestId("snippet")).toHaveText(snippet);
  await page.getByTestId("copy-snippet").click();
  await expect(page.getByTestId("copy-snippet")).toHaveText("Copied");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(snippet);

  expect((await server.event(event("/first"))).status).toBe(202);
  await expect(page.getByTestId("stream-row")).toContainText("/first");
  await expect(page.getByTestId("waiting")).toHaveCount(0);
  await expect(page.getByTestId("current-visitors")).toHaveText("1");
  await page.reload();
  await expect(page.getByTestId("stream-row")).toContainText("/first");
});

test("the list of sites moves by push", async ({ owner }) => {
  const { page, server } = owner;
  await owner.adds(domain);
  await page.goto(server.url);
  await expect(page.getByTestId("status")).toHaveText("Live");
  const card = page.locator(`[data-testid=site-card][data-site="${domain}"]`);
  await expect(card).toContainText("Waiting for the first event");
  await server.event(event("/a"));
  await server.event(event("/b"), { "user-agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0" });
  await expect(card.getByTestId("current-visitors")).toHaveText("2");
  await expect(card.getByTestId("pageviews-24h")).toHaveText("2");
  await expect(page.locator('[data-testid=site-card][data-site="demo"]').getByTestId("current-visitors")).toHaveText("0");
  await card.getByRole("link", { name: domain }).click();
  await expect(page.getByTestId("figure-visitors")).toHaveText("2");
});

test("a form that is not right says what is wrong, and keeps what was typed", async ({ owner }) => {
  const { page, server } = owner;
  await page.goto(`${server.url}/sites/new`);
  await page.getByLabel("Domain").fill("https://not a domain/");
  await page.getByLabel("Time zone").fill("Moon/Tranquility");
  await page.getByRole("button", { name: "Add site" }).click();
  await expect(page.locator("#domain-error")).toHaveText(/.+/);
  await page.getByLabel("Domain").fill(domain);
  await page.getByRole("button", { name: "Add site" }).click();
  await expect(page.getByRole("alert")).toContainText("Moon/Tranquility");
  await expect(page.locator("#domain-error")).toBeEmpty();
  await expect(page.getByLabel("Domain")).toHaveValue(domain);
  await page.getByLabel("Time zone").fill("Europe/Berlin");
  await page.getByRole("button", { name: "Add site" }).click();
  await expect(page).toHaveURL(`${server.url}/sites/${domain}/live`);

  await page.goto(`${server.url}/sites/new`);
  await page.getByLabel("Domain").fill(domain);
  await page.getByRole("button", { name: "Add site" }).click();
  await expect(page.getByRole("alert")).toContainText(`counts ${domain} already`);
});

test("an event counts from the hostnames that the settings list, as soon as they are saved", async ({ owner }) => {
  const { page, server } = owner;
  await owner.adds(domain);
  const dropped = async () => (await server.event(event("/", "blog.shop.example"))).headers.get("x-pulsecast-dropped");
  expect(await dropped()).toBe("hostname");
  await page.goto(`${server.url}/sites/${domain}/settings`);
  await page.getByLabel("Further hostnames").fill("*.shop.example\nnot a host!");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.locator("#hostnames-error")).toHaveText(/not a|‘|host/i);
  await page.getByLabel("Further hostnames").fill("*.shop.example");
  await page.getByLabel("Further origins").fill("http://localhost:8080");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByTestId("saved")).toBeVisible();
  expect(await dropped()).toBeNull();
  await page.reload();
  await expect(page.getByLabel("Further hostnames")).toHaveValue("*.shop.example");
  await expect(page.getByLabel("Further origins")).toHaveValue("http://localhost:8080");
});

test("with any origin accepted, every page counts, and the choice can be taken back", async ({ owner }) => {
  const { page, server } = owner;
  await owner.adds(domain);
  const dropped = async () => (await server.event(event("/", "elsewhere.example"))).headers.get("x-pulsecast-dropped");
  expect(await dropped()).toBe("hostname");
  await page.goto(`${server.url}/sites/${domain}/settings`);
  await page.getByLabel("Accept any origin").check();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByTestId("saved")).toBeVisible();
  expect(await dropped()).toBeNull();
  await page.reload();
  await expect(page.getByLabel("Accept any origin")).toBeChecked();
  await page.getByLabel("Accept any origin").uncheck();
  await page.getByRole("button", { name: "Save" }).click();
  await expect.poll(dropped).toBe("hostname");
});

test("the stream shows as much of an address as the owner chose, and the store none of it", async ({ owner }) => {
  const { page, server } = owner;
  await owner.adds(domain);
  const shown = async (choice: string) => {
    await page.goto(`${server.url}/sites/${domain}/settings`);
    await page.getByLabel(choice).check();
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByTestId("saved")).toBeVisible();
    await server.event(event(`/${choice}`));
    await owner.watches(domain);
    const row = page.getByTestId("stream-row").first();
    await expect(row).toContainText(`/${choice}`);
    const ip = row.locator(".stream__ip");
    return (await ip.count()) ? await ip.textContent() : null;
  };
  expect(await shown("Whole")).toBe("127.0.0.1");
  expect(await shown("None")).toBeNull();
  expect(await shown("Shortened")).toBe("127.0.0.0");
  await expect.poll(async () => (await owner.exports(domain)).length).toBe(3);
  expect(JSON.stringify(await owner.exports(domain))).not.toContain("127.0.0");
});

test("a site is deleted only when its name was typed, and then it is gone", async ({ owner }) => {
  const { page, server } = owner;
  await owner.adds(domain);
  await server.event(event("/"));
  await page.goto(`${server.url}/sites/${domain}/settings/danger`);
  await page.getByLabel("Type the domain to confirm").fill("another.example");
  await page.getByRole("button", { name: "Delete site" }).click();
  await expect(page.locator("#confirm-error")).toContainText(`type ${domain}`, { ignoreCase: true });
  await page.getByLabel("Type the domain to confirm").fill(domain);
  await page.getByRole("button", { name: "Delete site" }).click();
  await expect(page).toHaveURL(`${server.url}/`);
  await expect(page.locator(`[data-site="${domain}"]`)).toHaveCount(0);
  const answer = await server.event(event("/"));
  expect(answer.status).toBe(400);
  expect(answer.headers.get("x-pulsecast-dropped")).toBe("unknown_site");
  expect((await page.goto(`${server.url}/sites/${domain}`))?.status()).toBe(404);
});

test("a site that was added on the command line appears without a restart", async ({ owner }) => {
  await owner.server.command("site", "add", "cli.example");
  await expect.poll(async () => (await owner.server.event({ n: "pageview", u: "https://cli.example/", d: "cli.example" })).status).toBe(202);
  await owner.page.goto(owner.server.url);
  await expect(owner.page.locator('[data-site="cli.example"]')).toBeVisible();
});

test("without JavaScript a site can be added, set up and deleted", async ({ owner, browser }) => {
  const page = await plain(owner, browser);
  const { server } = owner;
  await page.goto(`${server.url}/sites/new`);
  await page.getByLabel("Domain").fill(domain);
  await page.getByRole("button", { name: "Add site" }).click();
  await expect(page).toHaveURL(`${server.url}/sites/${domain}/live`);
  await expect(page.getByTestId("snippet")).toContainText(`data-site="${domain}"`);
  await server.event(event("/no-js"));
  await page.reload();
  await expect(page.getByTestId("stream-row")).toContainText("/no-js");
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByLabel("Further hostnames").fill("blog.shop.example");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByTestId("saved")).toBeVisible();
  await page.getByRole("link", { name: "Danger zone" }).click();
  await page.getByLabel("Type the domain to confirm").fill(domain);
  await page.getByRole("button", { name: "Delete site" }).click();
  await expect(page).toHaveURL(`${server.url}/`);
  await expect(page.locator(`[data-site="${domain}"]`)).toHaveCount(0);
  await page.context().close();
});

test("without JavaScript a form that is not right says so", async ({ owner, browser }) => {
  const page = await plain(owner, browser);
  await page.goto(`${owner.server.url}/sites/new`);
  await page.getByLabel("Domain").fill("not a domain");
  await page.getByRole("button", { name: "Add site" }).click();
  await expect(page).toHaveURL(/\/sites\/new/);
  await expect(page.locator("#domain-error")).toHaveText(/.+/);
  await page.context().close();
});

/** The same owner with JavaScript turned off. */
async function plain(owner: Owner, browser: Browser): Promise<Page> {
  const context = await browser.newContext({ javaScriptEnabled: false });
  await context.addCookies(await owner.context.cookies());
  return context.newPage();
}
