// The ballot form: announces the count, enforces the maximum, and shares choices with the list. Choices
// in the address, #choices=3.7, were made in another browser; no server sees a fragment. It stays
// there, because a messenger passes on the address that is shown. Anyone can write such a link, so it
// is used once, where nothing is chosen yet, and named.

import { load, onChange, save } from "./choices.js";

// Whether a link is opened for the first time in this window.
function isFirst(key, link) {
  try {
    if (sessionStorage.getItem(key) === link) return false;
    sessionStorage.setItem(key, link);
  } catch {
    // without storage every time is the first
  }
  return true;
}

const form = document.querySelector("form.ballot");
if (form) {
  const { contest } = form.dataset;
  const max = Number(form.dataset.max);
  const line = form.querySelector("[role=status]");
  const boxes = [...form.querySelectorAll("[name=choice]")];
  const ticked = () => boxes.filter((box) => box.checked).map((box) => Number(box.value));

  const announce = (text) => {
    line.textContent = text.replace("{chosen}", ticked().length).replace(/\{max\}/g, max);
  };

  const tick = (numbers) => {
    for (const box of boxes) box.checked = numbers.includes(Number(box.value));
    announce(line.dataset.line);
  };

  form.addEventListener("change", (event) => {
    if (ticked().length > max) {
      event.target.checked = false;
      announce(line.dataset.full);
      return;
    }
    save(contest, ticked());
    announce(line.dataset.line);
  });

  // The server selects the choices last sent to the review; those stored here may be newer.
  if (load(contest, max).length === 0) save(contest, ticked());

  const carried = /^#choices=([0-9.]{1,400})$/.exec(location.hash);
  if (carried) {
    const known = boxes.map((box) => Number(box.value));
    const numbers = carried[1].split(".").map(Number).filter((number) => known.includes(number)).slice(0, max);
    if (load(contest, max).length === 0 && isFirst(`link:${contest}`, carried[1])) save(contest, numbers);
    const used = load(contest, max).join() === numbers.join();
    form.querySelector(`[data-link=${used ? "used" : "ignored"}]`).hidden = false;
  }

  onChange(contest, () => tick(load(contest, max)));
}
