// Small helpers for what is on the page. All text goes in as text: nothing is ever parsed as HTML.

export const at = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export function fill(element, ...children) {
  element.replaceChildren(...children);
}

const VIEWS = ["sign-in", "start", "work", "done"];

export function show(view) {
  for (const each of VIEWS) at(each).hidden = each !== view;
  const title = at(`${view}-title`);
  document.title = `${title.textContent} · poolscore review`;
  at("batch-facts").hidden = view !== "work" && view !== "done";
  at("leave").hidden = view !== "work";
  at("open-curve").hidden = view !== "work";
  if (view !== "work") title.focus();
}

export const shown = (view) => !at(view).hidden;

// For those who hear the page.
export function say(text) {
  at("said").textContent = text;
}

export function percent(share) {
  if (share > 0 && share < 0.0005) return "<0.1%";
  if (share < 1 && share > 0.9995) return ">99.9%";
  return `${(100 * share).toFixed(share > 0.995 || share < 0.0995 ? 1 : 0)}%`;
}

export const count = (value) => Number(value).toLocaleString("en");
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${Number(number) === 1 ? one : many}`;
export const last = (name) => name.slice(name.lastIndexOf("/") + 1);

// The file of an address: parts of tars carry their own name.
export function fileName(uri) {
  const part = /[#&]name=([^&]*)/.exec(uri);
  const path = part ? part[1] : uri.replace(/[?#].*$/, "");
  try {
    return decodeURIComponent(last(path));
  } catch {
    return last(path);
  }
}
