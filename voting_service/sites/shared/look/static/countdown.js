// Keeps a countdown that the server wrote. Where the server says how many seconds are left, the time
// since then is measured; the device's clock is asked only on pages that caches keep, and believed
// only as far as it agrees with what the server wrote.

const started = performance.now();
const DAY = 86400;
const HOUR = 3600;

// As the server does it (rendering.py: countdown): the largest unit of which there are two.
function rough(seconds) {
  for (const [unit, length] of [["days", DAY], ["hours", HOUR], ["minutes", 60]])
    if (seconds >= 2 * length) return { unit, count: Math.floor(seconds / length) };
  return { unit: "soon", count: 0 };
}

function write(element, seconds) {
  if (element.dataset.words) {
    const parts = {
      days: Math.floor(seconds / DAY),
      hours: Math.floor((seconds % DAY) / HOUR),
      minutes: Math.floor((seconds % HOUR) / 60),
      seconds: seconds % 60,
    };
    element.textContent = element.dataset.words.replace(/\{(\w+)\}/g, (_, name) => parts[name]);
    return;
  }
  const { unit, count } = rough(seconds);
  element.textContent = element.dataset[unit].replace("{count}", count);
}

for (const element of document.querySelectorAll("[data-left]")) {
  const timer = setInterval(() => {
    const left = Number(element.dataset.left) - Math.floor((performance.now() - started) / 1000);
    if (left > 0) write(element, left);
    else element.textContent = element.dataset.over;
    if (left <= 0) clearInterval(timer);
  }, 1000);
}

// What the server wrote is at most a step old, so a clock that differs by two is wrong.
for (const element of document.querySelectorAll("[data-until]")) {
  const left = () => Math.floor((Date.parse(element.dataset.until) - Date.now()) / 1000);
  if (Math.abs(left() - Number(element.dataset.about)) <= 2 * Number(element.dataset.step))
    setInterval(() => write(element, Math.max(0, left())), 1000);
}
