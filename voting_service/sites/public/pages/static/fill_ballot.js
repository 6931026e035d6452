// The ballot form: announces the count, enforces the maximum, and shares choices with the list. Choices
// in the address, #choices=3.7, were made in another browser; no server sees a fragment. It stays
// there, because a messenger passes on the address that is shown.

import { load, onChange, save } from "./choices.js";

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

  const carried = /^#choices=([0-9.]{1,400})$/.exec(location.hash);
  if (carried) {
    const known = boxes.map((box) => Number(box.value));
    save(contest, carried[1].split(".").map(Number).filter((number) => known.includes(number)).slice(0, max));
  }

  // The server selects the choices last sent to the review; those stored here may be newer.
  if (load(contest, max).length === 0) save(contest, ticked());
  onChange(contest, () => tick(load(contest, max)));
}
