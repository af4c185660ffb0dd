// Put into pages by `pulsecast dev`: fetches style sheets anew, or the page, when they were saved.
(() => {
  let epoch;
  const changes = new EventSource("/.pulsecast/changes");

  changes.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    // After the server was away, or the browser: what was saved meanwhile is unknown.
    if (message.epoch) {
      if (epoch && epoch !== message.epoch) location.reload();
      epoch = message.epoch;
      return;
    }
    if (message.push.pub.data === "style") restyle();
    else location.reload();
  };

  // The old sheet goes when the new one is there, so that nothing flashes.
  const restyle = () => {
    document.querySelectorAll('link[rel~="stylesheet"]').forEach((old) => {
      const address = new URL(old.href);
      if (address.origin !== location.origin || old.dataset.leaving) return;
      address.searchParams.set("pulsecast", Date.now());
      const fresh = old.cloneNode();
      fresh.href = address.href;
      old.dataset.leaving = "yes";
      fresh.onload = fresh.onerror = () => old.remove();
      old.after(fresh);
    });
  };

  // A page in the back/forward cache would keep its stream and its old content.
  addEventListener("pagehide", () => changes.close());
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
})();
