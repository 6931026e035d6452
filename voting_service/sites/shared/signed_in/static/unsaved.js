// Asks before a page is left in which a long text was typed and not sent. Forms that save by
// themselves ask by themselves (autosave.js).

let unsaved = false;

document.addEventListener("input", ({ target }) => {
  if (!target.matches("form[method=post] textarea") || target.closest("form[data-saved]")) return;
  unsaved = target.value !== target.defaultValue;
});

document.addEventListener("submit", () => { unsaved = false; });

addEventListener("beforeunload", (event) => {
  if (!unsaved) return;
  event.preventDefault();
  event.returnValue = "";
});
