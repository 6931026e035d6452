// Verifies the file of a proof that its reader chooses. The file stays in the browser.

import { say, showProof } from "./proof_path.js";

const shown = document.querySelector("[data-proof]");
const file = shown.querySelector("input[type=file]");
const status = shown.querySelector("[data-status]");
const ballot = document.querySelector("[name=code]");
const MOST_BYTES = 16384;

const numberOf = (text) => {
  const number = text.replace(/[\s-]/g, "").toLowerCase();
  return /^[0-9a-f]{32}$/.test(number) ? number : null;
};

async function verify() {
  const [chosen] = file.files;
  if (!chosen) return;
  try {
    const log = await fetch(shown.dataset.key);
    if (!log.ok) throw new Error("unavailable");
    const bytes = await new Response(chosen.slice(0, MOST_BYTES)).arrayBuffer();
    await showProof(shown, new Uint8Array(bytes), await log.text(), numberOf(ballot.value));
  } catch {
    say(status, "warning", shown.dataset.unreachable);
  }
}

shown.querySelector("[data-choose]").hidden = false;
file.addEventListener("change", verify);
ballot.addEventListener("change", verify);
