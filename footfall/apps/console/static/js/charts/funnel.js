// Steps in order, how many took each, and how many went on.

import { h } from "../dom.js";
import { number, percent } from "../format.js";

export function funnel(body, steps) {
  body.append(h("ol", { class: "funnel" }, steps.map((step, place) => {
    const next = steps[place + 1];
    return h("li", {},
      h("div", { class: "step" },
        h("span", { class: "place" }, step.step),
        h("span", { class: "name", title: step.event }, step.event.replaceAll("_", " ")),
        h("span", { class: "amount number" }, h("b", {}, number(step.visitors)), h("span", {}, percent(step.from_first))),
        h("div", { class: "track", "aria-hidden": "true" }, h("i", { vars: { "--v": step.from_first } }))),
      h("p", { class: "went" }, next && [h("b", {}, percent(next.from_previous)), ` went on · ${number(step.visitors - next.visitors)} stopped here`]));
  })));
}
