// The numbers chosen for a contest, kept in this browser until the ballot is cast.

const keyOf = (contest) => `choices:${contest}`;
const here = new Map(); // storage may be closed to us: then a choice lasts as long as the page

export function load(contest, max) {
  try {
    const stored = JSON.parse(localStorage.getItem(keyOf(contest)) || "[]");
    return Array.isArray(stored) ? stored.filter(Number.isInteger).slice(0, max) : [];
  } catch {
    return here.get(contest) || [];
  }
}

export function save(contest, numbers) {
  here.set(contest, numbers);
  try {
    if (numbers.length === 0) localStorage.removeItem(keyOf(contest));
    else localStorage.setItem(keyOf(contest), JSON.stringify(numbers));
  } catch {
    // see `here`
  }
}

// Calls back when another tab chooses, and when the page is shown, from the history too.
export function onChange(contest, callback) {
  window.addEventListener("storage", (event) => event.key === keyOf(contest) && callback());
  window.addEventListener("pageshow", callback);
}
