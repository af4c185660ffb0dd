// The two sites of examples/, run as their READMEs say: a notification from one signed-in browser to another, coming back after a restart,
// and without WebSocket.
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import AxeBuilder from "@axe-core/playwright";
import type { Browser, BrowserContext, Page } from "@playwright/test";
import { Owner, expect, test } from "../support/actors.ts";
import { Server } from "../support/server.ts";

const examples = fileURLToPath(new URL("../../examples/", import.meta.url));

/** A port that nobody has just now. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/** One of the two sites, on a port of its own. */
class Site {
  private constructor(
    readonly url: string,
    readonly process: ChildProcess,
  ) {}

  static async start(example: string, port: number, env: Record<string, string>): Promise<Site> {
    const child = spawn(process.execPath, [`${examples}${example}/server.mjs`], { env: { ...process.env, ...env, PORT: String(port) }, stdio: ["ignore", "pipe", "inherit"] });
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on("data", (chunk: Buffer) => String(chunk).includes("listening") && resolve());
      child.once("exit", (code) => reject(new Error(`${example} ended with ${code}`)));
    });
    return new Site(`http://localhost:${port}`, child);
  }

  stop(): void {
    this.process.removeAllListeners("exit");
    this.process.kill();
  }

  /** Somebody signs in there, in a browser of their own that may show notifications. */
  async signIn(browser: Browser, name: string, password: string, prepare: (page: Page) => Promise<void> = async () => {}): Promise<Page> {
    const context: BrowserContext = await browser.newContext({ permissions: ["notifications"] });
    const page = await context.newPage();
    // What the browser would show, where the test can see it.
    await page.addInitScript(() => {
      const shown: unknown[] = [];
      Object.assign(window, { shown });
      const Fake = class {
        static permission = "granted";
        static requestPermission = async () => "granted";
        constructor(title: string, options: object) {
          shown.push({ title, ...options });
        }
      };
      Object.assign(window, { Notification: Fake });
    });
    await prepare(page);
    await page.goto(this.url);
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("status")).toHaveText("Connected.");
    return page;
  }
}

