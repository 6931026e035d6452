// Prints, as JSON, what in the scripts named after acorn.js is newer than the oldest browsers that we
// serve: Safari of iOS 12, Chromium 78 and the web views of 2019, Firefox ESR 115.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [acorn, ...scripts] = process.argv.slice(2);
const { parse } = createRequire(import.meta.url)(acorn);

// Of ES2020 those browsers have import(), import.meta and nothing else; an older version of the
// language would refuse these two.
const LANGUAGE = 2020;

const NEWER_METHODS = new Set([
  "allSettled", "any", "at", "checkVisibility", "findLast", "findLastIndex", "fromAsync",
  "groupBy", "hasOwn", "matchAll", "randomUUID", "replaceAll", "replaceChildren", "requestSubmit",
  "showModal", "showPicker", "startViewTransition", "structuredClone", "toReversed", "toSorted",
  "toSpliced", "withResolvers",
]);
const NEWER_NAMES = new Set([
  "BigInt", "FinalizationRegistry", "WeakRef", "globalThis", "queueMicrotask", "reportError",
  "requestIdleCallback", "structuredClone",
]);

function* within(node) {
  if (!node || typeof node !== "object") return;
  if (Array.isArray(node)) {
    for (const each of node) yield* within(each);
  } else {
    if (typeof node.type === "string") yield node;
    for (const each of Object.values(node)) yield* within(each);
  }
}

function newer(node) {
  if (node.type === "ChainExpression") return "?.";
  if (node.type === "LogicalExpression" && node.operator === "??") return "??";
  if (node.type === "ExportAllDeclaration" && node.exported) return "export * as";
  if (node.type === "Literal" && node.bigint) return "a bigint";
  if (node.type === "Literal" && node.regex && /\(\?<[=!]/.test(node.regex.pattern)) return "lookbehind";
  const called = node.type === "CallExpression" && node.callee.type === "MemberExpression" && node.callee;
  if (called && !called.computed && NEWER_METHODS.has(called.property.name)) return `.${called.property.name}`;
  if (node.type === "Identifier" && NEWER_NAMES.has(node.name)) return node.name;
  return null;
}

const found = [];
for (const script of scripts) {
  try {
    const tree = parse(readFileSync(script, "utf8"), { ecmaVersion: LANGUAGE, sourceType: "module", locations: true });
    for (const node of within(tree)) {
      const what = newer(node);
      if (what) found.push(`${script}:${node.loc.start.line}: ${what}`);
    }
  } catch (error) {
    found.push(`${script}: ${error.message}`);
  }
}
console.log(JSON.stringify(found));
