// The receipt's place in the public log: fetches the proof, verifies it here, and shows it. A ballot that
// is not in the log yet is looked for again.

import { say, showProof } from "./proof_path.js";

const shown = document.querySelector("[data-proof]");
const status = shown.querySelector("[data-status]");
const { proof, key, ballot, waiting, unreachable } = shown.dataset;
const LEAST_SECONDS = 15;
const MOST_SECONDS = 120;
const MOST_LOOKS = 40;

const bytesOf = async (response) => new Uint8Array(await response.arrayBuffer());

async function look(looks) {
  try {
    const answer = await fetch(proof, { cache: "no-store" });
    const log = await fetch(key);
    if (log.status === 404) {
      shown.hidden = true; // this vote has no log
      return;
    }
    if (answer.status === 404) {
      say(status, "info", waiting);
      const asked = Number(answer.headers.get("retry-after")) || LEAST_SECONDS;
      const seconds = Math.min(MOST_SECONDS, Math.max(LEAST_SECONDS, asked)) * (0.8 + 0.4 * Math.random());
      if (looks < MOST_LOOKS) setTimeout(look, 1000 * seconds, looks + 1);
      return;
    }
    if (!answer.ok || !log.ok) throw new Error("unavailable");
    await showProof(shown, await bytesOf(answer), await log.text(), ballot);
  } catch {
    say(status, "warning", unreachable);
  }
}

look(1);
