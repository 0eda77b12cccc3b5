// Any read-only question, its answer as a table, its CSV.

import { save, send } from "./api.js";
import { h } from "./dom.js";
import { moment, number } from "./format.js";
import { table } from "./table.js";

const EXAMPLES = [
  ["The newest events", "SELECT created_at, app_id, event, visitor_id, path, country\nFROM events\nORDER BY created_at DESC\nLIMIT 50"],
  ["Events per app and kind", "SELECT app_id, event, count(*) AS events, count(DISTINCT visitor_id) AS visitors\nFROM events\nGROUP BY app_id, event\nORDER BY events DESC"],
  ["Busiest hours of the week", "SELECT dayname(created_at) AS weekday, hour(created_at) AS hour, count(*) AS events\nFROM events\nWHERE NOT is_bot\nGROUP BY ALL\nORDER BY events DESC\nLIMIT 20"],
  ["Who is labelled a bot, and why", "SELECT bot_reason, count(*) AS events, count(DISTINCT visitor_id) AS visitors\nFROM events\nWHERE is_bot\nGROUP BY bot_reason\nORDER BY events DESC"],
  ["The columns", "DESCRIBE events"],
];
const form = document.querySelector("#sql-form");
const text = document.querySelector("#sql-text");
const place = document.querySelector("#sql-answer");
const examples = document.querySelector("#sql-examples");
let asking = null;

const problem = (error) => place.replaceChildren(h("section", { class: "card message problem", role: "alert" }, error.message));

async function run() {
  asking?.abort();
  const mine = new AbortController();
  asking = mine;
  const began = performance.now();
  history.replaceState(null, "", `/sql?${new URLSearchParams({ q: text.value })}`);
  place.replaceChildren(h("section", { class: "card message faint" }, "Asking …"));
  try {
    const answer = await send("/api/sql", { sql: text.value }, mine.signal);
    const facts = `${number(answer.rows.length)} rows · ${number(Math.round(performance.now() - began))} ms · ${number(answer.rows_read)} rows read${answer.fresh_to ? ` · fresh to ${moment(answer.fresh_to)}` : ""}`;
    place.replaceChildren(h("section", { class: "card" }, table(answer, { flow: true }), h("div", { class: "card-foot" }, h("span", {}, facts))));
  } catch (error) {
    if (error.name !== "AbortError") problem(error);
  }
}

form.addEventListener("submit", (event) => { event.preventDefault(); run(); });
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); run(); }
});
document.querySelector("#sql-csv").addEventListener("click", () => save("/api/sql.csv", { sql: text.value }, "answer.csv").catch(problem));
examples.append(h("option", { value: "" }, "choose one"), ...EXAMPLES.map(([name], at) => h("option", { value: at }, name)));
examples.addEventListener("change", () => {
  if (examples.value === "") return;
  text.value = EXAMPLES[Number(examples.value)][1];
  run();
});

// A query in the address is shown but not run: a link must not ask questions by itself.
text.value = new URLSearchParams(location.search).get("q") ?? EXAMPLES[0][1];
