// Counts down the time left, from the value the server sent: the device's clock may be wrong.

const started = performance.now();

function words(element, seconds) {
  const parts = {
    days: Math.floor(seconds / 86400),
    hours: Math.floor((seconds % 86400) / 3600),
    minutes: Math.floor((seconds % 3600) / 60),
    seconds: seconds % 60,
  };
  return element.dataset.words.replace(/\{(\w+)\}/g, (_, name) => parts[name]);
}

for (const element of document.querySelectorAll("[data-left]")) {
  const timer = setInterval(() => {
    const left = Number(element.dataset.left) - Math.floor((performance.now() - started) / 1000);
    element.textContent = left > 0 ? words(element, left) : element.dataset.over;
    if (left <= 0) clearInterval(timer);
  }, 1000);
}
