// "Previous" and "next" of a profile follow the list that its reader came from, in its order.

import { readList, readNames } from "./choices.js";

const pager = document.querySelector(".pager");
const { contest, address } = pager.dataset;
const names = readNames();
const { query, numbers } = readList(contest);
const place = numbers.indexOf(Number(pager.dataset.number));

if (place >= 0 && query === location.search) {
  const lead = (rel, step) => {
    const link = pager.querySelector(`[rel=${rel}]`);
    const number = numbers[(place + step + numbers.length) % numbers.length];
    if (!link) return;
    link.href = `${address}/candidates/${number}${query}`;
    link.querySelector(".number").textContent = String(number).padStart(2, "0");
    link.querySelector(".name").textContent = names[number] || "";
    link.hidden = numbers.length === 1;
  };
  lead("prev", -1);
  lead("next", 1);
}
