// Checks a list without leaving the page, so that the chosen file is still there to make drafts of.
// Without this script the file is chosen again.

const form = document.querySelector("form.upload");
const status = document.getElementById("import-status");

form.addEventListener("submit", async (event) => {
  const button = event.submitter;
  if (!button || button.value !== "check") return;
  event.preventDefault();
  const data = new FormData(form);
  data.append("act", "check");
  status.textContent = form.dataset.working;
  button.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: data, headers: { accept: "text/html" } });
    const shown = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("import-result");
    if (!shown) throw new Error(String(answer.status));
    document.getElementById("import-result").replaceWith(shown);
    status.textContent = "";
  } catch {
    status.textContent = form.dataset.lost;
  } finally {
    button.disabled = false;
  }
});
