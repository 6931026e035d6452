// Search the cards on the page by number, name, trade or district.

const form = document.querySelector("form.search");
const input = form.querySelector("input");
const status = form.querySelector("[role=status]");
const cards = [...document.querySelectorAll(".card")];

// Normalizes text so that variants of a character match; removes unpaired surrogates.
const normalize = (text) =>
  text
    .normalize("NFKC")
    .replace(/[\p{Variation_Selector}\p{Surrogate}]/gu, "")
    .toLocaleLowerCase();
const haystacks = cards.map((card) => normalize(card.dataset.search));

function search() {
  const words = normalize(input.value).split(/\s+/u).filter(Boolean);
  let shown = 0;
  cards.forEach((card, place) => {
    const matches = words.every((word) => haystacks[place].includes(word));
    card.hidden = !matches;
    shown += matches;
  });
  if (words.length === 0) status.textContent = "";
  else if (shown === 0) status.textContent = status.dataset.none;
  else status.textContent = status.dataset.found.replace("{count}", shown);
}

form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
input.addEventListener("input", search);
search();
