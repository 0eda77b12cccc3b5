// A list with a bar behind each row.

import { h } from "../dom.js";
import { number, percent, visible } from "../format.js";

/** items: [{name, amount, written?, share?, hint?, href?}], largest first. */
export function bars(body, items, { of, what }) {
  const most = Math.max(...items.map((item) => item.amount), 0) || 1;
  body.append(
    h("div", { class: "bars-head" }, h("span", {}, of), h("span", {}, what)),
    h("ol", { class: "bars" }, items.map((item) =>
      h("li", { vars: { "--v": item.amount / most }, title: visible(item.hint ?? item.name) },
        item.href ? h("a", { class: "name", href: item.href }, visible(item.name)) : h("span", { class: "name" }, visible(item.name)),
        h("span", { class: "amount number" }, item.written ?? number(item.amount)),
        item.share === undefined ? null : h("span", { class: "share" }, typeof item.share === "number" ? percent(item.share) : item.share)))));
}
