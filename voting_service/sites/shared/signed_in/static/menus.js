// Folds the menus of a phone behind a button each. A classic script in the head, so that they are
// folded at the first paint, and in browsers without modules; without scripts they stay open.

(function () {
  document.documentElement.classList.add("folds-menus");
  document.addEventListener("click", function (event) {
    var button = event.target.closest && event.target.closest("button[data-menu]");
    if (!button) return;
    var isOpen = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!isOpen));
  });
})();
