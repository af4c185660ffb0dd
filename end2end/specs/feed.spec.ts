// The feed: what an editor publishes is on every open page at once, whatever way its browser has to the server; who comes later gets what still
// stands, who was cut off exactly what they missed, and nothing that was typed runs.
import AxeBuilder from "@axe-core/playwright";
import type { BrowserContext, Page } from "@playwright/test";
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Owner, expect, test } from "../support/actors.ts";
import { Pages, html } from "../support/pages.ts";
import { USER_AGENT, type Server } from "../support/server.ts";

const domain = "shop.example";
const looks = fileURLToPath(new URL("../test-results/looks", import.meta.url));
const tag = (server: Server) => `<script defer data-site="${domain}" data-live data-feed src="${server.url}/js/pulse.js"></script>`;

/** A site with pages of its own, each with the tag; `/list` has a place for the feed. */
async function site(owner: Owner) {
  await owner.adds(domain);
  const head = tag(owner.server);
  const body = "<main><h1>Shop</h1><p>Things.</p></main>";
  const pages = await Pages.serve({ "/": html(head, body), "/blog/one": html(head, body), "/list": html(head, `${body}<div data-pulse-feed></div>`) });
  await owner.sets(domain, { origins: pages.origin(domain) });
  return { pages, origin: pages.origin(domain) };
}

/** A browser whose network lets no WebSocket through. */
const withoutSockets = (context: BrowserContext) =>
  context.addInitScript(() => {
    window.WebSocket = class {
      onclose?: (event: { code: number }) => void;
      constructor() {
        setTimeout(() => this.onclose?.({ code: 1006 }), 20);
      }
      close() {}
      send() {}
    } as unknown as typeof WebSocket;
  });
const withoutStreams = (context: BrowserContext) => context.addInitScript(() => void delete (window as { EventSource?: unknown }).EventSource);

const note = (page: Page) => page.locator(".pulse-note");
const items = (page: Page) => page.locator(".pulse-item .pulse-title");

class Editor {
  constructor(
    readonly owner: Owner,
    readonly page: Page,
  ) {}
  static async at(owner: Owner) {
    const editor = new Editor(owner, owner.page);
    await owner.page.goto(`${owner.server.url}/sites/${domain}/feed`);
    await expect(owner.page.getByRole("heading", { name: "New item" })).toBeVisible();
    return editor;
  }
  async publishes(fields: Record<string, string>, kind = "message") {
    await this.page.locator(`input[name=kind][value=${kind}]`).check();
    for (const [name, value] of Object.entries(fields)) {
      const field = this.page.locator(`.feed-form [name=${name}]`);
      if (!(await field.isVisible())) await this.page.locator(".feed-form details", { has: this.page.locator(`[name=${name}]`) }).locator("summary").click();
      await field.fill(value);
    }
    await this.page.getByRole("button", { name: /^Publish/ }).click();
    await expect(this.page.getByTestId("done")).toBeVisible();
  }
  /** The row of an item in the lists. */
  row(name: string) {
    return this.page.getByTestId("feed-entry").filter({ hasText: name });
  }
}

test("an item appears on all open pages at once, by WebSocket and where that is blocked, and goes when it is withdrawn", async ({ owner, browser }) => {
  const { pages, origin } = await site(owner);
  const contexts = await Promise.all([1, 2, 3].map(() => browser.newContext({ userAgent: USER_AGENT })));
  await withoutSockets(contexts[1]);
  await withoutSockets(contexts[2]);
  await withoutStreams(contexts[2]);
  const editor = await Editor.at(owner);
  const visitors = await Promise.all(contexts.map((context) => context.newPage()));
  for (const visitor of visitors) await visitor.goto(origin);
  // The parked request of the third may stand between two turns.
  await expect(async () => expect(Number(await owner.page.getByTestId("feed-open").textContent())).toBeGreaterThanOrEqual(2)).toPass();

  await editor.publishes({ title: "We open at nine", text: "With *fresh* bread." });
  for (const visitor of visitors) {
    await expect(items(visitor)).toHaveText(["We open at nine"]);
    await expect(visitor.locator(".pulse-item em")).toHaveText("fresh");
  }
  await expect(editor.row("We open at nine").getByTestId("feed-received")).toHaveText(/^[3-9]$/);
  const focus = await visitors[0].evaluate(() => document.activeElement?.tagName);
  expect(focus, "the note takes no focus").toBe("BODY");

  // Who comes later gets what stands, and the count moves by itself.
  const late = await contexts[0].newPage();
  const before = Number(await editor.row("We open at nine").getByTestId("feed-received").textContent());
  await late.goto(`${origin}/list`);
  await expect(late.locator("[data-pulse-feed] .pulse-title")).toHaveText(["We open at nine"]);
  await expect(note(late)).toHaveCount(0);
  await expect(async () => expect(Number(await editor.row("We open at nine").getByTestId("feed-received").textContent())).toBeGreaterThan(before)).toPass();

  // What was closed stays closed.
  await visitors[0].getByRole("button", { name: "Close" }).click();
  await expect(note(visitors[0])).toHaveCount(0);
  await visitors[0].reload();
  await expect(visitors[1].locator(".pulse-note")).toBeVisible();
  await expect(note(visitors[0])).toHaveCount(0);

  await editor.row("We open at nine").getByRole("button", { name: /Withdraw/ }).click();
  for (const visitor of [visitors[1], visitors[2]]) await expect(note(visitor)).toHaveCount(0);
  await expect(late.locator("[data-pulse-feed] .pulse-item")).toHaveCount(0);
  for (const context of contexts) await context.close();
  await pages.close();
});

