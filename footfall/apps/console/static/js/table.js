// An answer as a table.

import { h } from "./dom.js";
import { moment, number, visible } from "./format.js";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;
const MOST = 2_000;

function written(value) {
  if (value === null || value === undefined) return h("span", { class: "faint" }, "–");
  if (typeof value === "number") return number(value);
  if (typeof value === "object") return visible(JSON.stringify(value));
  return typeof value === "string" && TIME.test(value) ? moment(value) : visible(value);
}

/** A table of the rows (at most 2,000; the CSV has them all). */
export function table(answer, { flow = false } = {}) {
  const numeric = answer.columns.map((_, place) => answer.rows.some((row) => typeof row[place] === "number"));
  const of = (place) => (numeric[place] ? "number" : null);
  const rows = answer.rows.slice(0, MOST).map((row) =>
    h("tr", {}, row.map((value, place) => h("td", { class: of(place), title: typeof value === "string" ? visible(value) : null }, written(value)))));
  const left = answer.rows.length - MOST;
  return h("div", { class: flow ? "table-wrap flow" : "table-wrap", tabindex: "0", role: "region", "aria-label": "Table" },
    h("table", { class: "plain" },
      h("thead", {}, h("tr", {}, answer.columns.map((name, place) => h("th", { class: of(place), scope: "col" }, name.replaceAll("_", " "))))),
      h("tbody", {}, rows)),
    left > 0 && h("p", { class: "faint" }, `${number(left)} more rows are in the CSV.`));
}
