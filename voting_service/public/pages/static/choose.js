// Choosing across pages, with the bar that says how many are chosen; or, once a ballot was cast
// in this browser, the way to its receipt.

import { load, onChange, save } from "./choices.js";

const bar = document.querySelector(".choice-bar");
const buttons = [...document.querySelectorAll("[data-choose]")];
const numberOf = (button) => Number(button.dataset.choose);

function castHere(contest) {
  const marker = new RegExp(`(?:^|; )(?:__Host-)?voted-${contest}=([0-9a-f]{32})(?:;|$)`);
  const found = document.cookie.match(marker);
  return found && found[1];
}

function showBar() {
  bar.hidden = false;
  document.body.classList.add("has-choice-bar");
}

function showReceipt(ballot) {
  const voted = bar.querySelector(".voted");
  for (const part of bar.firstElementChild.children) part.hidden = part !== voted;
  voted.querySelector("a").href = bar.dataset.receipts + ballot;
  for (const button of buttons) button.hidden = true;
  showBar();
}

function letChoose(contest) {
  const max = Number(bar.dataset.max);
  const line = bar.querySelector("[role=status]");
  const inputs = bar.querySelector(".chosen-inputs");
  let chosen = [];

  const say = (text) => {
    line.textContent = text.replace("{chosen}", chosen.length).replace(/\{max\}/g, max);
  };

  const show = () => {
    for (const button of buttons) {
      button.hidden = false;
      button.setAttribute("aria-pressed", String(chosen.includes(numberOf(button))));
    }
    inputs.textContent = "";
    inputs.append(
      ...chosen.map((value) =>
        Object.assign(document.createElement("input"), { type: "hidden", name: "choice", value }),
      ),
    );
    bar.querySelector("button").disabled = chosen.length < Number(bar.dataset.min);
    showBar();
    say(line.dataset.line);
  };

  const toggle = (number) => {
    if (chosen.includes(number)) chosen = chosen.filter((other) => other !== number);
    else if (chosen.length < max) chosen = [...chosen, number];
    else return say(line.dataset.full);
    save(contest, chosen);
    show();
  };

  for (const button of buttons) button.addEventListener("click", () => toggle(numberOf(button)));
  onChange(contest, () => {
    chosen = load(contest, max);
    show();
  });
}

if (bar) {
  const { contest } = bar.dataset;
  const ballot = castHere(contest);
  if (ballot) showReceipt(ballot);
  else letChoose(contest);
  // A page that comes back from the history may not know yet what was cast meanwhile.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted && castHere(contest) !== ballot) location.reload();
  });
}