test("who was cut off gets exactly what they missed, also over a restart of the server", async ({ owner, browser }) => {
  const { pages, origin } = await site(owner);
  const context = await browser.newContext({ userAgent: USER_AGENT });
  const visitor = await context.newPage();
  const frames: string[] = [];
  visitor.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => frames.push(String(payload))));
  const editor = await Editor.at(owner);
  await visitor.goto(origin);
  await editor.publishes({ title: "one" });
  await expect(items(visitor)).toHaveText(["one"]);

  await visitor.goto("about:blank");
  for (const title of ["two", "three"]) await editor.publishes({ title });
  await owner.server.restart();
  frames.length = 0;
  await visitor.goto(`${origin}/blog/one`);
  await expect(items(visitor)).toHaveText(["three", "two", "one"]);
  const reply = frames.flatMap((frame) => frame.split("\n")).filter(Boolean).map((line) => JSON.parse(line)).find((reply) => reply.subscribe?.recoverable);
  expect(reply.subscribe.recovered).toBe(true);
  expect(reply.subscribe.publications.map((p: { data: { publish: { title: string } } }) => p.data.publish.title)).toEqual(["two", "three"]);

  await editor.page.goto(`${owner.server.url}/sites/${domain}/feed`);
  await editor.publishes({ title: "four" });
  await expect(items(visitor)).toHaveText(["four", "three", "two", "one"]);
  await context.close();
  await pages.close();
});

const TRIES = [
  "<script>document.title='hit'</script>",
  "</textarea><b data-escaped>out of the box</b>",
  "<img src=x onerror=\"document.title='hit'\">",
  "<svg onload=\"document.title='hit'\"></svg>",
  "[click](javascript:document.title='hit')",
  "<a href=\"jav&#x09;ascript:document.title='hit'\">click</a>",
  "<iframe srcdoc=\"<script>parent.document.title='hit'</script>\"></iframe>",
  "<details open ontoggle=\"document.title='hit'\">x</details>",
  "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=document.title='hit'&gt;\">",
  "<form><button formaction=\"javascript:document.title='hit'\">x</button></form>",
  "<style>@import 'javascript:1'</style><p style=\"position:fixed;inset:0\">cover</p>",
  "<input autofocus onfocus=\"document.title='hit'\">",
  "<body onpageshow=\"document.title='hit'\">",
];

test("nothing that is typed runs, neither for visitors nor in the preview", async ({ owner, browser }) => {
  const { pages, origin } = await site(owner);
  const context = await browser.newContext({ userAgent: USER_AGENT });
  const visitor = await context.newPage();
  await visitor.goto(`${origin}/list`);
  const editor = await Editor.at(owner);
  const text = TRIES.map((line) => `${line}\n\nharmless`).join("\n\n");
  await editor.page.locator("[name=text]").fill(text);
  await editor.page.getByRole("button", { name: "Preview" }).last().click();
  await expect(editor.page.getByTestId("feed-preview")).toContainText("harmless");
  expect(await editor.page.title()).not.toContain("hit");
  await expect(editor.page.locator("[name=text]"), "what was typed is there again, letter for letter").toHaveValue(text);
  await expect(editor.page.locator("[data-escaped]")).toHaveCount(0);
  await editor.publishes({ title: "<img src=x onerror=\"document.title='hit'\">" });
  await expect(visitor.locator(".pulse-text")).toContainText("harmless");
  for (const link of await visitor.locator(".pulse-text a").all()) await link.click();
  await visitor.mouse.move(200, 200);
  expect(await visitor.title()).not.toContain("hit");
  expect(await visitor.locator(".pulse-item :is(script, iframe, form, input, style, svg, [style], [onerror], [onload])").count()).toBe(0);
  await expect(visitor.locator(".pulse-title"), "a title is text").toHaveText(/<img src=x/);
  await context.close();
  await pages.close();
});

