// Runs the second verifier for the tests: cases as JSON on standard input, an answer for each.
// The first argument is the module as readers save it, the second a log's folder for changed files.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [script, folder] = process.argv.slice(2);
const verifier = await import(pathToFileURL(script).href);
const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const unBase64 = (text) => new Uint8Array(Buffer.from(text, "base64"));

const files = new Map();
if (folder) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(path.slice(folder.length + 1), new Uint8Array(readFileSync(path)));
  }
}
const memory = { read: async (path) => files.get(path) || null, list: async () => [...files.keys()] };

const answers = {
  sha256: ({ data }) => base64(verifier.sha256(unBase64(data))),
  root: ({ hashes }) => base64(verifier.treeRoot(hashes.map(unBase64))),
  path: ({ hash, index, size, path }) => {
    const root = verifier.rootOfPath(unBase64(hash), index, size, path.map(unBase64));
    return root && base64(root);
  },
  tilePath: ({ n }) => verifier.tilePath(n),
  // What it says of the log when one bit of a file is another.
  flip: async ({ path, bit }) => {
    const bytes = files.get(path);
    bytes[bit >> 3] ^= 1 << (bit & 7);
    const result = await verifier.verifyLog(memory);
    bytes[bit >> 3] ^= 1 << (bit & 7);
    return { faults: result.faults.length, report: verifier.report(result, "en") };
  },
  receipt: async ({ proof, key, ballot }) => {
    try {
      const { entry, index, checkpoint } = await verifier.verifyReceipt(unBase64(proof), key, ballot);
      return { entry, index, size: checkpoint.size };
    } catch (fault) {
      if (!(fault instanceof verifier.Fault)) throw fault;
      return verifier.sentence(fault, "en");
    }
  },
  log: async ({ files: changed, checkpoints, receipts, witnesses }) => {
    const other = new Map(Object.entries(changed).map(([path, data]) => [path, unBase64(data)]));
    const reader = { read: async (path) => other.get(path) || null, list: async () => [...other.keys()] };
    const proofs = receipts.map((data) => ({ name: "receipt", bytes: unBase64(data) }));
    return verifier.report(await verifier.verifyLog(reader, { checkpoints, receipts: proofs, witnesses }), "en");
  },
  codes: () => Object.fromEntries(
    Object.keys(verifier.SENTENCES).map((code) => [code, verifier.SENTENCES[code]]),
  ),
};

const results = [];
for (const each of JSON.parse(readFileSync(0, "utf8"))) results.push(await answers[each.ask](each));
process.stdout.write(JSON.stringify(results));
