// Narrows the cards on the page by words, district and trade, as the server does without scripts
// (contests/candidate_search.py). The address, the links and the browser keep what was asked for.

const form = document.querySelector("form.search");
const { q, district, trade } = form.elements;
const status = form.querySelector("[role=status]");
const showAll = form.querySelector(".found a");
const cards = [...document.querySelectorAll(".card")];
const numbers = new Set(cards.map((card) => Number(card.dataset.number)));

const squash = (text) =>
  text
    .replace(/[\p{P}\p{S}\p{Z}\p{Cc}\p{Cf}\p{Surrogate}\p{Variation_Selector}]/gu, "")
    .replace(/ü/g, "v");

function wordsOf(query) {
  const folded = query.normalize("NFKC").toLowerCase().replace(/\bno\W*(?=\d)/g, "");
  return folded.split(/\s+/u).map(squash).filter(Boolean);
}

// A candidate's number finds that candidate only; Latin words are sought from their beginning.
function matcher(word) {
  const match = word.match(/^[^0-9]?0*([1-9][0-9]{0,3})[^0-9]?$/u);
  if (match && numbers.has(Number(match[1]))) {
    return (card) => card.dataset.number === match[1];
  }
  const sought = /^[\0-\x7f]*$/.test(word) ? ` ${word}` : word;
  return (card) => ` ${card.dataset.key}`.includes(sought);
}

function asked() {
  const query = new URLSearchParams();
  for (const field of [district, trade, q]) {
    if (field.value.trim()) query.set(field.name, field.value.trim());
  }
  return query.toString() ? `?${query}` : "";
}

function remember(query, shown) {
  try {
    const list = { query, numbers: shown.map((card) => Number(card.dataset.number)) };
    sessionStorage.setItem(`list:${form.dataset.contest}`, JSON.stringify(list));
  } catch {
    // profiles then lead on by number
  }
}

function narrow() {
  const matchers = wordsOf(q.value).map(matcher);
  const query = asked();
  const shown = cards.filter(
    (card) =>
      (!district.value || card.dataset.district === district.value) &&
      (!trade.value || card.dataset.trade === trade.value) &&
      matchers.every((matches) => matches(card)),
  );
  for (const card of cards) {
    card.hidden = !shown.includes(card);
    card.querySelector(".card-link").search = query;
  }
  for (const link of document.querySelectorAll("header [hreflang]")) link.search = query;
  showAll.hidden = !query;
  const text = shown.length ? status.dataset.found : status.dataset.none;
  status.textContent = query ? text.replace("{count}", shown.length) : "";
  remember(query, shown);
}

// The server lists what a filter finds by number; everybody stands in the reader's own order.
const wasFiltered = location.search !== "";

function keepAddress() {
  const { pathname, hash } = location;
  if (wasFiltered && !asked()) location.assign(pathname);
  else if (asked() !== location.search) history.replaceState(history.state, "", pathname + asked() + hash);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  keepAddress();
  q.blur(); // puts the keyboard of a phone away
});
form.addEventListener("input", narrow);
form.addEventListener("change", () => {
  narrow();
  keepAddress();
});
showAll.addEventListener("click", (event) => {
  event.preventDefault();
  q.value = district.value = trade.value = "";
  narrow();
  keepAddress();
  q.focus();
});
// A browser that goes back may put in again what was typed.
window.addEventListener("pageshow", narrow);
narrow();
