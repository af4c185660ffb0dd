// Who may look: the first account, signing in and out, and what those who are not signed in get.
import { Owner, expect, test } from "../support/actors.ts";

test("the link that the server printed creates the first account, once", async ({ server, page, browser }) => {
  const link = await server.firstAccount();
  await page.goto(link);
  await expect(page.getByRole("heading", { name: "Create the first account" })).toBeVisible();
  await page.getByLabel("Email").fill(Owner.email);
  await page.getByLabel("Password").fill(Owner.password);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page).toHaveURL(`${server.url}/`);
  await expect(page.getByText(Owner.email)).toBeVisible();
  await expect(page.getByTestId("site-card"), "the demo site is there to look at").toHaveCount(1);

  const other = await (await browser.newContext()).newPage();
  await other.goto(link);
  await expect(other, "whoever opens it later is asked to sign in").toHaveURL(/\/login/);
  const again = await other.request.post(`${server.url}/setup`, {
    form: { token: new URL(link).searchParams.get("token") ?? "", email: "eve@example.com", password: "an entirely different one" },
    headers: { origin: server.url },
    maxRedirects: 0,
  });
  expect(again.headers().location).toBe("/login?error=exists");
  await other.goto(`${server.url}/login?error=exists`);
  await expect(other.getByTestId("form-error")).toContainText("There is an account already");
  await other.context().close();
});

test("a made-up set-up link creates nothing", async ({ server, page }) => {
  await page.goto(`${server.url}/setup?token=made-up`);
  await page.getByLabel("Email").fill("eve@example.com");
  await page.getByLabel("Password").fill("an entirely different one");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByTestId("form-error")).toContainText("not valid any more");
  await page.goto(`${server.url}/setup`);
  await expect(page.getByRole("heading", { name: "This link is not complete" })).toBeVisible();
});

test("a wrong password is refused in words, and the address stays filled in", async ({ owner, page }) => {
  await page.goto(`${owner.server.url}/login`);
  await page.getByLabel("Email").fill(Owner.email);
  await page.getByLabel("Password").fill("not the right one");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByTestId("form-error")).toHaveText("The email address or the password is not right.");
  await expect(page.getByLabel("Email")).toHaveValue(Owner.email);
  await page.goto(`${owner.server.url}/sites/demo/live`);
  await expect(page).toHaveURL(/\/login\?/);
});

test("whoever asks for a page first signs in and then gets it", async ({ owner, page }) => {
  await page.goto(`${owner.server.url}/sites/demo/settings`);
  await expect(page).toHaveURL(`${owner.server.url}/login?next=${encodeURIComponent("/sites/demo/settings")}`);
  await page.getByLabel("Email").fill(Owner.email);
  await page.getByLabel("Password").fill(Owner.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(`${owner.server.url}/sites/demo/settings`);
  await expect(page.getByRole("heading", { name: "demo" })).toBeVisible();
});

test("signing in never leads to somebody else's page", async ({ owner, page }) => {
  await page.goto(`${owner.server.url}/login?next=${encodeURIComponent("//evil.example/")}`);
  await page.getByLabel("Email").fill(Owner.email);
  await page.getByLabel("Password").fill(Owner.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(`${owner.server.url}/`);
});

test("signing out ends the session, also for whoever copied its cookie", async ({ owner, browser }) => {
  const { page, context, server } = owner;
  const cookies = await context.cookies();
  expect(cookies.map(({ httpOnly, sameSite }) => ({ httpOnly, sameSite })), "no script reads the cookie, no other site sends it").toEqual([
    { httpOnly: true, sameSite: expect.stringMatching(/Lax|Strict/) },
  ]);
  await page.goto(server.url);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/login/);
  await page.goto(`${server.url}/sites/demo/live`);
  await expect(page).toHaveURL(/\/login\?next=/);

  const thief = await browser.newContext();
  await thief.addCookies(cookies);
  const answer = await thief.request.get(`${server.url}/sites/demo/export.ndjson`);
  expect(answer.status()).toBe(401);
  await thief.close();
});

test("a session survives a restart of the server", async ({ owner }) => {
  await owner.page.goto(`${owner.server.url}/sites/demo/live`);
  await owner.server.restart();
  await owner.page.reload();
  await expect(owner.page).toHaveURL(`${owner.server.url}/sites/demo/live`);
  await expect(owner.page.getByTestId("status")).toHaveText("Live");
});

test("a dashboard without a session shows nothing of a site, not even that it exists", async ({ owner, page }) => {
  await owner.adds("secret.example");
  for (const path of ["/", "/sites/secret.example", "/sites/nowhere.example", "/sites/new"]) {
    await page.goto(owner.server.url + path);
    await expect(page).toHaveURL(/\/login/);
    expect(await page.content()).not.toContain("Waiting for the first event");
  }
  for (const call of ["sites", "live?domain=secret.example", "settings?domain=secret.example"]) {
    const answer = await page.request.get(`${owner.server.url}/fn/${call}`);
    expect(answer.ok(), call).toBe(false);
    expect(await answer.text()).toContain("unauthorized");
  }
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("signing in, looking at a dashboard and signing out work", async ({ owner, page }) => {
    await owner.server.event({ n: "pageview", u: "http://127.0.0.1/plain", d: "demo" });
    await page.goto(`${owner.server.url}/sites/demo/live`);
    await page.getByLabel("Email").fill(Owner.email);
    await page.getByLabel("Password").fill("not the right one");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByTestId("form-error")).toBeVisible();
    await page.getByLabel("Password").fill(Owner.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page).toHaveURL(`${owner.server.url}/sites/demo/live`);
    await expect(page.getByTestId("stream-row")).toContainText("/plain");
    await expect(page.getByTestId("current-visitors")).toHaveText("1");
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page).toHaveURL(/\/login/);
  });
});
