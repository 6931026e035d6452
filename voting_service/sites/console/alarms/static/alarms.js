// Brings new alarms to the top of a page that stays open, unless somebody is at them just now.

const EVERY_MS = 15000;

const box = document.querySelector("[data-new-alarms]");

async function refresh() {
  if (document.hidden || box.contains(document.activeElement)) return;
  const answer = await fetch(box.dataset.newAlarms, { headers: { "background-refresh": "1" } });
  if (!answer.ok || !answer.headers.get("content-type").startsWith("text/html")) return;
  const ids = (root) => [...root.querySelectorAll("[data-alarm]")].map((one) => one.dataset.alarm).join();
  const found = new DOMParser().parseFromString(await answer.text(), "text/html").body;
  if (ids(found) === ids(box)) return;
  box.textContent = "";
  box.append(...found.childNodes);
}

setInterval(() => refresh().catch(() => {}), EVERY_MS);
box.refresh = refresh;
