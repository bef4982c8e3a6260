// Pictures of the batch as blobs: fetched with the token, once, and let go when there are many.

import { picture } from "./api.js";
import { advice } from "./notice.js";
import { fill, make } from "./page.js";

const MOST = 300; // of at most 96 KB each
const WHY = {
  UNREADABLE: "Its file cannot be read: it may have been moved or deleted.",
  NOT_ALLOWED: "It lies outside of the folders that this page may read.",
  SERVER_UNREACHABLE: "The poolscore service does not answer.",
  PAGE_SERVER_AWAY: "The server of this page does not answer.",
};
const MOST_ENLARGED = 3;
const urls = new Map(); // item -> promise of a blob URL, or of why there is none

export function forget() {
  for (const each of urls.values()) each.then((found) => found.url && URL.revokeObjectURL(found.url));
  urls.clear();
}

// Resolves to {url} or {error}; a failure that may pass is not remembered.
export function load(batch, item) {
  let found = urls.get(item);
  if (found) return found;
  found = picture(batch, item).then(
    (blob) => ({ url: URL.createObjectURL(blob) }),
    (error) => {
      if (error.status !== 422) urls.delete(item);
      return { error };
    },
  );
  urls.set(item, found);
  if (urls.size > MOST) {
    const [oldest, promise] = urls.entries().next().value;
    urls.delete(oldest);
    promise.then((gone) => gone.url && URL.revokeObjectURL(gone.url));
  }
  return found;
}

// A small picture is not blown up beyond recognition.
function limit(image) {
  image.style.maxWidth = `${MOST_ENLARGED * image.naturalWidth}px`;
  image.style.maxHeight = `${MOST_ENLARGED * image.naturalHeight}px`;
}

// Puts the picture, or a placeholder that says why there is none, into an element; not when the
// element has been given another item meanwhile.
export async function put(element, batch, item, alt) {
  element.dataset.item = item;
  element.classList.add("loading");
  const found = await load(batch, item);
  if (element.dataset.item !== item) return;
  element.classList.remove("loading");
  if (found.url) {
    const image = make("img", { src: found.url, alt, draggable: false });
    image.addEventListener("load", () => limit(image));
    fill(element, image);
    return;
  }
  const why = WHY[found.error.reason] ?? advice(found.error);
  const text = alt ? [make("b", {}, "No picture"), make("span", {}, why)] : ["no picture"];
  fill(element, make("p", { className: "missing" }, ...text));
}
