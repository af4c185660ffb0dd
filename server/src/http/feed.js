// The counts on the editors' page, as they change. The page is complete without this: what it shows is what was true when it was made.
(() => {
  const list = document.querySelector("[data-received-from]");
  if (!list || !window.EventSource) return;
  new EventSource(list.dataset.receivedFrom).onmessage = ({ data }) => {
    const { open, received } = JSON.parse(data);
    for (const [id, count] of [["open", open], ...received])
      document.querySelectorAll(`[data-received="${id}"]`).forEach((element) => (element.textContent = count.toLocaleString("en-US")));
  };
})();
