// An estimate of each day with its interval, beside what was counted.

import { dayLong, dayShort, number, short } from "../format.js";
import { axisText, colour, mount, tip, tooltip } from "./echarts.js";

const WING = 4;

/** The bar from low to high, with a wing at either end. */
function bounds(_, api) {
  const place = api.value(0);
  const [x, bottom] = api.coord([place, api.value(1)]);
  const [, top] = api.coord([place, api.value(2)]);
  const style = { stroke: colour("--accent"), lineWidth: 1.5 };
  const stroke = (x1, y1, x2, y2) => ({ type: "line", shape: { x1, y1, x2, y2 }, style });
  return { type: "group", children: [stroke(x, bottom, x, top), stroke(x - WING, top, x + WING, top), stroke(x - WING, bottom, x + WING, bottom)] };
}

/**
 * estimate: {name, low, high, least, label}; counted: {name, label}. A day without an estimate has none drawn,
 * and says the least that is known, or, where that is null too, that nothing is.
 */
export function interval(body, rows, { x, estimate, counted, label }) {
  const whole = (value) => (value === null ? null : Math.round(value));
  const between = (row) => (whole(row[estimate.low]) === whole(row[estimate.high]) ? "" : ` (${number(whole(row[estimate.low]))} – ${number(whole(row[estimate.high]))})`);
  const told = (row) => {
    if (row[estimate.name] !== null) return `${number(whole(row[estimate.name]))}${between(row)}`;
    const least = estimate.least(row);
    return least === null ? "not known" : `${number(least)} or more`;
  };
  const known = rows.map((row, place) => [place, row]).filter(([, row]) => row[estimate.name] !== null);
  return mount(body, label, {
    grid: { left: 8, right: 12, top: 36, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    legend: { top: 0, left: 0, itemWidth: 14, itemHeight: 10, itemGap: 16, data: [estimate.label, counted.label], textStyle: { ...axisText(), color: colour("--ink-2") } },
    tooltip: {
      ...tooltip(),
      trigger: "axis",
      axisPointer: { lineStyle: { color: colour("--line-strong") } },
      formatter: ([first]) => {
        const row = rows[first.dataIndex];
        return tip(dayLong(String(row[x])), [[estimate.label, told(row)], [counted.label, number(row[counted.name])]]);
      },
    },
    xAxis: {
      type: "category", data: rows.map((row) => String(row[x])),
      axisLabel: { ...axisText(), formatter: dayShort, hideOverlap: true, margin: 12 }, axisTick: { show: false }, axisLine: { lineStyle: { color: colour("--line") } },
    },
    yAxis: { type: "value", scale: true, minInterval: 1, splitNumber: 4, axisLabel: { ...axisText(), formatter: short }, splitLine: { lineStyle: { color: colour("--line") } } },
    series: [
      { type: "custom", name: "95 %", renderItem: bounds, data: known.map(([place, row]) => [place, row[estimate.low], row[estimate.high]]), encode: { x: 0, y: [1, 2] }, silent: true, z: 3 },
      { type: "line", name: estimate.label, data: rows.map((row) => row[estimate.name]), symbol: "circle", symbolSize: 7, showSymbol: true, showAllSymbol: true, lineStyle: { width: 0 }, itemStyle: { color: colour("--accent") }, z: 4 },
      { type: "line", name: counted.label, data: rows.map((row) => row[counted.name]), symbol: "circle", symbolSize: 5, showSymbol: rows.length === 1, lineStyle: { width: 1.5, color: colour("--ink-3"), type: [3, 4] }, itemStyle: { color: colour("--ink-3") } },
    ],
  });
}
