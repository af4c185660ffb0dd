// A browser small enough to read: one page, a clock that stands still until it is moved, a network whose answers the test decides.
// The real script runs in it, as written or as minified.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import vm from "node:vm";
import { gzipSync } from "node:zlib";

const { minify } = createRequire(import.meta.url)("terser");
const root = new URL("../../", import.meta.url);

/** The message of that name that both sides agreed on. */
export const golden = (name) => JSON.parse(readFileSync(new URL(`protocol/golden/${name}.json`, root), "utf8"));

/** The report of that name as our script sends it: without the version, which only Plausible's says. */
export const report = (name) => {
  const { v, ...rest } = golden(name);
  return rest;
};

const source = (name) => readFileSync(new URL(`tracker/${name}`, root), "utf8");
// As scripts/build-tracker does it.
const minified = async (name) =>
  (await minify(source(name), { ecma: 2020, toplevel: true, compress: { passes: 3, unsafe: false }, mangle: true })).code;

/** The two forms in which a script must work. */
export const builds = {
  "as written": { "pulse.js": source("pulse.js"), "live.js": source("live.js"), "counter.js": source("counter.js") },
  minified: { "pulse.js": await minified("pulse.js"), "live.js": await minified("live.js"), "counter.js": await minified("counter.js") },
};

export const gzipped = (name) => gzipSync(builds.minified[name], { level: 9 }).length;

/** Lets everything that has been promised happen. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));

/** localStorage: keeps text, and is shared by the tabs that are given it. */
export const storage = (content = {}) =>
  new Proxy({ ...content }, { set: (all, key, value) => ((all[key] = String(value)), true) });

export const START = Date.UTC(2026, 0, 5, 12);

/** An element: what the scripts need of one, so that a test can read what visitors would see. */
class Element {
  constructor(tag) {
    Object.assign(this, { tag, dataset: {}, children: [], attributes: {} });
  }
  append(...children) {
    for (const child of children) this.insertBefore(child, null);
  }
  insertBefore(child, before) {
    child.remove?.();
    const at = before ? this.children.indexOf(before) : this.children.length;
    this.children.splice(at, 0, child);
    Object.defineProperty(child, "parent", { value: this, configurable: true, enumerable: false });
    child.moved = (child.moved ?? 0) + 1;
  }
  remove() {
    if (this.parent?.children.includes(this)) this.parent.children.splice(this.parent.children.indexOf(this), 1);
  }
  setAttribute(name, value) {
    this.attributes[name] = value;
  }
  attachShadow() {
    return (this.shadow = new Element("#shadow"));
  }
  /** All of these, however deep, also behind the shadow. */
  all(className) {
    const below = [...this.children, ...(this.shadow ? [this.shadow] : [])];
    return below.flatMap((child) => [...(child.className === className ? [child] : []), ...child.all(className)]);
  }
}

