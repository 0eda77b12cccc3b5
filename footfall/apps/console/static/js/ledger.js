// The books: received against what became of it, per app; and the rejected events.

import { read, send } from "./api.js";
import { h } from "./dom.js";
import { moment, number } from "./format.js";

const books = document.querySelector("#books");
const rejected = document.querySelector("#rejected");
const balanced = (entry) => entry.received === entry.stored + entry.duplicate + entry.rejected;

const seal = (entry, small) => h("span", { class: `seal ${balanced(entry) ? "good" : "bad"}${small ? " small" : ""}` },
  balanced(entry) ? "✓ balanced" : `✗ off by ${number(entry.received - entry.stored - entry.duplicate - entry.rejected)}`);

const term = (name, value) => h("div", {}, h("span", {}, name), h("b", {}, number(value)));

function equation(ledger) {
  return h("section", { class: "card equation", "aria-label": "The books of all apps" },
    term("Received", ledger.received), h("i", {}, "="), term("Stored", ledger.stored), h("i", {}, "+"), term("Duplicate", ledger.duplicate), h("i", {}, "+"), term("Rejected", ledger.rejected),
    ledger.pending ? [h("i", {}, "·"), term("On the way", ledger.pending)] : null, seal(ledger),
    ledger.pending ? h("span", { class: "faint", role: "status" }, "Catching up: what is on the way is safe in the log, and is being loaded.") : null);
}

function perApp(ledger) {
  const names = ["received", "stored", "duplicate", "rejected", "pending"];
  const rows = Object.entries(ledger.apps).map(([app, entry]) =>
    h("tr", {}, h("td", {}, app), names.map((name) => h("td", { class: "number" }, number(entry[name]))), h("td", { class: "number" }, seal(entry, true))));
  return h("section", { class: "card" },
    h("div", { class: "table-wrap flow" }, h("table", { class: "plain" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "App"), names.map((name) => h("th", { scope: "col", class: "number" }, name === "pending" ? "on the way" : name)), h("th", { class: "number" }, "balance"))),
      h("tbody", {}, rows.length ? rows : h("tr", {}, h("td", { colspan: "7", class: "faint" }, "No event has come in yet."))))));
}

async function showBooks() {
  const ledger = await read("/api/ledger", { staleSeconds: 0 });
  books.replaceChildren(h("div", { class: "books" }, equation(ledger), perApp(ledger)));
  return ledger;
}

function item(event) {
  let body = event.body;
  try {
    body = JSON.stringify(JSON.parse(event.body), null, 2);
  } catch {
    body = event.body; // it was rejected for not being JSON: shown as it came
  }
  return h("details", { class: "rejected-item" },
    h("summary", {}, h("span", { class: "faint" }, moment(event.received_at)), h("span", {}, event.app_id), h("ul", { class: "reasons" }, event.reasons.map((reason) => h("li", {}, reason)))),
    h("pre", {}, body), h("p", { class: "faint" }, `${event.rejected_id} · ${event.origin}`));
}

async function showRejected(said = "") {
  const events = await read("/api/rejected?limit=100", { staleSeconds: 0 });
  const retry = h("button", { type: "button", disabled: events.length === 0, on: { click: async () => {
    retry.disabled = true;
    retry.textContent = "Retrying …";
    try {
      const done = await send("/api/rejected/retry", { ids: null, app: null });
      await Promise.all([showBooks(), showRejected(`${number(done.stored)} stored, ${number(done.duplicate)} duplicate, ${number(done.still_rejected)} still rejected.`)]);
    } catch (error) {
      await showRejected(error.message);
    }
  } } }, "Retry all");
  rejected.replaceChildren(h("section", { class: "card" },
    h("div", { class: "section-head" }, h("h2", {}, "Rejected events"), h("span", { class: "faint", role: "status" }, said), retry),
    h("p", { class: "card-sub" }, "Kept with every reason. After the rule or the sender is mended, retry takes them in without counting any twice."),
    events.length ? events.map(item) : h("p", { class: "faint" }, "None. Every event that came in was well formed.")));
}

const problem = (place) => (error) => place.replaceChildren(h("section", { class: "card message problem", role: "alert" }, error.message));
showBooks().catch(problem(books));
showRejected().catch(problem(rejected));
setInterval(() => { if (!document.hidden) showBooks().catch(problem(books)); }, 2_000);
