// One checkbox in a table's head for all below it; without scripts it stays hidden.

for (const all of document.querySelectorAll("[data-all]")) {
  const each = [...document.querySelectorAll(`input[type=checkbox][name="${all.dataset.all}"]`)];
  const show = () => {
    const chosen = each.filter(({ checked }) => checked).length;
    all.checked = chosen === each.length;
    all.indeterminate = chosen > 0 && chosen < each.length;
  };
  all.hidden = each.length < 2;
  all.addEventListener("change", () => {
    for (const box of each) box.checked = all.checked;
  });
  for (const box of each) box.addEventListener("change", show);
  show();
}
