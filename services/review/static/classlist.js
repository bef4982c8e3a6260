// The list of classes with its search field: one is marked, some may be chosen as candidates.

import { indexed, matching } from "./choices.js";
import { at, fill, make, plural, say } from "./page.js";

const list = at("classes");
const search = at("search");

let classes = []; // of the pool, to be searched
let likely = []; // of the image: [{label, note}]
let rows = []; // shown now
let marked = 0;
let given = null; // labels of the answer that is there
let chosen = new Set();
let told = { answer() {}, changed() {} };

// `answer(labels)` when one label or several candidates are given; `changed()` when the choice is.
export function listen(listeners) {
  told = listeners;
}

export function ofPool(names) {
  classes = indexed(names);
}

export function ofImage(likeliest, labels) {
  likely = likeliest;
  given = labels;
  chosen = new Set(labels.length > 1 ? labels : []);
  search.value = "";
  narrow();
}

export const candidates = () => [...chosen];
export const markedLabel = () => rows[marked]?.label ?? null;
export const focus = () => list.focus({ preventScroll: true });
export const focusSearch = () => search.focus();

export function mark(index) {
  marked = Math.min(Math.max(index, 0), rows.length - 1);
  for (const [place, option] of Array.from(list.children).entries()) {
    option.classList.toggle("marked", place === marked);
  }
  const option = list.children[marked];
  for (const each of [list, search]) {
    if (option) each.setAttribute("aria-activedescendant", option.id);
    else each.removeAttribute("aria-activedescendant");
  }
  option?.scrollIntoView({ block: "nearest" });
  told.changed();
}

export const step = (by) => mark(marked + by);

export function toggle(label) {
  if (label === null) return;
  if (!chosen.delete(label)) chosen.add(label);
  draw();
  say(chosen.size ? `One of: ${candidates().join(", ")}` : "No candidates");
}

export function clearCandidates() {
  chosen.clear();
  draw();
}

// The class of a digit key, 0 to 9 for the keys 1 to 0; null when that row is not there.
export const byDigit = (index) => likely[index]?.label ?? null;

// Enter: the candidates when there are some, else the marked class.
export function send() {
  const labels = chosen.size ? candidates() : [markedLabel()];
  if (labels[0] !== null) told.answer(labels);
}

function narrow() {
  const text = search.value.trim();
  const found = text ? matching(classes, text) : { first: likely, total: classes.length };
  rows = found.first;
  const hidden = found.total - rows.length;
  const none = `No class matches “${text}”.`;
  at("matches").textContent = rows.length ? (hidden ? `${plural(hidden, "more class", "more classes")}: type to find them` : "") : none;
  marked = 0;
  draw();
  if (text) say(rows.length ? `${plural(found.total, "class", "classes")}, first ${rows[0].label}` : none);
}

function draw() {
  const digits = search.value.trim() === "";
  fill(list, ...rows.map((row, index) => option(row, index, digits)));
  mark(marked);
}

function option({ label, note }, index, digits) {
  const isChosen = chosen.has(label);
  const isGiven = given.includes(label);
  const key = digits && index < 10 ? String((index + 1) % 10) : "";
  const children = [
    make("kbd", { "aria-hidden": "true" }, key),
    make("span", { className: "name" }, label),
    make("span", { className: "note" }, isGiven ? "your answer" : note),
    make("span", { className: "tick", "aria-hidden": "true" }, isChosen ? "✓" : ""),
  ];
  const element = make("li", { id: `class-${index}`, role: "option" }, ...children);
  element.setAttribute("aria-selected", String(isChosen || isGiven));
  element.classList.toggle("chosen", isChosen);
  element.classList.toggle("given", isGiven);
  element.addEventListener("click", (event) => {
    mark(index);
    const several = event.shiftKey || event.ctrlKey || event.metaKey;
    if (several || at("several").getAttribute("aria-pressed") === "true") toggle(label);
    else told.answer([label]);
    focus();
  });
  return element;
}

search.addEventListener("input", narrow);
search.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  if (event.key === "ArrowDown") step(1);
  else if (event.key === "ArrowUp") step(-1);
  else if (event.key === "Escape") leaveSearch();
  else if (event.key === "Enter" && event.shiftKey) {
    toggle(markedLabel());
    leaveSearch();
  } else if (event.key === "Enter" && !event.repeat) {
    if (search.value.trim() && markedLabel() === null) return;
    if (search.value.trim() && chosen.size && !chosen.has(markedLabel())) chosen.add(markedLabel());
    focus();
    send();
  } else return;
  event.preventDefault();
  event.stopPropagation();
});

function leaveSearch() {
  search.value = "";
  narrow();
  focus();
}
