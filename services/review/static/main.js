// The page: which view is shown, and what happens between them.

import * as api from "./api.js";
import * as choices from "./choices.js";
import * as classlist from "./classlist.js";
import { drawCurve } from "./curve.js";
import * as facts from "./facts.js";
import * as keys from "./keys.js";
import * as lease from "./lease.js";
import { advice, clear, notify } from "./notice.js";
import * as outbox from "./outbox.js";
import { at, fill, make, plural, say, show, shown } from "./page.js";
import * as pictures from "./pictures.js";
import { bindSignIn, bindStart, lease as leaseBatch, showStart } from "./start.js";
import * as strip from "./strip.js";
import * as work from "./work.js";

const AHEAD = 3; // images that are fetched before they are shown
const EXPLAINED_MS = 800;
const POOL_MS = 1000;
const POLL_MS = 20_000;
const UNSENT_MS = 700; // sending takes a moment; longer is worth a word

let pool = null; // as the API has it, with its classes
let asksForToken = false;
let isAway = false; // a message says that answers cannot be sent
const likely = new Map(); // item -> classes, as they were when it was first shown

async function enter() {
  try {
    asksForToken = (await api.session()).asks_for_token;
    at("sign-out").hidden = !asksForToken || !api.hasToken();
    if (asksForToken && !api.hasToken()) show("sign-in");
    else if (work.current()) await resume();
    else await start();
  } catch (error) {
    failed(error, enter);
  }
}

async function start() {
  at("who").textContent = "";
  await showStart();
}

// A batch that a reload has interrupted.
async function resume() {
  await outbox.flush();
  try {
    const { batch } = await api.call("GetBatch", { name: work.current().batch.name });
    work.renew({ answered_items: batch.answered_items, state: batch.state, expire_time: batch.expire_time });
  } catch (error) {
    if (error.status !== 404) throw error;
    work.end();
    await start();
    return;
  }
  await open();
}

async function open() {
  const { pool: id, annotator } = work.current();
  pool = (await api.call("GetPool", { name: `pools/${id}` })).pool;
  at("who").textContent = `${pool.display_name || id} · ${annotator}`;
  pictures.forget();
  facts.forget();
  likely.clear();
  classlist.ofPool(pool.classes);
  strip.build((index) => {
    work.moveTo(index);
    showImage();
    classlist.focus();
  });
  const isOpen = !work.isAnswered(work.item().name) || work.moveOn();
  // What is likely is asked for ahead of all other images.
  await Promise.race([facts.explain(work.item().name), new Promise((done) => setTimeout(done, EXPLAINED_MS))]);
  show("work");
  lease.begin();
  showImage();
  if (isOpen) classlist.focus();
  else finish();
}

function showImage() {
  const item = work.item();
  const { batch, at: index } = work.current();
  const place = `Image ${index + 1} of ${work.items().length}`;
  pictures.put(at("frame"), batch.name, item.name, `${place}, predicted ${item.prediction.label}`);
  for (const next of work.items().slice(index, index + AHEAD)) {
    pictures.load(batch.name, next.name);
    facts.explain(next.name);
  }
  if (!likely.has(item.name)) {
    likely.set(item.name, choices.likeliest(pool.classes, item, facts.explanationOf(item.name)));
  }
  facts.showItem(item);
  classlist.ofImage(likely.get(item.name), labelsOf(work.answerTo(item.name)));
  strip.update();
  facts.showProgress(pool);
  at("previous").disabled = index === 0;
  at("next").disabled = index === work.items().length - 1;
  at("undo").disabled = !work.canUndo();
  say(`${place}. Predicted ${item.prediction.label}.`);
  lease.worked();
}

const labelsOf = (given) => (given?.label !== undefined ? [given.label] : (given?.candidates?.labels ?? []));

function answer(given) {
  work.answer(work.item().name, given);
  choices.used(labelsOf(given));
  at("several").setAttribute("aria-pressed", "false");
  if (work.moveOn()) showImage();
  else finish();
}

const answerWith = (labels) => answer(labels.length > 1 ? { candidates: { labels } } : { label: labels[0] });

function move(by) {
  work.moveTo(work.current().at + by);
  showImage();
}

function undo() {
  if (!work.undo()) return;
  if (!shown("work")) show("work");
  showImage();
  classlist.focus();
  say(`Answer taken back. ${at("place").textContent}.`);
}

function finish() {
  showImage();
  at("done-text").textContent = facts.summary();
  show("done");
  curveIn(at("done-curve"));
}

async function nextBatch() {
  const { pool: id, annotator, size } = work.current();
  if (work.left() > 0) await release();
  await outbox.flush();
  if (await leaseBatch(id, annotator, size)) await guarded(open);
}

async function release() {
  try {
    await api.call("ReleaseBatch", { name: work.current().batch.name });
  } catch {
    // Its lease ends by itself.
  }
}

