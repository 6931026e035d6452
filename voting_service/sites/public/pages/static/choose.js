// Choosing candidates across pages, with a bar that shows how many are chosen and opens to their
// names. Once a ballot was cast in this browser, the bar links to its receipt instead.

import { load, onChange, readNames, save } from "./choices.js";

const bar = document.querySelector(".choice-bar");
const buttons = [...document.querySelectorAll("[data-choose]")];
const numberOf = (button) => Number(button.dataset.choose);

function castBallot(contest) {
  const marker = new RegExp(`(?:^|; )(?:__Host-)?voted-${contest}=([0-9a-f]{32})(?:;|$)`);
  const match = document.cookie.match(marker);
  return match && match[1];
}

function make(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function showBar() {
  bar.hidden = false;
  document.body.classList.add("has-choice-bar");
}

function showReceipt(ballot) {
  const voted = bar.querySelector(".voted");
  for (const part of bar.firstElementChild.children) part.hidden = part !== voted;
  voted.querySelector("a").href = `${bar.dataset.address}/receipts/${ballot}`;
  for (const button of buttons) button.hidden = true;
  for (const list of document.querySelectorAll(".choosing")) list.classList.remove("choosing");
  showBar();
}

// The names that are chosen, each with a button that removes it.
class Tray {
  constructor(remove) {
    this._remove = remove;
    this._names = readNames();
    this._button = bar.querySelector(".tray-button");
    this._tray = bar.querySelector(".tray");
    this._list = this._tray.querySelector("ol");
    this._button.addEventListener("click", () => this._open(this._tray.hidden));
    bar.addEventListener("keydown", ({ key }) => {
      if (key !== "Escape" || this._tray.hidden) return;
      this._open(false);
      this._button.focus();
    });
  }

  _open(open) {
    this._tray.hidden = !open;
    this._button.setAttribute("aria-expanded", String(open));
  }

  show(numbers) {
    this._button.hidden = numbers.length === 0;
    if (numbers.length === 0) this._open(false);
    this._list.textContent = "";
    this._list.append(...numbers.map((number) => this._item(number)));
  }

  _item(number) {
    const name = this._names[number] || "";
    const figure = make("span", { className: "number", textContent: String(number).padStart(2, "0") });
    const href = `${bar.dataset.address}/candidates/${number}`;
    const hidden = make("span", { className: "visually-hidden", textContent: ` ${name}` });
    const remove = make("button", { type: "button", className: "second" }, bar.dataset.remove, hidden);
    remove.addEventListener("click", () => this._removeAndStay(number));
    return make("li", {}, make("a", { href }, figure, " ", name), remove);
  }

  // The keyboard goes on to the next name, or to the candidate who was removed last.
  _removeAndStay(number) {
    const place = [...this._list.children].findIndex((item) => item.contains(document.activeElement));
    this._remove(number);
    const items = this._list.children;
    const next = items[Math.min(place, items.length - 1)];
    const last = buttons.find((button) => numberOf(button) === number);
    const target = next ? next.querySelector("button") : last || document.querySelector("main");
    target.focus();
  }
}

function letChoose(contest) {
  const max = Number(bar.dataset.max);
  const line = bar.querySelector("[role=status]");
  const inputs = bar.querySelector(".chosen-inputs");
  const toReview = bar.querySelector(".to-review"); // beside the last button pressed: one tab stop
  let chosen = [];

  const announce = (text) => {
    line.textContent = text.replace("{chosen}", chosen.length).replace(/\{max\}/g, max);
  };

  const show = () => {
    for (const button of buttons) {
      button.hidden = false;
      button.setAttribute("aria-pressed", String(chosen.includes(numberOf(button))));
    }
    inputs.textContent = "";
    inputs.append(
      ...chosen.map((value) => make("input", { type: "hidden", name: "choice", value })),
    );
    bar.querySelector("#review").disabled = chosen.length < Number(bar.dataset.min);
    tray.show(chosen);
    showBar();
    announce(line.dataset.line);
  };

  const change = (numbers) => {
    chosen = numbers;
    save(contest, chosen);
    show();
    toReview.hidden = chosen.length < Number(bar.dataset.min);
  };

  const toggle = (button) => {
    const number = numberOf(button);
    if (chosen.includes(number)) change(chosen.filter((other) => other !== number));
    else if (chosen.length < max) change([...chosen, number]);
    else return announce(line.dataset.full);
    button.after(toReview);
  };

  const tray = new Tray((number) => change(chosen.filter((other) => other !== number)));
  for (const button of buttons) button.addEventListener("click", () => toggle(button));
  onChange(contest, () => {
    chosen = load(contest, max);
    show();
  });
}

if (bar) {
  const { contest } = bar.dataset;
  const ballot = castBallot(contest);
  if (ballot) showReceipt(ballot);
  else letChoose(contest);
  // A page restored from history may be older than the last ballot.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted && castBallot(contest) !== ballot) location.reload();
  });
}
