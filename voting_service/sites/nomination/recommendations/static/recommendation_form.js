// Saves what is typed as a draft, shows what is wrong so far, and counts characters. The page works
// without this script: each of its buttons saves.

import { countCharacters } from "./count_characters.js";

const PAUSE_MS = 900;
const form = document.querySelector("form.recommendation");
const saveStatus = form.querySelector(".saved");
const address = `${form.action}.json`;
let dirty = false;
let stopped = false;
let saving = null;
let timer = 0;

function count(area) {
  const shown = document.getElementById(`${area.id}-count`);
  const limit = Number(area.dataset.limit);
  const characters = countCharacters(area.value);
  shown.textContent = shown.dataset.words.replace("{count}", characters).replace("{limit}", limit);
  shown.classList.toggle("over", characters > limit);
}

function show(name, messages) {
  const field = form.querySelector(`[data-field="${CSS.escape(name)}"]`);
  const list = field && field.querySelector(".faults");
  if (!list || (field.matches(".file") && messages.length === 0)) return;
  const now = [...list.children].map((item) => item.textContent);
  if (now.join("\n") === messages.join("\n")) return;
  list.textContent = "";
  list.append(...messages.map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
  field.classList.toggle("wrong", messages.length > 0);
  const control = field.querySelector("input:not([type=radio], [type=checkbox]), select, textarea");
  if (control && messages.length > 0) control.setAttribute("aria-invalid", "true");
  else if (control) control.removeAttribute("aria-invalid");
}

function posted() {
  const data = new FormData(form);
  for (const file of form.querySelectorAll("input[type=file]")) data.delete(file.name);
  return data;
}

function post(keepalive) {
  const headers = { accept: "application/json" };
  return fetch(address, { method: "POST", body: posted(), headers, keepalive });
}

// After a new sign-in in another window the CSRF token is another one, which our pages contain.
async function renewCsrfToken() {
  const answer = await fetch(form.action, { headers: { accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const renewed = page.querySelector("form.recommendation [name=csrf]");
  if (renewed) for (const input of document.querySelectorAll("[name=csrf]")) input.value = renewed.value;
  return Boolean(renewed && renewed.value);
}

async function send(keepalive = false) {
  dirty = false;
  try {
    let answer = await post(keepalive);
    if (answer.status === 403 && await renewCsrfToken()) answer = await post(false);
    if (answer.ok) {
      const { seen, saved_at: savedAt, faults } = await answer.json();
      form.elements.seen.value = seen;
      saveStatus.textContent = form.dataset.saved.replace("{moment}", savedAt);
      for (const field of form.querySelectorAll("[data-field]"))
        show(field.dataset.field, faults[field.dataset.field] || []);
      return;
    }
    stopped = answer.status === 409;
    saveStatus.textContent = stopped ? form.dataset.conflict
      : answer.status === 401 ? form.dataset.signedOut : form.dataset.lost;
  } catch {
    saveStatus.textContent = form.dataset.lost;
  }
  dirty = true;
}

function save() {
  clearTimeout(timer);
  if (stopped || !dirty) return saving || Promise.resolve();
  saving = (saving || Promise.resolve()).then(() => send()).finally(() => { saving = null; });
  return saving;
}

form.addEventListener("input", (event) => {
  if (event.target.type === "file") return;
  if (event.target.matches("textarea")) count(event.target);
  dirty = true;
  clearTimeout(timer);
  timer = setTimeout(save, PAUSE_MS);
});

form.addEventListener("change", (event) => {
  const input = event.target;
  if (input.type !== "file" || input.files.length === 0) return;
  if (input.files[0].size > Number(input.dataset.max)) {
    show(input.name, [input.dataset.tooLarge]);
    input.value = "";
    return;
  }
  form.querySelector(`[data-field="${CSS.escape(input.name)}"] button[name=go]`).click();
});

// Remembered for browsers without event.submitter. Enter presses a button too.
let pressed = null;
form.addEventListener("click", (event) => {
  pressed = event.target.closest("button") || pressed;
});

// A save under way returns a newer fingerprint: wait for it, or this form conflicts with itself.
form.addEventListener("submit", (event) => {
  clearTimeout(timer);
  dirty = false;
  if (!saving) return;
  event.preventDefault();
  const button = event.submitter || pressed;
  saving.finally(() => {
    dirty = false;
    button.click(); // requestSubmit is missing before Safari 16
  });
});

addEventListener("focus", save);

addEventListener("pagehide", () => {
  if (!dirty || stopped || saving) return;
  if ("keepalive" in Request.prototype) send(true);
  else navigator.sendBeacon(address, posted()); // Firefox before 133
});

for (const area of form.querySelectorAll("textarea")) count(area);
