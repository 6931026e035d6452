// Checks a public log, or one receipt from it, by docs/public-log-format.md and nothing else. It shares no
// code with the service and needs nothing from it. In browsers: import verifyLog and verifyReceipt. In
// Node 20, saved as verify.mjs: node verify.mjs FOLDER|URL [--checkpoint OLD]. What it has to say, in
// both languages, stands at the end.

/** Something is wrong: `code` is a key of SENTENCES, `values` its blanks. */
export class Fault extends Error {
  constructor(code, values = {}) {
    super(code);
    Object.assign(this, { code, values });
  }
}

const insist = (holds, code, values) => {
  if (!holds) throw new Fault(code, values);
};

// ---- Bytes ----

const utf8 = (text) => new TextEncoder().encode(text);
const fromUtf8 = (bytes) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
export const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const fromHex = (text) => Uint8Array.from(text.match(/../g) || [], (pair) => parseInt(pair, 16));
const fromBase64 = (text) => {
  const read = atob(text);
  if (btoa(read) !== text) throw new RangeError("not as base64 is written");
  return Uint8Array.from(read, (letter) => letter.charCodeAt(0));
};
const isBase64Of = (text, length) => {
  try {
    return fromBase64(text).length === length;
  } catch {
    return false;
  }
};

function join(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function compare(a, b) {
  for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}
const same = (a, b) => compare(a, b) === 0;

// ---- SHA-256 (FIPS 180-4). WebCrypto's answers one call a turn, too slow for millions of tags. ----

const PRIMES = [];
for (let n = 2; PRIMES.length < 64; n++) if (PRIMES.every((prime) => n % prime)) PRIMES.push(n);
const fraction = (number) => ((number % 1) * 2 ** 32) | 0;
const ROUNDS = Int32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));
const START = Int32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
const W = new Int32Array(64);

function compress(state, block, at) {
  for (let i = 0; i < 16; i++, at += 4) {
    W[i] = (block[at] << 24) | (block[at + 1] << 16) | (block[at + 2] << 8) | block[at + 3];
  }
  for (let i = 16; i < 64; i++) {
    const x = W[i - 15], y = W[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    W[i] = (W[i - 16] + s0 + W[i - 7] + s1) | 0;
  }
  let a = state[0], b = state[1], c = state[2], d = state[3];
  let e = state[4], f = state[5], g = state[6], h = state[7];
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const one = (h + s1 + ((e & f) ^ (~e & g)) + ROUNDS[i] + W[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + one) | 0;
    d = c; c = b; b = a; a = (one + two) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => { state[i] = (state[i] + word) | 0; });
}

/** SHA-256 of all parts, one after the other. */
export function sha256(...parts) {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const padded = new Uint8Array((((length + 8) >> 6) + 1) << 6);
  let at = 0;
  for (const part of parts) {
    padded.set(part, at);
    at += part.length;
  }
  padded[length] = 128;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(length / 2 ** 29));
  view.setUint32(padded.length - 4, length << 3);
  const state = START.slice();
  for (let block = 0; block < padded.length; block += 64) compress(state, padded, block);
  const digest = new Uint8Array(32);
  const words = new DataView(digest.buffer);
  state.forEach((word, i) => words.setInt32(4 * i, word));
  return digest;
}

// ---- Trees (RFC 6962) ----

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const leafHash = (bytes) => sha256(LEAF, bytes);
const nodeHash = (left, right) => sha256(NODE, left, right);

/** The root over leaf hashes. */
export function treeRoot(hashes) {
  if (!hashes.length) return sha256();
  const whole = []; // roots of complete subtrees, the largest first
  hashes.forEach((hash, i) => {
    whole.push(hash);
    for (let n = i + 1; n % 2 === 0; n /= 2) whole.push(nodeHash(...whole.splice(-2)));
  });
  return whole.reduceRight((right, left) => nodeHash(left, right));
}

/** The root to which a path leads from a leaf hash; null where the path has another length. */
export function rootOfPath(hash, index, size, path) {
  let [node, last, root, used] = [index, size - 1, hash, 0];
  if (!(index >= 0 && index < size)) return null;
  for (; last > 0; node = Math.floor(node / 2), last = Math.floor(last / 2)) {
    if (node === last && node % 2 === 0) continue; // nothing stands beside it on this level
    if (used === path.length) return null;
    root = node % 2 ? nodeHash(path[used++], root) : nodeHash(root, path[used++]);
  }
  return used === path.length ? root : null;
}

// ---- Signatures, notes, checkpoints (C2SP) ----

async function isSigned(key, signature, message) {
  const subtle = typeof crypto === "object" && crypto.subtle;
  if (subtle) {
    try {
      const imported = await subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
      return await subtle.verify({ name: "Ed25519" }, imported, signature, message);
    } catch (error) {
      if (typeof self === "undefined") throw error;
    }
  }
  await import("./vendor/nacl-fast.min.js"); // browsers without Ed25519
  return self.nacl.sign.detached.verify(message, signature, key);
}

/** Reads a verifier key of a type: its name, the key's id and the Ed25519 key. */
export function readKey(text, type) {
  const parts = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text);
  insist(parts && isBase64Of(parts[3], 33), "bad-key", { key: text.slice(0, 80) });
  const typed = fromBase64(parts[3]);
  const id = toHex(sha256(utf8(`${parts[1]}\n`), typed).slice(0, 4));
  insist(typed[0] === type && id === parts[2], "bad-key", { key: text.slice(0, 80) });
  return { name: parts[1], id, key: typed.slice(1) };
}

function readNote(text) {
  const parts = /^((?:[^\0-\x1f]*\n)+?)\n((?:\u2014 [^\s+]+ [A-Za-z0-9+/]+=*\n)+)$/.exec(text);
  insist(parts, "bad-note");
  const lines = parts[2].trim().split("\n").map((line) => {
    const [, name, signature] = line.split(" ");
    insist(isBase64Of(signature, 68) || isBase64Of(signature, 76), "bad-note");
    const bytes = fromBase64(signature);
    return { name, id: toHex(bytes.slice(0, 4)), bytes: bytes.slice(4) };
  });
  return { body: parts[1], lines };
}

/** Reads a checkpoint and checks the log's own signature, which comes first. */
export async function readCheckpoint(text, key) {
  const { body, lines } = readNote(text);
  const parts = /^([^\n]+)\n(0|[1-9][0-9]{0,14})\n([A-Za-z0-9+/]{43}=)\n$/.exec(body);
  insist(parts && isBase64Of(parts[3], 32), "bad-note");
  insist(parts[1] === key.name, "other-origin", { origin: parts[1], name: key.name });
  const own = lines[0];
  insist(own.name === key.name && own.id === key.id && own.bytes.length === 64, "unsigned", { name: key.name });
  insist(await isSigned(key.key, own.bytes, utf8(body)), "unsigned", { name: key.name });
  return { body, origin: parts[1], size: Number(parts[2]), root: fromBase64(parts[3]), lines: lines.slice(1) };
}

/** The moment at which a witness signed a checkpoint, null where it did not. */
export async function cosignedAt(checkpoint, witness) {
  const line = checkpoint.lines.find(({ name, id }) => name === witness.name && id === witness.id);
  if (!line) return null;
  insist(line.bytes.length === 72, "bad-cosignature", { name: witness.name });
  const seconds = Number(`0x${toHex(line.bytes.slice(0, 8))}`);
  const message = utf8(`cosignature/v1\ntime ${seconds}\n${checkpoint.body}`);
  const valid = seconds < 2 ** 42 && (await isSigned(witness.key, line.bytes.slice(8), message));
  insist(valid, "bad-cosignature", { name: witness.name });
  return new Date(seconds * 1000);
}

// ---- Canonical JSON and the entries' fields ----

