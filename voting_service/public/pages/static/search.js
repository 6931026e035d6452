// Search by number, name, trade or district, among what the page already holds.

const form = document.querySelector("form.search");
const input = form.querySelector("input");
const found = form.querySelector("[role=status]");
const cards = [...document.querySelectorAll(".card")];

// Variants of a character are one to a searcher; half of a surrogate pair is none.
const plain = (text) =>
  text
    .normalize("NFKC")
    .replace(/[\p{Variation_Selector}\p{Surrogate}]/gu, "")
    .toLocaleLowerCase();
const haystacks = cards.map((card) => plain(card.dataset.search));

function search() {
  const words = plain(input.value).split(/\s+/u).filter(Boolean);
  let shown = 0;
  cards.forEach((card, place) => {
    const matches = words.every((word) => haystacks[place].includes(word));
    card.hidden = !matches;
    shown += matches;
  });
  if (words.length === 0) found.textContent = "";
  else if (shown === 0) found.textContent = found.dataset.none;
  else found.textContent = found.dataset.found.replace("{count}", shown);
}

form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
input.addEventListener("input", search);
search();
