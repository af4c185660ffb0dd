// Who may see and change what: members by invitation, strangers by a shared link, pages elsewhere by a frame.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Browser, type Page } from "@playwright/test";
import { Owner, expect, test } from "../support/actors.ts";

const domain = "shop.example";
// From another address, so that it is another visitor: a visit has the language that it began with.
const pageview = (path: string, language = "en", from = "203.0.113.7") =>
  [{ n: "pageview", u: `https://${domain}${path}`, d: domain }, { "accept-language": language, "x-forwarded-for": from }] as const;

test.use({ flags: ["--trusted-proxies", "127.0.0.1/32"] });

/** A browser of somebody else, with nobody signed in. */
async function stranger(browser: Browser): Promise<Page> {
  return (await browser.newContext()).newPage();
}

const settings = (owner: Owner, section: string) => `${owner.server.url}/sites/${domain}/settings/${section}`;

/** Makes a shared link by the form; answers its address. */
async function shares(owner: Owner, name: string, how: (page: Page) => Promise<unknown> = async () => {}): Promise<string> {
  const { page } = owner;
  await page.goto(settings(owner, "links"));
  await page.getByLabel("Name").fill(name);
  await how(page);
  await page.getByRole("button", { name: "Make link" }).click();
  return page.getByTestId("share-link").inputValue();
}

test("whoever is invited as an editor signs up, adds a goal, and sees no more than editors do", async ({ owner, browser }) => {
  const { page, server } = owner;
  await owner.adds(domain);
  await page.goto(settings(owner, "people"));
  await page.getByLabel("Email").fill("bob@example.com");
  await page.getByLabel("As", { exact: true }).selectOption("editor");
  await page.getByRole("button", { name: "Make invitation" }).click();
  const invitation = await page.getByTestId("invitation-link").inputValue();

  const bob = await stranger(browser);
  await bob.goto(invitation);
  await expect(bob.getByRole("heading", { name: `Join ${domain}` })).toBeVisible();
  await bob.getByLabel("Choose a password").fill("a sentence that bob remembers");
  await bob.getByRole("button", { name: "Create account and join" }).click();
  await expect(bob).toHaveURL(new RegExp(`/sites/${domain}`));
  await bob.goto(settings(owner, "goals"));
  await bob.getByLabel("Path").fill("/thanks");
  await bob.getByRole("button", { name: "Add goal" }).click();
  await expect(bob.getByTestId("goal")).toContainText("Visit /thanks");
  await expect(bob.getByRole("link", { name: "People" })).toHaveCount(0);
  await bob.goto(settings(owner, "people"));
  await expect(bob.getByText(Owner.email)).toHaveCount(0);

  await page.goto(settings(owner, "audit"));
  await expect(page.getByTestId("change").first()).toContainText("bob@example.com");
  await expect(page.getByTestId("change").first()).toContainText("added a goal");
  await page.goto(settings(owner, "people"));
  await page.getByRole("button", { name: "Remove bob@example.com" }).click();
  await expect(page.getByTestId("person")).toHaveCount(1);
  expect((await bob.goto(`${server.url}/sites/${domain}/live`))?.status()).toBe(404);
  await bob.context().close();
});

/** Invites somebody by the form, who makes an account and joins. */
async function joins(owner: Owner, browser: Browser, email: string, role: string): Promise<Page> {
  const { page } = owner;
  await page.goto(settings(owner, "people"));
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("As", { exact: true }).selectOption(role);
  await page.getByRole("button", { name: "Make invitation" }).click();
  const invitation = await page.getByTestId("invitation-link").inputValue();
  const who = await stranger(browser);
  await who.goto(invitation);
  await who.getByLabel("Choose a password").fill("a sentence to remember them by");
  await who.getByRole("button", { name: "Create account and join" }).click();
  await expect(who).toHaveURL(new RegExp(`/sites/${domain}`));
  return who;
}

