// sign-in.js: Node.js 18 or later, nothing to install; runs as .js, .mjs and .cjs
const VOTE = "https://vote.example";
const PLATFORM = "your-platform";
const CONTEST = "your-contest";
const KEY_ID = ""; // only if your platform has several keys: the kid of this key
const PERSON_KEY = ""; // only if your person policy is "required": the contest's shared key
const PRIVATE_KEY = "private.pem";

/**
 * The URL to send the user to: respond 303 with this Location and Cache-Control: no-store.
 * @param {string} userId
 * @param {string} [nextPage]
 * @param {string} [phone]
 */
async function signInUrl(userId, nextPage = "", phone = "") {
  if (typeof userId !== "string" || userId === "") throw new Error("the user id is missing");
  const { createHmac, createPrivateKey, randomUUID, sign } = await import("node:crypto");
  const { readFileSync } = await import("node:fs");
  const { resolve } = await import("node:path");
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const person = () =>
    createHmac("sha256", Buffer.from(PERSON_KEY, "hex")).update(phone).digest("hex");
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: PLATFORM,
    aud: CONTEST,
    sub: userId,
    iat: now,
    exp: now + 120,
    jti: randomUUID(),
    ...(PERSON_KEY && { person: person() }),
  };
  const header = { alg: "EdDSA", typ: "JWT", ...(KEY_ID && { kid: KEY_ID }) };
  const signed = `${part(header)}.${part(claims)}`;
  const key = createPrivateKey(readFileSync(resolve(PRIVATE_KEY)));
  const kind = key.asymmetricKeyType;
  if (kind !== "ed25519")
    throw new Error(`private.pem is not an Ed25519 key but ${kind}; move this file away, make one as in section 1, and send its public.pem to the organiser`);
  const signature = sign(null, Buffer.from(signed), key).toString("base64url");
  const fields = { platform: PLATFORM, token: `${signed}.${signature}`, next: nextPage };
  return `${VOTE}/enter#${new URLSearchParams(fields)}`;
}

// In your server: const { signInUrl } = require("./sign-in.js"); in an ES module, write export
// before the function and import it. Under another file name it prints nothing.
if (typeof module === "object") module.exports = { signInUrl };
if (/sign-in\.[cm]?js$/.test(process.argv[1])) {
  signInUrl(...process.argv.slice(2)).then(console.log, (error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
