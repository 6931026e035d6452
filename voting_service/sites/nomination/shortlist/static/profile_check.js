// Asks the server, while a reviewer types, whether the texts may become public; nothing is saved.
const form = document.querySelector("form[data-check]");
const PAUSE_MS = 600;
let timer;
let lastTurn = 0;

async function check() {
  const turn = ++lastTurn;
  const answer = await fetch(form.dataset.check, {
    method: "POST",
    headers: { accept: "application/json", "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(new FormData(form)),
  });
  if (!answer.ok || turn !== lastTurn) return;
  const { faults } = await answer.json();
  for (const list of form.querySelectorAll("[data-wrong]")) {
    const items = (faults[list.dataset.wrong] || []).map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    });
    list.textContent = "";
    list.append(...items);
  }
}

form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(check, PAUSE_MS);
});
