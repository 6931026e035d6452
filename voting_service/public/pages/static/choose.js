// Choosing across pages: the numbers are kept in this browser until the ballot is cast.

const bar = document.querySelector(".choice-bar");
const contest = bar.dataset.contest;
const key = `choices:${contest}`;
const max = Number(bar.dataset.max);
const min = Number(bar.dataset.min);
const line = bar.querySelector("[role=status]");
const inputs = bar.querySelector(".chosen-inputs");
const submit = bar.querySelector("button");

function load() {
  try {
    const stored = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(stored) ? stored.filter(Number.isInteger).slice(0, max) : [];
  } catch {
    return []; // storage may be closed to us: then a choice lasts as long as the page
  }
}

let chosen = load();

function save() {
  try {
    localStorage.setItem(key, JSON.stringify(chosen));
  } catch {
    // see load
  }
}

function fill(text) {
  return text.replace("{chosen}", chosen.length).replace("{max}", max);
}

function show() {
  for (const button of document.querySelectorAll("[data-choose]")) {
    const on = chosen.includes(Number(button.dataset.choose));
    button.hidden = false;
    button.setAttribute("aria-pressed", String(on));
  }
  inputs.replaceChildren(
    ...chosen.map((number) => {
      const input = document.createElement("input");
      Object.assign(input, { type: "hidden", name: "choice", value: number });
      return input;
    }),
  );
  submit.disabled = chosen.length < min;
  bar.hidden = false;
  document.body.classList.add("has-choice-bar");
}

function toggle(number) {
  if (chosen.includes(number)) {
    chosen = chosen.filter((other) => other !== number);
  } else if (chosen.length < max) {
    chosen = [...chosen, number];
  } else {
    line.textContent = fill(line.dataset.full);
    return;
  }
  save();
  show();
  line.textContent = fill(line.dataset.line);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-choose]");
  if (button) toggle(Number(button.dataset.choose));
});

// Another tab, or the page coming back from the history, may have chosen meanwhile.
function reload() {
  chosen = load();
  show();
  line.textContent = fill(line.dataset.line);
}
window.addEventListener("storage", (event) => event.key === key && reload());
window.addEventListener("pageshow", reload);
