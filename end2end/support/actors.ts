// Who acts in the tests: the owner at the dashboard, visitors on the pages. Each has a browser context, and so cookies, of their own.
import { type Browser, type BrowserContext, type BrowserContextOptions, type Page, expect, test as base } from "@playwright/test";
import { Server, USER_AGENT } from "./server.ts";

/**
 * Visitors are told apart by address and browser; on one machine it has to be the browser. What a page sends while it is being left goes
 * out under the name of "chrome" whatever is chosen here (see playwright.config.ts): who leaves pages and must stay one, be "chrome".
 */
export const BROWSERS = {
  chrome: USER_AGENT,
  firefox: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0",
  safari: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
} as const;
export type BrowserName = keyof typeof BROWSERS;

export class Owner {
  static readonly email = "ada@example.com";
  static readonly password = "correct horse battery staple";
  /** What went wrong inside the dashboard's program: panics, uncaught errors, what hydration did not find as it was rendered. */
  readonly faults: string[] = [];
  private constructor(
    readonly server: Server,
    readonly context: BrowserContext,
    readonly page: Page,
  ) {
    context.on("weberror", (error) => {
      // A transition between two pages that the browser left out is no fault of theirs.
      if (!/ViewTransition|Transition was/.test(String(error.error()))) this.faults.push(String(error.error()));
    });
    context.on("console", (message) => {
      if (/hydrat|panicked|unreachable/i.test(message.text())) this.faults.push(message.text());
    });
  }

  /** Creates the first account by the link that the server printed, and is signed in. (account.spec.ts does it by hand.) */
  static async arrive(server: Server, browser: Browser, options: BrowserContextOptions = {}): Promise<Owner> {
    const token = new URL(await server.firstAccount()).searchParams.get("token") ?? "";
    return Owner.#signedIn(server, browser, "/setup", { token }, options);
  }

  /** Signs in to the account that exists, in a context of its own. */
  static async return(server: Server, browser: Browser, options: BrowserContextOptions = {}): Promise<Owner> {
    return Owner.#signedIn(server, browser, "/login", {}, options);
  }

  static async #signedIn(server: Server, browser: Browser, path: string, fields: Record<string, string>, options: BrowserContextOptions) {
    const context = await browser.newContext(options);
    const owner = new Owner(server, context, await context.newPage());
    await owner.posts(path, { email: Owner.email, password: Owner.password, ...fields });
    return owner;
  }

  /** Opens a site's live page and waits until its socket is up. */
  async watches(domain: string, page: Page = this.page): Promise<Page> {
    await page.goto(`${this.server.url}/sites/${domain}/live`);
    await expect(page.getByTestId("status")).toHaveText("Live");
    return page;
  }

  /** Adds a site, as its form does. */
  async adds(domain: string): Promise<void> {
    await this.posts("/fn/add-site", { domain, timezone: "UTC" });
  }

  /** Changes a site's settings, as their form does. */
  async sets(domain: string, settings: { hostnames?: string; origins?: string; any_origin?: "on"; ip_display?: string }): Promise<void> {
    await this.posts("/fn/save-site", { domain, timezone: "UTC", hostnames: "", origins: "", ip_display: "shortened", ...settings });
  }

  /** Every event of the site that is stored, oldest first. */
  async exports(domain: string): Promise<StoredEvent[]> {
    const answer = await this.context.request.get(`${this.server.url}/sites/${domain}/export.ndjson`);
    expect(answer.status()).toBe(200);
    const lines = (await answer.text()).split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line));
  }

  /** Posts a form of ours without JavaScript; it has to end at a page. */
  async posts(path: string, form: Record<string, string>): Promise<void> {
    const headers = { origin: this.server.url, accept: "text/html" };
    const answer = await this.context.request.post(this.server.url + path, { form, headers, maxRedirects: 0 });
    const to = answer.headers().location ?? "";
    if (![302, 303].includes(answer.status()) || /error/.test(to)) {
      throw new Error(`${path} was answered with ${answer.status()} ${to}: ${await answer.text()}`);
    }
  }
}

/** An event as the export has it; the fields that tests ask for. */
export type StoredEvent = {
  name: string;
  hostname: string;
  path: string;
  props?: Record<string, string>;
} & Record<string, unknown>;

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
    await this.acts(() => this.page.goto(this.server.url + path, options));
  }

  /** Goes to another view of the hash-routed demo page. */
  async routes(hash: string): Promise<void> {
    await this.acts(() => this.page.evaluate((to) => void (location.hash = to), hash));
  }

  /** Closes everything: the socket goes, and with it "online now". */
  async leaves(): Promise<void> {
    await this.context.close();
  }

  /** Does something that is a pageview, and waits until it has been counted. */
  async acts(act: () => Promise<unknown>): Promise<void> {
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
  /** Flags of `pulsecast serve`, set by `test.use`. */
  flags: string[];
  /** A server of the test's own. */
  server: Server;
  /** Its owner, signed in. */
  owner: Owner;
  /** Makes a visitor with this browser. */
  visitor: (as?: BrowserName) => Promise<Visitor>;
};

/** `test` with a server, its owner and visitors; all of it is gone when the test ends. */
export const test = base.extend<Actors>({
  flags: [[], { option: true }],
  server: async ({ flags }, use, info) => {
    const server = await Server.start(flags);
    await use(server);
    if (info.status !== info.expectedStatus) await info.attach("server.log", { body: server.log, contentType: "text/plain" });
    await server.discard();
  },
  owner: async ({ server, browser }, use) => {
    const owner = await Owner.arrive(server, browser);
    await use(owner);
    await owner.context.close();
    expect(owner.faults, "the dashboard's program ran without a fault").toEqual([]);
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
export { expect, type Server };
