// The list of files: most opened, with how the opens ended and how they went over time; and who opens.

import { query, read, records } from "../api.js";
import { card } from "../cards.js";
import { bars } from "../charts/bars.js";
import { spark } from "../charts/spark.js";
import { h } from "../dom.js";
import { bytes, daysBetween, moment, number, visible } from "../format.js";
import { change } from "../state.js";
import { fileAddress } from "./address.js";
import { common, hotlinks, overTime, readers, statuses } from "./parts.js";

const FILES = 100;
const COLUMNS = [
  ["opens", number, "How often it was opened; parts of one download are one open"], ["visitors", number, "Distinct visitors who opened it"],
  ["finished", number, "Opens for which all bytes were sent, where the log tells a size"], ["parts", number, "Requests for further parts of what was open"],
  ["revalidations", number, "Answers 304: a kept copy was looked at again"], ["errors", number, "Answers of 400 and above"], ["bytes", bytes, "Bytes sent"],
];

const asked = (context, limit) => ({ ...common(context), object: "", search: context.search, limit });

const most = () => card({
  title: "Most opened", span: 4, tall: 280, kind: "wide", name: "top_objects", values: (context) => asked(context, 8), empty: "Nothing was asked for in these days.",
  draw: (body, answer, context) => bars(body, records(answer).map((row) => ({
    name: row.object, amount: row.opens, share: bytes(row.bytes), href: fileAddress(row, context), hint: `${row.object}: ${number(row.visitors)} visitors, ${number(row.requests)} requests`,
  })), { of: "File", what: "Opens · sent" }),
});

/** Draw each file's opens a day into its cell, once they are known. */
async function sparks(cells, answer, context, signal) {
  const trend = await read(`/api/metrics/object_trend${query(asked(context, FILES))}`, { signal });
  const places = new Map([...cells.keys()].map((object) => [object, new Array(daysBetween(context.from, context.to) + 1).fill(0)]));
  for (const row of records(trend)) {
    const day = daysBetween(context.from, row.time.slice(0, 10));
    if (places.has(row.object) && day in places.get(row.object)) places.get(row.object)[day] += row.opens;
  }
  for (const [object, cell] of cells) cell.replaceChildren(spark(places.get(object)));
  if (!answer.sql.includes(trend.sql)) answer.sql = `${answer.sql}\n\n${trend.sql}`;
}

function drawFiles(body, answer, context) {
  const cells = new Map();
  const rows = records(answer).map((row) => {
    const trend = h("td", { class: "trend", title: `${context.from} to ${context.to}, a day at a time` });
    cells.set(row.object, trend);
    return h("tr", {}, h("td", { class: "file", title: visible(row.object) }, h("a", { href: fileAddress(row, context) }, visible(row.object))),
      COLUMNS.map(([name, written]) => h("td", { class: "number" }, row[name] === null ? "–" : written(row[name]))), trend);
  });
  body.append(h("div", { class: "table-wrap", tabindex: "0", role: "region", "aria-label": "Files" }, h("table", { class: "plain files" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "File"), COLUMNS.map(([name, , hint]) => h("th", { class: "number", scope: "col", title: hint }, name === "revalidations" ? "304" : name)), h("th", { scope: "col" }, "Trend"))),
    h("tbody", {}, rows))));
  const gone = new AbortController();
  sparks(cells, answer, context, gone.signal).catch((error) => {
    if (error.name !== "AbortError") for (const cell of cells.values()) cell.title = error.message;
  });
  return () => gone.abort();
}

function files() {
  const input = h("input", { type: "search", name: "search", "aria-label": "Part of a file's name", placeholder: "Part of a name", spellcheck: "false", autocomplete: "off" });
  const element = h("form", { class: "card-controls", role: "search", on: { submit: (event) => { event.preventDefault(); change({ search: input.value }); } } },
    input, h("button", { type: "submit" }, "Search"));
  const made = card({
    title: "Files", span: 12, tall: 440, kind: "wide", name: "object_outcomes", controls: { element }, values: (context) => asked(context, FILES),
    empty: "No file of such a name was asked for in these days.", draw: drawFiles,
  });
  return { ...made, fill: (text) => { if (document.activeElement !== input) input.value = text; } };
}

const scanners = () => card({
  title: "Who looks for holes", subtitle: "Visitors who within an hour asked for ten and more files that are not there", span: 4, tall: 280, kind: "third", name: "scanners",
  values: (context) => ({ from: context.from, to: context.to, app: context.app, bots: "true" }), empty: "Nobody asked for many files that are not there.",
  draw: (body, answer) => bars(body, records(answer).slice(0, 8).map((row) => ({
    name: `${row.ip ?? row.visitor} · ${moment(row.hour)}`, amount: row.missing, share: `${number(row.requests)} in all`, hint: `visitor ${row.visitor}`,
  })), { of: "Network · hour", what: "Missing files" }),
});

/** Make the cards: {all, prepare(context)}. */
export function listCards() {
  const table = files();
  return {
    all: [overTime(), most(), table, ...["country", "referrer_host", "device"].map(readers), hotlinks({ span: 4, tall: 280, kind: "third" }), scanners(), statuses()],
    prepare: (context) => { table.fill(context.search); },
  };
}
