// Bars of each day, parts one above the other.

import { dayLong, dayShort, number, short } from "../format.js";
import { axisText, colour, mount, tip, tooltip } from "./echarts.js";

/** series: [{name, label, token}], the lowest first. */
export function stack(body, rows, { x, series, label }) {
  return mount(body, label, {
    grid: { left: 8, right: 12, top: 36, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    legend: { top: 0, left: 0, icon: "roundRect", itemWidth: 10, itemHeight: 10, itemGap: 16, textStyle: { ...axisText(), color: colour("--ink-2") } },
    tooltip: {
      ...tooltip(),
      trigger: "axis",
      axisPointer: { type: "shadow", shadowStyle: { color: colour("--line", 0.4) } },
      formatter: ([first]) => tip(dayLong(String(rows[first.dataIndex][x])), [...series].reverse().map((each) => [each.label, number(rows[first.dataIndex][each.name])])),
    },
    xAxis: {
      type: "category", data: rows.map((row) => String(row[x])),
      axisLabel: { ...axisText(), formatter: dayShort, hideOverlap: true, margin: 12 }, axisTick: { show: false }, axisLine: { lineStyle: { color: colour("--line") } },
    },
    yAxis: { type: "value", minInterval: 1, splitNumber: 4, axisLabel: { ...axisText(), formatter: short }, splitLine: { lineStyle: { color: colour("--line") } } },
    series: series.map((each) => ({
      type: "bar", stack: "all", name: each.label, data: rows.map((row) => row[each.name]), barMaxWidth: 36, barCategoryGap: "28%",
      itemStyle: { color: colour(each.token) }, emphasis: { disabled: true },
    })),
  });
}
