// Shows what a verified proof says: a sentence, the way from the ballot to the signed log as a picture
// and in words. Its texts stand in `data-` attributes of the element that shows it.

import { Fault, sentence, verifyReceipt } from "./log_verifier.js";

const language = document.documentElement.lang === "en" ? "en" : "zh";
const figures = new Intl.NumberFormat(language === "en" ? "en-GB" : "zh-CN");

/** A moment as people write it, in the contest's time zone. */
export function moment(text, zone) {
  return new Intl.DateTimeFormat(language === "en" ? "en-GB" : "zh-CN", {
    year: "numeric", month: "long", day: "numeric", hour: "2-digit", minute: "2-digit",
    timeZone: zone || "UTC",
  }).format(new Date(text));
}

export const figure = (number) => figures.format(number);

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 240;
const STEP = 26;

function element(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  for (const each of Object.keys(attributes)) made.setAttribute(each, attributes[each]);
  parent.append(made);
  return made;
}

// The way through a tree, from a leaf up to its root: where the way stands on each level, and beside it.
function levels(index, size) {
  const result = [];
  let [node, width] = [index, size];
  for (; width > 1; node = Math.floor(node / 2), width = Math.ceil(width / 2)) {
    result.push({ node, width, beside: node % 2 ? node - 1 : node + 1 < width ? node + 1 : null });
  }
  return [...result, { node: 0, width: 1, beside: null }];
}

const across = (node, width) => 24 + ((WIDTH - 48) * (node + 0.5)) / width;

function drawTree(picture, index, size, bottom) {
  const way = levels(index, size);
  const spread = way.map(({ node, width, beside }) => {
    const x = across(node, width);
    return { x, other: beside === null ? null : x + (beside > node ? 1 : -1) * Math.max(18, Math.abs(across(beside, width) - x)) };
  });
  spread.forEach(({ x, other }, level) => {
    const y = bottom - level * STEP;
    const above = spread[level + 1];
    if (!above) return;
    if (other !== null) {
      element("path", { class: "beside", d: `M${other} ${y}L${above.x} ${y - STEP}` }, picture);
      element("circle", { class: "beside", cx: other, cy: y, r: 3.5 }, picture);
    }
    element("path", { class: "way", d: `M${x} ${y}L${above.x} ${y - STEP}` }, picture);
    if (level) element("circle", { class: "way", cx: x, cy: y, r: 3.5 }, picture);
  });
  return bottom - (way.length - 1) * STEP;
}

function place(picture, number, x, y) {
  const group = element("g", { class: "place" }, picture);
  element("circle", { cx: x, cy: y, r: 11 }, group);
  element("text", { x, y: y + 4.5, "text-anchor": "middle" }, group).textContent = number;
}

/** The ballot below, its bundle's tree, the log's tree, the signed root above. */
function draw(picture, { proof, index, checkpoint }) {
  picture.textContent = "";
  const trees = [[proof.tag_index, proof.tag_count], [index, checkpoint.size]];
  const height = trees.reduce((sum, [at, size]) => sum + (levels(at, size).length - 1) * STEP, 0) + 96;
  picture.setAttribute("viewBox", `0 0 ${WIDTH} ${height}`);
  const start = height - 20;
  const bundle = drawTree(picture, proof.tag_index, proof.tag_count, start);
  const entry = bundle - 28;
  const x = across(index, checkpoint.size);
  element("path", { class: "way", d: `M${WIDTH / 2} ${bundle}L${x} ${entry}` }, picture);
  const root = drawTree(picture, index, checkpoint.size, entry);
  element("path", { class: "way", d: `M${WIDTH / 2} ${root}V20` }, picture);
  place(picture, 1, across(proof.tag_index, proof.tag_count), start);
  place(picture, 2, WIDTH / 2, bundle);
  place(picture, 3, x, entry);
  place(picture, 4, WIDTH / 2, 20);
}

/** Verifies a proof's bytes and shows the outcome in `shown`; answers whether it is right. */
export async function showProof(shown, bytes, key, ballot) {
  const status = shown.querySelector("[data-status]");
  const details = shown.querySelector("[data-details]");
  details.hidden = true;
  try {
    const verified = await verifyReceipt(bytes, key, ballot);
    const { proof, entry, index, checkpoint } = verified;
    const values = {
      at: moment(entry.at, shown.dataset.zone), bundle: figure(entry.bundle), ballots: figure(proof.tag_count),
      entry: figure(index + 1), entries: figure(checkpoint.size), log: checkpoint.origin,
      tag: proof.tag.slice(0, 16).replace(/.{4}(?=.)/g, "$& "),
    };
    say(status, "success", fill(shown.dataset.right, values));
    for (const step of shown.querySelectorAll("[data-step]")) step.textContent = fill(step.dataset.step, values);
    draw(shown.querySelector("svg"), verified);
    details.hidden = false;
    return true;
  } catch (fault) {
    const reason = fault instanceof Fault ? sentence(fault, language) : String(fault);
    say(status, "error", fill(shown.dataset.wrong, { reason }));
    return false;
  }
}

/** Says something in a notice: `success`, `info`, `warning` or `error`. */
export function say(status, kind, text) {
  status.className = `notice ${kind}`;
  status.textContent = text;
  status.hidden = false;
}
