// The cards of the overview, a row of this table each: which metric, how asked, how drawn.

import { query, read, records } from "./api.js";
import { card } from "./cards.js";
import { bars } from "./charts/bars.js";
import { funnel } from "./charts/funnel.js";
import { everyDay, everyHour, line } from "./charts/line.js";
import { map } from "./charts/map.js";
import { retention } from "./charts/retention.js";
import { h } from "./dom.js";
import { bytes, country, daysBetween, duration, number } from "./format.js";
import { fileAddress } from "./files/address.js";
import { change, state } from "./state.js";

const LADDERS = [
  ["page_view", "product_view", "add_to_cart", "checkout", "purchase"],
  ["page_view", "view_item", "add_to_cart", "begin_checkout", "purchase"],
];
const HOURS_UP_TO = 7;

const common = ({ from, to, app, bots }) => ({ from, to, app, bots });
const few = (more) => (context) => ({ ...common(context), ...more });
const interval = ({ from, to }) => (daysBetween(from, to) < HOURS_UP_TO ? "hour" : "day");
const periodOf = (context) => context.period || (daysBetween(context.from, context.to) >= 45 ? "week" : "day");
const total = (rows, column) => rows.reduce((sum, row) => sum + row[column], 0) || 1;

/** A list card's draw: which column names a row, which is counted, and how both are written. */
const listed = (name, amount, { of, what, written, named = (value) => value ?? "Unknown", share = true, hint, href }) => (body, answer, context) => {
  const rows = records(answer).sort((a, b) => b[amount] - a[amount]);
  const all = total(rows, amount);
  bars(body, rows.slice(0, 8).map((row) => ({
    name: String(named(row[name])), amount: row[amount], written: written?.(row),
    share: typeof share === "function" ? share(row) : share ? row[amount] / all : undefined, hint: hint?.(row), href: href?.(row, context),
  })), { of, what });
};

/** Steps that make sense for the events that there are: a known ladder, else the three most common. */
async function guessSteps(context) {
  const rows = records(await read(`/api/metrics/top_events${query({ ...common(context), limit: 100 })}`));
  const known = new Set(rows.map((row) => row.event));
  const best = LADDERS.map((ladder) => ladder.filter((step) => known.has(step))).sort((a, b) => b.length - a.length)[0];
  const plain = rows.map((row) => row.event).filter((event) => event && !event.includes(",") && event.trim() === event);
  return best.length > 1 ? best : plain.slice(0, 3);
}

function funnelCard() {
  const input = h("input", { name: "steps", "aria-label": "Steps, separated by commas", spellcheck: "false", autocomplete: "off" });
  const element = h("form", {
    class: "card-controls",
    on: { submit: (event) => { event.preventDefault(); change({ steps: input.value.split(",").map((step) => step.trim()).filter(Boolean).join(",") }); } },
  }, input, h("button", { type: "submit" }, "Show"));
  const made = card({
    title: "Funnel", span: 5, tall: 340, kind: "wide", name: "funnel", controls: { element },
    values: (context) => (context.guessed || context.steps ? { ...common(context), steps: context.steps || context.guessed, window: "1d" } : null),
    draw: (body, answer) => funnel(body, records(answer)),
  });
  const load = async (context, options = {}) => {
    let steps = context.steps;
    if (!steps) {
      try {
        steps = (await guessSteps(context)).join(",");
      } catch {
        steps = LADDERS[0].join(","); // the card itself then shows what is wrong
      }
    }
    if (state().steps !== context.steps) return;
    if (document.activeElement !== input) input.value = steps;
    await made.load({ ...context, guessed: steps }, options);
  };
  return { ...made, load };
}

function retentionCard() {
  const select = h("select", { "aria-label": "Length of a period", on: { change: () => change({ period: select.value }) } },
    h("option", { value: "day" }, "by day"), h("option", { value: "week" }, "by week"));
  return card({
    title: "Retention", subtitle: "Of those who came first on a day, how many came again", span: 7, tall: 340, kind: "wide", name: "retention",
    controls: { element: h("div", { class: "card-controls" }, select) },
    values: (context) => { select.value = periodOf(context); return { ...common(context), period: periodOf(context) }; },
    draw: (body, answer, context) => retention(body, records(answer), periodOf(context)),
  });
}

