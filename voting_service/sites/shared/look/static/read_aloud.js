// Reads a part of the page aloud with the browser's own voice; the button stays hidden without one.

const synth = window.speechSynthesis;
const CHARACTERS = 160; // some voices stop in the middle of a longer text

function sentences(text) {
  const parts = [];
  for (const sentence of text.match(/[^。！？；.!?;\n]+[。！？；.!?;\n]*/g) || []) {
    for (let start = 0; start < sentence.length; start += CHARACTERS)
      parts.push(sentence.slice(start, start + CHARACTERS).trim());
  }
  return parts.filter(Boolean);
}

for (const button of document.querySelectorAll("[data-read-aloud]")) {
  if (!synth || !window.SpeechSynthesisUtterance) break;
  const { textContent: start } = button;
  const target = document.getElementById(button.dataset.readAloud);
  let reading = 0; // counts, so that the end of an older reading changes nothing

  const stop = () => {
    reading += 1;
    synth.cancel();
    button.textContent = start;
    button.setAttribute("aria-pressed", "false");
  };

  const next = (parts, turn) => {
    if (turn !== reading) return;
    if (parts.length === 0) {
      stop();
      return;
    }
    const utterance = new SpeechSynthesisUtterance(parts[0]);
    utterance.lang = document.documentElement.lang === "en" ? "en-GB" : "zh-CN";
    utterance.onend = () => next(parts.slice(1), turn);
    utterance.onerror = () => turn === reading && stop();
    synth.speak(utterance);
  };

  button.hidden = false;
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => {
    if (button.getAttribute("aria-pressed") === "true") {
      stop();
      return;
    }
    synth.cancel();
    reading += 1;
    button.textContent = button.dataset.stop;
    button.setAttribute("aria-pressed", "true");
    const read = [...target.children].filter((part) => !part.contains(button));
    next(sentences(read.map((part) => part.innerText).join("\n")), reading);
  });
  window.addEventListener("pagehide", stop);
}
