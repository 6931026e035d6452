// Counts what is ticked, and how it spreads, while somebody chooses. Without it the form works:
// the server counts.
const form = document.querySelector("form[data-picks]");
const wanted = Number(form.dataset.picks);
const said = form.querySelector("[data-chosen]");
const counter = form.querySelector("[data-counter]");
const words = counter && counter.dataset.counter;
const boxes = [...form.querySelectorAll('input[name="recommendation"]')];
const heading = form.querySelector("[data-when-chosen]");
const everybody = heading.textContent;
const counts = [...form.querySelectorAll("[data-count]")];
const bars = [...form.querySelectorAll("[data-share]")];

function recount() {
  const ticked = boxes.filter((box) => box.checked);
  const people = ticked.length ? ticked : boxes;
  const found = new Map();
  for (const box of people) {
    for (const [dimension, key] of Object.entries(JSON.parse(box.dataset.traits))) {
      const name = `${dimension}:${key}`;
      found.set(name, (found.get(name) || 0) + 1);
    }
  }
  for (const cell of counts) cell.textContent = String(found.get(cell.dataset.count) || 0);
  for (const bar of bars) {
    bar.setAttribute("width", String((100 * (found.get(bar.dataset.share) || 0)) / (people.length || 1)));
  }
  heading.textContent = ticked.length ? heading.dataset.whenChosen : everybody;
  if (said) said.textContent = words.replace("{chosen}", String(ticked.length)).replace("{picks}", String(wanted));
}

form.addEventListener("change", recount);
recount();
