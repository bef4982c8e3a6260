// What is known of the present image, and of the batch and its pool.

import { call } from "./api.js";
import { at, count, fileName, percent } from "./page.js";
import * as work from "./work.js";

const explanations = new Map(); // item -> explanation, or null where there is none

export const explanationOf = (name) => explanations.get(name) ?? null;

// Asks why an image stands where it stands, unless that is known. A service that is busy is not
// asked again: the page works without.
export async function explain(name) {
  if (explanations.has(name)) return;
  explanations.set(name, null);
  try {
    const { batch } = work.current();
    explanations.set(name, await call("ExplainItem", { name, ranking: batch.ranking }));
  } catch {
    return;
  }
  if (work.current() && work.item().name === name) showEvidence(name);
}

export function forget() {
  explanations.clear();
}

export function showItem(item) {
  const given = work.answerTo(item.name);
  const { prediction } = item;
  at("place").textContent = `Image ${work.current().at + 1} of ${work.items().length}`;
  at("file").textContent = fileName(item.uri);
  at("answered").textContent = given ? `Your answer: ${work.said(given)}` : work.isAnswered(item.name) ? "Answered already" : "";
  at("predicted").textContent = prediction.label;
  share("probability", prediction.probability);
  share("p-clean", prediction.p_clean);
  at("reason").textContent = item.reason;
  showEvidence(item.name);
}

function share(id, value) {
  at(id).textContent = percent(value);
  at(`${id}-bar`).style.width = `${100 * Math.min(Math.max(value, 0), 1)}%`;
}

function showEvidence(name) {
  const found = explanations.get(name);
  const near = (found?.neighbours ?? []).slice(0, 4).map((each) => `${each.labels.join(" or ")} (${each.similarity.toFixed(2)})`);
  const parts = [];
  if (found?.runner_up) parts.push(`Second: ${found.runner_up.label}, ${percent(found.runner_up.probability)}.`);
  if (near.length) parts.push(`Nearest labeled: ${near.join(", ")}.`);
  at("evidence").textContent = parts.join(" ");
}

export function showProgress(pool) {
  const all = work.items().length;
  const done = all - work.left();
  at("progress").max = all;
  at("progress").value = done;
  at("progress-text").textContent = `${done} of ${all} answered`;
  if (!pool) return;
  const { counts, budget } = pool;
  const parts = [`Pool: ${count(counts.answered)} of ${count(counts.embedded)}`];
  if (Number(budget?.labels)) parts.push(`budget left ${count(Number(budget.left) + Number(budget.reserved))}`);
  at("totals").textContent = parts.join(" · ");
}

export function summary() {
  const given = Object.values(work.current().answers);
  const single = work.items().filter((item) => work.answerTo(item.name)?.label !== undefined);
  const right = single.filter((item) => work.answerTo(item.name).label === item.prediction.label);
  const several = given.filter((each) => each.candidates).length;
  const parts = [`${count(single.length)} with one label`, `${count(several)} with candidates`, `${count(given.length - single.length - several)} that you could not tell`];
  const judged = single.length ? ` The prediction was right for ${count(right.length)} of the ${count(single.length)} labels.` : "";
  return `${count(given.length)} answers: ${parts.join(", ")}.${judged}`;
}
