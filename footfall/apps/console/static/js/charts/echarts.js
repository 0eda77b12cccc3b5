// ECharts as we use it: the page's colours, tooltips built as elements, resize, and clean removal.

import * as echarts from "../../vendor/echarts.esm.min.js";
import { h } from "../dom.js";

export { echarts };

const probe = document.createElement("span");
probe.hidden = true;
document.documentElement.append(probe);
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
canvas.canvas.width = canvas.canvas.height = 1;

/** A colour token (such as "--accent") as rgba in the theme of now. */
export function colour(name, alpha = 1) {
  probe.style.color = `var(${name})`;
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = getComputedStyle(probe).color;
  canvas.fillRect(0, 0, 1, 1);
  const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data;
  return `rgba(${red}, ${green}, ${blue}, ${alpha})`;
}

/** Two tokens mixed: share 0 is the first, 1 the second. */
export function mixed(first, second, share) {
  const parts = (name) => colour(name).match(/\d+/g).slice(0, 3).map(Number);
  const [a, b] = [parts(first), parts(second)];
  return `rgb(${a.map((value, place) => Math.round(value + (b[place] - value) * share)).join(", ")})`;
}

/** A tooltip's content. Elements, not HTML: what a sender wrote stays text. */
export const tip = (title, rows) =>
  h("div", { class: "tip" }, h("strong", {}, title), rows.map(([label, value]) => h("div", {}, h("span", {}, label), h("b", {}, value))));

export const tooltip = () => ({
  confine: true,
  backgroundColor: colour("--surface"),
  borderColor: colour("--line-strong"),
  borderWidth: 1,
  padding: [8, 12],
  transitionDuration: 0.1,
  extraCssText: "border-radius: 8px; box-shadow: var(--shadow-high)",
});

export const axisText = () => ({ color: colour("--ink-3"), fontSize: 12, fontFamily: getComputedStyle(document.body).fontFamily });

/** Draw into the body; returns what removes it again. */
export function mount(body, label, option) {
  const place = h("div", { class: "canvas", role: "img", "aria-label": label });
  body.append(place);
  const chart = echarts.init(place, null, { renderer: "canvas" });
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  chart.setOption({ animation: !calm, animationDuration: 350, ...option });
  const watcher = new ResizeObserver(() => chart.resize());
  watcher.observe(place);
  return () => {
    watcher.disconnect();
    chart.dispose();
  };
}
