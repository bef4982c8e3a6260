// Before the work: signing in, and choosing what to label.

import { allPools, call, requestId, setToken } from "./api.js";
import { DURATION_S } from "./lease.js";
import { advice, clear, notify } from "./notice.js";
import { at, count, fill, last, make, plural, show } from "./page.js";
import * as work from "./work.js";

const NAME = "poolscore-annotator";

// The lease that was asked for last, until it is answered: asked for again, it is the same batch.
let pending = { key: "", id: "" };

// `signedIn()` once the service has taken a token.
export function bindSignIn(signedIn) {
  at("sign-in-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const field = at("token");
    setToken(field.value);
    try {
      await call("ListPools", { page_size: 1 });
    } catch (error) {
      if (error.status === 401) setToken("");
      at("token-problem").textContent = advice(error);
      field.setAttribute("aria-invalid", "true");
      field.focus();
      return;
    }
    field.value = "";
    field.removeAttribute("aria-invalid");
    at("token-problem").textContent = "";
    clear();
    await signedIn();
  });
}

export async function showStart() {
  const pools = await allPools();
  at("annotator").value = localStorage.getItem(NAME) ?? "";
  const ready = pools.filter((pool) => pool.active_ranking);
  fill(at("pools"), ...pools.map((pool) => poolChoice(pool, pool === ready[0])));
  at("begin").disabled = ready.length === 0;
  if (!pools.length) fill(at("pools"), make("p", {}, "There is no pool that you may see. Make one with “poolscore pool create”, or ask for a token for one."));
  show("start");
}

function poolChoice(pool, checked) {
  const id = last(pool.name);
  const { counts, budget } = pool;
  const facts = pool.active_ranking
    ? [plural(counts.embedded, "image"), `${count(counts.answered)} answered`, `${count(counts.leased)} leased now`]
    : ["nothing to label yet: its images have to be embedded first"];
  if (pool.active_ranking && Number(budget?.labels)) facts.push(`${plural(budget.left, "label")} left of the budget`);
  const input = make("input", { type: "radio", name: "pool", value: id, checked, disabled: !pool.active_ranking, required: true });
  const name = pool.display_name ? `${pool.display_name} (${id})` : id;
  return make("label", { className: "pool" }, input, make("span", {}, make("b", {}, name), make("span", { className: "soft small" }, facts.join(" · "))));
}

// `began()` when a batch is leased.
export function bindStart(began) {
  at("start-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const pool = new FormData(event.target).get("pool");
    const annotator = at("annotator").value.trim();
    if (!annotator) {
      at("annotator").focus();
      return;
    }
    localStorage.setItem(NAME, annotator);
    if (await lease(pool, annotator, Number(at("size").value))) began();
  });
}

// Leases a batch and begins to work on it; says why when there is none.
export async function lease(pool, annotator, size) {
  const key = JSON.stringify([pool, annotator, size]);
  if (pending.key !== key) pending = { key, id: requestId() };
  const fields = { parent: `pools/${pool}`, size, annotator, lease_duration: `${DURATION_S}s`, request_id: pending.id };
  try {
    const { batch } = await call("LeaseBatch", fields);
    pending.key = "";
    if (!batch.items.length) {
      const { pool: now } = await call("GetPool", { name: `pools/${pool}` });
      notify("warning", nothing(pool, now.counts));
      return false;
    }
    clear();
    work.begin({ pool, annotator, size, batch });
    return true;
  } catch (error) {
    if (!error.passes) pending.key = "";
    notify("error", advice(error));
    return false;
  }
}

function nothing(pool, counts) {
  if (Number(counts.answered) >= Number(counts.embedded)) return `Every image of pool ${pool} is labeled.`;
  return `Nothing can be leased from pool ${pool} now: of ${plural(counts.embedded, "image")} ${count(counts.answered)} are answered and ${count(counts.leased)} leased. More comes with the next ranking, or when leases end.`;
}
