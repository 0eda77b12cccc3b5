// One or more figures over time, as lines or areas.

import { addDays, dayLong, dayShort, number, short, timeOfDay } from "../format.js";
import { axisText, colour, echarts, mount, tip, tooltip } from "./echarts.js";

const HOUR = 3_600_000;
const TOKENS = ["--accent", "--ink-3"];

/** Fill the days of the range that have no row with zeros. */
export function everyDay(records, column, { from, to }, names) {
  const found = new Map(records.map((record) => [String(record[column]).slice(0, 10), record]));
  const rows = [];
  for (let day = from; day <= to; day = addDays(day, 1)) {
    rows.push(found.get(day) ?? { [column]: day, ...Object.fromEntries(names.map((name) => [name, 0])) });
  }
  return rows;
}

/** Fill the hours of the range, up to now, that have no row with zeros. */
export function everyHour(records, column, { from, to }, names) {
  const found = new Map(records.map((record) => [new Date(record[column]).getTime(), record]));
  const end = Math.min(Date.parse(`${to}T23:00:00Z`), Date.now());
  const rows = [];
  for (let time = Date.parse(`${from}T00:00:00Z`); time <= end; time += HOUR) {
    rows.push(found.get(time) ?? { [column]: new Date(time).toISOString(), ...Object.fromEntries(names.map((name) => [name, 0])) });
  }
  return rows;
}

const gradient = (token, top) => new echarts.graphic.LinearGradient(0, 0, 0, 1, [
  { offset: 0, color: colour(token, top) }, { offset: 1, color: colour(token, 0.01) },
]);

const drawn = (each, place, data, dashed) => ({
  type: "line", name: each.label, data, smooth: 0.25, smoothMonotone: "x", symbol: "circle", symbolSize: 7, showSymbol: data.length === 1,
  lineStyle: { width: place ? 1.5 : 2.25, color: colour(TOKENS[place]), type: dashed ? [3, 4] : "solid", opacity: place ? 0.75 : 1 },
  itemStyle: { color: colour(TOKENS[place]), borderColor: colour("--surface"), borderWidth: 2 },
  areaStyle: each.fill ? { color: gradient(TOKENS[place], dashed ? 0.1 : 0.26) } : undefined,
});

/** The day or hour that is not over yet is dashed: its figure still grows. */
function parts(each, place, rows, unfinished) {
  const data = rows.map((row) => row[each.name]);
  if (!unfinished || data.length < 2) return [drawn(each, place, data, false)];
  const last = data.length - 1;
  return [
    drawn(each, place, data.map((value, at) => (at < last ? value : null)), false),
    { ...drawn(each, place, data.map((value, at) => (at < last - 1 ? null : value)), true), smooth: false },
  ];
}

/** series: [{name, label, fill}]; the first is in the accent colour. */
export function line(body, rows, { x, series, label, hourly = false }) {
  const now = new Date().toISOString();
  const unfinished = rows.length > 0 && String(rows.at(-1)[x]).slice(0, hourly ? 13 : 10) === now.slice(0, hourly ? 13 : 10);
  const title = (time) => (hourly ? `${dayShort(time.slice(0, 10))}, ${timeOfDay(time).slice(0, 5)} UTC` : dayLong(time.slice(0, 10)));
  const mark = (time) => (hourly ? (time.slice(11, 13) === "00" ? dayShort(time.slice(0, 10)) : time.slice(11, 16)) : dayShort(time.slice(0, 10)));
  const top = Math.max(...rows.flatMap((row) => series.map((each) => row[each.name] ?? 0)));
  return mount(body, label, {
    grid: { left: 8, right: 12, top: 12, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    tooltip: {
      ...tooltip(),
      trigger: "axis",
      axisPointer: { lineStyle: { color: colour("--line-strong") } },
      formatter: ([first]) => tip(title(String(rows[first.dataIndex][x])), series.map((each) => [each.label, number(rows[first.dataIndex][each.name])])),
    },
    xAxis: {
      type: "category", boundaryGap: rows.length === 1, data: rows.map((row) => String(row[x])),
      axisLabel: { ...axisText(), formatter: mark, hideOverlap: true, margin: 12 }, axisTick: { show: false }, axisLine: { lineStyle: { color: colour("--line") } },
    },
    yAxis: {
      type: "value", minInterval: 1, splitNumber: 4, max: top === 0 ? 1 : null,
      axisLabel: { ...axisText(), formatter: short }, splitLine: { lineStyle: { color: colour("--line") } },
    },
    series: series.flatMap((each, place) => parts(each, place, rows, unfinished)),
  });
}
