// Reconcile: one report, seen as a sentence, by day, by browser and by country.

import { query, read, records } from "./api.js";
import { card } from "./cards.js";
import { bars } from "./charts/bars.js";
import { interval } from "./charts/interval.js";
import { everyDay } from "./charts/line.js";
import { stack } from "./charts/stack.js";
import { copyButton, h } from "./dom.js";
import { country, number, percent, today } from "./format.js";
import { pickers, range } from "./picker.js";
import { state, watch } from "./state.js";

const place = document.querySelector("#reconcile");
const head = document.querySelector("#pickers");
const SHOWN = 10;
const CLASSES = [
  ["matched", "reported by the script", "--accent"],
  ["unmatched", "not reported", "--warn"],
  ["bots", "of bots", "--ink-3"],
  ["no_script", "of pages without the script", "--line-strong"],
  ["unreadable", "without address or user agent", "--line"],
];
let turn = 0;

const address = ({ from, to, app }) => `/api/reconcile${query({ from, to, app })}`;
const whole = (share) => `${Math.round(share * 100)}%`;
const atLeast = (group) => (group.script === null ? null : group.script + group.blocked);
const came = (group) => (group.visitors === null ? `${number(atLeast(group))} or more` : `about ${number(Math.round(group.visitors))}`);
const between = (group) => `${whole(group.blocked_low)} – ${whole(group.blocked_high)}`;

/** Every day from the first to the last of the report, and not of the picker. */
function daily(found, filled) {
  const rows = records(found);
  return everyDay(rows, "name", { from: rows[0].name, to: rows.at(-1).name }, []).map((row) => ({ ...filled, ...row }));
}

/** A card that shows one table of the report. */
const tabled = (name, options) => card({
  ...options, path: address,
  part: ({ tables, sql, rows_read, fresh_to }) => ({ ...tables[name], sql, rows_read, fresh_to }),
});

function loads({ loads: counts }) {
  const there = CLASSES.filter(([name]) => counts[name] > 0);
  return [
    h("div", { class: "classes", "aria-hidden": "true" }, there.map(([name, , token]) => h("i", { vars: { "--v": counts[name], "--tone": `var(${token})` } }))),
    h("ul", { class: "class-names" },
      h("li", {}, h("b", {}, number(counts.all)), "page loads in the log:"),
      there.map(([name, label, token]) => h("li", {}, h("i", { vars: { "--tone": `var(${token})` } }), h("b", {}, number(counts[name])), label))),
  ];
}

function meaning({ total, one_load: once, bots_with_script: ran }) {
  const more = total.visitors === null ? "" : " The number of all is an estimate: the log misses who was served from a cache, the script misses who blocked it, and how many are in both tells how many are in neither.";
  return h("p", {},
    `Of ${number(total.in_log)} people in the log the script reported ${number(total.matched)} and never the other ${number(total.blocked)}: they blocked it, or left before it ran (${number(once)} of them loaded one page only).`,
    more, ` ${number(total.bots)} bots are counted apart; ${number(ran)} of them ran the script.`);
}

function answer(report) {
  return h("section", { class: "card", vars: { "--span": 12 }, "aria-label": "The answer", data: { card: "answer" } },
    h("h2", { class: "answer-sentence" }, report.sentence), meaning(report), loads(report));
}

function remarks(report) {
  const pages = report.without_script.map((each) => `${each.page || "/"} is loaded by ${number(each.visitors)} people, and the script never reported from it.`);
  const all = [
    "A visitor is a browser on a day: in the log an address with a user agent, in the script its own id.",
    ...report.notes, ...pages,
    "What the numbers can and can't say, and where each formula comes from, is in docs/how-to/reconcile.md.",
  ];
  return h("section", { class: "card wide", vars: { "--span": 12 }, "aria-label": "Good to know" }, h("div", { class: "card-head" }, h("h2", {}, "Good to know")), h("ul", { class: "remarks" }, all.map((text) => h("li", {}, text))));
}

/** The share of each group that blocked the script, the largest groups first. */
const shares = (of, named) => (body, found) => {
  const groups = records(found).filter((group) => group.in_log > 0).slice(0, SHOWN);
  bars(body, groups.map((group) => ({
    name: named(group.name), amount: group.blocked_share, written: percent(group.blocked_share, 0), share: between(group),
    hint: `${named(group.name)}: ${number(group.blocked)} of ${number(group.in_log)} in the log, ${came(group)} came`,
  })), { of, what: "Blocked · 95 %" });
};

function cards() {
  return [
    tabled("day", {
      title: "Visitors by day", span: 6, tall: 280, kind: "wide",
      draw: (body, found) => stack(body, daily(found, { script: 0, blocked: 0, bots: 0 }), {
        x: "name", label: "Visitors by day: seen by the script, blocked, bots",
        series: [{ name: "script", label: "Seen by the script", token: "--accent" }, { name: "blocked", label: "Blocked it", token: "--warn" }, { name: "bots", label: "Bots", token: "--line-strong" }],
      }),
    }),
    tabled("day", {
      title: "How many came", span: 6, tall: 280, kind: "wide",
      draw: (body, found) => interval(body, daily(found, { visitors: null, script: null }), {
        x: "name", label: "Estimated visitors by day, with their interval",
        estimate: { name: "visitors", low: "visitors_low", high: "visitors_high", least: atLeast, label: "Came, 95 %" }, counted: { name: "script", label: "Seen by the script" },
      }),
    }),
    tabled("browser", { title: "Blocked, by browser", span: 6, tall: 340, draw: shares("Browser", String) }),
    tabled("country", { title: "Blocked, by country", span: 6, tall: 340, draw: shares("Country", country) }),
  ];
}

function lacking(message, app) {
  const name = app || "my-shop";
  const way = [
    ["The access log of the site, of the same days", `footfall import combined /var/log/nginx/access.log --app ${name}`],
    ["The same in the terminal", `footfall reconcile --app ${name}`],
  ];
  return h("section", { class: "card lacking" }, h("h2", {}, "Not both are here yet"), h("p", {}, message),
    h("p", {}, "It takes the access log of a site's web server or CDN, and the events of the script on its pages, ", h("a", { href: "/connect" }, "connected"), " for the same app."),
    way.map(([title, text]) => h("div", { class: "snippet" }, h("h3", {}, title), h("pre", { tabindex: "0" }, text), copyButton(text))));
}

async function follow() {
  const mine = ++turn;
  const now = state();
  const [extent] = records(await read(`/api/extent${query({ app: now.app })}`));
  if (mine !== turn) return;
  const days = extent.events ? extent : { first_day: today(), last_day: today() };
  const context = { ...now, ...range(now, days) };
  pickers(head, days, extent.apps ?? [], { withBots: false, anyApp: "The app with both" });
  place.replaceChildren(h("section", { class: "card message faint" }, "Joining page loads and events …"));
  const report = await read(address(context));
  if (mine !== turn) return;
  if (report.lacking) {
    place.replaceChildren(lacking(report.lacking, now.app));
    return;
  }
  const all = cards();
  place.replaceChildren(h("div", { class: "grid" }, answer(report), all.map((each) => each.element), remarks(report)));
  for (const each of all) each.load(context);
}

function guarded() {
  follow().catch((error) => {
    const problem = h("section", { class: "card message problem", role: "alert" }, error.message, " ");
    problem.append(h("button", { type: "button", on: { click: guarded } }, "Try again"));
    place.replaceChildren(problem);
  });
}

watch(guarded);
guarded();
