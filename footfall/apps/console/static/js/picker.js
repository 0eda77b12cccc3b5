// The pickers of the page's head: days, app, bots. They write the address; the page follows it.

import { h, s } from "./dom.js";
import { addDays, dayYear, isDay } from "./format.js";
import { change, state } from "./state.js";

const PRESETS = [
  ["Last day", 1], ["Last 7 days", 7], ["Last 30 days", 30], ["Last 90 days", 90], ["Last 12 months", 365], ["All days", Infinity],
];

/** The days that the address asks for, or the last 30 with data. extent: {first_day, last_day}. */
export function range({ from, to }, extent) {
  const last = isDay(to) ? to : extent.last_day;
  const first = isDay(from) ? from : addDays(last, -29);
  return first <= last ? { from: first, to: last } : { from: last, to: last };
}

function presetDays(count, extent) {
  const from = count === Infinity ? extent.first_day : addDays(extent.last_day, 1 - count);
  return { from, to: extent.last_day };
}

function panel(extent, close) {
  const days = range(state(), extent);
  const presets = PRESETS.map(([name, count]) => {
    const preset = presetDays(count, extent);
    return h("button", {
      type: "button", "aria-pressed": String(preset.from === days.from && preset.to === days.to),
      on: { click: () => { close(); change(count === 30 ? { from: "", to: "" } : preset); } },
    }, name);
  });
  const from = h("input", { type: "date", name: "from", value: days.from, required: true });
  const to = h("input", { type: "date", name: "to", value: days.to, required: true });
  const custom = h("form", {
    class: "days",
    on: {
      submit: (event) => {
        event.preventDefault();
        const [first, last] = [from.value, to.value].sort();
        close();
        change({ from: first, to: last });
      },
    },
  }, h("label", {}, "From", from), h("label", {}, "To, included", to), h("button", { type: "submit", class: "primary" }, "Show these days"));
  return h("div", { class: "range-panel", role: "dialog", "aria-label": "Days" }, h("div", { class: "presets" }, presets), custom);
}

function rangePicker(extent) {
  const days = range(state(), extent);
  const text = days.from === days.to ? dayYear(days.to) : `${dayYear(days.from)} – ${dayYear(days.to)}`;
  const button = h("button", { type: "button", "aria-haspopup": "dialog", "aria-expanded": "false" },
    h("span", {}, text),
    s("svg", { width: 12, height: 12, viewBox: "0 0 12 12", "aria-hidden": "true" }, s("path", { d: "M2 4l4 4 4-4", fill: "none", stroke: "currentColor", "stroke-width": 1.6 })));
  const wrap = h("div", { class: "range" }, button);
  let open = null;
  const away = (event) => {
    if (event.type === "keydown" ? event.key === "Escape" : !wrap.contains(event.target)) close(event.type === "keydown");
  };
  function close(focus = true) {
    open?.remove();
    open = null;
    button.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", away);
    document.removeEventListener("keydown", away);
    if (focus) button.focus();
  }
  button.addEventListener("click", () => {
    if (open) return close();
    open = panel(extent, close);
    wrap.append(open);
    button.setAttribute("aria-expanded", "true");
    document.addEventListener("pointerdown", away);
    document.addEventListener("keydown", away);
    open.querySelector("[aria-pressed='true'], button").focus();
    return undefined;
  });
  return wrap;
}

/** Draw the pickers anew for the address of now. anyApp: what no app in the address is called. */
export function pickers(place, extent, apps, { withBots = true, anyApp = "All apps" } = {}) {
  const { app, bots } = state();
  const names = app && !apps.includes(app) ? [...apps, app] : apps;
  const select = h("select", { "aria-label": "App", on: { change: () => change({ app: select.value }) } },
    h("option", { value: "" }, anyApp), names.map((name) => h("option", { value: name, selected: name === app }, name)));
  const check = h("input", { type: "checkbox", checked: bots === "true", on: { change: () => change({ bots: check.checked ? "true" : "" }) } });
  place.replaceChildren(withBots ? h("label", { class: "check" }, check, "Count bots") : "", select, rangePicker(extent));
}
