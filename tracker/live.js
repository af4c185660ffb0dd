// One socket per page: makes the visitor count as online, and tells the page how many are. Loaded by pulse.js where its tag says
// data-live, and asks it for the site; a tag of its own with data-site does as well. Speaks the Centrifugo client protocol
// (protocol/src/wire.rs) and knows one channel. Silent while the server is away.
(() => {
  const script = document.currentScript;
  const site = script.dataset.site || window.pulse?.l || window.plausible?.l;
  if (!site) return;
  const channel = "online:" + site.split(",")[0];
  const address = new URL("/connection/websocket", script.src).href.replace(/^http/, "ws");
  try {
    if ([localStorage.pulse_ignore, localStorage.plausible_ignore].includes("true")) return;
  } catch {}

  // `over`: the server said not to come back. `quiet` is how long it may say nothing, in seconds.
  let socket, over, retry, silence;
  let quiet = 60;
  let attempts = 0;

  const send = (command) => socket?.send(JSON.stringify(command));
  const subscribe = () => send({ id: 2, subscribe: { channel } });

  const open = () => {
    if (socket || over) return;
    try {
      socket = new WebSocket(address);
    } catch {
      return; // the page's policy forbids it, and will the next time
    }
    listen();
    socket.onopen = () => send({ id: 1, connect: { name: "pulse" } });
    socket.onmessage = ({ data }) => {
      listen();
      try {
        data.split("\n").map((line) => line && read(JSON.parse(line)));
      } catch {
        lost();
      }
    };
    socket.onclose = ({ code }) => lost(code);
  };

  // A connection can die without a word (a laptop that slept): the server's pings are what shows that it lives.
  const listen = () => {
    clearTimeout(silence);
    silence = setTimeout(lost, quiet * 1e3);
  };

  const read = ({ id, connect, subscribe: subscribed, push, error }) => {
    if (error) return lost(error.temporary ? 0 : 3500);
    if (!id && !push) return send({});
    if (connect) {
      quiet = (connect.ping || 50) + 10;
      subscribe();
    }
    if (subscribed) attempts = 0;
    const ended = push?.unsubscribe || push?.disconnect;
    if (ended) push.unsubscribe && ended.code > 2499 ? subscribe() : lost(push.disconnect ? ended.code : 3500);
    const count = (subscribed || push?.pub)?.data?.online;
    if (count >= 0) show(count);
  };

  const show = (count) => {
    document.querySelectorAll("[data-pulse-online]").forEach((element) => (element.textContent = count));
    document.dispatchEvent(new CustomEvent("pulse:online", { detail: count }));
  };

  const close = () => {
    clearTimeout(retry);
    clearTimeout(silence);
    const old = socket;
    socket = null;
    if (!old) return;
    old.onopen = old.onmessage = old.onclose = null;
    old.close();
  };

  const lost = (code) => {
    close();
    over = (code > 3499 && code < 4000) || (code > 4499 && code < 5000);
    if (!over) retry = setTimeout(open, 500 + Math.random() * Math.min(19500, 500 * 2 ** attempts++));
  };

  // A page that nobody has seen yet (a background tab, a prerendered page) is not online. A page with an open socket cannot go into
  // the back/forward cache, so it is closed first.
  const seen = () => document.hidden || open();
  addEventListener("online", seen);
  addEventListener("pageshow", seen);
  addEventListener("pagehide", close);
  document.addEventListener("visibilitychange", seen);
  seen();
})();
