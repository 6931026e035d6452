// The review page: a removed name is removed from the choices that this browser keeps, too.

import { load, save } from "./choices.js";

for (const button of document.querySelectorAll("button[name=remove]")) {
  const { contest, max } = button.form.dataset;
  button.addEventListener("click", () => {
    save(contest, load(contest, Number(max)).filter((number) => number !== Number(button.value)));
  });
}
