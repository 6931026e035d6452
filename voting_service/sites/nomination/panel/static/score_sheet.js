// The scoring table: saves while the expert types, adds up, and moves between cells with arrows and
// Enter. Without it the table is an ordinary form.

import { autosave } from "./autosave.js";

const form = document.querySelector("#sheet[data-saved]");

if (form) {
  const cells = [...form.querySelectorAll("input[data-most]")];
  const columns = cells.length / form.querySelectorAll("tbody tr").length;

  const addUp = (row) => {
    let sum = 0;
    let weights = 0;
    for (const cell of row.querySelectorAll("input[data-most]")) {
      const typed = cell.value.normalize("NFKC").replace("\u3002", ".").trim();
      const points = typed === "" ? Number.NaN : Number(typed);
      sum += (Number(cell.dataset.weight) * points) / Number(cell.dataset.most);
      weights += Number(cell.dataset.weight);
    }
    row.querySelector(".total").textContent =
      Number.isNaN(sum) ? "—" : ((100 * sum) / weights).toFixed(2);
  };

  const { typed } = autosave(form, {
    address: form.action,
    body() {
      const fields = new URLSearchParams(new FormData(form));
      fields.set("act", "save");
      return fields;
    },
    onSaved({ faults }) {
      for (const cell of cells) {
        const fault = faults[cell.name];
        cell.toggleAttribute("aria-invalid", Boolean(fault));
        if (fault) cell.setAttribute("aria-invalid", "true");
        cell.title = fault || "";
      }
    },
  });

  form.addEventListener("input", (event) => {
    addUp(event.target.closest("tr"));
    typed();
  });

  form.addEventListener("keydown", (event) => {
    const steps = { ArrowUp: -columns, ArrowDown: columns, Enter: columns };
    const at = cells.indexOf(event.target);
    const next = cells[at + steps[event.key]];
    if (at < 0 || !(event.key in steps)) return;
    event.preventDefault();
    if (!next) return;
    next.focus();
    next.select();
  });
}
