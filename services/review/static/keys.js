// Keys while images are labeled. With "everywhere" off they work in the list of classes alone.

import { at, shown } from "./page.js";

const EVERYWHERE = "poolscore-keys-everywhere";

const box = at("keys-everywhere");
box.checked = localStorage.getItem(EVERYWHERE) !== "no";
box.addEventListener("change", () => localStorage.setItem(EVERYWHERE, box.checked ? "yes" : "no"));

// `actions` by name; see below.
export function bind(actions) {
  document.addEventListener("keydown", (event) => {
    const action = shown("work") ? meaning(event) : shown("done") ? afterwards(event) : null;
    if (!action || isElsewhere(event)) return;
    event.preventDefault();
    actions[action[0]](...action.slice(1));
  });
}

function isElsewhere({ target, key, ctrlKey, metaKey }) {
  if (document.querySelector("dialog[open]")) return true;
  if (target.closest("input, textarea, select")) return true;
  // Buttons are pressed with these.
  if (target.closest("button, a, summary") && (key === "Enter" || key === " ")) return true;
  return !box.checked && !(ctrlKey || metaKey) && target.id !== "classes";
}

function afterwards(event) {
  const [action] = meaning(event) ?? [];
  if (action === "undo") return ["undo"];
  return event.key.toLowerCase() === "n" && !event.repeat ? ["nextBatch"] : null;
}

function meaning(event) {
  const { key, code, shiftKey, repeat } = event;
  if (event.altKey || event.isComposing) return null;
  if (event.ctrlKey || event.metaKey) return key.toLowerCase() === "z" && !shiftKey && !repeat ? ["undo"] : null;
  const moves = { ArrowLeft: ["move", -1], ArrowRight: ["move", 1], ArrowUp: ["mark", -1], ArrowDown: ["mark", 1] };
  if (moves[key]) return moves[key];
  // A key that is held down must not answer one image after another.
  if (repeat) return null;
  if (key === "?") return ["cannotTell"];
  // By place on the keyboard: with Shift, and on some keyboards without, the key is not a digit.
  const digit = /^Digit(\d)$/.exec(code)?.[1] ?? /^\d$/.exec(key)?.[0];
  if (digit) return [shiftKey ? "toggleDigit" : "digit", (Number(digit) + 9) % 10];
  const others = { Enter: ["send"], " ": ["toggleMarked"], Escape: ["clear"], Home: ["move", -Infinity], End: ["move", Infinity], "/": ["search"], s: ["search"], u: ["undo"], g: ["layout"], h: ["help"] };
  return others[key.length === 1 ? key.toLowerCase() : key] ?? null;
}
