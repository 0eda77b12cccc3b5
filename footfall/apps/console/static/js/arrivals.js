// Events of the chosen tracker as they arrive, while the page is in sight.

import { records, send } from "./api.js";
import { h } from "./dom.js";
import { timeOfDay } from "./format.js";

const EVERY = 2_000;
const MOST = 8;
const OWN = { web: ["native", "web"], native: ["native", "pixel"] };

const literal = (text) => `'${text.replaceAll("'", "''")}'`;
const question = (since, origins) =>
  `SELECT received_at, event, app_id, path FROM events WHERE received_at >= TIMESTAMP '${since}' AND origin IN (${origins.map(literal).join(", ")}) ORDER BY received_at DESC LIMIT ${MOST}`;

/** The card of arrivals: {element, restart() when the choice has changed}. */
export function arrivals(chosen) {
  const title = h("h2", {}, "Or start your tracker");
  const pulse = h("span", { class: "pulse off", "aria-hidden": "true" });
  title.append(pulse);
  const body = h("div", { "aria-live": "polite" });
  const element = h("section", { class: "card", id: "arrivals", "aria-label": "Arrivals" }, h("div", { class: "section-head" }, title), body);
  let since = "";
  let timer = null;

  function show(rows) {
    pulse.className = `pulse ${rows.length ? "on" : "off"}`;
    body.replaceChildren(rows.length === 0
      ? h("p", { class: "faint" }, `Listening: what ${chosen.way.title} sends from now on is shown here.`)
      : h("div", { class: "table-wrap still" }, h("table", { class: "plain" },
        h("thead", {}, h("tr", {}, ["Arrived", "Event", "App", "Page"].map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, rows.map((row) => h("tr", {}, h("td", {}, timeOfDay(row.received_at)), h("td", { title: row.event }, row.event), h("td", {}, row.app_id), h("td", { title: row.path }, row.path ?? "–")))))));
  }

  async function look() {
    clearTimeout(timer);
    const asked = since;
    if (!document.hidden) {
      try {
        const answer = await send("/api/sql", { sql: question(since, OWN[chosen.way.name] ?? [chosen.way.name]) });
        if (asked !== since) return;
        show(records(answer));
      } catch (error) {
        pulse.className = "pulse off";
        body.replaceChildren(h("p", { class: "faint" }, error.message));
      }
    }
    timer = setTimeout(look, EVERY);
  }

  return {
    element,
    restart: () => {
      since = new Date().toISOString().replace("T", " ").slice(0, 23);
      show([]);
      look();
    },
  };
}
