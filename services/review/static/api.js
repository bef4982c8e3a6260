// Calls of the poolscore API, in its own JSON, with the token that was typed.
// The token lies in sessionStorage: it is this tab's and this origin's alone, and is never sent by
// itself, so that no other site can have it sent.

const TOKEN = "poolscore-token";
const TIMEOUT_MS = 40_000;

export class ApiError extends Error {
  constructor(status, reason, message) {
    super(message);
    this.status = status;
    this.reason = reason;
  }

  // Whether the same request may succeed later without anybody doing anything else.
  get passes() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

let token = sessionStorage.getItem(TOKEN) ?? "";
let ahead = 0; // milliseconds by which the server's clock is ahead of this one

export const hasToken = () => token !== "";
export const serverNow = () => Date.now() + ahead;
export const requestId = () => {
  // Not crypto.randomUUID: pages without https lack it.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
};

export function setToken(text) {
  token = text.trim();
  if (token) sessionStorage.setItem(TOKEN, token);
  else sessionStorage.removeItem(TOKEN);
}

export async function session() {
  return (await send("session")).json();
}

export async function call(method, fields = {}) {
  const response = await send(`call/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(fields),
  });
  return response.json();
}

export async function picture(batch, item) {
  const response = await send(`picture?${new URLSearchParams({ batch, item })}`);
  return response.blob();
}

export async function allPools() {
  const pools = [];
  let page = "";
  do {
    const answer = await call("ListPools", { page_size: 1000, page_token: page });
    pools.push(...answer.pools);
    page = answer.next_page_token;
  } while (page);
  return pools;
}

async function send(path, options = {}) {
  const headers = { ...options.headers };
  // What a header cannot hold is no token; the server says so.
  if (token) headers.authorization = `Bearer ${token.replace(/[^\x21-\x7e]/g, "_")}`;
  let response;
  try {
    response = await fetch(path, { ...options, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch {
    throw new ApiError(0, "PAGE_SERVER_AWAY", "the server of this page does not answer");
  }
  const date = Date.parse(response.headers.get("date") ?? "");
  if (!Number.isNaN(date)) ahead = date - Date.now();
  if (response.ok) return response;
  const said = await response.json().catch(() => ({}));
  const { reason = "UNKNOWN", message = `the server answered ${response.status}` } = said;
  throw new ApiError(response.status, reason, message);
}
