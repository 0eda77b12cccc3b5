// A list with a bar behind each row.

import { h } from "../dom.js";
import { number, percent } from "../format.js";

/** items: [{name, amount, written?, share?, hint?}], largest first. */
export function bars(body, items, { of, what }) {
  const most = Math.max(...items.map((item) => item.amount), 0) || 1;
  body.append(
    h("div", { class: "bars-head" }, h("span", {}, of), h("span", {}, what)),
    h("ol", { class: "bars" }, items.map((item) =>
      h("li", { vars: { "--v": item.amount / most }, title: item.hint ?? item.name },
        h("span", { class: "name" }, item.name),
        h("span", { class: "amount number" }, item.written ?? number(item.amount)),
        item.share === undefined ? null : h("span", { class: "share" }, typeof item.share === "number" ? percent(item.share) : item.share)))));
}
