// A card: one answer, seen as chart, table or SQL, with how many rows it stands on and how fresh it is.

import { query, read } from "./api.js";
import { copyButton, h, sqlNodes } from "./dom.js";
import { moment, number } from "./format.js";
import { table } from "./table.js";

const TABS = ["Chart", "Table", "SQL"];
let made = 0;

function tabs(id, choose) {
  const buttons = TABS.map((name, place) => h("button", {
    type: "button", role: "tab", id: `${id}-tab-${place}`, "aria-controls": `${id}-body`, "aria-selected": place === 0 ? "true" : "false", tabindex: place === 0 ? "0" : "-1",
    on: { click: () => choose(name) },
  }, name));
  const list = h("div", { class: "card-tabs", role: "tablist", "aria-label": "Show as" }, buttons);
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = (TABS.indexOf(document.activeElement.textContent) + step + TABS.length) % TABS.length;
    buttons[next].focus();
    choose(TABS[next]);
  });
  const mark = (name) => buttons.forEach((button, place) => {
    button.setAttribute("aria-selected", String(TABS[place] === name));
    button.tabIndex = TABS[place] === name ? 0 : -1;
  });
  return { list, mark };
}

const skeleton = () => h("div", { class: "skeleton", "aria-hidden": "true" }, [1, 2, 3, 4, 5].map(() => h("i")));

/** What a card says when it has nothing to draw. */
export const blank = (head, text) => h("div", { class: "state" }, h("strong", {}, head), text && h("p", {}, text));

/**
 * Make a card.
 * question: {name (of a metric), values(context) -> its parameters} or {path(context)} for another answer,
 * of which part(answer) is the card's, when it has more.
 * draw(body, answer, context) draws into an empty body and returns a function that undoes it, or nothing.
 */
export function card({ title, subtitle, span = 6, tall = 224, kind = "", name, values, path, part = (whole) => whole, draw, empty, controls }) {
  const id = `card-${++made}`;
  let shown = "Chart";
  let answer = null;
  let context = null;
  let undo = null;
  let asking = null;
  let wanted = "";

  const body = h("div", { class: "card-body", id: `${id}-body`, role: "tabpanel", vars: { "--tall": `${tall}px` } });
  const rest = h("span");
  const csv = name ? h("a", { href: "#", download: `${name}.csv` }, "CSV") : null;
  const strip = tabs(id, (tab) => { shown = tab; render(); });
  const sub = h("p", { class: "card-sub", hidden: !subtitle }, subtitle ?? "");
  const element = h("section", { class: `card ${kind}`, "aria-labelledby": `${id}-title`, vars: { "--span": span }, data: { card: name ?? title } },
    h("div", { class: "card-head" }, h("h2", { id: `${id}-title` }, title), strip.list),
    sub, controls?.element, body, h("div", { class: "card-foot" }, rest, csv));

  function clear() {
    undo?.();
    undo = null;
    body.replaceChildren();
  }

  function render() {
    strip.mark(shown);
    if (!answer) return;
    clear();
    if (shown === "SQL") {
      body.append(copyButton(answer.sql), h("pre", { class: "sql", tabindex: "0" }, sqlNodes(answer.sql)));
    } else if (answer.rows.length === 0) {
      body.append(blank("Nothing here yet", empty ?? "There are no such events in these days."));
    } else if (shown === "Table") {
      body.append(table(answer));
    } else {
      undo = draw(body, answer, context) ?? null;
    }
  }

  function failed(error, retry) {
    clear();
    const state = blank("This could not be answered", error.message);
    state.classList.add("problem");
    state.setAttribute("role", "alert");
    state.append(h("button", { type: "button", on: { click: retry } }, "Try again"));
    body.append(state);
    answer = null;
  }

  /** Ask again; with quiet the old answer stays in sight until the new one is there. */
  async function load(next, { quiet = false } = {}) {
    context = next;
    const parameters = values?.(context);
    if (parameters === null) {
      asking?.abort();
      answer = { columns: [], rows: [], sql: "", rows_read: 0, fresh_to: null };
      render();
      return;
    }
    const address = path ? path(context) : `/api/metrics/${name}${query(parameters)}`;
    if (quiet && asking) return;
    asking?.abort();
    const mine = new AbortController();
    asking = mine;
    if (csv) csv.href = `/api/metrics/${name}.csv${query(parameters)}`;
    if (!answer) { clear(); body.append(skeleton()); }
    if (!quiet || address !== wanted) body.setAttribute("aria-busy", "true");
    wanted = address;
    try {
      const fresh = part(await read(address, { signal: mine.signal, staleSeconds: quiet ? 3 : 5 }));
      if (asking !== mine) return;
      const same = quiet && answer && JSON.stringify(fresh.rows) === JSON.stringify(answer.rows);
      answer = fresh;
      rest.textContent = `${number(answer.rows_read)} rows read${answer.fresh_to ? ` · fresh to ${moment(answer.fresh_to)}` : ""}`;
      rest.title = rest.textContent;
      if (!same) render();
    } catch (error) {
      if (error.name === "AbortError") return;
      if (asking === mine && !quiet) failed(error, () => load(context));
    } finally {
      if (asking === mine) {
        asking = null;
        body.removeAttribute("aria-busy");
      }
    }
  }

  addEventListener("footfall:theme", () => { if (shown === "Chart") render(); });
  const say = (text) => { sub.textContent = text; sub.hidden = !text; };
  return { element, load, say, answer: () => answer };
}
