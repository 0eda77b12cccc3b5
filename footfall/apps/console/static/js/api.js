// The console's own API; nothing else is ever asked.

/** An error with the platform's own words; retryable as the platform says. */
export class ApiError extends Error {
  constructor(message, retryable, status) {
    super(message);
    this.retryable = retryable;
    this.status = status;
  }
}

/** The query part of an address, without what is empty. */
export function query(values) {
  const pairs = Object.entries(values).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
}

async function answer(path, options) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The platform does not answer. Is footfall up still running?", true, 0);
  }
  if (response.status === 401) {
    location.assign(`/signin?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  if (!response.ok) {
    const body = await response.json().catch(() => null);
    throw new ApiError(body?.error ?? `The console answered ${response.status}.`, body?.retryable ?? false, response.status);
  }
  return response;
}

/** GET JSON. staleSeconds: how far behind the last commit the answer may be (RFC 9111, max-stale). */
export async function read(path, { signal, staleSeconds = 5 } = {}) {
  const headers = { Accept: "application/json", "Cache-Control": `max-stale=${staleSeconds}` };
  return (await answer(path, { signal, headers, cache: "no-cache" })).json();
}

const post = (path, body, signal) => answer(path, {
  method: "POST", body: JSON.stringify(body), signal, headers: { "Content-Type": "application/json", Accept: "application/json" },
});

/** POST JSON, get JSON. */
export const send = async (path, body, signal) => (await post(path, body, signal)).json();

/** POST JSON, save what comes as a file. */
export async function save(path, body, name) {
  const blob = await (await post(path, body)).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** An answer's rows as objects by column. */
export const records = (answer) => answer.rows.map((row) => Object.fromEntries(answer.columns.map((column, place) => [column, row[place]])));