async function leave() {
  if (work.current() && work.left() > 0) await release();
  work.end();
  clear();
  await guarded(start);
}

async function signOut() {
  if (work.current()) await release();
  work.end();
  api.setToken("");
  clear();
  at("sign-out").hidden = true;
  at("who").textContent = "";
  show("sign-in");
}

async function curveIn(element) {
  try {
    await drawCurve(element, work.current().pool);
  } catch (error) {
    fill(element, make("p", { className: "problem" }, advice(error)));
  }
}

let refreshing = 0;
function refreshPool() {
  refreshing ||= setTimeout(async () => {
    refreshing = 0;
    if (!work.current() || !pool) return;
    const before = pool.active_prompt_version;
    try {
      pool = (await api.call("GetPool", { name: pool.name })).pool;
    } catch {
      return; // sending an answer says what is wrong
    }
    if (!work.current()) return;
    facts.showProgress(pool);
    if (shown("done") && before !== pool.active_prompt_version) curveIn(at("done-curve"));
  }, POOL_MS);
}

// Says what went wrong; `again` tries once more where that can help.
function failed(error, again) {
  if (error.status === 401 || (error.status === 403 && api.hasToken())) {
    notify("error", advice(error), ["Sign in", () => show("sign-in")]);
  } else {
    notify("error", advice(error), error.passes ? ["Try again", () => { clear(); again(); }] : null);
  }
  if (!(error instanceof api.ApiError)) console.error(error);
}

async function guarded(step) {
  try {
    await step();
  } catch (error) {
    failed(error, () => guarded(step));
  }
}

let unsentTimer = 0;
function showUnsent(number) {
  clearTimeout(unsentTimer);
  const element = at("unsent");
  element.dataset.count = number;
  element.textContent = number ? `${plural(number, "answer")} not sent yet` : "";
  if (number === 0) element.hidden = true;
  else if (element.hidden) unsentTimer = setTimeout(() => { element.hidden = outbox.unsent() === 0; }, UNSENT_MS);
}

outbox.listen({
  changed: showUnsent,
  sent() {
    if (isAway) clear();
    isAway = false;
    refreshPool();
  },
  refused({ item, answer: given }, why) {
    if (given !== null) work.refused(item);
    const place = work.current() ? work.items().findIndex((each) => each.name === item) + 1 : 0;
    notify("error", `The answer to image ${place || item} was not taken: ${why}`);
    if (shown("work")) showImage();
  },
  failed(error) {
    isAway = true;
    failed(error, outbox.flush);
  },
});

classlist.listen({
  answer: answerWith,
  changed() {
    const several = classlist.candidates();
    const label = several[0] ?? classlist.markedLabel();
    const text = several.length > 1 ? `Send ${several.length} candidates` : `Answer “${label}”`;
    fill(at("send"), text, " ", make("kbd", {}, "Enter"));
    at("send").disabled = label === null;
  },
});

const actions = {
  send: classlist.send,
  digit: (index) => classlist.byDigit(index) !== null && answerWith([classlist.byDigit(index)]),
  toggleDigit: (index) => classlist.toggle(classlist.byDigit(index)),
  toggleMarked: () => classlist.toggle(classlist.markedLabel()),
  clear: classlist.clearCandidates,
  cannotTell: () => answer({ abstain: {} }),
  mark: classlist.step,
  search: classlist.focusSearch,
  move,
  undo,
  layout() {
    const isGrid = at("work").classList.toggle("as-grid");
    at("layout").setAttribute("aria-pressed", String(isGrid));
    strip.update();
  },
  help: () => at("help").showModal(),
  nextBatch,
};

function onClick(id, act, backToClasses = false) {
  at(id).addEventListener("click", () => {
    act();
    if (backToClasses && shown("work")) classlist.focus();
  });
}

onClick("send", actions.send, true);
onClick("cannot-tell", actions.cannotTell, true);
onClick("undo", undo);
onClick("layout", actions.layout, true);
onClick("previous", () => move(-1));
onClick("next", () => move(1));
onClick("several", () => at("several").setAttribute("aria-pressed", String(at("several").getAttribute("aria-pressed") !== "true")));
onClick("open-help", actions.help);
onClick("open-curve", () => { at("curve").showModal(); curveIn(at("curve-here")); });
onClick("leave", leave);
onClick("sign-out", signOut);
onClick("next-batch", nextBatch);
onClick("other-pool", leave);
onClick("look-again", () => { show("work"); work.moveTo(0); showImage(); classlist.focus(); });
keys.bind(actions);
bindSignIn(async () => {
  isAway = false;
  outbox.flush();
  await enter();
});
bindStart(() => guarded(open));
addEventListener("beforeunload", (event) => {
  if (outbox.unsent()) event.preventDefault();
});
setInterval(() => document.visibilityState === "visible" && refreshPool(), POLL_MS);
enter();
