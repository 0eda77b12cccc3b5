// Cohorts against the periods since: who came back, as a share of the cohort.

import { h } from "../dom.js";
import { asDate, dayShort, dayYear, number, percent, today } from "../format.js";

const COHORTS = 14;
const PERIODS = 14;

function cohortsOf(records) {
  const cohorts = new Map();
  for (const { cohort, period, visitors } of records) {
    if (!cohorts.has(cohort)) cohorts.set(cohort, new Map());
    cohorts.get(cohort).set(period, visitors);
  }
  return [...cohorts].sort(([a], [b]) => (a < b ? -1 : 1)).slice(-COHORTS);
}

function cell(share, title) {
  if (share === null) return h("td", { class: "later" });
  return h("td", { class: share > 0.5 ? "strong" : null, vars: { "--v": Math.min(1, share * 0.95 + (share > 0 ? 0.04 : 0)) }, title }, share === 0 ? "0%" : percent(share, share < 0.1 ? 1 : 0));
}

export function retention(body, records, period) {
  const cohorts = cohortsOf(records);
  const step = (period === "week" ? 7 : 1) * 86_400_000;
  const age = (cohort) => Math.floor((asDate(today()) - asDate(cohort)) / step);
  const last = Math.min(PERIODS - 1, Math.max(...records.map((record) => record.period), 1));
  const periods = Array.from({ length: last + 1 }, (_, place) => place);
  const name = period === "week" ? "Week" : "Day";

  const mean = periods.map((at) => {
    const old = cohorts.filter(([cohort]) => age(cohort) >= at);
    const size = old.reduce((sum, [, found]) => sum + (found.get(0) ?? 0), 0);
    return size ? old.reduce((sum, [, found]) => sum + (found.get(at) ?? 0), 0) / size : null;
  });
  const rows = cohorts.map(([cohort, found]) => {
    const size = found.get(0) ?? 0;
    return h("tr", {},
      h("th", { scope: "row", title: dayYear(cohort) }, dayShort(cohort)),
      h("td", { class: "size" }, number(size)),
      periods.map((at) => cell(at <= age(cohort) && size ? (found.get(at) ?? 0) / size : null, `${number(found.get(at) ?? 0)} of ${number(size)} visitors`)));
  });
  body.append(h("div", { class: "table-wrap still", tabindex: "0", role: "region", "aria-label": "Retention" },
    h("table", { class: "retention" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "First seen"), h("th", { scope: "col" }, "Visitors"), periods.map((at) => h("th", { scope: "col" }, `${name} ${at}`)))),
      h("tbody", {},
        h("tr", { class: "mean" }, h("th", { scope: "row" }, "All"), h("td", { class: "size" }, number(cohorts.reduce((sum, [, found]) => sum + (found.get(0) ?? 0), 0))), mean.map((share) => cell(share, "Mean, weighted by the cohorts' sizes"))),
        rows))));
}
