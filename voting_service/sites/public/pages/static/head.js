// The head of a contest's pages: keeps the countdown, and says where the voter stands.

import "./countdown.js";
import { load, onChange } from "./choices.js";

const where = document.querySelector(".where");
const { contest, max } = where.dataset;

function cookie(name) {
  const match = document.cookie.match(new RegExp(`(?:^|; )(?:__Host-)?${name}-${contest}=([^;]*)`));
  return match && match[1];
}

function show() {
  const names = cookie("platform"); // in Chinese and in English (cookies.py)
  const chosen = load(contest, Number(max)).length;
  const parts = [];
  if (names) {
    const platform = decodeURIComponent(names.split("|")[document.documentElement.lang === "en" ? 1 : 0] || "");
    parts.push(where.dataset.signedIn.replace("{platform}", platform));
  }
  if (cookie("voted")) parts.push(where.dataset.voted);
  else if (chosen) parts.push(where.dataset.chosen.replace("{chosen}", chosen).replace("{max}", max));
  where.textContent = parts.join(" · ");
}

onChange(contest, show);
window.addEventListener("choices", show);
show();
