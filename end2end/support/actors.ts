// Who acts in the tests: the owner at the dashboard, visitors on the pages. Each has a browser context, and so cookies, of their own.
import { type Browser, type BrowserContext, type Page, expect, test as base } from "@playwright/test";
import { Server, USER_AGENT } from "./server.ts";

/** Visitors are told apart by address and browser; on one machine it has to be the browser. */
export const BROWSERS = {
  chrome: USER_AGENT,
  firefox: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0",
  safari: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
} as const;
export type BrowserName = keyof typeof BROWSERS;

export class Owner {
  static readonly email = "ada@example.com";
  static readonly password = "correct horse battery staple";
  private constructor(
    readonly server: Server,
    readonly context: BrowserContext,
    readonly page: Page,
  ) {}

  /** Creates the first account by the link that the server printed, and is signed in. */
  static async arrive(server: Server, browser: Browser): Promise<Owner> {
    const context = await browser.newContext();
    const owner = new Owner(server, context, await context.newPage());
    if (!server.setupUrl) throw new Error(`the server printed no link for the first account:\n${server.log}`);
    await owner.page.goto(server.setupUrl);
    await owner.#submit();
    return owner;
  }

  /** Signs in to the account that exists, in a context of its own. */
  static async return(server: Server, browser: Browser): Promise<Owner> {
    const context = await browser.newContext();
    const owner = new Owner(server, context, await context.newPage());
    await owner.page.goto(`${server.url}/login`);
    await owner.#submit();
    return owner;
  }

  /** Opens a site's live page and waits until its socket is up. */
  async watches(domain: string, page: Page = this.page): Promise<Page> {
    await page.goto(`${this.server.url}/sites/${domain}`);
    await expect(page.getByTestId("status")).toHaveText(/live/i);
    return page;
  }

  async #submit(): Promise<void> {
    await this.page.locator('input[name="email"]').fill(Owner.email);
    await this.page.locator('input[name="password"]').fill(Owner.password);
    await this.page.locator('form[method="post"] button[type="submit"]').first().click();
    await this.page.waitForURL((url) => !/^\/(login|setup)/.test(url.pathname));
  }
}

export class Visitor {
  private constructor(
    readonly server: Server,
    readonly context: BrowserContext,
    readonly page: Page,
  ) {}

  static async arrive(server: Server, browser: Browser, as: BrowserName = "firefox"): Promise<Visitor> {
    const context = await browser.newContext({ userAgent: BROWSERS[as] });
    return new Visitor(server, context, await context.newPage());
  }

  /** Opens a page of the server's demo site and waits until it has been counted: `opens("/demo/article")`. */
  async opens(path = "/demo", options: { referer?: string } = {}): Promise<void> {
    await this.#reports(() => this.page.goto(this.server.url + path, options));
  }

  /** Goes to another view of the hash-routed demo page. */
  async routes(hash: string): Promise<void> {
    await this.#reports(() => this.page.evaluate((to) => void (location.hash = to), hash));
  }

  /** Closes everything: the socket goes, and with it "online now". */
  async leaves(): Promise<void> {
    await this.context.close();
  }

  async #reports(act: () => Promise<unknown>): Promise<void> {
    const counted = this.page.waitForResponse(
      (response) => new URL(response.url()).pathname === "/api/event" && response.request().postDataJSON().n === "pageview",
    );
    await act();
    const answer = await counted;
    expect(answer.status()).toBe(202);
    expect(answer.headers()["x-pulsecast-dropped"]).toBeUndefined();
  }
}

type Actors = {
  /** A server of the test's own. */
  server: Server;
  /** Its owner, signed in. */
  owner: Owner;
  /** Makes a visitor with this browser. */
  visitor: (as?: BrowserName) => Promise<Visitor>;
};

/** `test` with a server, its owner and visitors; all of it is gone when the test ends. */
export const test = base.extend<Actors>({
  server: async ({}, use, info) => {
    const server = await Server.start();
    await use(server);
    if (info.status !== info.expectedStatus) await info.attach("server.log", { body: server.log, contentType: "text/plain" });
    await server.discard();
  },
  owner: async ({ server, browser }, use) => {
    const owner = await Owner.arrive(server, browser);
    await use(owner);
    await owner.context.close();
  },
  visitor: async ({ server, browser }, use) => {
    const all: Visitor[] = [];
    await use(async (as) => {
      const visitor = await Visitor.arrive(server, browser, as);
      all.push(visitor);
      return visitor;
    });
    for (const visitor of all) await visitor.leaves();
  },
});
export { expect };