test("an item is for the pages it names, begins and ends at its time, and can be changed", async ({ owner, browser }) => {
  const { pages, origin } = await site(owner);
  const context = await browser.newContext({ userAgent: USER_AGENT });
  const [home, blog] = [await context.newPage(), await context.newPage()];
  await home.goto(origin);
  await blog.goto(`${origin}/blog/one`);
  const editor = await Editor.at(owner);
  await editor.publishes({ title: "For readers", path: "/blog/**" });
  await expect(items(blog)).toHaveText(["For readers"]);
  await editor.publishes({ title: "For all", url: "/list" }, "visit");
  await expect(items(blog)).toHaveText(["For all", "For readers"]);
  await expect(items(home)).toHaveText(["For all"]);

  await editor.row("For all").getByRole("link", { name: /Edit/ }).click();
  await editor.publishes({ title: "For everybody" }, "visit");
  await expect(items(home)).toHaveText(["For everybody"]);
  await home.getByRole("link", { name: "Read more" }).click();
  await expect(home).toHaveURL(`${origin}/list`);

  // A draft with a mistake is kept, and says what is wrong.
  await editor.page.locator("[name=title]").fill("Half done");
  await editor.page.locator("input[value=link]").check();
  await editor.page.locator("[name=url]").fill("javascript:alert(1)");
  await editor.page.getByRole("button", { name: "Publish" }).click();
  await expect(editor.page.locator("#url-error")).toContainText("whole address");
  await expect(editor.page.locator("[name=title]")).toHaveValue("Half done");
  await context.close();
  await pages.close();
});

test("a program publishes with a key", async ({ owner, browser }) => {
  const { pages, origin } = await site(owner);
  const context = await browser.newContext({ userAgent: USER_AGENT });
  const visitor = await context.newPage();
  await visitor.goto(origin);
  const key = (await owner.server.command("key", "add", "--site", domain, "--right", "publish")).match(/pc_\S+/)?.[0] ?? "";
  const post = (data: unknown, idempotency_key?: string) =>
    fetch(`${owner.server.url}/api/publish`, {
      method: "POST",
      headers: { "X-API-Key": key, "content-type": "application/json" },
      body: JSON.stringify({ channel: `feed:${domain}`, data, idempotency_key }),
    }).then((answer) => answer.json());
  const first = await post({ title: "From cron", text: "<script>1</script>\n\n**bold**" }, "nightly");
  expect(await post({ title: "From cron" }, "nightly")).toEqual(first);
  await expect(items(visitor)).toHaveText(["From cron"]);
  await expect(visitor.locator(".pulse-text strong")).toHaveText("bold");
  expect((await post({ kind: "link", title: "x", url: "javascript:1" })).error.message).toContain("whole address");
  await context.close();
  await pages.close();
});

test("the editors' page and the note can be used by everybody: no finding of axe, on desk and phone, in light and dark", async ({ owner, browser }) => {
  const { pages, origin } = await site(owner);
  const editor = await Editor.at(owner);
  await editor.publishes({ title: "We open at nine", text: "With *fresh* bread, see [the list](/list).", image: "" });
  await editor.publishes({ title: "New year", publish_at: `${new Date().getUTCFullYear() + 1}-01-01T00:00` });
  await editor.page.locator("[name=title]").fill("A draft");
  await editor.page.locator("[name=text]").fill("# Not yet\n\n- one\n- two");
  await editor.page.getByRole("button", { name: "Preview" }).last().click();
  await expect(editor.page.getByTestId("feed-preview")).toBeVisible();
  const address = editor.page.url();
  await mkdir(looks, { recursive: true });
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1440, 390]) {
      await owner.page.setViewportSize({ width, height: 900 });
      await owner.page.emulateMedia({ colorScheme });
      await owner.page.goto(address);
      await expect(editor.page.getByTestId("feed-preview")).toBeVisible();
      const wide = await owner.page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      expect(wide, `the page is wider than ${width}`).toBe(false);
      await owner.page.screenshot({ path: `${looks}/feed-editor-${colorScheme}-${width}.png`, fullPage: true });
      const found = await new AxeBuilder({ page: owner.page }).withTags(["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]).analyze();
      expect(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(" ")}`), `${colorScheme} ${width}`).toEqual([]);

      const context = await browser.newContext({ userAgent: USER_AGENT, colorScheme, viewport: { width, height: 700 } });
      const visitor = await context.newPage();
      await visitor.goto(origin);
      await visitor.addStyleTag({ content: ":root{color-scheme:light dark}" });
      await expect(note(visitor)).toBeVisible();
      await visitor.screenshot({ path: `${looks}/feed-note-${colorScheme}-${width}.png`, animations: "disabled" });
      const seen = await new AxeBuilder({ page: visitor }).include("pulse-feed").withTags(["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]).analyze();
      expect(seen.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(" ")}`), `note, ${colorScheme} ${width}`).toEqual([]);
      await context.close();
    }
  }
  await pages.close();
});
