// One file: its opens over time, who opened it, how it was answered, and every request for it.

import { query, records } from "../api.js";
import { card } from "../cards.js";
import { h } from "../dom.js";
import { bytes, country, moment, number, visible } from "../format.js";
import { change } from "../state.js";
import { common, hotlinks, overTime, readers, statuses } from "./parts.js";

const PAGE = 50;
const text = (value) => (value === null || value === "" ? h("span", { class: "faint" }, "–") : visible(value));

/** What is to be known of a request beside its answer. */
const labels = (row) => [
  row.bot_reason && h("span", { class: row.bot_reason.startsWith("scanner: ") ? "label bad" : "label" }, visible(row.bot_reason)),
  row.hotlink && h("span", { class: "label warn" }, `hot-link: ${visible(row.hotlink)}`),
];

function drawRequests(body, answer) {
  const rows = records(answer).map((row) => h("tr", {},
    h("td", {}, moment(row.time)), h("td", {}, text(row.method)), h("td", { class: "number" }, text(row.status)),
    h("td", { class: "number" }, row.bytes === null ? "–" : bytes(row.bytes)), h("td", {}, text(row.ip)), h("td", {}, row.country ? country(row.country) : text(null)),
    h("td", {}, text(row.device), " · ", text(row.browser)), h("td", { title: visible(row.referrer ?? "") }, text(row.referrer)), h("td", {}, labels(row))));
  const names = [["Time"], ["Method"], ["Status", "number"], ["Sent", "number"], ["Network"], ["Country"], ["With"], ["Page before"], ["Label"]];
  body.append(h("div", { class: "table-wrap flow", tabindex: "0", role: "region", "aria-label": "Requests" }, h("table", { class: "plain requests" },
    h("thead", {}, h("tr", {}, names.map(([name, kind]) => h("th", { class: kind, scope: "col" }, name)))), h("tbody", {}, rows))));
}

function requests() {
  const offset = (context) => (/^\d{1,9}$/.test(context.offset) ? Number(context.offset) : 0);
  let first = 0;
  const go = (step) => () => change({ offset: String(Math.max(0, first + step)) || "" });
  const newer = h("button", { type: "button", on: { click: go(-PAGE) } }, "Newer");
  const older = h("button", { type: "button", on: { click: go(PAGE) } }, "Older");
  const where = h("span", { class: "faint", role: "status" });
  const made = card({
    title: "Request by request", span: 12, tall: 200, kind: "wide", name: "log_requests", empty: "No (more) requests for this file in these days.",
    controls: { element: h("div", { class: "card-controls pager" }, newer, older, where) },
    values: (context) => ({ ...common(context), limit: PAGE, offset: offset(context) }), draw: drawRequests,
  });
  const load = async (context, options) => {
    first = offset(context);
    newer.disabled = first === 0;
    older.disabled = true;
    await made.load(context, options);
    const count = made.answer()?.rows.length ?? 0;
    older.disabled = count < PAGE;
    where.textContent = count ? `${number(first + 1)} to ${number(first + count)}, the newest first` : "";
  };
  return { ...made, load };
}

/** The whole of it as one file, beside the page's CSV. */
const wholeCsv = (context) => `/api/metrics/log_requests.csv${query({ ...common(context), limit: 10_000 })}`;

/** Make the cards: {all, prepare(context)}. */
export function fileCards() {
  const list = requests();
  const whole = h("a", { href: "#", download: "log_requests.csv" }, "CSV of the newest 10,000");
  list.element.querySelector(".pager").append(whole);
  return {
    all: [overTime(), statuses(), ...["country", "referrer_host", "browser"].map(readers), list, hotlinks({ span: 12, tall: 128, kind: "wide" })],
    prepare: (context) => { whole.href = wholeCsv(context); },
  };
}
