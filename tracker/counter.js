// How many are here, live: `<script src="https://stats.example.com/js/counter.js" data-site="example.com"></script>` shows a counter in its
// place; in the head, or without a site, it only makes `<pulse-counter>` known. README.md says what there is to set. All tabs of one origin share a connection:
// in a SharedWorker where the page may start one (it is this very file, and has to be of the page's own origin), else in the tab that holds
// a lock, else each tab has its own. They talk over a BroadcastChannel: tabs say which counts they show, the one with the connection says
// the counts. Whoever shows the count of where they are is in it. Nothing here may throw into the page, and it is silent while the server is away.
((self) => {
  const page = self.document; // none in the worker
  const script = page && (page.currentScript || page.querySelector('script[src*="/counter.js"]'));
  const data = script?.dataset || {};
  const base = script?.src || location.href;
  if (self.Pulse?.counter) return script && self.Pulse.counter.init({ ...data, target: script });

  const at = (path) => new URL(path, base).href;
  const name = "pulse " + at("/");
  const locks = navigator.locks;
  const tab = name + Math.random();
  // The way to the other tabs; the connection, where it is here; what gives our locks back; whether we may say what we show; a hello that
  // nobody has answered yet; the counts as far as known; the channels that we said we show.
  let bus, hub, parting, ready, unanswered;
  let known = {};
  let said = [];

  const bare = (channel) => channel.split("\n")[0];
  const say = (message) => {
    bus?.postMessage(message);
    hear(message);
  };
  const hear = ({ who, channels, counts, leads }) => {
    if (who) hub?.(who, channels);
    if (counts) {
      clearTimeout(unanswered);
      unanswered = 0;
      // A count of null is one that nobody keeps right any more.
      known = { ...known, ...counts };
      if (page) draw();
    }
    if (leads) hello();
  };
  const hello = () => {
    if (!ready) return;
    // Who holds the connection may be asleep, as background tabs of telephones are.
    if (bus && said[0] && !page.hidden) unanswered ||= setTimeout(() => lead(true), 5e3);
    say({ who: tab, channels: said });
  };

  // The connection. It speaks the Centrifugo client protocol (protocol/src/wire): over a WebSocket, or where none comes about, over
  // server-sent events, which say in their address what is wanted. Returns what takes in who shows what.
  const connection = () => {
    const ending = new AbortController();
    const tabs = {}; // tab → the channels that it shows
    const refused = {};
    let counts = {};
    // `events`: no socket, but server-sent events. `up`: since it is greeted, seconds of silence that are too many. `held`: the channels
    // asked for. `asked`: which channel a command was about. `over`: the server said not to come back.
    let socket, events, up, held, asked, over, retry, silence, stale;
    let last = 1;
    let attempts = 0;

    // A line break behind a channel: only to know its count, not to be in it. Who is in it knows it too.
    const wanted = () => {
      const all = [...new Set(Object.values(tabs).flat())].sort();
      return all.filter((channel) => !refused[bare(channel)] && !(channel != bare(channel) && all.includes(bare(channel))));
    };
    const wish = (channel) => (channel == bare(channel) ? {} : { data: { watch: true } });
    const send = (command) => events || socket?.send(JSON.stringify(command));
    const ask = (method, channel) => {
      asked[++last] = bare(channel);
      send({ id: last, [method]: { channel: bare(channel), ...wish(channel) } });
    };

    const sync = () => {
      const channels = wanted();
      if (!channels[0]) {
        close();
        clearTimeout(stale);
        stale = 0;
        counts = {};
      } else if (!socket) open();
      else if (events) {
        if (channels + "" == held) return;
        close();
        open();
      } else if (up) {
        held.map((channel) => channels.includes(channel) || ask("unsubscribe", channel));
        channels.map((channel) => held.includes(channel) || ask("subscribe", channel));
        held = channels;
      }
    };

    const open = () => {
      clearTimeout(retry);
      if (socket || over) return;
      held = wanted();
      asked = {};
      listen(20);
      try {
        if (events) {
          const subs = Object.fromEntries(held.map((channel) => [bare(channel), wish(channel)]));
          socket = new EventSource(at("/connection/uni_sse?cf_connect=" + encodeURIComponent(JSON.stringify({ name: "counter", subs }))));
        } else socket = new WebSocket(at("/connection/websocket").replace(/^http/, "ws"));
      } catch {
        return lost();
      }
      socket.onopen = () => send({ id: 1, connect: { name: "counter" } });
      socket.onmessage = ({ data }) => {
        try {
          data.split("\n").map((line) => line && read(JSON.parse(line)));
        } catch {
          lost();
        }
      };
      socket.onclose = ({ code }) => lost(code);
      socket.onerror = () => events && lost();
    };

    // A connection can die without a word (a laptop that slept): the server's pings are what shows that it lives.
    const listen = (seconds) => {
      clearTimeout(silence);
      silence = setTimeout(lost, seconds * 1e3);
    };

    const read = (message) => {
      const { id, connect, subscribe, error, push = message } = message;
      let { channel, pub, unsubscribe, disconnect } = push;
      if (up) listen(up);
      if (disconnect) return lost(disconnect.code);
      if (error) {
        channel = asked[id];
        if (error.temporary || !channel) return lost(error.temporary ? 0 : 3500);
      }
      if (error || (unsubscribe && !id)) {
        if (error || unsubscribe.code < 2500) refused[channel] = 1;
        held = held.filter((other) => bare(other) != channel);
        return sync();
      }
      if (connect) {
        up = connect.ping ? connect.ping + 10 : 864e3;
        listen(up);
        if (!events) held = [];
        sync();
        for (const channel in connect.subs) tell(channel, connect.subs[channel]);
      } else if (subscribe) tell(asked[id], subscribe);
      else if (pub) tell(channel, pub);
      else if (!id) send({});
    };

    const tell = (channel, { data }) => {
      if (!(data?.online >= 0)) return;
      attempts = 0;
      clearTimeout(stale);
      stale = 0;
      counts[channel] = data.online;
      say({ counts: { [channel]: data.online } });
    };

    const close = () => {
      clearTimeout(retry);
      clearTimeout(silence);
      const old = socket;
      socket = up = 0;
      if (!old) return;
      old.onopen = old.onmessage = old.onclose = old.onerror = null;
      old.close();
    };

    const lost = (code) => {
      // What worked is tried again; what never came about gives way to the other every third time.
      if (!up) events = attempts % 3 == 0 && self.EventSource;
      close();
      over = (code > 3499 && code < 4000) || (code > 4499 && code < 5000);
      if (!over) retry = setTimeout(open, 500 + Math.random() * Math.min(19500, 500 * 2 ** attempts++));
      stale ||= setTimeout(() => {
        for (const channel in counts) counts[channel] = null;
        say({ counts });
      }, 3e4);
    };

    const join = (who, channels) => {
      const fresh = !tabs[who];
      if (channels[0]) tabs[who] = channels;
      else delete tabs[who];
      sync();
      if (!channels[0]) return;
      say({ counts });
      // A tab holds the lock of its name for as long as it lives: we get it when the tab is gone, however it went.
      if (fresh && bus) locks.request(who, { signal: ending.signal }, () => join(who, [])).catch(() => {});
    };
    join.end = () => {
      hub = null;
      ending.abort();
      clearTimeout(stale);
      close();
    };
    return join;
  };

  // Holds the connection as soon as no other tab does, or takes it away from one that does not answer.
  const lead = (steal) => {
    const { signal } = parting;
    locks
      .request(name, steal ? { steal } : { signal }, () => {
        hub = connection();
        say({ leads: 1 });
        return new Promise((done) => signal.addEventListener("abort", done));
      })
      .catch(() => {
        if (signal.aborted || !hub) return;
        hub.end();
        lead();
      });
  };
  const meet = () => {
    parting = new AbortController();
    bus = new BroadcastChannel(name);
    bus.onmessage = (message) => hear(message.data);
  };

  if (!page) {
    meet();
    return lead();
  }
  try {
    if ([localStorage.pulse_ignore, localStorage.plausible_ignore].includes("true")) said = 0;
  } catch {}

  // Who shows counts: how to ask for its settings (the attributes of `<pulse-counter>`), what it shows, and how it shows another.
  const settings = ["site", "scope", "page", "label"];
  const views = new Set();
  const path = (text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };
  const channel = ({ get }) => {
    const site = get("site") || data.site;
    const here = path(location.pathname + ("hash" in data ? location.hash : ""));
    const where = get("page") ? path(get("page")) : get("scope") == "page" && here;
    if (!site) return "";
    const elsewhere = (where && where != here) || (data.site && site != data.site);
    return "online:" + site.split(",")[0] + (where ? ":" + where : "") + (elsewhere ? "\n" : "");
  };
  const draw = () => {
    for (const view of views) {
      const count = known[bare(channel(view))] ?? null;
      if (view.count !== count) view.show((view.count = count));
    }
  };
  let changing;
  const changed = () => {
    changing ||= Promise.resolve().then(() => {
      changing = 0;
      if (!said) return;
      const before = said + "";
      said = [...new Set([...views].map(channel).filter(Boolean))];
      draw();
      if (said + "" != before) wake();
    });
  };

  // A page that nobody has seen yet (a background tab, a prerendered page) is not online. One with an open connection or a lock cannot go
  // into the back/forward cache, so it gives both up first.
  const wake = () => {
    if (parting) return hello();
    if (page.hidden || !said[0]) return;
    const alone = () => {
      bus = bus?.close();
      hub = connection();
      ready = true;
      hello();
    };
    try {
      meet();
      const { signal } = parting;
      locks
        .request(tab, { signal }, () => {
          ready = true;
          share() || lead();
          hello();
          return new Promise((done) => signal.addEventListener("abort", done));
        })
        .catch(() => signal.aborted || alone());
    } catch {
      alone();
    }
  };
  const share = () => {
    try {
      const worker = new URL(base).origin == location.origin && new SharedWorker(base, name);
      if (worker) worker.onerror = () => parting && lead();
      return worker;
    } catch {}
  };
  const part = () => {
    if (!parting) return;
    say({ who: tab, channels: [] });
    ready = unanswered = clearTimeout(unanswered);
    hub?.end();
    parting.abort();
    bus = parting = bus?.close();
  };

  let style;
  class Counter extends HTMLElement {
    static get observedAttributes() {
      return settings;
    }
    get = (name) => this.getAttribute(name);
    count = null;
    connectedCallback() {
      if (!this.shadowRoot) {
        const root = this.attachShadow({ mode: "open" });
        for (const name of ["dot", "count", "label"]) {
          const part = page.createElement("span");
          part.setAttribute("part", name);
          root.append(part);
        }
        try {
          // A sheet that is made, not written into the page: its policy has no say in it.
          if (!style) {
            style = new CSSStyleSheet();
            style.replaceSync(
              ":host{display:inline-flex;align-items:center;gap:.4em;white-space:nowrap;font-variant-numeric:tabular-nums}:host([hidden]){display:none}:host(:not([count])){visibility:hidden}[part=dot]{width:.5em;height:.5em;border-radius:50%;background:var(--pulse-counter-dot,#16a34a)}@media(prefers-reduced-motion:no-preference){[part=dot]{animation:a 2s infinite}}@keyframes a{50%{opacity:.4}}",
            );
          }
          root.adoptedStyleSheets = [style];
        } catch {}
      }
      views.add(this);
      changed();
    }
    disconnectedCallback() {
      views.delete(this);
      changed();
    }
    attributeChangedCallback() {
      this.write();
      changed();
    }
    write() {
      const { count, shadowRoot } = this;
      if (!shadowRoot || count == null) return;
      const [, figure, label] = shadowRoot.children;
      const labels = (this.get("label") ?? "online").split("|");
      figure.textContent = count.toLocaleString();
      label.textContent = labels[count == 1 ? 0 : labels.length - 1];
    }
    show(count) {
      this.write();
      if (count == null) return this.removeAttribute("count");
      this.setAttribute("count", count);
      this.dispatchEvent(new CustomEvent("pulse:count", { bubbles: true, detail: count }));
    }
  }

  const init = ({ target, onCount, ...options } = {}) => {
    const stop = (view) => ({ stop: () => (views.delete(view), view.remove?.(), changed()) });
    if (!target) {
      const view = { get: (name) => options[name], show: (count) => count == null || setTimeout(() => onCount(count)) };
      views.add(view);
      changed();
      return stop(view);
    }
    const place = target.nodeType ? target : page.querySelector(target);
    const element = page.createElement("pulse-counter");
    for (const name of settings) if (options[name] != null) element.setAttribute(name, options[name]);
    if (onCount) element.addEventListener("pulse:count", (event) => onCount(event.detail));
    if (place?.tagName != "SCRIPT") place?.append(element);
    else if (options.site && place.closest("body")) place.after(element);
    return { element, ...stop(element) };
  };

  customElements.define("pulse-counter", Counter);
  self.Pulse = Object.assign(self.Pulse || {}, { counter: { init } });
  script && init({ ...data, target: script });
  for (const method of ["pushState", "replaceState"]) {
    const real = history[method];
    history[method] = function () {
      real.apply(this, arguments);
      changed();
    };
  }
  for (const type of ["popstate", "hashchange"]) addEventListener(type, changed);
  for (const type of ["online", "pageshow"]) addEventListener(type, wake);
  addEventListener("pagehide", part);
  page.addEventListener("visibilitychange", wake);
})(self);
