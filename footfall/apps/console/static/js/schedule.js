// Jobs by the clock: a card each, its last runs as bars, and what each run printed.

import { read, send } from "./api.js";
import { copyButton, h } from "./dom.js";
import { duration, moment } from "./format.js";

const SHOWN = 40;
const LOOK = 2_000;
const EXAMPLE = 'footfall schedule add weekly import s3 s3://bucket/logs --cron "0 6 * * 1" --timezone Europe/Berlin';
const WORDS = { ok: "✓ ok", failed: "✗ failed", timed_out: "✗ timed out", interrupted: "interrupted", missed: "missed", skipped: "skipped", queued: "queued", running: "running …" };
const BAD = new Set(["failed", "timed_out"]);
const OPEN = new Set(["queued", "running"]);
const CAUSES = { due: "by the clock", catch_up: "made good", by_hand: "by hand", again: "again" };

const place = document.querySelector("#jobs");
const said = document.querySelector("#said");
const cards = new Map();

const kind = (state) => (state === "ok" ? "good" : BAD.has(state) ? "bad" : "plain");
const seal = (state) => h("span", { class: `seal small ${kind(state)}` }, WORDS[state]);
const path = (job, end = "") => `/api/schedule/${encodeURIComponent(job.name)}${end}`;

/** The runs as bars, oldest first; a bar is as high as its run was long beside the longest. */
function bars(runs) {
  const longest = Math.max(...runs.map((run) => run.seconds ?? 0), 0.001);
  return h("ol", { class: "runs", "aria-label": "Last runs, oldest first" }, runs.toReversed().map((run) => {
    const text = `${moment(run.due_at)}: ${WORDS[run.state]}${run.seconds === null ? "" : `, ${duration(run.seconds)}`}`;
    return h("li", { class: run.state === "ok" ? "good" : kind(run.state), title: text, vars: { "--v": (run.seconds ?? 0) / longest } }, h("span", { class: "hidden" }, text));
  }));
}

const row = (run) => h("tr", {},
  h("td", {}, moment(run.due_at)), h("td", {}, CAUSES[run.cause] + (run.attempt > 1 ? `, attempt ${run.attempt}` : "")), h("td", {}, seal(run.state)),
  h("td", { class: "number" }, duration(run.seconds)), h("td", { class: "said" }, run.said));

const history = (runs) => h("div", { class: "table-wrap flow" }, h("table", { class: "plain" },
  h("thead", {}, h("tr", {}, ["due", "begun", "outcome"].map((name) => h("th", { scope: "col" }, name)), h("th", { scope: "col", class: "number" }, "took"), h("th", { scope: "col" }, "printed last"))),
  h("tbody", {}, runs.map(row))));

async function order(job, what) {
  try {
    await send(path(job, `/${what}`), {});
    said.textContent = "";
  } catch (error) {
    said.textContent = error.message;
  }
  await show();
}

function card(job, runs, open) {
  const under = job.last && OPEN.has(job.last.state);
  const next = job.paused ? "paused" : `next ${moment(job.next_at)}`;
  return h("section", { class: "card job", "aria-label": job.name },
    h("div", { class: "section-head" },
      h("h2", {}, job.name), job.last ? seal(job.last.state) : h("span", { class: "faint" }, "never run"),
      h("button", { type: "button", on: { click: () => order(job, job.paused ? "resume" : "pause") } }, job.paused ? "Resume" : "Pause"),
      h("button", { type: "button", class: "primary", disabled: under, on: { click: () => order(job, "run") } }, "Run now")),
    h("p", {}, h("code", {}, `footfall ${job.command}`)),
    h("p", { class: "card-sub" }, `${job.when}, ${job.timezone} · ${next}`),
    runs.length ? [runs.some((run) => run.finished_at) ? bars(runs) : null, h("details", { open }, h("summary", {}, `Last ${runs.length === 1 ? "run" : `${runs.length} runs`}`), history(runs))] : null);
}

const none = () => h("section", { class: "card welcome" },
  h("h2", {}, "No job yet"), h("p", {}, "Any footfall command can run by the clock: imports of access logs, exports to a database. A failure can be told by mail or chat."),
  h("div", { class: "snippet" }, h("pre", {}, EXAMPLE), copyButton(EXAMPLE)));

async function show() {
  const jobs = await read("/api/schedule", { staleSeconds: 0 });
  for (const job of jobs) {
    const old = cards.get(job.name);
    const news = JSON.stringify(job);
    if (old?.news === news) continue;
    const runs = await read(path(job, `/runs?limit=${SHOWN}`), { staleSeconds: 0 });
    const open = old?.element.querySelector("details")?.open ?? false;
    cards.set(job.name, { news, element: card(job, runs, open) });
  }
  const elements = jobs.length ? jobs.map((job) => cards.get(job.name).element) : [none()];
  if (elements.length !== place.children.length || elements.some((element, at) => element !== place.children[at])) {
    place.replaceChildren(...elements);
  }
}

const problem = (error) => { said.textContent = error.message; };
show().catch(problem);
setInterval(() => { if (!document.hidden) show().catch(problem); }, LOOK);
