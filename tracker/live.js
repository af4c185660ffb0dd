// The live side of a page: counts it as online, shows what the site's editors publish, and takes part in its rooms, over one connection. Loaded
// by pulse.js where its tag says data-live, which hands it the tag's attributes; a tag of its own with data-site does as well. README.md says
// what there is to set, live.d.ts what there is to call. Speaks the Centrifugo client protocol (protocol/src/wire) over WebSocket, where that
// is blocked over EventSource and fetch, and where that is blocked too it asks for the feed alone. Silent while the server is away.
(() => {
  const script = document.currentScript;
  const data = script.dataset;
  const site = (data.site || data.domain || window.pulse?.l || window.plausible?.l || "").split(",")[0];
  if (!site) return;
  const address = (path) => new URL(path, script.src).href;
  let local = {};
  let session = {};
  try {
    local = localStorage;
    session = sessionStorage;
  } catch {}

  // What is called before pulse.js is there waits for it in `q`, as its own snippet has it.
  const pulse = (window.pulse ||= window.plausible || ((...args) => (pulse.q ||= []).push(args)));
  const emit = (type, detail) => document.dispatchEvent(new CustomEvent("pulse:" + type, { detail }));

  // By channel: `at`, the position up to which it is known; `open`, told how it begins; `pub`, told what is published; `event`, told the
  // rest; `ask`, more to say when subscribing.
  const subs = {};

  // -- online ----------------------------------------------------------------------------------------------------------------------------
  if (![local.pulse_ignore, local.plausible_ignore].includes("true")) {
    const pub = (count) => {
      if (!(count?.online >= 0)) return;
      document.querySelectorAll("[data-pulse-online]").forEach((element) => (element.textContent = count.online));
      emit("online", count.online);
    };
    subs["online:" + site] = { pub, open: (result) => pub(result.data) };
  }

  // -- feed ------------------------------------------------------------------------------------------------------------------------------
  const backlog = +(data.feedBacklog || 20);
  const kept = "pulse:feed:" + site;
  const nodes = {};
  let state = { items: {} };
  let note;
  const stored = (store, key, otherwise) => {
    try {
      return JSON.parse(store[key]);
    } catch {
      return otherwise;
    }
  };
  const write = (store, key, value) => {
    try {
      store[key] = JSON.stringify(value);
    } catch {}
  };
  // `*` stays within a part of the path, `**` does not; every other sign means itself.
  const matches = (glob) =>
    RegExp("^" + glob.replace(/\*\*?|\W/g, (sign) => (sign[1] ? ".*" : sign == "*" ? "[^/]*" : "\\" + sign)) + "$").test(location.pathname);
  const meant = ({ expires_at, audience: { path, countries } = {} }) =>
    !(expires_at < Date.now()) && (!path || matches(path)) && (!countries || countries.includes(state.country));
  // The pinned first, then the newest first.
  const ordered = () => Object.values(state.items).sort((a, b) => b.pinned - a.pinned || b.published_at - a.published_at || b.id - a.id);
  const shown = () => ordered().filter(meant).slice(0, backlog);

  const make = (tag, part, content) => {
    const element = document.createElement(tag);
    element.part = element.className = "pulse-" + part;
    Object.assign(element, content);
    return element;
  };
  const article = (item) => {
    const old = nodes[item.id];
    if (old?.item == item) return old;
    const element = make("article", "item", { item });
    if (item.image) element.append(make("img", "image", { src: item.image, alt: "", loading: "lazy", referrerPolicy: "no-referrer" }));
    if (item.title) element.append(make("p", "title", { textContent: item.title }));
    // The server made and cleaned it.
    element.append(make("div", "text", { innerHTML: item.html }));
    if (item.url && item.kind != "embed")
      element.append(make("a", "more", { href: item.url, rel: "noopener nofollow", textContent: data.feedMore || "Read more" }));
    return (nodes[item.id] = element);
  };
  // What stays is not moved: a video goes on playing.
  const fill = (box, all) => {
    [...box.children].map((child) => all.includes(child) || child.remove());
    all.map((child, i) => box.children[i] == child || box.insertBefore(child, box.children[i] || null));
  };
  // The note in the corner. It is there, empty, from the beginning, so that what comes into it is read aloud.
  const corner = () => {
    const host = make("pulse-feed", "feed");
    const root = host.attachShadow({ mode: "open" });
    const style = new CSSStyleSheet();
    style.replaceSync(
      ":host{position:fixed;z-index:9999;right:16px;bottom:16px;width:min(360px,100vw - 32px);font:15px/1.45 system-ui,sans-serif;color:CanvasText}" +
        ".pulse-note{box-sizing:border-box;max-height:50vh;overflow:auto;padding:14px 16px;background:Canvas;border:1px solid #8888;border-radius:12px;box-shadow:0 6px 24px #0003;animation:a .25s}" +
        ".pulse-close{float:right;width:32px;height:32px;margin:-6px -8px 0 8px;border:0;border-radius:8px;background:none;color:inherit;font:20px/1 system-ui;cursor:pointer}" +
        ".pulse-item+.pulse-item{margin-top:12px;padding-top:12px;border-top:1px solid #8888}p{margin:.3em 0}.pulse-title{font-weight:600}" +
        "a{color:LinkText}img,iframe{display:block;max-width:100%;border:0;border-radius:8px}iframe{width:100%;aspect-ratio:16/9}" +
        "@keyframes a{from{opacity:0;transform:translateY(8px)}}@media(prefers-reduced-motion:reduce){.pulse-note{animation:none}}",
    );
    root.adoptedStyleSheets = [style];
    const status = make("div", "status", { role: "status" });
    status.setAttribute("role", "status");
    const box = make("div", "note");
    const list = make("div", "list");
    const close = make("button", "close", { type: "button", textContent: "×", onclick: dismiss });
    close.setAttribute("aria-label", data.feedClose || "Close");
    box.append(close, list);
    root.append(status);
    document.body.append(host);
    return { status, box, list };
  };
  const closed = () => stored(local, "pulse_closed", []);
  const dismiss = () => {
    write(local, "pulse_closed", [...new Set([...closed(), ...shown().map((item) => item.id)])].slice(-200));
    render();
  };
  const render = () => {
    if (data.feed == "quiet") return;
    if (document.readyState == "loading") return document.addEventListener("DOMContentLoaded", render);
    const place = document.querySelector("[data-pulse-feed]");
    if (place) return fill(place, shown().map(article));
    const gone = closed();
    const fresh = shown().filter((item) => !gone.includes(item.id));
    note ||= corner();
    fill(note.list, fresh.map(article));
    fill(note.status, fresh[0] ? [note.box] : []);
  };
  const change = ({ publish, withdraw }) => {
    if (publish) {
      state.items[publish.id] = publish;
      if (meant(publish)) emit("feed", publish);
    } else if (withdraw) {
      delete state.items[withdraw.id];
      emit("withdraw", withdraw.id);
    }
  };
  const feed = {
    pub: change,
    open({ recovered, data }) {
      if (recovered) return;
      state = { items: {}, country: data?.country };
      [...(data?.items || [])].reverse().map(change);
    },
    // Once all of a message is taken in.
    done() {
      state.items = Object.fromEntries(ordered().slice(0, backlog + 20).map((item) => [item.id, item]));
      write(session, kept, { ...state, at: feed.at });
      render();
    },
  };
  if ("feed" in data) {
    subs["feed:" + site] = feed;
    // Where another page of this tab left off.
    const left = stored(session, kept);
    if (left?.at) {
      state = left;
      feed.at = left.at;
      shown().reverse().map((item) => emit("feed", item));
    }
    render();
  }

  // -- connection ------------------------------------------------------------------------------------------------------------------------
  // `over`: the server said not to come back. `quiet` is how long it may say nothing, in seconds. `up`: it has greeted us. `way` counts up
  // where a transport does not work; `worked` is the one that did.
  let link, over, retry, silence, renewal, up, number, waiting, greeting, failed = 0, attempts = 0, quiet = 60;
  let worked = session.pulse_way;
  let way = +(worked || 0);

  const say = (command, then) => {
    if (!link?.send || !(up || command.connect)) return then?.lost?.();
    waiting[++number] = then;
    link.send(JSON.stringify({ id: number, ...command }));
  };
  // Of an answer that comes when another connection has been begun nothing is made.
  const hello = (mine, then, failed = lost) => {
    const go = (token) => then({ connect: { ...(token && { token }), name: "pulse" } });
    if (!data.tokenUrl) return go();
    fetch(data.tokenUrl)
      .then((answer) => (answer.ok ? answer.json() : {}))
      .then(({ token }) => link == mine && go(token))
      .catch(() => link == mine && failed());
  };
  const greeted = (error, { connect }) => {
    if (error) return lost(error.temporary || error.code == 109 ? 0 : 3500);
    greeting = connect;
    quiet = (connect.ping || 50) + 10;
    works();
    renew(connect);
    Object.keys(subs).map(subscribe);
  };
  // A token is renewed a little before it runs out; where that fails the server ends the connection, and the next one brings another.
  const renew = ({ ttl }) => {
    clearTimeout(renewal);
    const mine = link;
    const ask = ({ connect: { token } }) => token && say({ refresh: { token } }, (error, { refresh }) => error || renew(refresh));
    if (ttl) renewal = setTimeout(() => hello(mine, ask, () => {}), Math.min(ttl * 900, 2e9));
  };
  const works = () => {
    up = 1;
    failed = 0;
    session.pulse_way = worked = way;
  };
  const subscribe = (channel) => {
    const sub = subs[channel];
    say({ subscribe: { channel, ...(sub.at && { recover: true, ...sub.at }), ...sub.ask } }, (error, { subscribe: result }) => {
      if (error?.code == 112) return (sub.at = 0), subscribe(channel);
      if (error) return error.temporary ? lost() : drop(channel, error);
      begin(sub, result);
    });
  };
  const begin = (sub, result) => {
    attempts = 0;
    sub.open?.(result);
    result.publications?.map((pub) => sub.pub(pub.data, pub));
    if (result.epoch) sub.at = { epoch: result.epoch, offset: result.offset || 0 };
    sub.done?.();
  };
  const drop = (channel, error) => {
    const sub = subs[channel];
    delete subs[channel];
    sub?.event?.("error", error);
    Object.keys(subs)[0] || lost(3500);
  };

  const read = ({ id, push, error, ...reply }) => {
    if (!link) return;
    if (!id && !push) return link.send("{}");
    if (id) {
      const then = waiting[id];
      delete waiting[id];
      return then?.(error, reply);
    }
    const { channel, pub, unsubscribe, disconnect } = push;
    const sub = subs[channel];
    if (disconnect) lost(disconnect.code);
    else if (!sub) return;
    else if (unsubscribe) unsubscribe.code > 2499 ? subscribe(channel) : drop(channel, unsubscribe);
    else if (pub) {
      if (sub.at && pub.offset) {
        // What is known already is passed over; a hole is filled by coming back.
        if (pub.offset <= sub.at.offset) return;
        if (pub.offset > sub.at.offset + 1) return lost();
        sub.at.offset = pub.offset;
      }
      sub.pub(pub.data, pub);
      sub.done?.();
    } else ["join", "leave"].map((type) => push[type] && sub.event?.(type, push[type].info));
  };
  const take = (text) => {
    listen();
    try {
      text.split("\n").map((line) => line && read(JSON.parse(line)));
    } catch {
      lost();
    }
  };

  const ways = [
    () => {
      let socket;
      const mine = {
        send: (text) => socket.send(text),
        close() {
          if (!socket) return;
          socket.onopen = socket.onmessage = socket.onclose = null;
          socket.close();
        },
      };
      // The token first: the server waits for `connect` a few seconds only.
      hello(mine, (command) => {
        socket = new WebSocket(address("/connection/websocket").replace(/^http/, "ws"));
        socket.onopen = () => say(command, greeted);
        socket.onmessage = (event) => take(event.data);
        socket.onclose = (event) => lost(event.code);
      });
      return mine;
    },
    window.EventSource &&
      (() => {
        let source;
        const mine = {
          send: (text) =>
            fetch(address("/emulation"), { method: "POST", body: JSON.stringify({ session: greeting.session, node: greeting.node, data: text }) }).then(
              (answer) => answer.ok || link != mine || lost(),
              () => link != mine || lost(),
            ),
          close: () => source?.close(),
        };
        hello(mine, (command) => {
          waiting[++number] = greeted;
          source = new EventSource(address("/connection/sse?cf_connect=" + encodeURIComponent(JSON.stringify({ id: number, ...command }))));
          source.onmessage = (event) => take(event.data);
          source.onerror = () => link == mine && lost();
        });
        return mine;
      }),
    "feed" in data &&
      (() => {
        const mine = { close() {} };
        const ask = () =>
          fetch(address("/api/feed/" + site + (feed.at ? "?since=" + feed.at.epoch + ":" + feed.at.offset : "?limit=" + backlog)))
            .then((answer) => answer.json())
            .then(({ epoch, offset, recovered, items, country }) => {
              if (link != mine) return;
              if (!epoch) throw 0;
              works();
              listen();
              const publications = recovered && items.map((data) => ({ data }));
              begin(feed, { epoch, offset, recovered, publications: publications || [], data: { items, country } });
              ask();
            })
            .catch(() => link == mine && lost());
        ask();
        return mine;
      }),
  ].filter(Boolean);

  const open = () => {
    if (link || over || !Object.keys(subs)[0]) return;
    up = number = 0;
    waiting = {};
    try {
      link = ways[way % ways.length]();
    } catch {
      ways.splice(way % ways.length, 1); // the page's policy forbids it, and will the next time
      return ways[0] ? open() : (over = 1);
    }
    listen();
  };
  // A connection can die without a word (a laptop that slept): the server's pings are what shows that it lives.
  const listen = () => {
    clearTimeout(silence);
    silence = setTimeout(lost, quiet * 1e3);
  };
  const close = () => {
    clearTimeout(retry);
    clearTimeout(silence);
    clearTimeout(renewal);
    const old = link;
    const unanswered = waiting;
    link = waiting = null;
    old?.close();
    for (const id in unanswered) unanswered[id]?.lost?.();
  };
  const lost = (code) => {
    close();
    over = (code > 3499 && code < 4000) || (code > 4499 && code < 5000);
    // One that has never worked may be blocked; one that has is given time.
    if (!up && ++failed > (worked == null ? 0 : 4)) way++, (failed = 0);
    if (!over) retry = setTimeout(open, 500 + Math.random() * Math.min(19500, 500 * 2 ** attempts++));
  };

  // -- what pages call -------------------------------------------------------------------------------------------------------------------
  pulse.on = (type, f) => {
    document.addEventListener("pulse:" + type, (event) => f(event.detail));
    if (type == "feed") shown().reverse().map((item) => f(item));
  };
  // Whoever asks gets an answer, also when the connection breaks.
  const answered = (then = () => {}) =>
    Object.assign((error, reply) => then(error, reply), { lost: () => then({ code: 0, message: "not connected", temporary: true }, {}) });
  const room = "room:" + site + ":";
  pulse.tell = (name, data, then) => say({ publish: { channel: room + name, data } }, answered(then));
  pulse.allow = (then = () => {}) => (window.Notification ? Notification.requestPermission().then(then) : then("denied"));
  pulse.room = (name) => {
    const channel = room + name;
    if (subs[channel]) return subs[channel].room;
    const handlers = {};
    const event = (type, ...args) => handlers[type]?.map((f) => f(...args));
    const self = {
      on: (type, f) => ((handlers[type] ||= []).push(f), self),
      publish: (message, then) => pulse.tell(name, message, then),
      // Only what others say while nobody looks at the page, and only where the visitor has allowed it.
      notify: (make) =>
        self.on("message", (message, from) => {
          if (!document.hidden || window.Notification?.permission != "granted" || from?.client == greeting.client) return;
          const { title, ...options } = make(message, from) || {};
          try {
            if (title) new Notification(title, options).onclick = () => window.focus();
          } catch {} // some browsers show them from service workers only
        }),
      presence: (then) => say({ presence: { channel } }, answered((error, reply) => then(error, Object.values(reply.presence?.presence || {})))),
      leave() {
        delete subs[channel];
        link && say({ unsubscribe: { channel } });
      },
    };
    subs[channel] = { room: self, event, ask: { join_leave: true }, pub: (message, { info }) => event("message", message, info), open: ({ recovered }) => event("open", !!recovered) };
    up ? subscribe(channel) : document.hidden || open();
    return self;
  };
  pulse.o?.map(([type, f]) => pulse.on(type, f));

  // A page that nobody has seen yet (a background tab, a prerendered page) is not online. A page with an open connection cannot go into
  // the back/forward cache, so it is closed first.
  const seen = () => document.hidden || open();
  addEventListener("online", seen);
  addEventListener("pageshow", seen);
  addEventListener("pagehide", close);
  document.addEventListener("visibilitychange", seen);
  seen();
})();
