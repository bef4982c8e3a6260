// One message at a time: what happened, and what to do.

import { at, fill, make } from "./page.js";

const KEPT = "Your answers are kept in this tab and sent when it is back.";

const ADVICE = {
  PAGE_SERVER_AWAY: `The server of this page does not answer. Look at your network, or whether “poolscore review” still runs. ${KEPT}`,
  SERVER_UNREACHABLE: `The poolscore service does not answer; whoever runs it has to start it. ${KEPT}`,
  SERVER_STARTING: `The poolscore service is starting. ${KEPT}`,
  TIMED_OUT: `The poolscore service did not answer in time. ${KEPT}`,
  TOKEN_MISSING: "You are not signed in. Sign in to go on; your answers are kept.",
  TOKEN_INVALID: "The service does not accept this token: it is misspelled, has expired or was revoked. Sign in with another one; your answers are kept.",
  ROLE_TOO_LOW: "This token may look but not label. Ask whoever gave it to you for one with the role “annotator”.",
  POOL_NOT_ALLOWED: "This token is not for this pool. Choose another pool, or ask for a token for it.",
  BUDGET_SPENT: "The budget of this pool is spent: no more images can be leased until its operator raises it.",
  NO_RANKING: "This pool has no ranking yet: its images have to be embedded first (poolscore embed).",
};

export const advice = (error) => ADVICE[error.reason] ?? `${error.message} (${error.reason ?? error.name})`;

// `action` is [label, function].
export function notify(kind, text, action = null) {
  const children = [make("p", {}, text)];
  if (action) {
    const button = make("button", { type: "button" }, action[0]);
    button.addEventListener("click", action[1]);
    children.push(button);
  }
  const close = make("button", { type: "button", className: "close", "aria-label": "Dismiss this message" }, "×");
  close.addEventListener("click", clear);
  at("notice").className = `notice ${kind}`;
  fill(at("notice"), ...children, close);
}

export function clear() {
  at("notice").className = "notice";
  fill(at("notice"));
}
