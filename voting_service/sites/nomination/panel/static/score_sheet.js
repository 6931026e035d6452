// The scoring table: saves while the expert types, adds up, and moves between cells with arrows and
// Enter. Without it the table is an ordinary form.

const form = document.querySelector("#sheet[data-saved]");
const SAVE_AFTER_MS = 800;

if (form) {
  const status = document.querySelector("#save-status");
  const cells = [...form.querySelectorAll("input[data-most]")];
  const columns = cells.length / form.querySelectorAll("tbody tr").length;
  let waiting = 0;
  let lastTurn = 0;

  const addUp = (row) => {
    let sum = 0;
    let weights = 0;
    for (const cell of row.querySelectorAll("input[data-most]")) {
      const points = cell.value.trim() === "" ? Number.NaN : Number(cell.value);
      sum += (Number(cell.dataset.weight) * points) / Number(cell.dataset.most);
      weights += Number(cell.dataset.weight);
    }
    row.querySelector(".total").textContent =
      Number.isNaN(sum) ? "—" : ((100 * sum) / weights).toFixed(2);
  };

  const save = async () => {
    const turn = ++lastTurn;
    status.textContent = form.dataset.saving;
    const fields = new URLSearchParams(new FormData(form));
    fields.set("act", "save");
    let answer = null;
    try {
      const response = await fetch(form.action, {
        method: "POST", body: fields, headers: { accept: "application/json" },
      });
      if (response.ok) answer = await response.json();
    } catch {
      // Reported below, as for a refusal: what was typed is still in the table.
    }
    if (turn !== lastTurn) return;
    status.textContent = answer
      ? form.dataset.saved.replace("{moment}", answer.saved_at) : form.dataset.notSaved;
    for (const cell of cells) {
      const fault = answer && answer.faults[cell.name];
      cell.toggleAttribute("aria-invalid", Boolean(fault));
      if (fault) cell.setAttribute("aria-invalid", "true");
      cell.title = fault || "";
    }
  };

  form.addEventListener("input", (event) => {
    addUp(event.target.closest("tr"));
    clearTimeout(waiting);
    waiting = setTimeout(save, SAVE_AFTER_MS);
  });

  form.addEventListener("submit", () => {
    clearTimeout(waiting);
    lastTurn += 1;
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
