// Which classes an image may be of, likeliest first. The digits answer by this order, so it is made
// once, when the image is first shown, and does not change under the fingers.

import { percent } from "./page.js";

const DIGITS = 10;
const MATCHES = 50;
const recent = []; // classes that were answered last

export function used(labels) {
  for (const label of labels) {
    const index = recent.indexOf(label);
    if (index >= 0) recent.splice(index, 1);
    recent.unshift(label);
  }
  recent.length = Math.min(recent.length, DIGITS);
}

// [{label, note}], at most as many as there are digits.
export function likeliest(classes, item, explanation) {
  const known = new Set(classes);
  const found = new Map();
  const add = (label, note) => {
    if (known.has(label) && !found.has(label) && found.size < DIGITS) found.set(label, note);
  };
  add(item.prediction.label, `predicted, ${percent(item.prediction.probability)}`);
  if (explanation?.runner_up) {
    add(explanation.runner_up.label, `second, ${percent(explanation.runner_up.probability)}`);
  }
  for (const near of explanation?.neighbours ?? []) {
    for (const label of near.labels) add(label, `neighbour, ${near.similarity.toFixed(2)}`);
  }
  if (classes.length > DIGITS) for (const label of recent) add(label, "used lately");
  for (const label of classes) add(label, "");
  return Array.from(found, ([label, note]) => ({ label, note }));
}

// What is searched: each class with its name as it is compared, and the words of that.
export function indexed(classes) {
  return classes.map((label) => {
    const name = fold(label);
    return { label, name, words: name.split(/[^\p{L}\p{N}]+/u) };
  });
}

// Classes that a typed text may mean: those that begin with it, those with a word that does, those
// that hold it. The first of them as [{label, note}], and how many there are.
export function matching(index, text) {
  const wanted = fold(text);
  const rank = ({ name, words }) => {
    if (name === wanted) return 0;
    if (name.startsWith(wanted)) return 1;
    if (words.some((word) => word.startsWith(wanted))) return 2;
    return name.includes(wanted) ? 3 : 4;
  };
  const found = index.map((each) => [rank(each), each.label]).filter(([place]) => place < 4);
  found.sort((one, two) => one[0] - two[0]);
  const first = found.slice(0, MATCHES).map(([, label]) => ({ label, note: "" }));
  return { first, total: found.length };
}

const fold = (text) => text.trim().toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