export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value === "number" && !Number.isSafeInteger(value)) throw new RangeError("not a whole number");
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`;
}

function readJson(bytes, code, values) {
  try {
    const text = fromUtf8(bytes);
    const value = JSON.parse(text);
    encodeURIComponent(canonical(value)); // refuses half a character
    if (canonical(value) === text) return value;
  } catch {
    // said below
  }
  throw new Fault(code, values);
}

const text = (value) => typeof value === "string";
const whole = Number.isSafeInteger;
const count = (value) => whole(value) && value >= 0;
const positive = (value) => whole(value) && value > 0;
const hash = (value) => text(value) && /^[0-9a-f]{64}$/.test(value);
const bytes32 = (value) => text(value) && isBase64Of(value, 32);
const instant = (value) => text(value) && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value) && !isNaN(Date.parse(value));
const moment = (value) => text(value) && /^\d{4}-\d\d-\d\dT/.test(value) && !isNaN(Date.parse(value));
const listOf = (kind) => (value) => Array.isArray(value) && value.every(kind);
const ascending = (list) => list.every((value, i) => !i || list[i - 1] < value);
const either = (...values) => (value) => values.includes(value);
const is = (kinds) => (value) =>
  value !== null && typeof value === "object" && !Array.isArray(value) &&
  Object.keys(value).every((name) => Object.prototype.hasOwnProperty.call(kinds, name)) &&
  Object.keys(kinds).every((name) => kinds[name](value[name]));
const maybe = (kind) => (value) => value === undefined || kind(value);
const votes = (value) =>
  listOf((row) => Array.isArray(row) && row.length === 2 && whole(row[0]) && count(row[1]))(value) &&
  ascending(value.map(([number]) => number));

const ENTRY = {
  open: {
    format: either("voting-log/1"), contest: text, rules: hash, candidates: hash, key: text,
    numbers: (value) => listOf(whole)(value) && value.length > 0 && ascending(value),
    max_choices: positive, cut_size: positive, opens_at: moment, closes_at: moment, witnesses: listOf(text),
  },
  ballots: {
    bundle: positive, ballots: positive, held: count, tags: bytes32, commitment: bytes32, replaces: maybe(positive),
  },
  ruling: {
    ruling: positive, verdict: either("void", "count"), hold_kind: text, reason: text, ballots: count,
    released: whole, voided: whole, commitment: bytes32,
  },
  correction: { number: whole, document: hash },
  withdrawal: { number: whole, document: hash },
  settings: { rules: hash, opens_at: moment, closes_at: moment, max_choices: positive, cut_size: positive },
  statement: {
    platform: text, day: (value) => text(value) && /^\d{4}-\d\d-\d\d$/.test(value),
    signed_in: count, stored: count, document: hash,
  },
  close: { closes_at: moment, bundles: count, ballots: count, held: count },
  openings: { document: hash, rulings: count },
  cut: { version: positive, document: hash },
};
const OPENED_BUNDLE = is({ bundle: positive, salt: bytes32, value: is({ ballots: positive, choices: bytes32, votes }) });
const OPENED_RULING = is({ ruling: positive, salt: bytes32, value: is({ ballots: count, votes }) });
const OPENINGS = is({ bundles: listOf(OPENED_BUNDLE), ruling: maybe(OPENED_RULING) });

function readEntry(bytes, index) {
  const entry = readJson(bytes, "entry-not-canonical", { index });
  const kinds = entry && Object.prototype.hasOwnProperty.call(ENTRY, entry.type) && ENTRY[entry.type];
  insist(kinds, "entry-unknown", { index });
  insist(is({ ...kinds, type: text, at: instant })(entry), "entry-fields", { index, type: entry.type });
  return entry;
}

// ---- The proof of a ballot: the durable receipt ----

const PROOF = is({
  tag: hash, tag_index: count, tag_count: positive, tag_path: listOf(hash), entry: text, tlog_proof: text,
});

export const tagOf = (ballot) => toHex(sha256(utf8("voting-log/1 tag\n"), fromHex(ballot)));

function readProof(bytes) {
  try {
    const value = JSON.parse(fromUtf8(bytes));
    if (PROOF(value)) return value;
  } catch {
    // said below
  }
  throw new Fault("not-a-proof");
}

/**
 * Checks the bytes of a durable receipt with the text of the log's key, and where it is known with the
 * number of the ballot. Returns what it proves; throws a Fault.
 */
export async function verifyReceipt(bytes, keyText, ballot = null) {
  const proof = readProof(bytes);
  const key = readKey(keyText.trim(), 1);
  insist(ballot === null || tagOf(ballot) === proof.tag, "other-ballot");
  const leaf = utf8(proof.entry);
  const parts = /^c2sp\.org\/tlog-proof@v1\n(?:extra [^\n]*\n)?index (0|[1-9][0-9]{0,14})\n((?:[A-Za-z0-9+/]{43}=\n)*)\n([^]*)$/
    .exec(proof.tlog_proof);
  insist(parts && parts[2].split("\n").every((line) => !line || isBase64Of(line, 32)), "not-a-proof");
  const index = Number(parts[1]);
  const entry = readEntry(leaf, index);
  insist(entry.type === "ballots" && entry.ballots === proof.tag_count, "not-a-proof");
  const tags = rootOfPath(leafHash(fromHex(proof.tag)), proof.tag_index, proof.tag_count, proof.tag_path.map(fromHex));
  insist(tags && same(tags, fromBase64(entry.tags)), "tag-not-in-bundle");
  const checkpoint = await readCheckpoint(parts[3], key);
  const path = parts[2].split("\n").filter(Boolean).map(fromBase64);
  const root = rootOfPath(leafHash(leaf), index, checkpoint.size, path);
  insist(root && same(root, checkpoint.root), "entry-not-in-log");
  return { proof, entry, index, checkpoint, checkpointText: parts[3], leaf, path, key };
}

// ---- Tags: sorted, and each in one bundle only ----

class TagSet {
  constructor() {
    this.size = 0;
    this.grow(1 << 16);
  }

  // Sixteen bytes are kept of each: ten million fit, and nobody finds two that begin alike.
  grow(capacity) {
    const [old, length] = [this.tags, this.size];
    this.tags = new Uint32Array(4 * capacity);
    this.slots = new Int32Array(2 * capacity);
    this.size = 0;
    for (let i = 0; i < length; i++) this.put(old[4 * i], old[4 * i + 1], old[4 * i + 2], old[4 * i + 3]);
  }

  put(a, b, c, d) {
    const mask = this.slots.length - 1;
    for (let slot = a & mask; ; slot = (slot + 1) & mask) {
      const found = 4 * (this.slots[slot] - 1);
      if (found < 0) {
        this.tags.set([a, b, c, d], 4 * this.size);
        this.slots[slot] = ++this.size;
        return true;
      }
      const { tags } = this;
      if (tags[found] === a && tags[found + 1] === b && tags[found + 2] === c && tags[found + 3] === d) return false;
    }
  }

  /** Returns false where the tag is there. */
  add(tag) {
    if (4 * this.size === this.tags.length) this.grow(2 * this.size);
    const view = new DataView(tag.buffer, tag.byteOffset, 16);
    return this.put(view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12));
  }
}

const pieces = (bytes, length) => {
  const result = [];
  for (let at = 0; at < bytes.length; at += length) result.push(bytes.subarray(at, at + length));
  return result;
};

// ---- Files ----

/** The path of a number in tiles: 1234067 is x001/x234/067. */
export function tilePath(n) {
  const groups = String(n).padStart(3 * Math.ceil(String(n).length / 3), "0").match(/.../g);
  return groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join("/");
}

const AHEAD = 8;

/** Gives [path, bytes] in order, while the next ones are on their way. */
async function* inOrder(read, paths) {
  const waiting = [];
  for (let i = 0; i < paths.length + AHEAD; i++) {
    if (i < paths.length) {
      const reading = read(paths[i]);
      reading.catch(() => {}); // its turn comes
      waiting.push([paths[i], reading]);
    }
    if (i >= AHEAD) {
      const [path, reading] = waiting.shift();
      yield [path, await reading];
    }
  }
}

const MOST_BYTES = 2 ** 28;

/** Reads a log's files below an address; `read` answers null for a file that is not there. */
export function readerOfUrl(address) {
  const base = `${address.replace(/\/*$/, "")}/`;
  const read = async (path) => {
    const response = await fetch(base + path, { cache: path === "checkpoint" ? "no-store" : "default" }).catch(() => {
      throw new Fault("unreachable", { path });
    });
    if (response.status === 404) return null;
    insist(response.ok && !(Number(response.headers.get("content-length")) > MOST_BYTES), "unreachable", { path });
    return new Uint8Array(await response.arrayBuffer());
  };
  return { read, list: async () => null };
}

// ---- The whole log ----

const TILE = 256;
const SMALLEST = 100;
const LARGEST = 1024;
const MOST_FAULTS = 50;
const MOST_ROWS = 3; // of a result are named as wrong

class Verification {
  constructor(reader, options) {
    Object.assign(this, { reader, options, faults: [], remarks: [], entries: [], bundles: [], rulings: [], cuts: [] });
    Object.assign(this, { openings: [], documents: new Map(), withdrawn: [], named: new Set(["key", "checkpoint"]) });
    this.settings = null;
    this.close = null;
    this.done = 0;
  }

  fault(code, values) {
    if (this.faults.length < MOST_FAULTS) this.faults.push({ code, values: values || {} });
  }

  remark(code, values) {
    this.remarks.push({ code, values: values || {} });
  }

  /** Runs a check; what it finds is noted, and the next one runs. */
  async attempt(check) {
    try {
      return await check();
    } catch (error) {
      if (error instanceof Fault) this.fault(error.code, error.values);
      else this.fault("unreadable", { reason: String(error) }); // a document that has another form
      return null;
    }
  }

  progress(what, total) {
    this.done++;
    if (this.options.onProgress) this.options.onProgress(what, this.done, total);
  }

  async need(path) {
    this.named.add(path);
    const bytes = await this.reader.read(path);
    insist(bytes, "missing", { path });
    return bytes;
  }

  async text(path) {
    const bytes = await this.need(path);
    insist(bytes.length < 2 ** 16, "bad-note");
    try {
      return fromUtf8(bytes);
    } catch {
      throw new Fault("bad-note");
    }
  }

  async run() {
    const file = await this.text("key");
    insist(/^[^\n]+\n$/.test(file), "bad-key", { key: file.slice(0, 80) });
    this.keyText = file.slice(0, -1);
    this.key = readKey(this.keyText, 1);
    this.checkpointText = await this.text("checkpoint");
    this.checkpoint = await readCheckpoint(this.checkpointText, this.key);
    const { size } = this.checkpoint;
    insist(size > 0, "empty");
    this.total = Math.ceil(size / TILE);
    await this.readEntries();
    if (this.options.factsOnly) return;
    await this.checkRoots();
    await this.attempt(() => this.checkOpen());
    this.checkBundleSizes();
    await this.readTags();
    await this.readDocuments();
    await this.attempt(() => this.checkRules());
    for (const openings of this.openings) await this.attempt(() => this.checkOpenings(openings));
    for (const cut of this.cuts) await this.attempt(() => this.checkCut(cut));
    this.checkNewest();
    await this.checkWitnesses();
    await this.checkReceipts();
    await this.checkListing();
  }

  // Entries and tiles

  async readEntries() {
    const { size } = this.checkpoint;
    this.hashes = [];
    const paths = [];
    for (let n = 0; n * TILE < size; n++) paths.push(this.tileName("entries", n, size - n * TILE));
    for await (const [path, bytes] of inOrder((name) => this.need(name), paths)) {
      const first = this.hashes.length;
      const expected = Math.min(TILE, size - first);
      const leaves = [];
      for (let at = 0; at + 2 <= bytes.length; ) {
        const end = at + 2 + bytes[at] * 256 + bytes[at + 1];
        leaves.push(bytes.subarray(at + 2, end));
        at = end;
      }
      const used = leaves.reduce((sum, leaf) => sum + 2 + leaf.length, 0);
      insist(leaves.length === expected && used === bytes.length, "bad-entries", { path });
      for (const leaf of leaves) {
        await this.attempt(() => this.take(leaf, this.hashes.length));
        this.hashes.push(leafHash(leaf));
      }
      this.progress("entries", this.total);
    }
  }

  tileName(level, n, width) {
    return `tile/${level}/${tilePath(n)}${width < TILE ? `.p/${width}` : ""}`;
  }

  async checkRoots() {
    const { size, root } = this.checkpoint;
    this.levels = [];
    for (let hashes = this.hashes, level = 0; hashes.length; level++) {
      this.levels.push(hashes);
      const groups = [];
      for (let i = 0; i < hashes.length; i += TILE) groups.push(hashes.slice(i, i + TILE));
      const names = groups.map((group, n) => this.tileName(level, n, group.length));
      let n = 0;
      for await (const [path, bytes] of inOrder((name) => this.need(name).catch((error) => error), names)) {
        if (bytes instanceof Fault) this.fault(bytes.code, bytes.values);
        else if (!same(bytes, join(...groups[n]))) this.fault("bad-tile", { path });
        n++;
      }
      hashes = groups.filter((group) => group.length === TILE).map(treeRoot);
    }
    if (!same(treeRoot(this.hashes), root)) this.fault("bad-root", { size });
    for (const old of this.options.checkpoints || []) await this.attempt(() => this.checkOlder(old));
  }

  async checkOlder(old) {
    const older = await readCheckpoint(old, this.key);
    insist(older.size <= this.hashes.length, "shrunk", { older: older.size, size: this.hashes.length });
    insist(same(treeRoot(this.hashes.slice(0, older.size)), older.root), "forked", { older: older.size });
    this.remark("consistent", { older: older.size });
  }

  take(leaf, index) {
    this.entries.push(null);
    const entry = readEntry(leaf, index);
    insist((entry.type === "open") === (index === 0), "open-not-first", { index });
    this.entries[index] = entry;
    if (this.at && entry.at < this.at) this.fault("moments-go-back", { index });
    this.at = entry.at;
    if (entry.document) this.documents.set(entry.document, null);
    if (entry.rules) this.documents.set(entry.rules, null);
    if (entry.candidates) this.documents.set(entry.candidates, null);
    if (entry.number !== undefined) {
      insist(this.open && this.open.numbers.includes(entry.number), "no-such-candidate", { index, number: entry.number });
    }
    this[`take_${entry.type}`](entry, index);
  }

  take_open(entry) {
    this.open = entry;
    this.settings = entry;
  }

  take_ballots(entry, index) {
    const before = this.bundles[this.bundles.length - 1];
    if (this.close) this.fault("late-ballots", { bundle: entry.bundle });
    const expected = before ? before.bundle + 1 : 1;
    if (entry.bundle !== expected) this.fault("bundle-gap", { bundle: entry.bundle, expected });
    if (entry.held > entry.ballots) this.fault("more-held", { bundle: entry.bundle });
    if (entry.replaces !== undefined) {
      if (before && entry.replaces === before.bundle) before.replacedBy = entry.bundle;
      else this.fault("replaces-other", { bundle: entry.bundle, replaces: entry.replaces });
    }
    this.bundles.push({ ...entry, index, replacedBy: null });
  }

  take_ruling(entry) {
    const expected = this.rulings.length + 1;
    if (entry.ruling !== expected) this.fault("ruling-gap", { ruling: entry.ruling, expected });
    this.rulings.push(entry);
    const most = Math.max(entry.released, -entry.released, entry.voided, -entry.voided);
    const all = this.voided() >= 0 && entry.released >= 0;
    if (most > entry.ballots || !all) this.fault("ruling-impossible", { ruling: entry.ruling });
  }

  /** How many ballots are void after some of the rulings. */
  voided(rulings = this.rulings.length) {
    return this.rulings.slice(0, rulings).reduce((sum, { voided }) => sum + voided, 0);
  }

  take_correction() {}

  take_withdrawal(entry) {
    this.withdrawn.push(entry.number);
  }

  take_settings(entry, index) {
    if (this.close) this.fault("late-settings", { index });
    this.settings = entry;
  }

  take_statement(entry) {
    if (entry.stored > entry.signed_in) this.remark("statement-exceeded", entry);
  }

  take_close(entry, index) {
    insist(!this.close, "closed-twice", { index });
    this.close = { ...entry, withdrawals: this.withdrawn.length };
    if (this.settings && Date.parse(entry.closes_at) !== Date.parse(this.settings.closes_at)) this.fault("other-close");
    const sums = { bundles: 0, ballots: 0, held: 0 };
    for (const bundle of this.counting()) {
      sums.bundles++;
      sums.ballots += bundle.ballots;
      sums.held += bundle.held;
    }
    for (const name of Object.keys(sums)) {
      if (sums[name] !== entry[name]) this.fault(`close-${name}`, { said: entry[name], counted: sums[name] });
    }
  }

  take_openings(entry, index) {
    if (!this.close) this.fault("openings-before-close", { index });
    const newest = this.openings[this.openings.length - 1];
    if ((newest && entry.rulings < newest.rulings) || entry.rulings > this.rulings.length) {
      this.fault("rulings-left-out", { covered: entry.rulings, rulings: this.rulings.length });
    }
    this.openings.push({ ...entry, index });
  }

  take_cut(entry) {
    const version = this.cuts.length + 1;
    if (entry.version !== version) this.fault("cut-gap", { version: entry.version, expected: version });
    const openings = this.openings[this.openings.length - 1];
    insist(openings, "cut-before-openings", { version: entry.version });
    const { settings, withdrawn } = this;
    this.cuts.push({ ...entry, openings, settings, withdrawn: withdrawn.slice() });
  }

  counting() {
    return this.bundles.filter((bundle) => bundle.replacedBy === null);
  }

  async checkOpen() {
    insist(this.open, "open-not-first", { index: 0 });
    insist(this.open.key === this.keyText, "other-key");
    insist(this.key.name.endsWith(`/log/${this.open.contest}`), "other-contest", { contest: this.open.contest });
  }

  checkBundleSizes() {
    const counting = this.counting();
    for (const { bundle, ballots, replacedBy } of this.bundles) {
      const small = ballots < SMALLEST && replacedBy === null && counting.length > 1;
      if (small || ballots > LARGEST) this.fault("bundle-size", { bundle, ballots });
    }
  }

  // Files of tags

  async readTags() {
    const all = new TagSet();
    const sizes = this.bundles.reduce((most, { ballots }) => most + ballots, 0);
    const paths = this.bundles.map(({ bundle }) => `bundles/${bundle}`);
    let [n, before] = [0, null];
    this.total += paths.length;
    for await (const [path, bytes] of inOrder((name) => this.need(name).catch((error) => error), paths)) {
      const bundle = this.bundles[n++];
      this.progress("tags", this.total);
      const tags = bytes instanceof Fault ? null : pieces(bytes, 32);
      if (!tags) this.fault(bytes.code, bytes.values);
      else this.checkTags(bundle, tags, { path, bytes, before, all, sizes });
      before = tags;
    }
  }

  checkTags(bundle, tags, { path, bytes, before, all }) {
    const number = bundle.bundle;
    if (bytes.length !== 32 * bundle.ballots) {
      this.fault("tags-count", { bundle: number, said: bundle.ballots, counted: Math.floor(bytes.length / 32) });
      return;
    }
    if (!tags.every((tag, i) => !i || compare(tags[i - 1], tag) < 0)) this.fault("tags-unsorted", { path });
    if (!same(treeRoot(tags.map(leafHash)), fromBase64(bundle.tags))) this.fault("tags-root", { path });
    if (bundle.replaces !== undefined && before) {
      const here = new Set(tags.map(toHex));
      if (!before.every((tag) => here.has(toHex(tag)))) {
        this.fault("replaced-tags-lost", { bundle: number, replaces: bundle.replaces });
      }
    }
    if (bundle.replacedBy !== null) return;
    const twice = tags.find((tag) => !all.add(tag));
    if (twice) this.fault("tag-twice", { bundle: number, tag: toHex(twice) });
  }

  // Documents

  async readDocuments() {
    const hashes = [...this.documents.keys()];
    const paths = hashes.map((name) => `documents/${name}`);
    let n = 0;
    for await (const [path, bytes] of inOrder((name) => this.need(name).catch((error) => error), paths)) {
      const name = hashes[n++];
      if (bytes instanceof Fault) this.fault(bytes.code, bytes.values);
      else if (toHex(sha256(bytes)) !== name) this.fault("document-hash", { path });
      else this.documents.set(name, bytes);
    }
    for (const entry of this.entries.filter(Boolean)) {
      if (entry.type !== "correction" && entry.type !== "withdrawal") continue;
      await this.attempt(() => this.document(entry.document));
    }
  }

  /** A named document as JSON; null where it is missing or another, which is noted already. */
  document(name) {
    const bytes = this.documents.get(name);
    return bytes ? readJson(bytes, "document-not-canonical", { path: `documents/${name}` }) : null;
  }

  checkRules() {
    if (!this.open) return;
    const candidates = this.document(this.open.candidates);
    if (candidates) {
      const listed = is({ name: (name) => name !== undefined, number: whole, profile: hash });
      insist(listOf(listed)(candidates), "bad-document", { path: `documents/${this.open.candidates}` });
      const numbers = candidates.map(({ number }) => number);
      insist(numbers.join() === this.open.numbers.join(), "other-numbers");
    }
    let before = this.open;
    for (const entry of this.entries) {
      if (!entry || !entry.rules) continue;
      const rules = this.document(entry.rules);
      if (!rules) continue;
      const { slug, ballot, cut } = rules.contest || {};
      insist(ballot && cut && Array.isArray(rules.platforms), "bad-document", { path: `documents/${entry.rules}` });
      const agrees = slug === this.open.contest && ballot.max_choices === entry.max_choices;
      const isSame = entry.max_choices === before.max_choices && entry.cut_size === before.cut_size;
      const isEarly = Date.parse(entry.at) < Date.parse(before.opens_at);
      insist(agrees && cut.size === entry.cut_size && (isSame || isEarly), "other-rules");
      before = entry;
    }
  }

  // Openings

  checkOpenings(entry) {
    const path = `documents/${entry.document}`;
    const value = this.document(entry.document);
    if (!value || !this.open || !this.close) return;
    insist(OPENINGS(value), "bad-document", { path });
    const bundles = this.counting().filter(({ index }) => index < entry.index);
    const opened = value.bundles.map(({ bundle }) => bundle).join();
    insist(opened === bundles.map(({ bundle }) => bundle).join(), "openings-other-bundles", { path });
    const gross = new Map(this.open.numbers.map((number) => [number, 0]));
    let ballots = 0;
    value.bundles.forEach((opening, i) => {
      this.checkOpening(bundles[i], opening);
      ballots += opening.value.ballots;
      for (const [number, got] of opening.value.votes) gross.set(number, (gross.get(number) || 0) + got);
    });
    this.checkOpenedRuling(entry, value.ruling || null);
    Object.assign(entry, { gross, ballots });
    const released = this.rulings.slice(0, entry.rulings).reduce((sum, ruling) => sum + ruling.released, 0);
    if (released !== this.close.held) this.fault("held-undecided", { held: this.close.held, released });
  }

  commitment(salt, value) {
    return sha256(utf8("voting-log/1 counts\n"), fromBase64(salt), utf8(canonical(value)));
  }

  checkCounts(value, name) {
    const { numbers } = this.open;
    const { max_choices } = this.settings;
    const all = value.votes.reduce((sum, [, got]) => sum + got, 0);
    if (value.votes.map(([number]) => number).join() !== numbers.join()) this.fault("counts-names", name);
    const possible = value.votes.every(([, got]) => got <= value.ballots) && all <= max_choices * value.ballots;
    if (!possible) this.fault("counts-impossible", name);
  }

  checkOpening(bundle, { salt, value }) {
    const name = { bundle: bundle.bundle };
    if (!same(this.commitment(salt, value), fromBase64(bundle.commitment))) this.fault("wrong-opening", name);
    if (value.ballots !== bundle.ballots) this.fault("opened-ballots", { ...name, said: bundle.ballots, counted: value.ballots });
    this.checkCounts(value, name);
  }

  checkOpenedRuling(entry, opening) {
    entry.void = new Map(this.open.numbers.map((number) => [number, 0]));
    entry.voidBallots = 0;
    insist((opening ? opening.ruling : 0) === entry.rulings, "openings-other-ruling", { covered: entry.rulings });
    if (!opening) return;
    const name = { ruling: opening.ruling };
    const ruling = this.rulings[opening.ruling - 1];
    insist(ruling, "openings-other-ruling", { covered: entry.rulings });
    const { salt, value } = opening;
    if (!same(this.commitment(salt, value), fromBase64(ruling.commitment))) this.fault("wrong-ruling-opening", name);
    this.checkCounts(value, { bundle: `R${opening.ruling}` });
    const voided = this.voided(opening.ruling);
    if (voided !== value.ballots) this.fault("ruling-sum", { said: voided, counted: value.ballots });
    entry.void = new Map(value.votes);
    entry.voidBallots = value.ballots;
  }

  // The cut

  async checkCut(entry) {
    const { version, openings } = entry;
    const path = `documents/${entry.document}`;
    const file = this.document(entry.document);
    if (!file || !openings.gross) return;
    const { document, signature } = file;
    insist(document && signature && Array.isArray(document.candidates), "bad-document", { path });
    const signed = signature.algorithm === "Ed25519" && bytes32(signature.public_key) && isBase64Of(signature.value, 64);
    const message = utf8(canonical(document));
    const valid = signed && (await isSigned(fromBase64(signature.public_key), fromBase64(signature.value), message));
    insist(valid, "cut-signature", { version });
    entry.signer = signature.public_key;
    const { contest } = document;
    insist(document.version === version && contest && contest.slug === this.open.contest, "cut-other", { version });
    const rules = this.document(entry.settings.rules);
    insist(rules && canonical(contest) === canonical(rules.contest), "cut-rules", { version });
    const next = this.cuts[version];
    this.checkNames(entry, document);
    if (!next || next.openings !== openings) this.checkFigures(entry, document);
    this.checkRanking(entry, document);
    const [corrects] = document.corrects || [];
    const before = this.cuts[version - 2];
    const { signers = [] } = this.options;
    if (signers.length && !signers.includes(entry.signer)) this.fault("cut-announced-key", { version });
    if (before && before.signer && before.signer !== entry.signer) this.fault("cut-other-key", { version });
    const follows = before ? corrects && corrects.document_sha256 === before.document : !corrects;
    if (!follows) this.fault("cut-corrects", { version });
  }

  checkNames({ version, withdrawn }, { candidates, withdrawn: left = [] }) {
    const rows = [...candidates, ...left];
    const numbers = rows.map(({ number }) => number).sort((a, b) => a - b);
    insist(numbers.join() === this.open.numbers.join(), "cut-numbers", { version });
    // Who withdrew after the close may have done so after this version was decided.
    const named = left.map(({ number }) => number);
    const early = this.close ? withdrawn.slice(0, this.close.withdrawals) : withdrawn;
    const agrees = named.every((number) => withdrawn.includes(number)) && early.every((number) => named.includes(number));
    if (!agrees) this.fault("cut-withdrawn", { version });
  }

  checkFigures({ version, openings }, { candidates, withdrawn: left = [], ballots }) {
    const rows = [...candidates, ...left];
    let wrong = 0;
    const total = [null, openings.ballots, openings.voidBallots, ballots || {}];
    const each = rows.map((row) => [row.number, openings.gross.get(row.number), openings.void.get(row.number), row]);
    for (const [number, gross, voided, row] of [total, ...each]) {
      const agrees = row.gross === gross && row.held === 0 && row.void === voided && row.net === gross - voided;
      if (agrees && row.net >= 0) continue;
      if (++wrong > MOST_ROWS) break;
      const said = `${row.gross} − ${row.void} = ${row.net}`;
      const counted = `${gross} − ${voided} = ${gross - voided}`;
      this.fault(number === null ? "cut-ballots" : "cut-votes", { version, number, said, counted });
    }
  }

  checkRanking({ version }, { candidates, selected, ties, contest }) {
    const size = Math.min(contest.cut.size, candidates.length);
    const ranked = candidates.slice().sort((a, b) => b.net - a.net || a.number - b.number);
    const rank = new Map();
    ranked.forEach((row, i) => rank.set(row, i && ranked[i - 1].net === row.net ? rank.get(ranked[i - 1]) : i + 1));
    const [inside, outside] = [ranked[size - 1], ranked[size]];
    const tied = inside && outside && inside.net === outside.net ? ranked.filter(({ net }) => net === inside.net) : [];
    const order = tied.length ? this.tieOrder(version, tied.map(({ number }) => number), ties, contest) : [];
    if (!tied.length && ties && ties.length) this.fault("cut-tie", { version });
    const place = (row) => Math.max(0, order.indexOf(row.number));
    ranked.sort((a, b) => rank.get(a) - rank.get(b) || place(a) - place(b) || a.number - b.number);
    const advancing = tied.length && contest.cut.tie === "advance_all" ? ranked.indexOf(tied[0]) + tied.length : size;
    const right = ranked.every((row, i) =>
      candidates[i] === row && row.rank === rank.get(row) && row.selected === (i < advancing ? 1 : 0));
    if (!right) this.fault("cut-ranking", { version });
    const names = ranked.slice(0, advancing).map(({ number }) => number).join();
    if (!Array.isArray(selected) || selected.join() !== names) this.fault("cut-selected", { version });
  }

  tieOrder(version, numbers, ties, { slug, cut }) {
    const [tie] = ties || [];
    const stated = tie && Array.isArray(tie.numbers) && tie.numbers.join() === numbers.join() && Array.isArray(tie.order);
    insist(stated, "cut-tie", { version });
    if (cut.tie === "advance_all") return [];
    const all = tie.order.slice().sort((a, b) => a - b).join() === numbers.join();
    insist(all, "cut-tie", { version });
    if (cut.tie === "lot") {
      const drawn = new Map(numbers.map((number) => [number, toHex(sha256(utf8(`${tie.drawn}|${slug}|${number}`)))]));
      const fair = tie.order.every((number, i) => !i || drawn.get(tie.order[i - 1]) < drawn.get(number));
      if (!fair) this.fault("cut-draw", { version });
    }
    return tie.order;
  }

  checkNewest() {
    const openings = this.openings[this.openings.length - 1];
    const cut = this.cuts[this.cuts.length - 1];
    if (cut && cut.openings !== openings) this.remark("correction-coming");
    if (this.open && !this.close) this.remark("still-open");
    else if (this.close && !openings) this.remark("not-opened");
    else if (openings && !cut) this.remark("no-cut");
  }

  // Witnesses, receipts, what else lies there

  async checkWitnesses() {
    const trusted = this.options.witnesses || [];
    const named = this.open ? this.open.witnesses : [];
    this.witnesses = [];
    for (const text of [...new Set([...named, ...trusted])]) {
      await this.attempt(async () => {
        const witness = readKey(text, 4);
        const at = await cosignedAt(this.checkpoint, witness);
        this.witnesses.push({ name: witness.name, id: witness.id, at });
        if (!at && trusted.includes(text)) throw new Fault("witness-missing", { name: witness.name });
        if (!at) this.remark("witness-away", { name: witness.name });
      });
    }
    for (const line of this.checkpoint.lines) {
      const known = this.witnesses.filter(({ name, id }) => name === line.name || id === line.id);
      if (!known.length) this.remark("stranger", { name: line.name });
      else if (!known.some(({ name, id }) => name === line.name && id === line.id)) {
        this.fault("bad-cosignature", { name: line.name });
      }
    }
    if (this.witnesses.some(({ at }) => at)) return;
    if (this.options.unwitnessed) this.remark("unwitnessed");
    else this.fault("unwitnessed");
  }

  async checkReceipts() {
    for (const { bytes, name } of this.options.receipts || []) {
      await this.attempt(async () => {
        const receipt = await verifyReceipt(bytes, this.keyText);
        const here = this.hashes[receipt.index];
        insist(here && same(here, leafHash(receipt.leaf)), "ballot-not-here", { name });
        await this.checkOlder(receipt.checkpointText);
        this.remark("ballot-here", { name, at: receipt.entry.at });
      });
    }
  }

  async checkListing() {
    const paths = await this.reader.list();
    for (const path of paths || []) {
      if (this.named.has(path)) continue;
      const expected = this.olderTile(path);
      if (!expected) this.remark("unnamed-file", { path });
      else if (!same(await this.reader.read(path), expected)) this.fault("bad-tile", { path });
    }
  }

  /** What an earlier, shorter tile has to hold; null where the path is no such tile. */
  olderTile(path) {
    const parts = /^tile\/(entries|\d+)\/((?:x\d{3}\/)*\d{3})\.p\/([1-9]\d{0,2})$/.exec(path);
    if (!parts) return null;
    const [first, width] = [Number(parts[2].replace(/[x/]/g, "")) * TILE, Number(parts[3])];
    const hashes = this.levels[parts[1] === "entries" ? 0 : Number(parts[1])] || [];
    if (width >= TILE || first + width > hashes.length) return null;
    if (parts[1] !== "entries") return join(...hashes.slice(first, first + width));
    const leaves = this.entries.slice(first, first + width).map((entry) => utf8(entry ? canonical(entry) : ""));
    return join(...leaves.map((leaf) => join(Uint8Array.of(leaf.length >> 8, leaf.length & 255), leaf)));
  }

  facts() {
    const counting = this.counting();
    const sum = (name) => counting.reduce((all, bundle) => all + bundle[name], 0);
    return {
      origin: this.key && this.key.name,
      size: this.checkpoint ? this.checkpoint.size : 0,
      at: this.at || null,
      bundles: counting.length,
      ballots: sum("ballots"),
      held: sum("held"),
      rulings: this.rulings.length,
      witnesses: this.witnesses || [],
      cuts: this.cuts.map(({ version, signer, document }) => ({ version, signer, document })),
    };
  }
}

/** What a log says of itself, unchecked: {facts, remarks, faults} of its key, checkpoint, entries and witnesses. */
export async function readFacts(reader) {
  const verification = new Verification(reader, { factsOnly: true, unwitnessed: true });
  await verification.attempt(async () => {
    await verification.run();
    await verification.checkWitnesses();
  });
  const { faults, remarks } = verification;
  return { faults, remarks, facts: verification.facts() };
}

/**
 * Checks a whole log. `reader` has `read(path)` (bytes or null) and `list()` (paths or null); options:
 * `checkpoints` (older ones, texts), `witnesses` (keys that must have signed), `receipts` ({name, bytes}),
 * `signers` (announced keys of results, base64), `unwitnessed` (true: no witness is no fault),
 * `onProgress(what, done, total)`.
 * Returns {faults, remarks, facts}; the log is right where there are no faults.
 */
export async function verifyLog(reader, options = {}) {
  const verification = new Verification(reader, options);
  await verification.attempt(() => verification.run());
  return { faults: verification.faults, remarks: verification.remarks, facts: verification.facts() };
}

// ---- What it says: [English, Chinese] ----

export const SENTENCES = {
  // proofs
  "not-a-proof": ["This file is not a proof of a ballot, or it was damaged.", "该文件不是选票证明，或者已损坏。"],
  "other-ballot": ["This proof belongs to another ballot.", "该证明属于另一张选票。"],
  "tag-not-in-bundle": ["The ballot is not in the bundle that the proof names.", "选票不在证明所称的批次之中。"],
  "entry-not-in-log": ["The bundle that the proof names is not in the signed log.", "证明所称的批次不在经签名的公开日志中。"],
  "ballot-not-here": ["The bundle that the proof {name} names is not in this log.", "证明 {name} 所称的批次不在本日志中。"],
  "ballot-here": ["The ballot of the proof {name} is in this log since {at}.", "证明 {name} 的选票自 {at} 起在本日志中。"],
  // files, notes, the tree
  "missing": ["The file {path} is missing.", "缺少文件 {path}。"],
  "unreachable": ["The file {path} could not be read.", "无法读取文件 {path}。"],
  "unreadable": ["A document has another form than the format says ({reason}).", "有一份文件不符合规定的格式（{reason}）。"],
  "bad-key": ["The key is not a valid verifier key: {key}", "验证公钥无效：{key}"],
  "bad-note": ["The checkpoint is not a signed note as the format says.", "检查点不是符合格式的签名文本。"],
  "other-origin": ["The checkpoint is of the log {origin}, the key of {name}.", "检查点属于日志 {origin}，公钥却属于 {name}。"],
  "unsigned": ["The checkpoint is not signed by the log {name}.", "检查点没有日志 {name} 的有效签名。"],
  "empty": ["The log is empty.", "日志为空。"],
  "bad-entries": ["The file of entries {path} has too many or too few bytes.", "条目文件 {path} 的字节数不对。"],
  "bad-tile": ["The tile {path} does not agree with the entries.", "哈希文件 {path} 与条目不符。"],
  "bad-root": ["The {size} entries do not lead to the signed root: something was changed, added or removed.", "{size} 条条目算不出经签名的根哈希：内容有改动、增加或删减。"],
  "shrunk": ["The older checkpoint has {older} entries, this log only {size}: entries were removed.", "旧检查点有 {older} 条，而本日志只有 {size} 条：有条目被删除。"],
  "forked": ["The first {older} entries are not those that the older checkpoint signed: there are two different logs.", "前 {older} 条与旧检查点所签的不同：存在两份不同的日志。"],
  "consistent": ["The log continues the older checkpoint of {older} entries.", "本日志是 {older} 条旧检查点的延续。"],
  "unnamed-file": ["The folder has a file that the log does not name: {path}.", "文件夹中有日志未提及的文件：{path}。"],
  // witnesses
  "bad-cosignature": ["The signature of the witness {name} is wrong.", "见证方 {name} 的签名不正确。"],
  "witness-away": ["The witness {name} has not signed this checkpoint.", "见证方 {name} 没有签署此检查点。"],
  "witness-missing": ["The witness {name}, whom you trust, has not signed this checkpoint.", "您信任的见证方 {name} 没有签署此检查点。"],
  "stranger": ["{name} has signed the checkpoint, too; the log does not name this key, so it says nothing.", "{name} 也签署了检查点，但日志没有列出该公钥，因此不作数。"],
  "unwitnessed": ["No witness has signed this checkpoint, so others may be shown another log.", "没有任何见证方签署此检查点，他人看到的日志可能不同。"],
  // entries
  "entry-not-canonical": ["Entry {index} is not canonical JSON.", "第 {index} 条不是规范 JSON。"],
  "entry-unknown": ["Entry {index} is of no known kind.", "第 {index} 条的类型未知。"],
  "entry-fields": ["Entry {index} ({type}) lacks a field, has one too many or an impossible value.", "第 {index} 条（{type}）缺少字段、字段过多或取值不可能。"],
  "open-not-first": ["Entry {index} is out of place: the log must begin with its opening, and with nothing else.", "第 {index} 条位置不对：日志必须以开启条目开始，且仅有一条。"],
  "moments-go-back": ["Entry {index} is dated before the entry in front of it.", "第 {index} 条的时间早于前一条。"],
  "no-such-candidate": ["Entry {index} names candidate {number}, who was not announced.", "第 {index} 条提到未公布的候选人 {number} 号。"],
  "other-key": ["The log was opened with another key than the one it is signed with.", "日志开启时的公钥与签名所用的公钥不同。"],
  "other-contest": ["The key is not the one of the contest {contest}.", "公钥不属于评选 {contest}。"],
  "late-settings": ["Entry {index} changes the settings after voting closed.", "第 {index} 条在投票截止后更改了设置。"],
  "ruling-gap": ["Ruling {ruling} stands where ruling {expected} should: a ruling is missing, doubled or moved.", "应为第 {expected} 号裁定，却是第 {ruling} 号：裁定有缺失、重复或移位。"],
  "ruling-impossible": ["Ruling {ruling} voids or releases more ballots than it is about.", "第 {ruling} 号裁定作废或放行的选票多于其涉及的选票。"],
  "statement-exceeded": ["{platform} says that it signed in {signed_in} people on {day}, but {stored} of its ballots count.", "{platform} 称 {day} 有 {signed_in} 人登录，但该平台计入 {stored} 张选票。"],
  // bundles
  "bundle-gap": ["Bundle {bundle} stands where bundle {expected} should: a bundle is missing, doubled or moved.", "应为第 {expected} 批，却是第 {bundle} 批：批次有缺失、重复或移位。"],
  "bundle-size": ["Bundle {bundle} has {ballots} ballots; it must have 100 to 1,024.", "第 {bundle} 批有 {ballots} 张选票，应为 100 至 1024 张。"],
  "more-held": ["Bundle {bundle} has more ballots in question than ballots.", "第 {bundle} 批的存疑选票多于选票总数。"],
  "replaces-other": ["Bundle {bundle} replaces bundle {replaces}, which is not the one before it.", "第 {bundle} 批取代第 {replaces} 批，但后者不是它的前一批。"],
  "late-ballots": ["Bundle {bundle} was added after voting closed.", "第 {bundle} 批在投票截止后加入。"],
  "tags-count": ["The list of bundle {bundle} has {counted} ballots; the log says {said}.", "第 {bundle} 批的名单有 {counted} 张选票，日志所载为 {said} 张。"],
  "tags-unsorted": ["The list {path} is not in order.", "名单 {path} 未按顺序排列。"],
  "tags-root": ["The list {path} is not the one that the log was given: a ballot was exchanged, added or removed.", "名单 {path} 与日志所载不符：有选票被替换、增加或删除。"],
  "replaced-tags-lost": ["Bundle {bundle} lacks ballots of bundle {replaces}, which it replaces.", "第 {bundle} 批缺少被其取代的第 {replaces} 批中的选票。"],
  "tag-twice": ["The ballot {tag} of bundle {bundle} is in the log twice.", "第 {bundle} 批的选票 {tag} 在日志中出现两次。"],
  // documents
  "document-hash": ["The document {path} was changed: its hash is another.", "文件 {path} 已被改动：哈希不符。"],
  "document-not-canonical": ["The document {path} is not canonical JSON.", "文件 {path} 不是规范 JSON。"],
  "bad-document": ["The document {path} has another form than the format says.", "文件 {path} 不符合规定的格式。"],
  "other-numbers": ["The list of candidates has other numbers than the log's opening.", "候选人名单的编号与日志开启条目不同。"],
  "other-rules": ["The rules have another contest, number of choices or number who advance than the log's opening.", "规则中的评选、可选人数或入选人数与日志开启条目不同。"],
  // close and openings
  "closed-twice": ["Entry {index} closes the vote a second time.", "第 {index} 条再次截止投票。"],
  "other-close": ["The vote was closed at another moment than announced.", "投票截止时间与公布的不同。"],
  "close-bundles": ["The close counts {said} bundles; there are {counted}.", "截止条目称有 {said} 批，实有 {counted} 批。"],
  "close-ballots": ["The close counts {said} ballots; the bundles have {counted}.", "截止条目称有 {said} 张选票，各批合计 {counted} 张。"],
  "close-held": ["The close counts {said} ballots in question; the bundles have {counted}.", "截止条目称有 {said} 张存疑选票，各批合计 {counted} 张。"],
  "openings-before-close": ["Entry {index} opens the counts before voting closed.", "第 {index} 条在投票截止前公开了计票。"],
  "rulings-left-out": ["The openings cover {covered} of {rulings} rulings.", "公开的计票只涵盖 {rulings} 项裁定中的 {covered} 项。"],
  "openings-other-bundles": ["The openings {path} leave out a bundle or have one too many.", "公开的计票 {path} 缺少批次或多出批次。"],
  "wrong-opening": ["The counts of bundle {bundle} are not those committed to while voting was open: they were changed.", "第 {bundle} 批的计票与投票期间的承诺不符：已被改动。"],
  "opened-ballots": ["The counts of bundle {bundle} are of {counted} ballots; the log says {said}.", "第 {bundle} 批的计票为 {counted} 张选票，日志所载为 {said} 张。"],
  "counts-names": ["The counts of bundle {bundle} do not name every candidate once.", "第 {bundle} 批的计票没有恰好列出每位候选人。"],
  "counts-impossible": ["Bundle {bundle} has more votes than its ballots can hold.", "第 {bundle} 批的得票数超过其选票所能投出的数目。"],
  "openings-other-ruling": ["The openings do not open ruling {covered}.", "公开的计票没有公开第 {covered} 号裁定。"],
  "wrong-ruling-opening": ["What ruling {ruling} made void is not what it was committed to.", "第 {ruling} 号裁定的作废数与其承诺不符。"],
  "ruling-sum": ["The rulings made {said} ballots void, the openings {counted}.", "各项裁定共作废 {said} 张选票，公开的计票却为 {counted} 张。"],
  "held-undecided": ["{held} ballots were in question, but the rulings decide {released}.", "存疑选票共 {held} 张，裁定只处理了 {released} 张。"],
  // the result
  "cut-before-openings": ["Result {version} was published before the counts were opened.", "第 {version} 版结果在公开计票之前公布。"],
  "cut-gap": ["Version {version} of the result stands where version {expected} should.", "应为第 {expected} 版结果，却是第 {version} 版。"],
  "cut-signature": ["Version {version} of the result is not signed by the key it names.", "第 {version} 版结果的签名无效。"],
  "cut-announced-key": ["Version {version} of the result is not signed with the announced key.", "第 {version} 版结果不是用公布的公钥所签。"],
  "cut-other-key": ["Version {version} of the result is signed with another key than the version before.", "第 {version} 版结果的签名公钥与前一版不同。"],
  "cut-other": ["The file of version {version} is of another version or contest.", "第 {version} 版结果的文件属于另一版本或另一评选。"],
  "cut-rules": ["Version {version} of the result states other rules than those in force.", "第 {version} 版结果所载规则与现行规则不同。"],
  "cut-corrects": ["Version {version} of the result does not name the version that it corrects.", "第 {version} 版结果没有正确指明其更正的版本。"],
  "cut-numbers": ["Version {version} of the result does not name every candidate once.", "第 {version} 版结果没有恰好列出每位候选人。"],
  "cut-withdrawn": ["Version {version} of the result has other withdrawn candidates than the log.", "第 {version} 版结果中退出的候选人与日志不同。"],
  "cut-votes": ["Version {version} of the result has {said} votes for candidate {number}; the log has {counted}.", "第 {version} 版结果中 {number} 号候选人得票为 {said}，按日志应为 {counted}。"],
  "cut-ballots": ["Version {version} of the result has {said} ballots; the log has {counted}.", "第 {version} 版结果的选票为 {said}，按日志应为 {counted}。"],
  "cut-tie": ["Version {version} of the result does not state how the tie for the last place was decided.", "第 {version} 版结果没有说明末位同票如何决定。"],
  "cut-draw": ["The order of the tied candidates in version {version} does not follow from the number drawn.", "第 {version} 版结果中同票候选人的次序与抽取的号码不符。"],
  "cut-ranking": ["The ranking in version {version} does not follow from the votes.", "第 {version} 版结果的名次与得票不符。"],
  "cut-selected": ["Those who advance in version {version} do not follow from the ranking.", "第 {version} 版结果的入选名单与名次不符。"],
  // how far it is
  "still-open": ["Voting is still open; counts and result come later.", "投票尚未截止，计票与结果将在以后公开。"],
  "not-opened": ["Voting is closed; the counts are not open yet.", "投票已截止，计票尚未公开。"],
  "no-cut": ["The counts are open; there is no result yet.", "计票已公开，结果尚未公布。"],
  "correction-coming": ["Counts were opened again after the newest result: a correction is being prepared.", "最新结果之后又公开了计票：正在准备更正。"],
  // the whole
  "right": ["The log is right.", "日志无误。"],
  "wrong": ["The log is wrong.", "日志有误。"],
  "size": ["{origin}: {size} entries, the newest of {at}.", "{origin}：共 {size} 条，最新一条写于 {at}。"],
  "figures": ["{bundles} bundles, {ballots} ballots, {held} of them in question when they came; {rulings} rulings.", "{bundles} 批，{ballots} 张选票，其中 {held} 张入库时存疑；{rulings} 项裁定。"],
  "witnessed": ["The witness {name} has signed it at {at}.", "见证方 {name} 于 {at} 签署。"],
  "result": ["Version {version} of the result is signed with the key {signer}: compare it with the one announced.", "第 {version} 版结果的签名公钥为 {signer}，请与公布的公钥核对。"],
  "usage": ["Usage: node verify.mjs FOLDER|URL [--checkpoint OLD] [--receipt FILE] [--witness KEY] [--key FILE] [--allow-unwitnessed] [--language en|zh]", "用法：node verify.mjs 文件夹|网址 [--checkpoint 旧检查点] [--receipt 证明文件] [--witness 见证公钥] [--key 公钥文件] [--allow-unwitnessed] [--language en|zh]"],
};

/** What a fault or a remark says, in `zh` or `en`. */
export function sentence({ code, values }, language) {
  const [english, chinese] = SENTENCES[code] || [code, code];
  return (language === "zh" ? chinese : english).replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    const text = value instanceof Date ? value.toISOString() : String(value);
    return text.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/, "$1 $2 UTC");
  });
}

