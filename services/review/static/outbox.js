// Answers on their way: sent one after another in the order they were given, each with a request id
// of its own, so that a repeated one is applied once. What is not acknowledged stays in sessionStorage.

import { call, requestId } from "./api.js";

const KEY = "poolscore-outbox";
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15_000;

const entries = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
let sending = null; // the promise of it
let wait = FIRST_WAIT_MS;
let timer = 0;
let told = { changed() {}, sent() {}, refused() {}, failed() {} };

// `changed(unsent)`; `sent(entry)` once acknowledged; `refused(entry, why)` for what never will be;
// `failed(error)` when sending has to wait, for a while or for a person.
export function listen(listeners) {
  told = { ...told, ...listeners };
  told.changed(entries.length);
}

export const unsent = () => entries.length;

// `answer` is the contract's Answer, or null to take the answer back.
export function put(entry) {
  entries.push({ ...entry, request: requestId() });
  keep();
  flush();
}

// Resolves when nothing is left, or when it has to wait.
export function flush() {
  sending ??= send().finally(() => { sending = null; });
  return sending;
}

async function send() {
  clearTimeout(timer);
  try {
    while (entries.length) {
      const entry = entries[0];
      const refusal = await deliver(entry);
      entries.shift();
      wait = FIRST_WAIT_MS;
      keep();
      if (refusal) told.refused(entry, refusal);
      else told.sent(entry);
    }
  } catch (error) {
    told.failed(error);
    if (error.passes) {
      timer = setTimeout(flush, wait);
      wait = Math.min(2 * wait, LONGEST_WAIT_MS);
    }
  }
}

function keep() {
  sessionStorage.setItem(KEY, JSON.stringify(entries));
  told.changed(entries.length);
}

// Returns why the answer was refused for good, or null.
async function deliver({ pool, item, answer, annotator, batch, request }) {
  try {
    if (answer === null) {
      await call("RetractLabel", { item, annotator, request_id: request });
      return null;
    }
    const labels = [{ item, answer, annotator, batch }];
    const said = await call("SubmitLabels", { parent: `pools/${pool}`, labels, request_id: request });
    return said.results[0].event ? null : said.results[0].message;
  } catch (error) {
    // Taken back already, as when the answer itself was refused: that is what was wanted.
    if (error.reason === "NO_ANSWER") return null;
    if (error.status === 400 || error.status === 404 || error.status === 409) return error.message;
    throw error;
  }
}

addEventListener("online", flush);
