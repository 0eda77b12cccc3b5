// What the page shows, kept in its address, so that a view can be sent, and back and forward work.

const NAMES = ["from", "to", "app", "bots", "steps", "period", "object", "search", "offset"];
const listeners = new Set();

/** The state as the address says it; what is not said is "". */
export function state() {
  const given = new URLSearchParams(location.search);
  return Object.fromEntries(NAMES.map((name) => [name, given.get(name) ?? ""]));
}

/** Change some of it: a new entry in the history. */
export function change(values) {
  const next = { ...state(), ...values };
  const pairs = NAMES.filter((name) => next[name]).map((name) => [name, next[name]]);
  const address = `${location.pathname}${pairs.length ? `?${new URLSearchParams(pairs)}` : ""}`;
  if (address !== location.pathname + location.search) history.pushState(null, "", address);
  for (const listener of listeners) listener(state());
}

/** Call the listener after every change, the browser's back and forward included. */
export const watch = (listener) => listeners.add(listener);

addEventListener("popstate", () => { for (const listener of listeners) listener(state()); });