/** As if the visitor looked at another tab: in a browser without a screen every page is visible. */
const lookAway = (page: Page) =>
  page.evaluate(() => {
    Object.defineProperty(document, "hidden", { value: true, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });

const notifications = (page: Page) => page.evaluate(() => (window as unknown as { shown: unknown[] }).shown);

/** Without WebSocket, as behind some proxies. */
const withoutSockets = async (page: Page) => {
  await page.addInitScript(() => {
    window.WebSocket = class {
      constructor() {
        setTimeout(() => (this as unknown as WebSocket).onclose?.({ code: 1006 } as CloseEvent));
      }
      close() {}
      send() {}
    } as unknown as typeof WebSocket;
  });
};

/** A site `localhost` whose pages are on this port. */
async function siteOn(owner: Owner, port: number): Promise<void> {
  await owner.adds("localhost");
  await owner.sets("localhost", { origins: `http://localhost:${port}` });
}

test.describe("a site that signs tokens", () => {
  let site: Site;
  let owner: Owner;
  let env: Record<string, string>;
  let port: number;

  test.beforeEach(async ({ owner: arrived }) => {
    owner = arrived;
    port = await freePort();
    await siteOn(owner, port);
    // The secret comes from the page that shows it once, as it would for a person.
    await owner.page.goto(`${owner.server.url}/sites/localhost/settings/visitors`);
    await owner.page.getByLabel("A secret (HS256)").check();
    await owner.page.getByRole("button", { name: "Save" }).click();
    const secret = await owner.page.getByTestId("visitor-secret").inputValue();
    expect(secret.length).toBeGreaterThan(40);
    await owner.page.reload();
    await expect(owner.page.getByTestId("visitor-secret"), "it is shown once").toHaveCount(0);
    env = { PULSECAST: owner.server.url, VISITOR_SECRET: secret };
    site = await Site.start("jwt-chat", port, env);
  });

  test.afterEach(() => site?.stop());

  test("two signed-in browsers talk in the lobby and see who is there", async ({ browser }) => {
    const ann = await site.signIn(browser, "ann", "tide");
    const bob = await site.signIn(browser, "bob", "harbour");
    await expect(ann.getByRole("list", { name: "Who is here" })).toContainText("bob");
    await bob.getByLabel("Message").fill("hello");
    await bob.getByRole("button", { name: "Send" }).click();
    await expect(ann.getByText("bob: hello")).toBeVisible();
    await bob.close();
    await expect(ann.getByRole("list", { name: "Who is here" })).not.toContainText("bob");
  });

  test("a notification from one browser reaches the other, and nobody else", async ({ browser }) => {
    const ann = await site.signIn(browser, "ann", "tide");
    const bob = await site.signIn(browser, "bob", "harbour");
    await lookAway(bob);
    await ann.getByRole("button", { name: "Wave at bob" }).click();
    await expect.poll(() => notifications(bob)).toEqual([{ title: "Ann", body: "waves at you" }]);
    expect(await notifications(ann)).toEqual([]);
    // Bob's room is his: another's token does not open it.
    const refused = await ann.evaluate(
      () => new Promise((resolve) => (window as unknown as { pulse: any }).pulse.room("to-bob").on("error", (error: { code: number }) => resolve(error.code))),
    );
    expect(refused).toBe(103);
  });

  test("who was away while something was said hears it once they are back, also after the server was restarted", async ({ browser }) => {
    const ann = await site.signIn(browser, "ann", "tide");
    const bob = await site.signIn(browser, "bob", "harbour");
    await ann.getByLabel("Message").fill("before");
    await ann.getByRole("button", { name: "Send" }).click();
    await expect(bob.getByText("ann: before")).toBeVisible();
    await bob.context().setOffline(true);
    await bob.evaluate(() => dispatchEvent(new Event("pagehide")));
    await ann.getByLabel("Message").fill("meanwhile");
    await ann.getByRole("button", { name: "Send" }).click();
    await expect(ann.getByText("ann: meanwhile")).toBeVisible();
    await owner.server.restart();
    await bob.context().setOffline(false);
    await bob.evaluate(() => dispatchEvent(new Event("pageshow")));
    await expect(bob.getByText("ann: meanwhile")).toBeVisible({ timeout: 30_000 });
    await expect(bob.getByText("ann: meanwhile"), "once").toHaveCount(1);
    await expect(bob.getByText("ann: before"), "and not again what was heard").toHaveCount(1);
  });

  test("without WebSocket it is the same", async ({ browser }) => {
    const ann = await site.signIn(browser, "ann", "tide", withoutSockets);
    const bob = await site.signIn(browser, "bob", "harbour");
    await bob.getByLabel("Message").fill("over sockets");
    await bob.getByRole("button", { name: "Send" }).click();
    await expect(ann.getByText("bob: over sockets")).toBeVisible();
    await ann.getByLabel("Message").fill("without");
    await ann.getByRole("button", { name: "Send" }).click();
    await expect(bob.getByText("ann: without")).toBeVisible();
  });

  test("tokens are renewed under way, and nobody notices", async ({ browser }) => {
    site.stop();
    site = await Site.start("jwt-chat", port, { ...env, TOKEN_SECONDS: "4" });
    const ann = await site.signIn(browser, "ann", "tide");
    const commands = (method: string) => owner.server.metric(`pulsecast_commands_total{method="${method}"}`);
    const connects = await commands("connect");
    await expect.poll(() => commands("refresh"), { timeout: 20_000 }).toBeGreaterThanOrEqual(2);
    await ann.getByLabel("Message").fill("still here");
    await ann.getByRole("button", { name: "Send" }).click();
    await expect(ann.getByText("ann: still here")).toBeVisible();
    expect(await commands("connect"), "all on one connection").toBe(connects);
  });

  test("who is turned away in the settings is out at once", async ({ browser }) => {
    const ann = await site.signIn(browser, "ann", "tide");
    const bob = await site.signIn(browser, "bob", "harbour");
    await expect(ann.getByRole("list", { name: "Who is here" })).toContainText("bob");
    await owner.page.goto(`${owner.server.url}/sites/localhost/settings/visitors`);
    await owner.page.getByLabel("Name").fill("bob");
    await owner.page.getByRole("button", { name: "Turn away" }).click();
    await expect(owner.page.getByTestId("revoked")).toContainText("bob");
    await expect(ann.getByRole("list", { name: "Who is here" })).not.toContainText("bob");
    await expect(bob.getByRole("list", { name: "Who is here" })).toBeVisible();
  });

  test("its settings read well for everybody", async () => {
    await owner.page.goto(`${owner.server.url}/sites/localhost/settings/visitors`);
    for (const colorScheme of ["light", "dark"] as const) {
      await owner.page.emulateMedia({ colorScheme });
      const { violations } = await new AxeBuilder({ page: owner.page }).analyze();
      expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([]);
    }
  });
});

test.describe("a site that has a session cookie", () => {
  test("its endpoint says who is who, and notes reach the other browser on every transport", async ({ browser, owner }) => {
    // A server of its own: this endpoint is on the same machine and has no https, which its owner has to say.
    const port = await freePort();
    const server = await Server.start(["--trust-endpoints", `localhost:${port}`]);
    const there = await Owner.arrive(server, browser);
    await siteOn(there, port);
    await there.page.goto(`${server.url}/sites/localhost/settings/visitors`);
    await there.page.getByLabel("Connect endpoint").fill(`http://localhost:${port}/pulsecast/connect`);
    await there.page.getByRole("button", { name: "Save" }).click();
    await expect(there.page.getByTestId("done")).toBeVisible();
    const site = await Site.start("session-cookie", port, { PULSECAST: server.url });
    try {
      const ann = await site.signIn(browser, "ann", "tide");
      const bob = await site.signIn(browser, "bob", "harbour", withoutSockets);
      await lookAway(bob);
      await ann.getByLabel("To", { exact: true }).selectOption("bob");
      await ann.getByLabel("Note").fill("lunch?");
      await ann.getByRole("button", { name: "Send" }).click();
      await expect.poll(() => notifications(bob)).toEqual([{ title: "Ann", body: "lunch?" }]);
      await bob.getByLabel("Note").fill("yes");
      await bob.getByRole("button", { name: "Send" }).click();
      await expect(ann.getByText("bob: yes")).toBeVisible();

      // The site ends the session: at the next look the visitor is nobody any more.
      await ann.getByRole("button", { name: "Sign out" }).click();
      await expect(ann.getByRole("heading", { name: "Sign in" })).toBeVisible();
    } finally {
      site.stop();
      await there.context.close();
      await server.discard();
    }
    expect(owner.faults).toEqual([]);
  });
});