test("a viewer looks and saves filters for themselves, an admin changes everything but the owner", async ({ owner, browser }) => {
  await owner.adds(domain);
  await owner.server.event(...pageview("/en"));
  await owner.posts("/fn/add-goal", { domain, kind: "page", path: "/thanks" });

  const viewer = await joins(owner, browser, "vic@example.com", "viewer");
  await viewer.goto(settings(owner, "goals"));
  await expect(viewer.getByTestId("goal")).toContainText("Visit /thanks");
  await expect(viewer.getByRole("button", { name: "Add goal" })).toHaveCount(0);
  await expect(viewer.getByRole("link", { name: "Edit the goal Visit /thanks" })).toHaveCount(0);
  for (const closed of ["People", "Shared links", "API keys", "Audit trail"]) {
    await expect(viewer.getByRole("link", { name: closed })).toHaveCount(0);
  }
  await viewer.goto(settings(owner, "segments"));
  await expect(viewer.getByLabel("For all members")).toHaveCount(0);
  await viewer.getByLabel("Name").fill("Mine");
  await viewer.getByLabel("Filters").fill('[["is","event:page",["/en"]]]');
  await viewer.getByRole("button", { name: "Save segment" }).click();
  await expect(viewer.getByTestId("segment")).toContainText("Only you");

  const admin = await joins(owner, browser, "abe@example.com", "admin");
  await admin.goto(settings(owner, "segments"));
  await expect(admin.getByText("Mine")).toHaveCount(0);
  await admin.goto(settings(owner, "people"));
  await expect(admin.getByTestId("person")).toHaveCount(3);
  await expect(admin.getByRole("button", { name: `Remove ${Owner.email}` })).toHaveCount(0);
  await admin.getByLabel("Role of vic@example.com").selectOption("editor");
  await admin.getByRole("button", { name: "Change" }).click();
  await expect(admin.getByTestId("done")).toBeVisible();
  await admin.goto(settings(owner, "danger"));
  await expect(admin.getByRole("button", { name: "Delete site" })).toHaveCount(0);
  await viewer.goto(settings(owner, "goals"));
  await expect(viewer.getByRole("button", { name: "Add goal" })).toBeVisible();
  await viewer.context().close();
  await admin.context().close();
});

test("a site changes hands: its owner is an admin then, and the new one is the owner", async ({ owner, browser }) => {
  const { page } = owner;
  await owner.adds(domain);
  const heir = await joins(owner, browser, "hal@example.com", "viewer");
  await page.goto(settings(owner, "danger"));
  await page.getByLabel("New owner").selectOption({ label: "hal@example.com" });
  await page.getByRole("button", { name: "Transfer site" }).click();
  await expect(page.getByTestId("done")).toContainText("new owner");
  await page.goto(settings(owner, "danger"));
  await expect(page.getByRole("button", { name: "Delete site" })).toHaveCount(0);
  await heir.goto(settings(owner, "danger"));
  await expect(heir.getByRole("button", { name: "Delete site" })).toBeVisible();
  await heir.goto(settings(owner, "audit"));
  await expect(heir.getByTestId("change").first()).toContainText("transferred the site");
  await heir.context().close();
});

test("goals, funnels and segments are edited where they are listed", async ({ owner }) => {
  await owner.adds(domain);
  await owner.server.event(...pageview("/en"));
  for (const path of ["/cart", "/paid"]) await owner.posts("/fn/add-goal", { domain, kind: "page", path });
  await owner.posts("/fn/add-funnel", { domain, name: "Buying", "steps[0]": "1", "steps[1]": "2" });
  await owner.posts("/fn/save-segment", { domain, name: "Buyers", filters: '[["is","event:goal",["Visit /paid"]]]' });
  const { page } = owner;
  await page.goto(settings(owner, "goals"));
  await page.getByRole("link", { name: "Edit the goal Visit /paid" }).click();
  await expect(page.getByLabel("Path")).toHaveValue("/paid");
  await page.getByLabel("Name").fill("Paid");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByTestId("done")).toBeVisible();
  await expect(page.getByTestId("goal").last()).toContainText("Paid");

  await page.goto(settings(owner, "funnels"));
  await expect(page.getByTestId("funnel")).toContainText("Visit /cart → Paid");
  await page.getByRole("link", { name: "Edit the funnel Buying" }).click();
  await page.getByLabel("Step 1").selectOption({ label: "Paid" });
  await page.getByLabel("Step 2").selectOption({ label: "Visit /cart" });
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByTestId("funnel")).toContainText("Paid → Visit /cart");

  await page.goto(settings(owner, "segments"));
  await expect(page.getByTestId("segment")).toContainText("goal is Paid");
  await page.goto(`${owner.server.url}/sites/${domain}?segment=1&f=is,page,/en`);
  await page.locator("summary", { hasText: "Save" }).click();
  await page.getByRole("button", { name: "Add to Buyers" }).click();
  await expect(page).toHaveURL(`${owner.server.url}/sites/${domain}?segment=1`);
  await page.goto(settings(owner, "segments"));
  await expect(page.getByTestId("segment")).toContainText("page is /en");
  await page.getByRole("link", { name: "Edit the segment Buyers" }).click();
  await page.getByLabel("Name").fill("Customers");
  await page.getByLabel("Filters").fill('[["is","event:goal",["Nope"]]]');
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("alert")).toContainText("no goal");
  await expect(page.getByLabel("Name")).toHaveValue("Customers");
});

