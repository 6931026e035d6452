// Points for one candidate or for all in a table: saves while the expert types, adds up, says what is
// wrong beside the field, and in the table moves with arrows and Enter. Without it both are ordinary
// forms.

import { autosave } from "./autosave.js";

const addUp = (row) => {
  let sum = 0;
  let weights = 0;
  for (const cell of row.querySelectorAll("input[data-most]")) {
    const typed = cell.value.normalize("NFKC").replace("\u3002", ".").trim();
    const number = typed === "" ? Number.NaN : Number(typed);
    const points = number >= 0 && number <= Number(cell.dataset.most) ? number : Number.NaN;
    sum += (Number(cell.dataset.weight) * points) / Number(cell.dataset.most);
    weights += Number(cell.dataset.weight);
  }
  if (weights) row.querySelector(".total").textContent =
    Number.isNaN(sum) ? "—" : ((100 * sum) / weights).toFixed(2);
};

const form = document.querySelector("form[data-saved]");

if (form) {
  const cells = [...form.querySelectorAll("input[data-most]")];
  const rows = [...form.querySelectorAll("[data-row]")];
  const columns = cells.length / rows.length;
  const here = document.querySelector(".strip [aria-current]");
  for (const row of rows) addUp(row);

  const { typed } = autosave(form, {
    address: form.action,
    body() {
      const fields = new URLSearchParams(new FormData(form));
      fields.set("act", "save");
      return fields;
    },
    onSaved({ faults, scored }) {
      for (const cell of cells) {
        const fault = faults[cell.name];
        const said = document.getElementById(`fault-${cell.name}`);
        said.textContent = fault || "";
        said.hidden = !fault;
        if (fault) cell.setAttribute("aria-invalid", "true");
        else cell.removeAttribute("aria-invalid");
      }
      if (!here) return;
      const kind = scored.includes(Number(here.value)) ? "scored" : "open";
      here.className = `place ${kind}`;
      here.querySelector("[data-kind]").textContent = here.parentElement.dataset[kind];
      const progress = document.querySelector("[data-progress]");
      const places = [...here.parentElement.children];
      progress.textContent = progress.dataset.progress
        .replace("{scored}", places.filter((place) => place.matches(".scored")).length)
        .replace("{count}", places.filter((place) => !place.matches(".excluded")).length);
    },
  });

  form.addEventListener("input", (event) => {
    addUp(event.target.closest("[data-row]"));
    typed();
  });

  // Full-width digits are too wide for the field, and are stored as usual ones.
  form.addEventListener("change", ({ target }) => {
    if (target.matches("input[data-most]"))
      target.value = target.value.normalize("NFKC").replace("\u3002", ".").trim();
  });

  form.addEventListener("keydown", (event) => {
    const steps = { ArrowUp: -columns, ArrowDown: columns, Enter: columns };
    const at = cells.indexOf(event.target);
    const next = cells[at + steps[event.key]];
    if (rows.length < 2 || at < 0 || !(event.key in steps)) return;
    event.preventDefault();
    if (!next) return;
    next.focus();
    next.select();
  });
}
