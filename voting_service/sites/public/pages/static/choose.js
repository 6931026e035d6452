// Choosing candidates across pages, with a bar that shows how many are chosen. Once a ballot was
// cast in this browser, the bar links to its receipt instead.

import { load, onChange, save } from "./choices.js";

const bar = document.querySelector(".choice-bar");
const buttons = [...document.querySelectorAll("[data-choose]")];
const numberOf = (button) => Number(button.dataset.choose);

function castBallot(contest) {
  const marker = new RegExp(`(?:^|; )(?:__Host-)?voted-${contest}=([0-9a-f]{32})(?:;|$)`);
  const match = document.cookie.match(marker);
  return match && match[1];
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
      ...chosen.map((value) =>
        Object.assign(document.createElement("input"), { type: "hidden", name: "choice", value }),
      ),
    );
    bar.querySelector("button").disabled = chosen.length < Number(bar.dataset.min);
    showBar();
    announce(line.dataset.line);
  };

  const toggle = (number) => {
    if (chosen.includes(number)) chosen = chosen.filter((other) => other !== number);
    else if (chosen.length < max) chosen = [...chosen, number];
    else return announce(line.dataset.full);
    save(contest, chosen);
    show();
    toReview.hidden = chosen.length < Number(bar.dataset.min);
    buttons.find((button) => numberOf(button) === number).after(toReview);
  };

  for (const button of buttons) button.addEventListener("click", () => toggle(numberOf(button)));
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
