// Keys for the page of one recommendation. Each presses a link or goes to a control that works
// without this script; the page lists them. They can be turned off, as some people dictate.
const keys = document.querySelector("[data-keys]");
const keysOn = keys.querySelector("[data-keys-on]");
const form = document.querySelector("form[data-decide]");
const evidence = document.querySelector("#evidence");
const reason = document.querySelector("#reason");
const STORED = "review-keys";

function stored() {
  try { return localStorage.getItem(STORED); } catch (_) { return null; }
}

keys.hidden = false;
keysOn.checked = stored() !== "off";
keysOn.addEventListener("change", () => {
  try { localStorage.setItem(STORED, keysOn.checked ? "on" : "off"); } catch (_) { /* for this page only */ }
});

function isTyping(target) {
  return target.matches("textarea, select, input:not([type=radio]):not([type=checkbox])");
}

function turnPage(step) {
  const tops = [...evidence.querySelectorAll("img.page")].map((page) => page.offsetTop - evidence.offsetTop);
  const now = evidence.scrollTop;
  const onward = step > 0 ? tops.find((top) => top > now + 8) : tops.reverse().find((top) => top < now - 8);
  if (onward !== undefined) evidence.scrollTop = onward;
}

// Which page stands in the middle of what is seen of the evidence, of how many.
const place = document.querySelector("[data-evidence-place]");

function showPlace() {
  const frame = evidence.getBoundingClientRect();
  const middle = (Math.max(frame.top, 0) + Math.min(frame.bottom, innerHeight)) / 2;
  const pages = [...evidence.querySelectorAll("img.page")];
  const begun = pages.filter((page) => page.getBoundingClientRect().top <= middle);
  const page = begun.pop() || pages[0];
  place.textContent = page ? page.dataset.place : "";
}

evidence.addEventListener("scroll", showPlace, { passive: true });
window.addEventListener("scroll", showPlace, { passive: true });
showPlace();

function choose(radio) {
  radio.click();
  if (radio.value === "accepted") form.querySelector("button").focus({ preventScroll: true });
  else reason.focus({ preventScroll: true });
}

function press(control) {
  if (control.matches("input[type=radio]")) choose(control);
  else {
    control.focus({ preventScroll: true }); // who reads keeps the place
    if (control.matches("input")) control.select();
    if (control.matches("a, summary")) control.click();
  }
}

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.isComposing || !keysOn.checked) return;
  if (key === "Enter" && (event.ctrlKey || event.metaKey) && target.form) {
    event.preventDefault();
    target.form.querySelector("button").click();
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(target)) {
    if (key === "Escape") target.blur();
    return;
  }
  if (key === "f" || key === "b") turnPage(key === "f" ? 1 : -1);
  const control = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key.toLowerCase());
  if (!control) return;
  event.preventDefault();
  press(control);
});

// Only a return has a term.
const term = form && form.querySelector("[data-term]");
function showTerm() {
  const chosen = form.querySelector("input[name=verdict]:checked");
  term.hidden = !(chosen && chosen.value === "returned") && !term.querySelector(".fault");
}
if (term) {
  form.addEventListener("change", showTerm);
  showTerm();
}
