// Counts the ticked recommendations of the queue and ticks all of them at once. Without it each is
// ticked alone.
const form = document.querySelector("#bulk");

if (form) {
  const boxes = [...document.querySelectorAll('input[form="bulk"]')];
  const status = form.querySelector("[data-chosen]");
  const all = form.querySelector("[data-all]");
  const hint = status.textContent;

  const count = () => {
    const chosen = boxes.filter((box) => box.checked).length;
    status.textContent = chosen ? status.dataset.chosen.replace("{count}", String(chosen)) : hint;
  };

  all.parentElement.hidden = false;
  all.addEventListener("click", () => {
    const tick = boxes.some((box) => !box.checked);
    for (const box of boxes) box.checked = tick;
    count();
  });
  for (const box of boxes) box.addEventListener("change", count);
  count();
}