/** Make the cards: {elements, all, tail, prepare(context)}; the live card stands beside the first. */
export function cards(liveElement) {
  const daily = card({
    title: "Daily visitors", subtitle: "Distinct visitors of each day; those of the week and month behind it are in the table", span: 8, tall: 232, kind: "wide", name: "active_users", values: common,
    draw: (body, answer, context) => line(body, everyDay(records(answer), "day", context, ["dau", "wau", "mau"]), {
      x: "day", label: "Visitors per day", series: [{ name: "dau", label: "Day", fill: true }],
    }),
  });
  const overTime = card({
    title: "Events over time", span: 12, tall: 240, kind: "wide", name: "events_over_time",
    values: (context) => ({ ...common(context), interval: interval(context) }),
    draw: (body, answer, context) => {
      const hourly = interval(context) === "hour";
      const rows = (hourly ? everyHour : everyDay)(records(answer), "time", context, ["events", "visitors"]);
      return line(body, rows, { x: "time", hourly, label: "Events over time", series: [{ name: "events", label: "Events", fill: true }, { name: "visitors", label: "Visitors" }] });
    },
  });
  const world = card({
    title: "Where visitors are", span: 8, tall: 400, kind: "wide", name: "countries", values: common,
    draw: (body, answer) => map(body, records(answer)),
  });
  const rest = [
    card({ title: "Countries", span: 4, tall: 320, kind: "wide", name: "countries", values: common,
      draw: listed("country", "visitors", { of: "Country", what: "Visitors", named: country }) }),
    card({ title: "Top pages", span: 4, tall: 320, kind: "third", name: "top_pages", values: few({ limit: 8 }), empty: "No page views in these days.",
      draw: listed("path", "views", { of: "Page", what: "Views", share: false, hint: (row) => `${row.path}: ${number(row.visitors)} visitors` }) }),
    card({ title: "Top events", span: 4, tall: 320, kind: "third", name: "top_events", values: few({ limit: 8 }),
      draw: listed("event", "events", { of: "Event", what: "Times", share: false, hint: (row) => `${row.event}: ${number(row.visitors)} visitors` }) }),
    card({ title: "Devices", span: 4, tall: 320, kind: "third", name: "devices", values: common,
      draw: listed("device", "visitors", { of: "Device", what: "Visitors" }) }),
    card({ title: "Time spent by element", span: 4, tall: 320, kind: "third", name: "time_spent", values: few({ limit: 1000 }), empty: "No event of these days told a time_spent.",
      draw: listed("element", "total_seconds", { of: "Element", what: "In all · average", written: (row) => duration(row.total_seconds), share: (row) => duration(row.average_seconds), hint: (row) => `${row.element}: median ${duration(row.median_seconds)} of ${number(row.events)} events` }) }),
    card({ title: "Most opened files", span: 4, tall: 320, kind: "third", name: "top_objects", values: few({ limit: 8 }), empty: "Import an access log (footfall import combined access.log) and the files that people open appear here.",
      draw: listed("object", "opens", { of: "File", what: "Opens · sent", share: (row) => bytes(row.bytes), href: fileAddress, hint: (row) => `${row.object}: ${number(row.visitors)} visitors, ${number(row.requests)} requests` }) }),
    card({ title: "Answers to requests", span: 4, tall: 320, kind: "third", name: "status_codes", values: common, empty: "Status codes come from access logs.",
      draw: listed("status", "requests", { of: "Status", what: "Requests", share: (row) => row.share }) }),
  ];
  const all = [daily, overTime, funnelCard(), retentionCard(), world, ...rest];
  return {
    all,
    tail: overTime,
    elements: [liveElement, ...all.map((each) => each.element)],
    prepare: (context) => overTime.say(interval(context) === "hour" ? "By the hour, UTC" : "By the day, UTC"),
  };
}
