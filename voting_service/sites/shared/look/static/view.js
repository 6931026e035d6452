// The reader's look, kept in a cookie: set before anything is drawn, and changed without a new page.
// Loaded as a classic script in the head, because a module would run after the first paint.

(() => {
  const root = document.documentElement;
  const THEMES = ["dark", "light"];

  function show() {
    const match = /(?:^|; )view=([a-z.]*)/.exec(document.cookie);
    const kept = match ? match[1].split(".") : [];
    root.dataset.size = kept.includes("elder") ? "elder" : "usual";
    root.dataset.theme = THEMES.find((theme) => kept.includes(theme)) || "";
  }

  function keep(choice) {
    for (const [name, value] of choice) root.dataset[name] = value;
    const value = [root.dataset.size === "elder" && "elder", root.dataset.theme].filter(Boolean).join(".");
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `view=${value}; path=/; max-age=34560000; samesite=lax${secure}`;
    window.dispatchEvent(new Event("viewchange"));
  }

  show();
  window.addEventListener("pageshow", (event) => event.persisted && show());
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest(".view a");
    if (!link) return;
    event.preventDefault();
    keep(new URLSearchParams(link.search));
    // The link is gone, and the one that leads back stands in its place.
    const back = [...link.parentNode.children].find((other) => other !== link && other.offsetParent &&
      other.search.split("=")[0] === link.search.split("=")[0]);
    if (back) back.focus();
  });
})();
