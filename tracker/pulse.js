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

  // When delivery failed: the timer of the next try. Of the page last viewed: its path and address, how far down it was seen in
  // pixels, what depth was reported, time engaged and not reported, whether that runs, and since when.
  let pause, viewed, url, reach, reported, spent, engaged, since;

  const base = script.src || location;
  const api = data.api || new URL("/api/event", base);
  const hash = "hash" in data;
  const types = data.fileTypes || "pdf,xlsx,docx,txt,rtf,csv,exe,key,pp[st]x?,7z,pkg,rar,gz,zip,avi,mov,mp[34],mpeg,wm[av],midi,wav,dmg";
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
  const post = async (event, callback) => {
    const age = Math.max(0, Date.now() - event.a);
    // Seconds until it is tried again; none for what the server would refuse or the visitor does not want.
    let again = age < 864e5 && store[name + "_ignore"] != "true" && 30;
    let status, headers;
    if (again && !pause && navigator.onLine)
      try {
        // A string is sent as text/plain, which needs no preflight; keepalive lets it outlive the page.
        ({ status, headers } = await fetch(api, { method: "POST", keepalive: true, body: JSON.stringify({ ...event, a: age }) }));
        again = /^5|429/.test(status) && (+headers.get("Retry-After") || again);
      } catch {}
    if (again) {
      save([...waiting(), event].slice(-30));
      pause ||= setTimeout(resend, again * 1e3 * (1 + Math.random()));
    } else if (!pause) resend();
    callback?.({ status });
  };

  // Pages call it with two arguments. With a third, the address of a page that was counted already, exclusion does not apply.
  const track = safe((n, options = 0, u, e, sd) => {
    // Plausible's globs: * stays within a segment of the path, ** does not; every other sign means itself.
    const matches = (glob) =>
      RegExp("^" + glob.replace(/\*\*?|\W/g, (sign) => (sign == "*" ? "[^/]*" : sign == "**" ? ".*" : "\\" + sign)) + "$").test(path());
    if (!u && data.exclude?.split(/, */).some(matches)) return options.callback?.({});
    u ||= location.href.slice(0, 2e3);
    post(
      { n, u, d: site, r: document.referrer, p: options.props, $: options.revenue, i: options.interactive, sd, e, h: +hash, v: 1, w: innerWidth, a: Date.now() },
      options.callback,
    );
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
    engaged = 0;
    const depth = Math.min(100, ((reach / document.documentElement.scrollHeight) * 100 + 0.5) | 0);
    if (url && (depth > reported || spent > 3e3)) {
      track("engagement", 0, url, Math.min(864e5, spent | 0), (reported = depth));
      spent = 0;
    }
  };

  // A page that nobody has seen yet (a background tab, a prerendered page) is viewed when it becomes visible; one that comes back
  // from the back/forward cache is viewed again.
  const view = safe((event) => {
    tick();
    if (document.hidden || (viewed == path() && !event?.persisted)) return;
    leave();
    url = track("pageview");
    if (!viewed && "404" in data) track("404", { props: { path: path() }, interactive: false });
    viewed = path();
    tick();
    // The router has not scrolled up yet: what was seen of the last page is not seen of this one.
    reach = reported = spent = 0;
  });
  for (const method of ["pushState", "replaceState"]) {
    const original = history[method];
    history[method] = (...args) => {
      original.apply(history, args);
      view();
    };
  }
  on("pagehide visibilitychange", leave);
  on("visibilitychange pageshow focus blur popstate hashchange scroll", view);
  on("online", resend);

  on("click auxclick", ({ target, button }) => {
    // Beside a link there is nothing to read: that ends here, in `safe`.
    const link = button < 2 && target.closest("a");
    if (link.host && link.host != location.host && !("noOutbound" in data)) track("Outbound Link: Click", { props: { url: link.href } });
    else if (!("noDownloads" in data) && RegExp("\\.(" + types.replace(/, */g, "|") + ")$", "i").test(link.pathname))
      track("File Download", { props: { url: link.href.split("?")[0] } });
  });
  "noForms" in data || on("submit", () => track("Form: Submission"));

  window[name] = track;
  track.l = 1;
  view();
  early?.q?.map((args) => track(...args));
  resend();

  if ("live" in data) {
    const live = document.createElement("script");
    live.src = new URL("live.js", base);
    live.dataset.site = site;
    document.head.append(live);
  }
})();
