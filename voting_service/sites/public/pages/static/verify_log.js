// The page of the public log: what the log says of itself, and a button that verifies all of it here.

import { readFacts, readerOfUrl, report, verifyLog } from "./log_verifier.js";
import { figure, moment, say } from "./proof_path.js";

const page = document.querySelector("[data-log]");
const language = document.documentElement.lang === "en" ? "en" : "zh";
const state = page.querySelector("[data-state]");
const figures = page.querySelector("[data-figures]");
const button = page.querySelector("button");
const bar = page.querySelector("progress");
const outcome = page.querySelector("[data-outcome]");
const sentences = page.querySelector("[data-sentences]");
const reader = readerOfUrl(new URL(page.dataset.log, location.href).href);

const listed = (list, texts) => {
  list.textContent = "";
  for (const text of texts) list.append(Object.assign(document.createElement("li"), { textContent: text }));
};

async function show() {
  const { facts, faults } = await readFacts(reader);
  if (!facts.size) {
    const isMissing = faults.some(({ code, values }) => code === "missing" && ["key", "checkpoint"].includes(values.path));
    say(state, "info", isMissing ? page.dataset.none : page.dataset.unreachable);
    return;
  }
  for (const place of figures.querySelectorAll("[data-fact]")) place.textContent = figure(facts[place.dataset.fact]);
  figures.querySelector("[data-at]").textContent = moment(facts.at, page.dataset.zone);
  const { witnessed, away } = page.dataset;
  listed(figures.querySelector("[data-witnesses]"), facts.witnesses.map(({ name, at }) =>
    (at ? witnessed : away).replace("{name}", name).replace("{at}", at ? moment(at, page.dataset.zone) : "")));
  state.hidden = true;
  figures.hidden = false;
  button.hidden = false;
}

async function verify() {
  button.disabled = true;
  outcome.hidden = true;
  bar.hidden = false;
  const onProgress = (what, done, total) => Object.assign(bar, { value: done, max: total });
  const result = await verifyLog(reader, { onProgress });
  bar.hidden = true;
  button.disabled = false;
  const lines = report(result, language);
  say(outcome, result.faults.length ? "error" : "success", lines.pop());
  listed(sentences, lines.slice(2)); // size and figures stand above
}

button.addEventListener("click", verify);
show();
