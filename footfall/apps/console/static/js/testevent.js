// A test event, and the way that it takes: collector, log, loader, warehouse, lake.

import { read, send } from "./api.js";
import { h } from "./dom.js";
import { number, timeOfDay } from "./format.js";

const SOON = 250;
const LATER = 2_000;
const PATIENCE = 20_000;
const STATIONS = ["Sent", "Collector", "Log", "Loader", "Warehouse", "Lake"];

// Details tell times as the warehouse writes them: UTC, without a zone.
const utc = (text) => (/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text.replace(" ", "T")}Z`);
const clock = (time) => `${timeOfDay(time)}.${String(new Date(time).getMilliseconds()).padStart(3, "0")} UTC`;
const more = (title, text, open = false) => text && h("details", { open }, h("summary", {}, title), h("pre", { tabindex: "0" }, text));
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** A station of the way: where it is "", "now" or "waiting"; at: an ISO time, or null. */
function station(name, state, at, ...content) {
  return h("li", { class: state, data: { station: name.toLowerCase() } }, h("strong", {}, name), at && h("time", { datetime: at }, clock(at)), content);
}

/** What is known, as stations: each with its time, those that are to come greyed. */
function way(trial, trace, lakeSeconds) {
  const step = (state) => trace?.steps.find((each) => each.state === state);
  const [stored, rejected, lake, pending] = ["stored", "rejected", "lake", "pending"].map(step);
  const taken = trial.status >= 200 && trial.status < 300;
  const known = stored ?? rejected ?? pending;
  const done = [
    station("Sent", "", trial.sent_at, h("p", {}, h("code", {}, `${trial.method} ${trial.path.split("?")[0]}`)), more("The request", trial.body || trial.path)),
    station("Collector", taken ? "" : "rejected", null, h("p", {}, `Answered ${trial.status} after ${number(trial.milliseconds)} ms.`), more("Its answer", trial.reply, !taken)),
  ];
  if (known) done.push(station("Log", "", known.at, h("p", {}, pending ? `On disk: ${pending.detail.log}, offset ${pending.detail.offset}.` : "On disk, before the answer was sent.")));
  if (rejected && !stored) {
    done.push(station("Loader", "rejected", null, h("ul", { class: "reasons" }, String(rejected.detail.reasons).split("; ").map((reason) => h("li", {}, reason)))));
    return done;
  }
  if (stored) {
    const processed = utc(stored.detail.processed_at);
    done.push(
      station("Loader", "", processed, h("p", {}, `Read and enriched ${number(Math.max(0, new Date(processed) - new Date(stored.at)))} ms after it was taken.`)),
      station("Warehouse", "stored", null, h("p", {}, "Stored once as ", h("code", {}, stored.detail.event), ` of ${stored.app_id}, origin ${stored.detail.origin}. `, h("a", { href: `/trace?${new URLSearchParams({ id: trace.event_id })}` }, "Trace"))));
  }
  if (lake) done.push(station("Lake", "stored", lake.at, h("p", {}, lake.detail.file)));
  const next = taken ? STATIONS.slice(done.length).filter((name) => name !== "Lake" || lakeSeconds !== null) : [];
  const coming = next.map((name, at) => station(name, at === 0 ? "waiting now" : "waiting", null, name === "Lake" && stored ? h("p", {}, `Files are written every ${number(lakeSeconds)} s.`) : null));
  return [...done, ...coming];
}

/** In one sentence, how it stands: {text, kind}. */
function verdict(trial, trace, waited) {
  const states = new Set(trace?.steps.map((each) => each.state));
  if (trial.status < 200 || trial.status >= 300) return { kind: "bad", text: `The collector refused it with ${trial.status}; its answer says why.` };
  if (states.has("stored")) return { kind: "good", text: `It arrived: ${trial.form === "native" ? "address and key are right." : "address, key and form are right."}` };
  if (states.has("rejected")) return { kind: "bad", text: "It was rejected. The reasons are above; it is kept, and can be retried from the ledger." };
  if (waited > PATIENCE) return { kind: "bad", text: states.has("pending") ? "It is safe in the log, but not loaded yet: the loader is behind or stands still. footfall doctor says why." : "It was answered, but is nowhere to be seen. footfall doctor says what is wrong." };
  return { kind: "", text: "On its way …" };
}

/** The card of the test event: {element, follow() after the choice has changed, clear()}. */
export function testEvent(chosen, body) {
  const button = h("button", { type: "button", class: "primary", on: { click: () => run() } }, "Send a test event");
  const how = h("p", { class: "card-sub" });
  const said = h("div", { role: "status" });
  const list = h("ol", { class: "timeline way-taken" });
  const element = h("section", { class: "card", "aria-label": "Test event" }, h("h2", {}, "See one event go through"), how, h("div", { class: "test-row" }, button), said, list);
  let turn = 0;

  function show(trial, trace, waited) {
    const { kind, text } = verdict(trial, trace, waited);
    said.replaceChildren(h("p", { class: `verdict ${kind}` }, text));
    list.replaceChildren(...way(trial, trace, body.lake_seconds));
    return kind;
  }

  async function follow(trial, mine) {
    const began = performance.now();
    const over = PATIENCE + 2_000 * (body.lake_seconds ?? 0);
    let kind = show(trial, null, 0);
    while (mine === turn && kind !== "bad" && performance.now() - began < over) {
      const trace = await read(`/api/connect/test/${encodeURIComponent(trial.event_id)}`, { staleSeconds: 0 });
      if (mine !== turn) return;
      kind = show(trial, trace, performance.now() - began);
      const states = trace.steps.map((each) => each.state);
      if (states.includes("lake") || (states.includes("stored") && body.lake_seconds === null)) return;
      if (kind === "good") button.disabled = false;
      await pause(kind === "good" ? LATER : SOON);
    }
  }

  async function run() {
    const mine = ++turn;
    button.disabled = true;
    list.replaceChildren();
    said.replaceChildren(h("p", { class: "verdict" }, "Sending …"));
    try {
      await follow(await send("/api/connect/test", { way: chosen.way.name, app: body.open ? null : chosen.app }), mine);
    } catch (error) {
      if (mine === turn) said.replaceChildren(h("p", { class: "verdict bad", role: "alert" }, error.message));
    } finally {
      if (mine === turn) button.disabled = false;
    }
  }

  return {
    element,
    clear: () => { turn += 1; button.disabled = false; said.replaceChildren(); list.replaceChildren(); },
    follow: () => {
      how.textContent = chosen.way.own_form
        ? `The platform sends it over HTTP to ${body.collector}, as ${chosen.way.title} would. It is stored as test_event.`
        : `There is no test event in the form of ${chosen.way.title}, so it is sent to POST /v1/events at ${body.collector}: it proves address and key, not the form.`;
    },
  };
}
