// What is being labeled: a leased batch, the answers to it and what can be undone. Kept in
// sessionStorage, so that a reload loses nothing.

import * as outbox from "./outbox.js";

const KEY = "poolscore-work";

let work = JSON.parse(sessionStorage.getItem(KEY) ?? "null");

export const current = () => work;

export function begin({ pool, annotator, size, batch }) {
  work = { pool, annotator, size, batch, at: 0, answers: {}, undo: [] };
  keep();
}

export function end() {
  work = null;
  sessionStorage.removeItem(KEY);
}

export function renew(batch) {
  work.batch = { ...work.batch, ...batch };
  keep();
}

export const items = () => work.batch.items;
export const item = () => items()[work.at];
export const answerTo = (name) => work.answers[name] ?? null;

// Answered here, or by somebody else meanwhile.
export const isAnswered = (name) => name in work.answers || work.batch.answered_items.includes(name);
export const left = () => items().filter((each) => !isAnswered(each.name)).length;

export function moveTo(index) {
  work.at = Math.min(Math.max(index, 0), items().length - 1);
  keep();
}

// The next image without an answer, from the present one on and then from the start; false: none.
export function moveOn() {
  const all = items();
  for (let step = 1; step <= all.length; step += 1) {
    const index = (work.at + step) % all.length;
    if (!isAnswered(all[index].name)) {
      moveTo(index);
      return true;
    }
  }
  return false;
}

export function answer(name, given) {
  work.undo.push({ name, before: answerTo(name) });
  work.answers[name] = given;
  send(name, given);
}

// Takes the last answer back, or puts the one before it in force again; returns the item's name.
export function undo() {
  const step = work.undo.pop();
  if (!step) return null;
  if (step.before) work.answers[step.name] = step.before;
  else delete work.answers[step.name];
  work.batch.answered_items = work.batch.answered_items.filter((name) => name !== step.name);
  moveTo(items().findIndex((each) => each.name === step.name));
  send(step.name, step.before);
  return step.name;
}

export const canUndo = () => work !== null && work.undo.length > 0;

// The service did not take the last answer to an image: what was there before counts.
export function refused(name) {
  const step = work?.undo.findLast((each) => each.name === name);
  if (!step) return;
  work.undo.splice(work.undo.indexOf(step), 1);
  if (step.before) work.answers[name] = step.before;
  else delete work.answers[name];
  keep();
}

function send(name, given) {
  keep();
  const { pool, annotator, batch } = work;
  outbox.put({ pool, annotator, batch: batch.name, item: name, answer: given });
}

function keep() {
  sessionStorage.setItem(KEY, JSON.stringify(work));
}

export function said(given) {
  if (given.label !== undefined) return given.label;
  if (given.candidates) return given.candidates.labels.join(" or ");
  return "cannot tell";
}
