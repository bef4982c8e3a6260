// The lease of the batch: how long it lasts, and more of it while somebody works.

import { call, serverNow } from "./api.js";
import { notify } from "./notice.js";
import { at } from "./page.js";
import * as work from "./work.js";

export const DURATION_S = 1800;
const TICK_MS = 5000;
const WORKING_MS = 5 * 60_000;

let active = Date.now();
let extending = false;
let isTold = false; // that it has expired

export const begin = () => {
  isTold = false;
  worked();
};

// Somebody is there.
export function worked() {
  active = Date.now();
  tick();
}

const secondsLeft = () => (Date.parse(work.current().batch.expire_time) - serverNow()) / 1000;

async function tick() {
  if (!work.current() || at("work").hidden || work.left() === 0) {
    at("lease").textContent = "";
    return;
  }
  const seconds = secondsLeft();
  at("lease").textContent = seconds > 0 ? `Lease ${words(seconds)}` : "Lease expired";
  at("lease").classList.toggle("low", seconds < 120);
  if (seconds <= 0) expired();
  else if (seconds < DURATION_S / 2 && Date.now() - active < WORKING_MS) await extend();
}

const words = (seconds) => (seconds >= 90 ? `${Math.round(seconds / 60)} min` : `${Math.ceil(seconds)} s`);

async function extend() {
  if (extending) return;
  extending = true;
  try {
    const { batch } = await call("ExtendBatch", { name: work.current().batch.name, lease_duration: `${DURATION_S}s` });
    if (work.current()?.batch.name === batch.name) work.renew({ expire_time: batch.expire_time, state: batch.state });
    tick();
  } catch (error) {
    // Anything else is told where an answer meets it, or passes before the lease ends.
    if (error.reason === "BATCH_NOT_OPEN") expired();
  } finally {
    extending = false;
  }
}

function expired() {
  if (isTold || work.left() === 0) return;
  isTold = true;
  notify("warning", "The lease of this batch has ended, so others may be given its images. What you answer still counts; for images that are yours alone, lease the next batch.", ["Next batch", () => at("next-batch").click()]);
}

setInterval(tick, TICK_MS);
