// sign-in.mjs: Node.js 18 or later, nothing to install
import { createHmac, createPrivateKey, randomUUID, sign } from "node:crypto";
import { readFileSync, realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

const VOTE = "https://vote.example";
const PLATFORM = "your-platform";
const CONTEST = "your-contest";
const KEY_ID = ""; // only if your platform has several keys: the kid of this key
const PERSON_KEY = ""; // only if your person policy is "required": the contest's shared key
const PRIVATE_KEY = createPrivateKey(readFileSync("private.pem"));

/** @param {object} value */
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** @param {string} phone */
const person = (phone) =>
  createHmac("sha256", Buffer.from(PERSON_KEY, "hex")).update(phone).digest("hex");

/**
 * The URL to send the user to: respond 303 with this Location and Cache-Control: no-store.
 * @param {string} userId
 * @param {string} [nextPage]
 * @param {string} [phone]
 * @returns {string}
 */
export function signInUrl(userId, nextPage = "", phone = "") {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: PLATFORM,
    aud: CONTEST,
    sub: userId,
    iat: now,
    exp: now + 120,
    jti: randomUUID(),
    ...(PERSON_KEY && { person: person(phone) }),
  };
  const header = { alg: "EdDSA", typ: "JWT", ...(KEY_ID && { kid: KEY_ID }) };
  const signed = `${part(header)}.${part(claims)}`;
  const signature = sign(null, Buffer.from(signed), PRIVATE_KEY).toString("base64url");
  const fields = { platform: PLATFORM, token: `${signed}.${signature}`, next: nextPage };
  return `${VOTE}/enter#${new URLSearchParams(fields)}`;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  console.log(signInUrl(...process.argv.slice(2)));
}
