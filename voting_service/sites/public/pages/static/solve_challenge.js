// Solves the ALTCHA challenge of a suspicious vote with the ALTCHA widget, then submits the form.
// In web views without workers or custom elements this script solves it itself, more slowly.

const GIVE_UP_AFTER_MS = 4000;

const place = document.querySelector("[data-challenge]");
const form = place && place.closest("form");
const challenge = place && JSON.parse(place.dataset.challenge);
let usedFallback = false;

function show(text) {
  place.querySelector("[role=status]").textContent = text;
}

function send(payload) {
  const field = form.querySelector("[name=altcha]") || form.appendChild(document.createElement("input"));
  Object.assign(field, { type: "hidden", name: "altcha", value: payload });
  show(place.dataset.done);
  form.querySelector("[data-once]").click(); // requestSubmit is missing before Safari 16
}

const bytes = (hex) => Uint8Array.from(hex.match(/../g) || [], (pair) => parseInt(pair, 16));
const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

async function solveHere() {
  const { nonce, salt, cost, keyLength, keyPrefix, algorithm } = challenge.parameters;
  const hash = algorithm.split("/")[1];
  const password = new Uint8Array(bytes(nonce).length + 4);
  password.set(bytes(nonce));
  const view = new DataView(password.buffer);
  for (let counter = 0; ; counter++) {
    view.setUint32(password.length - 4, counter);
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    const derived = hex(
      await crypto.subtle.deriveBits({ name: "PBKDF2", hash, salt: bytes(salt), iterations: cost }, key, keyLength * 8),
    );
    if (derived.startsWith(keyPrefix)) return btoa(JSON.stringify({ challenge, solution: { counter, derivedKey: derived } }));
  }
}

async function fallBack() {
  if (usedFallback) return;
  usedFallback = true;
  try {
    send(await solveHere());
  } catch {
    place.querySelector("[data-elsewhere]").hidden = false;
    show(place.dataset.impossible); // without crypto.subtle: plain http, or an old browser
  }
}

// Older browsers cannot parse the widget; the error must not stop this module.
async function loadWidget() {
  if (!window.Worker || !window.customElements) return false;
  try {
    await import("./vendor/altcha.min.js");
    if (document.documentElement.lang.startsWith("zh")) await import("./vendor/altcha.zh-cn.js");
    window.$altcha.algorithms.set("PBKDF2/SHA-256", () => new Worker("./vendor/altcha.pbkdf2.js"));
    return Boolean(customElements.get("altcha-widget"));
  } catch {
    return false;
  }
}

async function solve() {
  if (!await loadWidget()) return fallBack();
  const widget = document.createElement("altcha-widget");
  widget.setAttribute("challenge", JSON.stringify(challenge));
  widget.setAttribute("auto", "onload");
  let working = false;
  widget.addEventListener("statechange", ({ detail }) => {
    if (detail.state === "verifying") working = true;
    if (detail.state === "verified") send(detail.payload);
    if (detail.state === "error") {
      widget.remove();
      fallBack();
    }
  });
  place.append(widget);
  setTimeout(() => {
    if (working) return;
    widget.remove();
    fallBack();
  }, GIVE_UP_AFTER_MS);
}

if (place) solve();
