// The overview: asks which days hold data, builds the cards once, and follows the address.

import { query, read, records } from "./api.js";
import { h } from "./dom.js";
import { today } from "./format.js";
import { cards } from "./dashboard.js";
import { figures } from "./figures.js";
import { live } from "./live.js";
import { pickers, range } from "./picker.js";
import { state, watch } from "./state.js";
import { welcome } from "./welcome.js";

const place = document.querySelector("#overview");
const head = document.querySelector("#pickers");
const QUIET_EVERY = 30_000;
const TAIL_EVERY = 6_000;
const BEHIND = 6_000;

const here = live();
const numbers = figures();
const dashboard = cards(here.element);
const loaded = [numbers, ...dashboard.all];
let context = null;
let latest = { quiet: 0, tail: 0 };
let last = 0;
let turn = 0;

async function extentOf(app) {
  const [extent] = records(await read(`/api/extent${query({ app })}`, { staleSeconds: 0 }));
  return extent;
}

async function follow() {
  const mine = ++turn;
  const now = state();
  const extent = await extentOf(now.app);
  if (mine !== turn) return;
  const days = extent.events ? extent : { first_day: today(), last_day: today() };
  pickers(head, days, extent.apps ?? []);
  if (!extent.events && !now.app) {
    context = null;
    head.replaceChildren();
    place.replaceChildren(welcome(document.querySelector("main").dataset.collector));
  } else {
    if (!place.contains(numbers.element)) place.replaceChildren(h("div", { class: "grid" }, numbers.element, dashboard.elements));
    context = { ...now, ...range(now, days) };
    dashboard.prepare(context);
    for (const each of loaded) each.load(context);
    latest = { quiet: Date.now(), tail: Date.now() };
  }
  here.start(now.app);
}

function guarded() {
  follow().catch((error) => {
    const problem = h("section", { class: "card message problem", role: "alert" }, h("strong", {}, "The overview could not be loaded. "), error.message, " ");
    problem.append(h("button", { type: "button", on: { click: guarded } }, "Try again"));
    place.replaceChildren(problem);
  });
}

// New events are drawn in steps. An answer may be some seconds behind (max-stale), so that what
// came just before a step is asked for once more in the next.
here.ticked((changed) => {
  const now = Date.now();
  if (changed) last = now;
  if (!context) {
    if (changed) guarded();
  } else if (context.to >= today() && last > latest.quiet - BEHIND && now - latest.quiet > QUIET_EVERY) {
    latest = { quiet: now, tail: now };
    for (const each of loaded) each.load(context, { quiet: true });
  } else if (context.to >= today() && last > latest.tail - BEHIND && now - latest.tail > TAIL_EVERY) {
    latest.tail = now;
    dashboard.tail.load(context, { quiet: true });
  }
});

watch(guarded);
guarded();
