// The candidates chosen for a contest, stored in this browser until the ballot is cast.

const storageKey = (contest) => `choices:${contest}`;
const unsaved = new Map(); // used where storage is blocked; choices then last as long as the page

export function load(contest, max) {
  try {
    const stored = JSON.parse(localStorage.getItem(storageKey(contest)) || "[]");
    return Array.isArray(stored) ? stored.filter(Number.isInteger).slice(0, max) : [];
  } catch {
    return unsaved.get(contest) || [];
  }
}

export function save(contest, numbers) {
  unsaved.set(contest, numbers);
  try {
    if (numbers.length === 0) localStorage.removeItem(storageKey(contest));
    else localStorage.setItem(storageKey(contest), JSON.stringify(numbers));
  } catch {
    // `unsaved` keeps them
  }
  window.dispatchEvent(new Event("choices"));
}

// Calls back when another tab changes the choices, and when the page is shown, also from history.
export function onChange(contest, callback) {
  window.addEventListener("storage", (event) => event.key === storageKey(contest) && callback());
  window.addEventListener("pageshow", callback);
}

// The names of all candidates by number, in the language of the page.
export const readNames = () => JSON.parse(document.querySelector("[data-names]").dataset.names);

// The list as its reader last saw it in this window: what it was narrowed to, and its order.
export function readList(contest) {
  try {
    return JSON.parse(sessionStorage.getItem(`list:${contest}`)) || { numbers: [] };
  } catch {
    return { numbers: [] };
  }
}
