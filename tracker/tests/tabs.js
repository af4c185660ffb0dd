// Several tabs of one browser, for the counter: what an origin's tabs share (locks, broadcasts, workers), custom elements as far as the
// counter uses them, and a server that counts what is asked of it. Each tab is a page of world.js.
import vm from "node:vm";
import { page, settle } from "./world.js";

/** The Web Locks of one origin. */
class Locks {
  queues = new Map();

  /** The `navigator.locks` of one tab. */
  of(tab) {
    return { request: (name, options, callback) => this.#request(tab, name, callback ? options : {}, callback ?? options) };
  }

  held(name) {
    return this.queues.get(name)?.find((one) => one.held);
  }

  /** The tab is gone, however it went: what it held or waited for is free. */
  gone(tab) {
    for (const queue of this.queues.values()) for (const one of queue.filter((one) => one.tab === tab)) this.#out(one);
  }

  #request(tab, name, { signal, steal }, callback) {
    return new Promise((resolve, reject) => {
      const queue = this.queues.get(name) ?? [];
      this.queues.set(name, queue);
      const one = { tab, name, callback, resolve, reject, held: false };
      if (steal) {
        const robbed = queue.find((one) => one.held);
        if (robbed) {
          this.#out(robbed, false);
          robbed.reject(new Error("AbortError"));
        }
        queue.unshift(one);
      } else queue.push(one);
      signal?.addEventListener("abort", () => {
        if (one.held || !queue.includes(one)) return;
        this.#out(one);
        reject(new Error("AbortError"));
      });
      queueMicrotask(() => this.#next(name));
    });
  }

  #next(name) {
    const [one] = this.queues.get(name) ?? [];
    if (!one || this.held(name)) return;
    one.held = true;
    Promise.resolve(one.callback({ name })).then((value) => {
      this.#out(one);
      one.resolve(value);
    });
  }

  #out(one, next = true) {
    const queue = this.queues.get(one.name);
    if (queue.includes(one)) queue.splice(queue.indexOf(one), 1);
    if (next) queueMicrotask(() => this.#next(one.name));
  }
}

/** A browser on one origin. `workers`: it has shared workers; `locks: false`: it is an old one, or the page is not served securely. */
export class Browser {
  tabs = [];
  channels = new Set();
  locks = new Locks();
  workers = [];
  opened = 0;

  constructor(build, { workers = true, locks = true } = {}) {
    Object.assign(this, { build, hasWorkers: workers, hasLocks: locks });
  }

  /** Opens a tab. `body`: the script's tag stands in the body; `counters`: attributes of the `<pulse-counter>`s that the page has. */
  async tab({ counters = [{}], body = false, tag = { site: "example.com" }, src = "https://stats.test/js/counter.js", ...options } = {}) {
    const world = page({ tag, src, ...options });
    this.tabs.push(world);
    this.#furnish(world);
    Object.assign(world.document.currentScript, {
      tagName: "SCRIPT",
      nodeType: 1,
      closest: () => (body ? {} : null),
      after: (element) => world.document.body.append(element),
    });
    // Tabs name themselves by chance.
    world.random = ++this.opened / 1000;
    await world.run(this.build, "counter.js");
    world.random = 0;
    for (const attributes of counters) world.add(attributes);
    await settle();
    return world;
  }

  /** The tab is gone without a word: its process was killed. */
  async kills(world) {
    world.gone = true;
    world.timers.clear();
    this.#forget(world);
    await settle();
  }

  /** The tab is closed, or goes to another page. */
  async closes(world) {
    await world.leave();
    this.#forget(world);
    await settle();
  }

  async pass(ms) {
    for (const world of [...this.tabs, ...this.workers]) await world.pass(ms);
  }

  /** All open connections, whoever holds them. */
  get sockets() {
    return [...this.tabs, ...this.workers].flatMap((world) => world.sockets).filter((socket) => !socket.closed);
  }

  #forget(world) {
    this.tabs = this.tabs.filter((tab) => tab !== world);
    for (const channel of this.channels) if (channel.world === world) channel.close();
    for (const socket of world.sockets) socket.closed = true;
    this.locks.gone(world);
    if (!this.tabs.length) for (const worker of this.workers) for (const socket of worker.sockets) socket.closed = true;
  }

  #furnish(world) {
    const browser = this;
    const { context } = world;
    context.self = context;
    context.AbortController = AbortController;
    if (this.hasLocks) context.navigator.locks = this.locks.of(world);
    context.BroadcastChannel = class {
      constructor(name) {
        Object.assign(this, { name, world });
        browser.channels.add(this);
      }
      postMessage(message) {
        const copy = structuredClone(message);
        for (const other of browser.channels)
          if (other !== this && other.name === this.name) queueMicrotask(() => browser.channels.has(other) && !other.world.asleep && other.onmessage?.({ data: copy }));
      }
      close() {
        browser.channels.delete(this);
      }
    };
    context.EventSource = class {
      constructor(address) {
        Object.assign(this, { address, closed: false, events: true });
        world.sockets.push(this);
      }
      close() {
        this.closed = true;
      }
      receive(message) {
        this.onmessage?.({ data: JSON.stringify(message) });
      }
    };
    if (this.hasWorkers)
      context.SharedWorker = class {
        constructor(address) {
          browser.starts(address);
        }
      };
    if (context.document) elements(world);
  }

  /** Runs the script as a shared worker, once. */
  starts(address) {
    if (this.workers[0]) return;
    const world = page({ src: address });
    this.workers.push(world);
    delete world.context.document;
    world.context.location = new URL(address);
    this.#furnish(world);
    vm.runInContext(this.build["counter.js"], world.context);
  }
}

/** Custom elements, as far as the counter goes. */
function elements(world) {
  const { context, document } = world;
  const defined = new Map();
  class Element {
    constructor(tagName) {
      Object.assign(this, { tagName, attributes: {}, children: [], listeners: [], dataset: {}, textContent: "", nodeType: 1 });
    }
    getAttribute = (name) => this.attributes[name] ?? null;
    setAttribute(name, value) {
      this.attributes[name] = String(value);
      if (this.constructor.observedAttributes?.includes(name)) this.attributeChangedCallback();
    }
    removeAttribute(name) {
      delete this.attributes[name];
    }
    attachShadow() {
      return (this.shadowRoot = new Element("#shadow"));
    }
    append(...children) {
      for (const child of children) {
        this.children.push(child);
        child.parent = this;
        child.connectedCallback?.();
      }
    }
    remove() {
      this.parent.children = this.parent.children.filter((child) => child !== this);
      this.disconnectedCallback?.();
    }
    addEventListener(type, f) {
      this.listeners.push([type, f]);
    }
    dispatchEvent(event) {
      world.dispatched.push(event);
      for (const [type, f] of this.listeners) if (type === event.type) f(event);
    }
  }
  context.HTMLElement = Element;
  context.customElements = { define: (name, type) => defined.set(name, type) };
  context.CSSStyleSheet = class {
    replaceSync() {}
  };
  document.body = new Element("BODY");
  document.createElement = (name) => new (defined.get(name) ?? Element)(name.toUpperCase());
  document.querySelector = (selector) => (selector === "#here" ? document.body : null);
  world.add = (attributes) => {
    const element = document.createElement("pulse-counter");
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    document.body.append(element);
    return element;
  };
  world.counters = () => document.body.children;
  /** What stands on the screen: the counters' texts, "" for one that is not shown. */
  world.shows = () => world.counters().map(({ attributes, shadowRoot }) => ("count" in attributes ? shadowRoot.children.map((part) => part.textContent).join(" ").trim() : ""));
}
