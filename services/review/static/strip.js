// The images of the batch in a row, or as a grid: which is which, and what was answered.

import * as pictures from "./pictures.js";
import { at, fill, make } from "./page.js";
import * as work from "./work.js";

const strip = at("strip");
const watcher = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) {
    if (!isIntersecting) continue;
    watcher.unobserve(target);
    pictures.put(target.firstElementChild, work.current().batch.name, target.dataset.name, "");
  }
}, { rootMargin: "200px" });

// `choose(index)` when one is clicked.
export function build(choose) {
  watcher.disconnect();
  fill(strip, ...work.items().map((item, index) => {
    const button = make("button", { type: "button", className: "thumb" }, make("span", { className: "small-frame" }), make("span", { className: "thumb-text", "aria-hidden": "true" }));
    button.dataset.name = item.name;
    button.addEventListener("click", () => choose(index));
    watcher.observe(button);
    return make("li", {}, button);
  }));
  update();
}

export function update() {
  const { at: present } = work.current();
  for (const [index, entry] of Array.from(strip.children).entries()) {
    const button = entry.firstElementChild;
    const item = work.items()[index];
    const given = work.answerTo(item.name);
    const already = !given && work.isAnswered(item.name);
    const state = given ? work.said(given) : already ? "answered already" : "";
    button.lastElementChild.textContent = state || String(index + 1);
    button.classList.toggle("is-answered", Boolean(state));
    button.setAttribute("aria-label", `Image ${index + 1}, predicted ${item.prediction.label}${state ? `, answered ${state}` : ""}`);
    button.tabIndex = index === present ? 0 : -1;
    if (index === present) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  reveal(strip.children[present]);
}

// Scrolls the strip and not the page.
function reveal(entry) {
  if (!entry || at("work").classList.contains("as-grid")) return;
  const middle = entry.offsetLeft - (strip.clientWidth - entry.clientWidth) / 2;
  strip.scrollTo({ left: middle });
}