/** Everything that the result of verifyLog says, a sentence a line, the verdict last. */
export function report({ faults, remarks, facts }, language) {
  const say = (code, values) => sentence({ code, values: values || {} }, language);
  const signed = facts.witnesses.filter(({ at }) => at);
  return [
    say("size", facts),
    say("figures", facts),
    ...signed.map((witness) => say("witnessed", witness)),
    ...facts.cuts.filter(({ signer }) => signer).map((cut) => say("result", cut)),
    ...remarks.map((remark) => sentence(remark, language)),
    ...faults.map((fault) => `✗ ${sentence(fault, language)}`),
    say(faults.length ? "wrong" : "right"),
  ];
}

// ---- The command of Node ----

const OPTIONS = {
  "--checkpoint": [], "--receipt": [], "--witness": [], "--key": [], "--language": [], "--allow-unwitnessed": [],
};

async function readerOfFolder(folder) {
  const { readFile, readdir } = await import("node:fs/promises");
  const { join: below } = await import("node:path");
  const read = (path) => readFile(below(folder, path)).then(
    (bytes) => new Uint8Array(bytes),
    (error) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
      throw new Fault("unreachable", { path });
    },
  );
  async function list(under = "") {
    const found = [];
    for (const entry of await readdir(below(folder, under), { withFileTypes: true })) {
      const path = under + entry.name;
      found.push(...(entry.isDirectory() ? await list(`${path}/`) : [path]));
    }
    return found;
  }
  return { read, list };
}

