// A small line without axes.

import { s } from "../dom.js";

export function spark(values) {
  if (values.length < 2) return s("svg", { class: "spark", "aria-hidden": "true" });
  const most = Math.max(...values, 0) || 1;
  const points = values.map((value, place) => `${((place / (values.length - 1)) * 100).toFixed(2)},${(31 - (value / most) * 29).toFixed(2)}`);
  return s("svg", { class: "spark", viewBox: "0 0 100 32", preserveAspectRatio: "none", "aria-hidden": "true" },
    s("path", { class: "fill", d: `M0,32L${points.join("L")}L100,32Z` }),
    s("path", { class: "stroke", d: `M${points.join("L")}` }));
}
