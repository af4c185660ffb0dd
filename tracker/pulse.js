// What a page carries to be counted: `<script defer data-site="example.com" src="https://stats.example.com/js/pulse.js"></script>`.
// Owns what is reported and when; README.md says what there is to set. The budget is 1,536 bytes minified and gzipped, which is why
// one listener helper serves everything and options are read where they are used. Nothing here may throw into the page.
(() => {
  const script = document.currentScript;
  const data = script.dataset;
  // Plausible's snippet says data-domain and calls plausible(): with it we answer to that name.
  const site = data.site || data.domain;
  const name = data.site ? "pulse" : "plausible";
  const early = window[name];
  if (!site || early?.l) return;

  // The last return from the back/forward cache. When delivery failed: the timer of the next try. Of the page last viewed: its path and address, how far down it was seen in
  // pixels, what depth was reported, time engaged and not reported, whether that runs, and since when.
  let returned, pause, viewed, url, reach, reported, spent, engaged, since;

  const base = script.src || location;
  const api = data.api || new URL("/api/event", base);
  const hash = "hash" in data;
  const path = () => location.pathname + (hash ? location.hash : "");
  const safe = (f) => (...args) => {
    try {
      return f(...args);
    } catch {}
  };
  // Captured at the window, so that a page which stops an event does not hide it.
  const on = (types, f) => types.split(" ").map((type) => addEventListener(type, safe(f), true));

  // The queue: events that could not be delivered, each with the time it happened (`a`; what is sent is its age). In localStorage
  // while there are any; where that is blocked, in memory. An event is taken out before it is sent and comes back if that fails,
  // so that two tabs do not both send it.
  const store = safe(() => localStorage)() || {};
  const key = "pulse:" + site;
  const waiting = () => safe(JSON.parse)(store[key]) || [];
  const save = safe((events) => (events[0] ? (store[key] = JSON.stringify(events)) : delete store[key]));
  const resend = () => {
    clearTimeout(pause);
    pause = 0;
    const [event, ...rest] = waiting();
    if (event) {
      save(rest);
      post(event);
    }
  };
  const post = (event, callback) => {
    const age = Math.max(0, Date.now() - event.a);
    // Seconds until it is tried again; none for what the server would refuse or the visitor does not want.
    const later = age < 864e5 && store[name + "_ignore"] != "true" && 30;
    const sent = returned;
    const done = (again, answer = {}) => {
      if (again) {
        save([...waiting(), event].slice(-30));
        pause ||= setTimeout(resend, again * 1e3 * (1 + Math.random()));
      }
      pause || resend();
      callback?.(answer);
    };
    if (later && !pause && navigator.onLine)
      fetch(api, { method: "POST", keepalive: true, body: JSON.stringify({ ...event, a: age }) }).then(
        (answer) => done(/^5|429/.test(answer.status) && (+answer.headers.get("Retry-After") || later), answer),
        // When a page is left, the browser goes on with the request but tells the page that it failed. To keep that event would count
        // it twice. So it is kept only if the page is still there a second later, and was all the time (a timer outlives the
        // back/forward cache). A page that waits for our callback before it moves on is not kept waiting.
        () => setTimeout(() => done(sent == returned && later), 1e3 * !callback),
      );
    else done(later);
  };

  // Pages call it with two arguments. With a third, the address of a page that was counted already, exclusion does not apply.
  const track = safe((n, { props: p, revenue: $, interactive: i, callback } = 0, u, e, sd) => {
    // Plausible's globs: * stays within a segment of the path, ** does not; every other sign means itself.
    const matches = (glob) =>
      RegExp("^" + glob.replace(/\*\*?|\W/g, (sign) => (sign[1] ? ".*" : sign == "*" ? "[^/]*" : "\\" + sign)) + "$").test(path());
    if (!u && data.exclude?.split(/, */).some(matches)) return callback?.({});
    u ||= location.href.slice(0, 2e3);
    post({ n, u, d: site, r: document.referrer, p, $, i, sd, e, h: +hash, w: innerWidth, a: Date.now() }, callback);
    return u;
  });

  // Engagement: how long the page was visible and focused, and how far down it was seen. Belongs to the page last viewed.
  const tick = () => {
    const now = performance.now();
    if (engaged) spent += now - since;
    since = now;
    engaged = !document.hidden && document.hasFocus();
    reach = Math.max(reach, scrollY + innerHeight);
  };
  const leave = () => {
    tick();
    const depth = Math.min(100, ((reach / document.documentElement.scrollHeight) * 100 + 0.5) | 0);
    if (url && (depth > reported || spent > 3e3)) {
      track("engagement", 0, url, (spent % 864e5) | 0, (reported = depth));
      spent = 0;
    }
  };

  // A page that nobody has seen yet (a background tab, a prerendered page) is viewed when it becomes visible; one that comes back
  // from the back/forward cache is viewed again.
  const view = safe((event) => {
    tick();
    // What was viewed is then no path, so that any is another.
    if (event?.persisted) viewed = returned = event;
    if (document.hidden || viewed == path()) return;
    leave();
    url = track("pageview");
    if (!viewed && "404" in data) track("404", { props: { path: path() }, interactive: false });
    viewed = path();
    // The router has not scrolled up yet: what was seen of the last page is not seen of this one.
    reach = reported = spent = 0;
  });
  "pushState replaceState".split(" ").map((method) => {
    const original = history[method];
    history[method] = (...args) => {
      original.apply(history, args);
      view();
    };
  });
  on("pagehide visibilitychange", () => {
    leave();
    engaged = 0;
  });
  on("pageshow visibilitychange focus blur scroll popstate hashchange", view);
  on("online", resend);

  on("click auxclick", ({ target, button }) => {
    // Beside a link there is nothing to read: that ends here, in `safe`.
    const link = button < 2 && target.closest("a");
    if (link.host && link.host != location.host && !("noOutbound" in data)) track("Outbound Link: Click", { props: { url: link.href } });
    else if (
      !("noDownloads" in data) &&
      // In the order that compresses best.
      RegExp(
        "\\.(" +
          (data.fileTypes || "7z,exe,midi,zip,avi,csv,wm[av],txt,rtf,docx,mov,wav,xlsx,mp[34],key,gz,mpeg,pkg,pdf,dmg,pp[st]x?,rar").replace(/, */g, "|") +
          ")$",
        "i",
      ).test(link.pathname)
    )
      track("File Download", { props: { url: link.href.split("?")[0] } });
  });
  "noForms" in data || on("submit", () => track("Form: Submission"));

  // `l` says that we are here, and to live.js for whom. What that has put on our place (`on`, `room`) stays.
  window[name] = Object.assign(track, early, { l: site });
  view();
  early?.q?.map((args) => track(...args));
  resend();

  if ("live" in data) {
    const live = document.createElement("script");
    live.src = new URL("live.js", base);
    Object.assign(live.dataset, data);
    document.head.append(live);
  }
})();
