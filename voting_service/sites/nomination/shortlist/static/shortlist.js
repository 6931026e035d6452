// Stores each tick as it is set, shows what colleagues ticked meanwhile, and counts the ticked people
// and their distribution. Without it a button stores the ticks, and the server counts.

import { autosave } from "./autosave.js";

const form = document.querySelector("form[data-shortlist-size]");
const required = Number(form.dataset.shortlistSize);
const status = form.querySelector("[data-chosen]");
const theirNotice = document.querySelector("[data-theirs]");
const boxes = [...form.querySelectorAll('input[name="recommendation"]')];
const counts = [...form.querySelectorAll("[data-count]")];
const bars = [...form.querySelectorAll("[data-share]")];

function recount() {
  const ticked = boxes.filter((box) => box.checked);
  const totals = new Map();
  for (const box of ticked) {
    for (const [dimension, key] of Object.entries(JSON.parse(box.dataset.traits))) {
      const name = `${dimension}:${key}`;
      totals.set(name, (totals.get(name) || 0) + 1);
    }
  }
  for (const cell of counts) cell.textContent = String(totals.get(cell.dataset.count) || 0);
  for (const bar of bars) {
    bar.setAttribute("width", String((100 * (totals.get(bar.dataset.share) || 0)) / (boxes.length || 1)));
  }
  const missing = required - ticked.length;
  const more = missing > 0 ? status.dataset.few : missing < 0 ? status.dataset.many : "";
  status.textContent = status.dataset.chosen.replace("{chosen}", String(ticked.length)).replace("{shortlist_size}", String(required))
    + more.replace("{count}", String(Math.abs(missing)));
}

function showTheirs(theirs, chosen) {
  const changed = boxes.filter((box) => theirs.includes(Number(box.value)));
  if (changed.length === 0) return;
  for (const box of changed) box.checked = chosen.includes(box.value);
  const names = changed.map((box) => `${box.checked ? "+" : "−"} ${box.dataset.name}`);
  theirNotice.textContent = theirNotice.dataset.theirs.replace("{names}", names.join(", "));
  theirNotice.hidden = false;
}

const { typed } = autosave(form, {
  address: `${form.action}.json`,
  body: () => new URLSearchParams(new FormData(form)),
  onSaved({ seen, marks, theirs }) {
    form.elements.seen.value = seen;
    showTheirs(theirs, seen.split(","));
    for (const cell of form.querySelectorAll("[data-mark]")) {
      cell.textContent = marks[cell.dataset.mark] || "";
    }
    recount();
  },
});

form.addEventListener("change", () => {
  recount();
  typed();
});
recount();
