// Counts the ticked people and their distribution while a reviewer chooses. Without it the form
// works: the server counts.
const form = document.querySelector("form[data-shortlist-size]");
const required = Number(form.dataset.shortlistSize);
const status = form.querySelector("[data-chosen]");
const counter = form.querySelector("[data-counter]");
const counterText = counter && counter.dataset.counter;
const boxes = [...form.querySelectorAll('input[name="recommendation"]')];
const heading = form.querySelector("[data-when-chosen]");
const headingForAll = heading.textContent;
const counts = [...form.querySelectorAll("[data-count]")];
const bars = [...form.querySelectorAll("[data-share]")];

function recount() {
  const ticked = boxes.filter((box) => box.checked);
  const people = ticked.length ? ticked : boxes;
  const totals = new Map();
  for (const box of people) {
    for (const [dimension, key] of Object.entries(JSON.parse(box.dataset.traits))) {
      const name = `${dimension}:${key}`;
      totals.set(name, (totals.get(name) || 0) + 1);
    }
  }
  for (const cell of counts) cell.textContent = String(totals.get(cell.dataset.count) || 0);
  for (const bar of bars) {
    bar.setAttribute("width", String((100 * (totals.get(bar.dataset.share) || 0)) / (people.length || 1)));
  }
  heading.textContent = ticked.length ? heading.dataset.whenChosen : headingForAll;
  if (status) status.textContent = counterText.replace("{chosen}", String(ticked.length)).replace("{shortlist_size}", String(required));
}

form.addEventListener("change", recount);
recount();
