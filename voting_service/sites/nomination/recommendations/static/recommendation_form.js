// Saves what is typed as a draft, shows what is wrong so far, and counts characters. The page works
// without this script: each of its buttons saves.

import { autosave } from "./autosave.js";
import { countCharacters } from "./count_characters.js";
import { orderPages } from "./page_order.js";
import { choosePart } from "./photo_frame.js";
import { shrinkPictures } from "./picture_shrinking.js";

const form = document.querySelector("form.recommendation");

function count(area) {
  const shown = document.getElementById(`${area.id}-count`);
  const limit = Number(area.dataset.limit);
  const characters = countCharacters(area.value);
  shown.textContent = shown.dataset.words.replace("{count}", characters).replace("{limit}", limit);
  if (characters > limit) shown.textContent += ` · ${shown.dataset.over.replace("{over}", characters - limit)}`;
  shown.classList.toggle("over", characters > limit);
}

function show(name, messages) {
  const field = form.querySelector(`[data-field="${CSS.escape(name)}"]`);
  const list = field && field.querySelector(":scope > .faults");
  if (!list) return;
  const now = [...list.children].map((item) => item.textContent);
  if (now.join("\n") === messages.join("\n")) return;
  list.textContent = "";
  list.append(...messages.map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
  field.classList.toggle("wrong", messages.length > 0);
  const control = field.querySelector(":scope > input, :scope > select, :scope > textarea");
  if (control && messages.length > 0) control.setAttribute("aria-invalid", "true");
  else if (control) control.removeAttribute("aria-invalid");
}

function showNotes(name, messages) {
  const list = form.querySelector(`[data-field="${CSS.escape(name)}"] > .notes`);
  if (!list) return;
  list.textContent = "";
  for (const text of messages) list.append(Object.assign(document.createElement("li"), { textContent: text }));
}

// What the server took from the ID number, where nothing was typed or chosen meanwhile.
function fill(name, value) {
  const controls = [...form.querySelectorAll(`[name="${CSS.escape(name)}"]`)];
  if (!value || controls.some((control) => (control.type === "radio" ? control.checked : control.value))) return;
  for (const control of controls) {
    if (control.type === "radio") control.checked = control.value === value;
    else if (control.type !== "checkbox") control.value = value;
  }
}

function posted() {
  const data = new FormData(form);
  for (const file of form.querySelectorAll("input[type=file]")) data.delete(file.name);
  return data;
}

// What was changed in another window, and not in this one.
function showTheirs(theirs) {
  for (const name of Object.keys(theirs)) {
    const texts = [].concat(theirs[name]);
    for (const control of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      if (/^(radio|checkbox)$/.test(control.type)) control.checked = texts.includes(control.value);
      else control.value = texts[0];
    }
  }
}

const { typed } = autosave(form, {
  address: `${form.action}.json`,
  body: posted,
  onSaved({ seen, faults, notes, filled, theirs, lacking }) {
    form.elements.seen.value = seen;
    for (const shown of form.querySelectorAll("[data-lacking]")) shown.textContent = lacking[shown.dataset.lacking];
    showTheirs(theirs);
    for (const field of form.querySelectorAll("[data-field]")) {
      if (!field.matches(".file")) show(field.dataset.field, faults[field.dataset.field] || []);
      showNotes(field.dataset.field, notes[field.dataset.field] || []);
    }
    for (const name of Object.keys(filled)) fill(name, filled[name]);
  },
});

form.addEventListener("input", (event) => {
  if (event.target.type === "file") return;
  if (event.target.matches("textarea")) count(event.target);
  typed();
});

const uploadButton = (input) => input.closest(".field").querySelector("[data-upload]");
// Where there are pages already, the officer says first what becomes of them.
const asks = (input) => input.closest(".field").querySelector("[name^='placing.']") !== null;

form.addEventListener("change", async (event) => {
  const input = event.target;
  if (input.type !== "file" || input.files.length === 0) return;
  const upload = () => { if (!asks(input)) uploadButton(input).click(); };
  if (input.name !== "photo") {
    show(input.name, []);
    const status = document.querySelector("[data-save-status]");
    const said = status.textContent;
    status.textContent = input.dataset.shrinking;
    await shrinkPictures(input);
    if (status.textContent === input.dataset.shrinking) status.textContent = said;
  }
  const sizes = [...input.files].map((file) => file.size);
  const isTooLarge = sizes.some((size) => size > Number(input.dataset.max));
  if (isTooLarge || sizes.reduce((sum, size) => sum + size) > Number(input.dataset.maxTogether)) {
    show(input.name, [isTooLarge ? input.dataset.tooLarge : input.dataset.tooLargeTogether]);
    input.value = "";
    return;
  }
  uploadButton(input).hidden = !asks(input) && (input.name === "photo" || input.files.length === 1);
  if (input.name === "photo") choosePart(input, upload);
  else orderPages(input, upload);
});

// A file is uploaded once it is chosen. The button is for several, in their order, and for browsers
// without this script.
for (const input of form.querySelectorAll("input[type=file]")) uploadButton(input).hidden = !asks(input);
for (const hint of form.querySelectorAll("[data-scripted]")) hint.hidden = false;
for (const area of form.querySelectorAll("textarea")) count(area);