function readArguments(given) {
  const options = JSON.parse(JSON.stringify(OPTIONS));
  const places = [];
  for (let i = 0; i < given.length; i++) {
    if (!options[given[i]]) places.push(given[i]);
    else options[given[i]].push(given[i] === "--allow-unwitnessed" ? true : given[++i]);
  }
  const complete = Object.keys(options).every((name) => !options[name].includes(undefined));
  return complete && places.length === 1 && !places[0].startsWith("--") ? { place: places[0], options } : null;
}

/** The Ed25519 key of a PEM file, as results name it: the last 32 of its 44 bytes. */
function rawKey(pem) {
  const body = pem.replace(/-----[^-]+-----|\s/g, "");
  insist(/BEGIN PUBLIC KEY/.test(pem) && isBase64Of(body, 44), "bad-key", { key: pem.split("\n")[0] });
  return btoa(String.fromCharCode(...fromBase64(body).slice(12)));
}

async function main(process) {
  const given = readArguments(process.argv.slice(2));
  const [named] = given ? given.options["--language"] : [];
  const language = named || (/^zh/.test(process.env.LC_ALL || process.env.LANG || "") ? "zh" : "en");
  if (!given) {
    process.stderr.write(`${sentence({ code: "usage", values: {} }, language)}\n`);
    return 2;
  }
  const { readFile } = await import("node:fs/promises");
  const { place, options } = given;
  const reader = /^https?:/.test(place) ? readerOfUrl(place) : await readerOfFolder(place);
  const result = await verifyLog(reader, {
    checkpoints: await Promise.all(options["--checkpoint"].map((name) => readFile(name, "utf8"))),
    receipts: await Promise.all(options["--receipt"].map(async (name) => ({ name, bytes: await readFile(name) }))),
    witnesses: options["--witness"],
    signers: await Promise.all(options["--key"].map(async (name) => rawKey(await readFile(name, "utf8")))),
    unwitnessed: options["--allow-unwitnessed"].length > 0,
    onProgress: (what, done, total) => {
      if (process.stderr.isTTY) process.stderr.write(done < total ? `\r${done}/${total} ` : "\r");
    },
  });
  process.stdout.write(`${report(result, language).join("\n")}\n`);
  return result.faults.length ? 1 : 0;
}

if (typeof process === "object" && process.versions && process.versions.node && process.argv[1]) {
  Promise.all([import("node:url"), import("node:fs/promises")])
    .then(async ([{ pathToFileURL }, { realpath }]) => {
      if (pathToFileURL(await realpath(process.argv[1])).href === import.meta.url) {
        process.exitCode = await main(process);
      }
    })
    .catch((error) => {
      process.stderr.write(`${error instanceof Fault ? sentence(error, "en") : error.message}\n`);
      process.exitCode = 1;
    });
}