test("a shared link that gets a password and an end asks whoever has it open, at the same address", async ({ owner, browser }) => {
  const { page } = owner;
  await owner.adds(domain);
  await owner.server.event(...pageview("/en"));
  const address = await shares(owner, "For Bob");
  const guest = await stranger(browser);
  await guest.goto(address);
  await expect(guest.getByTestId("shared")).toBeVisible();
  await page.goto(settings(owner, "links"));
  await page.getByRole("link", { name: "Edit the link For Bob" }).click();
  await page.getByLabel("New password").fill("open sesame please");
  await page.getByLabel("Expires after days").fill("7");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByTestId("link")).toContainText("asks for a password");
  await expect(page.getByTestId("link")).toContainText("expires on");
  await guest.goto(address);
  await expect(guest.getByTestId("shared")).toHaveCount(0);
  await guest.getByLabel("Password").fill("open sesame please");
  await guest.getByRole("button", { name: "Open" }).click();
  await expect(guest.getByTestId("shared")).toBeVisible();
  await guest.context().close();
});

test("of the three kinds of goal the form shows the fields of the chosen one", async ({ owner }) => {
  await owner.adds(domain);
  const { page } = owner;
  await page.goto(settings(owner, "goals"));
  await expect(page.getByLabel("Path")).toBeVisible();
  await expect(page.getByLabel("Event", { exact: true })).toBeHidden();
  await page.getByLabel("a custom event").check();
  await expect(page.getByLabel("Path")).toBeHidden();
  await page.getByLabel("Event", { exact: true }).fill("Signup");
  await page.getByLabel("Only with these properties").fill("plan=team");
  await page.getByRole("button", { name: "Add goal" }).click();
  await expect(page.getByTestId("goal")).toContainText("Custom event Signup whose plan is team");
});

test("a funnel is made of goals, and its goals stay as long as it does", async ({ owner }) => {
  await owner.adds(domain);
  for (const path of ["/cart", "/paid"]) await owner.posts("/fn/add-goal", { domain, kind: "page", path });
  const { page } = owner;
  await page.goto(settings(owner, "funnels"));
  await page.getByLabel("Name").fill("Buying");
  await page.getByLabel("Step 1").selectOption({ label: "Visit /cart" });
  await page.getByLabel("Step 2").selectOption({ label: "Visit /paid" });
  await page.getByRole("button", { name: "Add funnel" }).click();
  await expect(page.getByTestId("funnel")).toContainText("Visit /cart → Visit /paid");
  await page.goto(settings(owner, "goals"));
  await page.getByRole("button", { name: "Remove the goal Visit /cart" }).click();
  await expect(page.getByRole("alert")).toContainText("Buying");
  await expect(page.getByTestId("goal")).toHaveCount(2);
});

