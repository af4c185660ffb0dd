// What the demo pages do by themselves: report a custom event, and route by the address's fragment.
(() => {
  const button = document.querySelector("[data-ring]");
  if (button) {
    const said = document.querySelector("[data-rung]");
    let rings = 0;
    button.addEventListener("click", () => {
      rings += 1;
      if (window.pulse) window.pulse("Bell rung", { props: { rings: String(rings) } });
      said.textContent = rings === 1 ? "Rung once: look at the dashboard." : `Rung ${rings} times.`;
    });
  }

  const panel = document.querySelector("[data-panel]");
  if (!panel) return;
  const views = {
    "#/inbox": ["Inbox", ["The ferry leaves at seven", "Your library book is due on Friday", "Lighthouse tour: two places left"]],
    "#/archive": ["Archive", ["Harbour news, autumn", "Minutes of the fish market committee"]],
    "#/settings": ["Settings", ["Language: English", "Notifications: on the hour", "Tide alarm: off"]],
  };
  const show = () => {
    const hash = views[location.hash] ? location.hash : "#/inbox";
    const [title, rows] = views[hash];
    const heading = document.createElement("h2");
    heading.textContent = title;
    const list = document.createElement("ul");
    for (const row of rows) {
      const item = document.createElement("li");
      item.textContent = row;
      list.append(item);
    }
    panel.replaceChildren(heading, list);
    document.title = `${title} · Port Lumen`;
    for (const link of document.querySelectorAll(".tabs a")) {
      if (link.hash === hash) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  };
  addEventListener("hashchange", show);
  show();
})();