/** Opens a page. `tag` are the script tag's attributes (dataset names). */
export function page({
  url = "https://example.com/pricing?utm_source=news",
  referrer = "https://news.ycombinator.com/",
  tag = { site: "example.com" },
  src = "https://stats.test/js/pulse.js",
  local = storage(),
  session = storage(),
  place, // whether the page has an element for the feed
  streams = true, // whether the browser has EventSource
  hidden = false,
  focused = true,
  online = true,
  scrollHeight = 3000,
  early,
  now = START,
} = {}) {
  const listeners = { window: {}, document: {} };
  const listen = (where) => (type, f) => (listeners[where][type] ??= []).push(f);
  const timers = new Map();
  const location = new URL(url);
  const world = {
    requests: [], // {url, init, body, answer(status, headers), fail()}
    sockets: [],
    sources: [],
    scripts: [], // elements the script put into <head>
    dispatched: [],
    timers,
    local,
    now,
    random: 0,
    answer: () => ({ status: 202 }), // what the network does with a request: {status, headers}, "fail" or "wait"
    fire(type, event = {}, where = "window") {
      for (const f of [...(listeners[where][type] ?? [])]) f({ type, ...event });
      if (where === "document") world.fire(type, event); // it bubbles, and is captured
    },
    /** Moves the clock, running what falls due on the way. */
    async pass(ms) {
      await settle();
      const end = world.now + ms;
      for (;;) {
        const due = [...timers].filter(([, t]) => t.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
        if (!due) break;
        timers.delete(due[0]);
        world.now = Math.max(world.now, due[1].at);
        due[1].f();
        await settle();
      }
      world.now = end;
      await settle();
    },
    /**
     * Goes to another page. Requests under way go on without this one, but it is told that they failed: when the other page is asked
     * for, just before this one hears that it is left, or after. It never runs again, unless it is `kept` in the back/forward cache:
     * then its timers stand still.
     */
    async leave({ kept = false, told = "after" } = {}) {
      const fail = () => world.requests.forEach((request) => request.fail());
      if (told !== "after") fail();
      await (told === "early" ? world.pass(400) : settle());
      world.fire("pagehide", { persisted: kept });
      fail();
      await settle();
      world.gone = !kept;
      if (world.gone) timers.clear();
    },
    /** Comes back to a page that was kept, after that long. */
    async return(ms) {
      world.now += ms;
      world.fire("pageshow", { persisted: true });
      await settle();
    },
    hide(hidden) {
      document.hidden = hidden;
      world.fire("visibilitychange", {}, "document");
    },
    focus(focused) {
      world.focused = focused;
      world.fire(focused ? "focus" : "blur");
    },
    scroll(y) {
      context.scrollY = y;
      world.fire("scroll");
    },
    /** Follows a link or the back button, as the browser itself does it. */
    go(to, type = "popstate") {
      location.href = new URL(to, location).href;
      world.fire(type);
    },
    click(link, event = {}) {
      const target = { closest: () => (link ? new URL(link, location) : null) };
      world.fire(event.type ?? "click", { button: 0, target, ...event });
    },
    get bodies() {
      return world.requests.map((request) => request.body);
    },
    names: () => world.bodies.map((body) => body.n),
    last: () => world.bodies.at(-1),
    queued: () => JSON.parse(local["pulse:example.com"] ?? "[]"),
    focused,
  };

  const body = new Element("body");
  const spot = place && new Element("div");
  const document = {
    hidden,
    referrer,
    currentScript: { src, dataset: tag },
    documentElement: { scrollHeight },
    hasFocus: () => world.focused,
    createElement: (tag) => new Element(tag),
    body,
    spot,
    querySelector: (selector) => (selector === "[data-pulse-feed]" ? spot || null : null),
    head: { append: (child) => world.scripts.push(child) },
    counters: [],
    querySelectorAll: (selector) => (selector === "[data-pulse-online]" ? document.counters : []),
    addEventListener: listen("document"),
    dispatchEvent: (event) => world.dispatched.push(event),
  };
  const move = (_state, _title, to) => to !== undefined && (location.href = new URL(to, location).href);
  const context = vm.createContext({
    document,
    location,
    history: { pushState: move, replaceState: move },
    navigator: { onLine: online },
    innerWidth: 1440,
    innerHeight: 600,
    scrollY: 0,
    performance: { now: () => world.now - START + 0.25 },
    addEventListener: listen("window"),
    setTimeout: (f, ms = 0) => world.gone || (timers.set(timers.next = (timers.next ?? 0) + 1, { f, at: world.now + ms }), timers.next),
    clearTimeout: (id) => timers.delete(id),
    URL,
    CSSStyleSheet: class {
      replaceSync(text) {
        this.text = text;
      }
    },
    fetch(url, init = {}) {
      const body = init.body && JSON.parse(init.body);
      return new Promise((resolve, reject) => {
        const answer = (status, headers = {}, json) => resolve({ status, ok: status < 300, headers: new Headers(headers), json: async () => json });
        const fail = () => reject(new TypeError("Failed to fetch"));
        world.requests.push({ url: String(url), init, body, answer, fail });
        const verdict = context.navigator.onLine ? world.answer(body, String(url)) : "fail";
        if (verdict === "fail") fail();
        else if (verdict !== "wait") answer(verdict.status, verdict.headers, verdict.json);
      });
    },
    CustomEvent: class {
      constructor(type, { detail }) {
        Object.assign(this, { type, detail });
      }
    },
    WebSocket: class {
      constructor(address) {
        Object.assign(this, { address, sent: [], closed: false });
        world.sockets.push(this);
      }
      send(text) {
        this.sent.push(JSON.parse(text));
      }
      close() {
        this.closed = true;
        queueMicrotask(() => this.onclose?.({ code: 1005 }));
      }
      receive(...replies) {
        this.onmessage?.({ data: replies.map((reply) => JSON.stringify(reply)).join("\n") });
      }
    },
  });
  if (streams)
    context.EventSource = class {
      constructor(address) {
        Object.assign(this, { address, closed: false });
        world.sources.push(this);
      }
      close() {
        this.closed = true;
      }
      receive(...replies) {
        this.onmessage?.({ data: replies.map((reply) => JSON.stringify(reply)).join("\n") });
      }
    };
  context.window = context;
  // The clock and chance are the test's.
  vm.runInContext("Date = { now: () => 0 }; Math.random = () => 0;", context);
  context.Date.now = () => world.now;
  context.Math = Object.assign(Object.create(Math), { random: () => world.random });
  context.sessionStorage = session;
  if (local) context.localStorage = local;
  else Object.defineProperty(context, "localStorage", { get: () => { throw new Error("SecurityError"); } });
  if (early) vm.runInContext(early, context);

  return Object.assign(world, {
    context,
    document,
    location,
    history: context.history,
    run(build, script = "pulse.js") {
      vm.runInContext(build[script], context);
      return settle();
    },
    go_offline: () => (context.navigator.onLine = false),
    go_online() {
      context.navigator.onLine = true;
      world.fire("online");
      return settle();
    },
  });
}