test("a shared link with a password and a segment shows that segment, moves, and ends when it is removed", async ({ owner, browser }) => {
  const { page, server } = owner;
  await owner.adds(domain);
  await owner.posts("/fn/save-segment", { domain, name: "German readers", shared: "on", filters: '[["is","visit:language",["de"]]]' });
  await server.event(...pageview("/en", "en"));
  await server.event(...pageview("/de", "de", "203.0.113.8"));
  const address = await shares(owner, "For Bob", async (form) => {
    await form.getByLabel("Password").fill("open sesame please");
    await form.getByLabel("Shows").selectOption({ label: "German readers" });
  });
  const guest = await stranger(browser);
  await guest.goto(address);
  await guest.getByLabel("Password").fill("not that one");
  await guest.getByRole("button", { name: "Open" }).click();
  await expect(guest.getByTestId("form-error")).toBeVisible();
  await guest.getByLabel("Password").fill("open sesame please");
  await guest.getByRole("button", { name: "Open" }).click();
  await expect(guest.getByTestId("shared")).toContainText("German readers");
  await expect(guest.getByText("/de", { exact: true }).first()).toBeVisible();
  await expect(guest.getByText("/en", { exact: true })).toHaveCount(0);

  await server.event(...pageview("/neu", "de", "203.0.113.9"));
  await expect(guest.getByText("/neu", { exact: true }).first()).toBeVisible();
  for (const closed of ["", "/settings", "/live"]) {
    await guest.goto(`${server.url}/sites/${domain}${closed}`);
    await expect(guest).toHaveURL(/\/login/);
  }
  await page.goto(settings(owner, "links"));
  await page.getByRole("button", { name: "Remove the link For Bob" }).click();
  await expect(page.getByTestId("link")).toHaveCount(0);
  expect((await guest.goto(address))?.status()).toBe(404);
  await guest.context().close();
});

test("a link that may be embedded is shown in a page elsewhere, in the theme that it asks for, without a cookie", async ({ owner, browser }) => {
  await owner.adds(domain);
  await owner.server.event(...pageview("/en"));
  const framed = await shares(owner, "Wall", (form) => form.getByLabel("May be embedded").check());
  await expect(owner.page.getByTestId("share-frame")).toHaveValue(/<iframe src=.*embed=true/);
  const plain = await shares(owner, "Closed");
  const page = (address: string) => `<!doctype html><title>Elsewhere</title><iframe src="${address}" width="900" height="700"></iframe>`;
  const elsewhere = createServer((request, response) => {
    response.setHeader("content-type", "text/html");
    response.end(page(`${request.url === "/plain" ? plain : framed}?embed=true&theme=dark`));
  }).listen(0, "127.0.0.1");
  await once(elsewhere, "listening");
  const { port } = elsewhere.address() as AddressInfo;
  const guest = await stranger(browser);
  await guest.goto(`http://elsewhere.example:${port}/`);
  const frame = guest.frameLocator("iframe");
  await expect(frame.getByTestId("shared")).toBeVisible();
  await expect(frame.locator("html")).toHaveAttribute("data-theme", "dark");
  expect(await guest.context().cookies()).toEqual([]);
  await guest.goto(`http://elsewhere.example:${port}/plain`);
  await expect(frame.getByTestId("shared")).toHaveCount(0);
  await guest.context().close();
  elsewhere.close();
});

test("what is excluded is not counted", async ({ owner }) => {
  const { page, server } = owner;
  await owner.adds(domain);
  await page.goto(settings(owner, "exclusions"));
  await page.getByLabel("Paths").fill("/admin/**");
  await page.getByRole("button", { name: "Save" }).first().click();
  await expect(page.getByTestId("done")).toBeVisible();
  const dropped = await server.event(...pageview("/admin/users"));
  expect([dropped.status, dropped.headers.get("x-pulsecast-dropped")]).toEqual([202, "excluded_path"]);
  expect((await server.event(...pageview("/administration"))).headers.get("x-pulsecast-dropped")).toBeNull();
});

test("signing out ends what other tabs of that browser hold open", async ({ owner }) => {
  const { server, context } = owner;
  const tab = await owner.watches("demo", await context.newPage());
  await owner.page.goto(server.url);
  await owner.page.getByRole("button", { name: "Sign out" }).click();
  await expect(tab.getByTestId("status")).not.toHaveText("Live");
});
