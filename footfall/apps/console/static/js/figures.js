// The key figures: each for these days, against the same number of days before, with its line.

import { query, read, records } from "./api.js";
import { h } from "./dom.js";
import { addDays, daysBetween, duration, figure, number, percent } from "./format.js";
import { everyDay } from "./charts/line.js";
import { spark } from "./charts/spark.js";

const weighted = (rows, column, weight) => {
  const total = rows.reduce((sum, row) => sum + row[weight], 0);
  return total ? rows.reduce((sum, row) => sum + row[column] * row[weight], 0) / total : null;
};
const sum = (rows, column) => rows.reduce((total, row) => total + row[column], 0);

/** label, value of the answers, how it is written, whether more is better (0: neither), its line. */
const FIGURES = [
  ["Visitors", (found) => found.totals.visitors, figure, 1, (found) => found.daily.map((row) => row.visitors)],
  ["Events", (found) => found.totals.events, figure, 1, (found) => found.events.map((row) => row.events)],
  ["Sessions", (found) => sum(found.sessions, "sessions"), figure, 1, (found) => found.sessions.map((row) => row.sessions)],
  ["Average session", (found) => weighted(found.sessions, "average_seconds", "sessions"), duration, 1, (found) => found.sessions.map((row) => row.average_seconds)],
  ["Bounce rate", (found) => weighted(found.sessions, "bounce_rate", "sessions"), percent, -1, (found) => found.sessions.map((row) => row.bounce_rate)],
  ["Average age", (found) => found.age, (value) => (value === null ? "–" : value.toFixed(1)), 0, () => []],
];

async function ask({ from, to, app, bots }, options) {
  const values = query({ from, to, app, bots });
  const metric = (name, more = {}) => read(`/api/metrics/${name}${query({ from, to, app, bots, ...more })}`, options).then(records);
  const [totals, sessions, age, daily, events] = await Promise.all([
    read(`/api/totals${values}`, options).then(records), metric("sessions"), metric("average_age"), metric("daily_active_users"), metric("events_over_time", { interval: "day" }),
  ]);
  const days = { from, to };
  return {
    totals: totals[0], age: age[0]?.average_age ?? null,
    sessions: everyDay(sessions, "day", days, ["sessions", "visitors", "average_seconds", "events_per_session", "bounce_rate"]),
    daily: everyDay(daily, "day", days, ["visitors"]),
    events: everyDay(events, "time", days, ["events", "visitors"]),
  };
}

function changed(now, before, better) {
  if (!before || now === null) return h("span", { class: "change" }, "no days before");
  const share = (now - before) / before;
  const flat = Math.abs(share) < 0.0005;
  const kind = flat || !better ? "even" : share * better > 0 ? "up" : "down";
  const arrow = flat ? "=" : share > 0 ? "↑" : "↓";
  return h("span", { class: "change" }, h("b", { class: kind }, `${arrow} ${share > 9.99 ? number(share) + "×" : percent(Math.abs(share))}`), "vs before");
}

/** The card of key figures: {element, load(context)}. */
export function figures() {
  const list = h("dl", { class: "card figures", "aria-label": "Key figures", data: { card: "figures" } });
  const skeleton = () => FIGURES.map(([label]) => h("div", { class: "figure" }, h("dt", {}, label), h("dd", {}, h("span", { class: "value faint" }, "…"), h("span", { class: "change" }, "\u00a0"), spark([]))));
  list.append(...skeleton());
  let asking = null;

  async function load(context, { quiet = false } = {}) {
    if (quiet && asking) return;
    asking?.abort();
    const mine = new AbortController();
    asking = mine;
    const length = daysBetween(context.from, context.to) + 1;
    const earlier = { ...context, from: addDays(context.from, -length), to: addDays(context.from, -1) };
    const options = { signal: mine.signal };
    try {
      const [now, before] = await Promise.all([ask(context, options), ask(earlier, options)]);
      list.replaceChildren(...FIGURES.map(([label, value, written, better, drawn]) => h("div", { class: "figure" },
        h("dt", {}, label),
        h("dd", {}, h("span", { class: "value" }, written(value(now))), changed(value(now), value(before), better), spark(drawn(now))))));
    } catch (error) {
      if (error.name === "AbortError" || quiet) return;
      list.replaceChildren(h("div", { class: "figure", role: "alert" }, h("dt", {}, "The key figures could not be answered"), h("dd", {}, error.message)));
    } finally {
      if (asking === mine) asking = null;
    }
  }

  return { element: list, load };
}
