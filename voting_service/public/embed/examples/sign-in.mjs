// Node 18 or later, nothing to install. In TypeScript the same.
import { createPrivateKey, randomUUID, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const VOTE = "https://vote.example";
const PLATFORM = "your-platform";
const CONTEST = "your-contest";
const KEY_ID = "your-key-id";
const PRIVATE_KEY = createPrivateKey(readFileSync("private.pem"));

/** @param {object} value */
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/**
 * Where to send the user: answer 303 with this Location and Cache-Control: no-store.
 * @param {string} userId
 * @param {string} [nextPage]
 * @returns {string}
 */
export function handOver(userId, nextPage = "") {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: PLATFORM,
    aud: CONTEST,
    sub: userId,
    iat: now,
    exp: now + 120,
    jti: randomUUID(),
  };
  const signed = `${part({ alg: "EdDSA", typ: "JWT", kid: KEY_ID })}.${part(claims)}`;
  const signature = sign(null, Buffer.from(signed), PRIVATE_KEY).toString("base64url");
  const fields = { platform: PLATFORM, token: `${signed}.${signature}`, next: nextPage };
  return `${VOTE}/enter#${new URLSearchParams(fields)}`;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(handOver(process.argv[2], process.argv[3]));
}
