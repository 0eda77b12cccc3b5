// Who is here now: asked every two seconds while the page is in sight.

import { query, read, records } from "./api.js";
import { h } from "./dom.js";
import { number } from "./format.js";

const EVERY = 2_000;
const MINUTES = 30;

/** The live card: {element, start(app), ticked(listener)}; at every look the listener is told whether events came. */
export function live() {
  const pulse = h("span", { class: "pulse off", "aria-hidden": "true" });
  const count = h("b", {}, "–");
  const bars = h("div", { class: "minutes", role: "img", "aria-label": "Events in each of the last 30 minutes" });
  const rate = h("p", { class: "card-sub" }, "\u00a0");
  const columns = Array.from({ length: MINUTES }, () => h("i", { class: "none", vars: { "--v": 0 } }));
  bars.append(...columns);
  const element = h("section", { class: "card now wide", vars: { "--span": 4 }, "aria-label": "Visitors now", data: { card: "live" } },
    h("div", { class: "card-head" }, h("h2", {}, "Visitors now", pulse)),
    h("div", { class: "now-count" }, count, h("span", {}, "in the last 5 minutes")), rate, bars,
    h("div", { class: "minutes-axis", "aria-hidden": "true" }, h("span", {}, "30 min ago"), h("span", {}, "now")));

  let app = "";
  let timer = null;
  let seen = null;
  const listeners = new Set();

  function show(answer) {
    const rows = records(answer);
    const most = Math.max(...rows.map((row) => row.events), 1);
    const of = new Map(rows.map((row) => [row.minutes_ago, row]));
    count.textContent = number(rows[0]?.visitors_now ?? 0);
    rate.textContent = `${number(rows.reduce((sum, row) => sum + row.events, 0))} events in the last 30 minutes`;
    columns.forEach((column, place) => {
      const row = of.get(MINUTES - 1 - place);
      column.className = row ? "" : "none";
      column.style.setProperty("--v", (row?.events ?? 0) / most);
      column.title = `${MINUTES - 1 - place} min ago: ${number(row?.events ?? 0)} events, ${number(row?.visitors ?? 0)} visitors`;
    });
    pulse.className = `pulse ${rows[0]?.visitors_now ? "on" : "off"}`;
    const mark = `${answer.fresh_to} ${answer.rows_read}`;
    const changed = seen !== null && mark !== seen;
    seen = mark;
    for (const listener of listeners) listener(changed);
  }

  async function look() {
    clearTimeout(timer);
    if (!document.hidden) {
      try {
        show(await read(`/api/live${query({ app })}`, { staleSeconds: 1 }));
      } catch (error) {
        pulse.className = "pulse off";
        rate.textContent = error.message;
      }
    }
    timer = setTimeout(look, EVERY);
  }

  document.addEventListener("visibilitychange", () => { if (!document.hidden && timer) look(); });
  return { element, start: (name) => { app = name; seen = null; look(); }, ticked: (listener) => listeners.add(listener) };
}
