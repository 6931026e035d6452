// Prints, as JSON, what in the scripts named after acorn.js and the edition of the language is newer
// than the floor of docs/browsers.md.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [acorn, edition, ...scripts] = process.argv.slice(2);
const { parse } = createRequire(import.meta.url)(acorn);

// Modules are read as ES2020, of which those browsers have import() and import.meta and nothing else: an
// older edition would refuse these two. Classic scripts speak to any browser, in ES5.
const ecmaVersion = Number(edition);
const sourceType = ecmaVersion > 5 ? "module" : "script";

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
// Each has its way without; a script that looks first, or catches, may use it.
const LOOKED_FOR = new Set([
  "BroadcastChannel", "DisplayNames", "EventSource", "IntersectionObserver", "ListFormat",
  "OffscreenCanvas", "RelativeTimeFormat", "ResizeObserver", "Segmenter", "animate", "canShare",
  "clipboard", "visualViewport", "wakeLock",
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

const nameOf = (node) =>
  node.type === "Identifier" ? node.name : node.type === "MemberExpression" && !node.computed ? node.property.name : null;

// The names that a script asks for before it uses them.
function* asked(tree) {
  for (const node of within(tree)) {
    if (node.type === "UnaryExpression") yield nameOf(node.argument);
    if (node.type === "IfStatement" || node.type === "ConditionalExpression") yield nameOf(node.test);
    if (node.type === "LogicalExpression") yield nameOf(node.left);
    if (node.type === "TryStatement") for (const tried of within(node.block)) yield nameOf(tried);
  }
}

const found = [];
for (const script of scripts) {
  try {
    const tree = parse(readFileSync(script, "utf8"), { ecmaVersion, sourceType, locations: true });
    const looked = new Set(asked(tree));
    for (const node of within(tree)) {
      const isUnasked = node.type === "Identifier" && LOOKED_FOR.has(node.name) && !looked.has(node.name);
      const what = newer(node) || (isUnasked && node.name);
      if (what) found.push(`${script}:${node.loc.start.line}: ${what}`);
    }
  } catch (error) {
    found.push(`${script}: ${error.message}`);
  }
}
console.log(JSON.stringify(found));
