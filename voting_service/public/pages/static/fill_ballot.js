// The ballot with its boxes: counts aloud, stops at the most, and agrees with the list's choices.

import { load, onChange, save } from "./choices.js";

const form = document.querySelector("form.ballot");
if (form) {
  const { contest } = form.dataset;
  const max = Number(form.dataset.max);
  const line = form.querySelector("[role=status]");
  const boxes = [...form.querySelectorAll("[name=choice]")];
  const ticked = () => boxes.filter((box) => box.checked).map((box) => Number(box.value));

  const say = (text) => {
    line.textContent = text.replace("{chosen}", ticked().length).replace(/\{max\}/g, max);
  };

  const tick = (numbers) => {
    for (const box of boxes) box.checked = numbers.includes(Number(box.value));
    say(line.dataset.line);
  };

  form.addEventListener("change", (event) => {
    if (ticked().length > max) {
      event.target.checked = false;
      say(line.dataset.full);
      return;
    }
    save(contest, ticked());
    say(line.dataset.line);
  });

  // What the server ticked went to the review once; what is kept here may be newer.
  if (load(contest, max).length === 0) save(contest, ticked());
  onChange(contest, () => tick(load(contest, max)));
}
