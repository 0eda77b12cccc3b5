// Connect: choose a tracker, take its snippet with address and key filled in, send a test event.

import { query, read } from "./api.js";
import { arrivals } from "./arrivals.js";
import { copyButton, h } from "./dom.js";
import { testEvent } from "./testevent.js";

const place = document.querySelector("#connect");
const where = document.querySelector("#connect-where");
const asked = new URLSearchParams(location.search);

/** The collector as a browser of this page's reader would write it: where it listens on all, this page's host. */
function addressOf(collector) {
  const [, host, port] = /^(.*):(\d+)$/.exec(collector);
  return `http://${["0.0.0.0", "[::]", "::", ""].includes(host) ? location.hostname : host}:${port}`;
}

function remember(chosen, usual) {
  const kept = { way: chosen.way.name, app: chosen.app === usual.app ? "" : chosen.app, at: chosen.at === usual.at ? "" : chosen.at };
  history.replaceState(null, "", `/connect${query(kept)}`);
}

const filled = (code, chosen) => code.replaceAll("{collector}", chosen.at.replace(/\/+$/, "")).replaceAll("{key}", chosen.key);

function step(count, title) {
  return h("div", { class: "step-head" }, h("i", { "aria-hidden": "true" }, count), h("h2", {}, title));
}

/** The cards of all ways; one is checked, arrows move between them, as in any radio group. */
function ways(all, chosen, choose) {
  const cards = all.map((way) => h("button", {
    type: "button", class: "way", role: "radio", data: { way: way.name }, "aria-checked": "false", tabindex: "-1",
    on: { click: () => choose(way) },
  }, h("strong", {}, way.title), h("span", {}, way.about)));
  const group = h("div", { class: "ways", role: "radiogroup", "aria-label": "Tracker" }, cards);
  group.addEventListener("keydown", (event) => {
    const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!move) return;
    event.preventDefault();
    const next = (all.indexOf(chosen.way) + move + all.length) % all.length;
    choose(all[next]);
    cards[next].focus();
  });
  const mark = () => all.forEach((way, at) => {
    cards[at].setAttribute("aria-checked", String(way === chosen.way));
    cards[at].tabIndex = way === chosen.way ? 0 : -1;
  });
  return { element: group, mark };
}

/** Text in which `backticks` mark code. */
const worded = (text) => text.split("`").map((part, at) => (at % 2 ? h("code", {}, part) : part));

/** The snippet of the chosen way, a tab for each client. */
function snippet(card, chosen, open) {
  const { way } = chosen;
  const shown = Math.min(chosen.client, way.snippets.length - 1);
  const code = filled(way.snippets[shown].code, chosen);
  const tabs = way.snippets.map((each, at) => h("button", {
    type: "button", role: "tab", "aria-selected": String(at === shown),
    on: { click: () => { chosen.client = at; snippet(card, chosen, open); } },
  }, each.client));
  card.replaceChildren(
    h("h2", {}, way.title),
    h("p", { class: "card-sub" }, way.about),
    h("div", { class: "clients", role: "tablist", "aria-label": "Client" }, tabs),
    h("div", { class: "snippet" }, h("pre", { tabindex: "0", id: "snippet" }, code), copyButton(code)),
    h("dl", { class: "facts" },
      h("dt", {}, "Your key"), h("dd", {}, h("code", {}, chosen.key), ` as ${way.key_is.replaceAll("`", "")}. `, open ? "No app is configured, so any key is taken, from this machine only." : `It lets one write for ${chosen.app}, never read.`),
    ),
    way.notes && h("details", { class: "notes" }, h("summary", {}, "Good to know"), h("p", {}, worded(way.notes))));
}

function pickers(body, chosen, changed) {
  const address = h("input", { type: "url", value: chosen.at, spellcheck: "false", autocomplete: "off", on: { input: () => { chosen.at = address.value.trim() || addressOf(body.collector); changed(); } } });
  const select = h("select", { on: { change: () => {
    const found = body.connections[select.selectedIndex];
    Object.assign(chosen, found);
    changed();
  } } }, body.connections.map((each) => h("option", { value: each.app, selected: each.app === chosen.app }, each.app)));
  where.replaceChildren(h("label", {}, "Address that your site can reach", address), ...(body.open ? [] : [h("label", {}, "App", select)]));
}

async function start() {
  const body = await read("/api/connect", { staleSeconds: 0 });
  if (body.connections.length === 0) {
    place.replaceChildren(h("section", { class: "card message problem", role: "alert" }, "Apps are configured, but none has a write key, so nobody can send. Give one of [apps.NAME] its write_keys in footfall.toml, and start footfall again."));
    return;
  }
  const usual = { ...body.connections[0], at: addressOf(body.collector) };
  const found = body.connections.find((each) => each.app === asked.get("app"));
  const chosen = { ...usual, ...found, at: asked.get("at") || usual.at, way: body.ways.find((way) => way.name === asked.get("way")) ?? body.ways[0], client: 0 };
  const code = h("section", { class: "card", "aria-label": "Snippet" });
  const test = testEvent(chosen, body);
  const news = arrivals(chosen);
  const cards = ways(body.ways, chosen, (way) => { Object.assign(chosen, { way, client: 0 }); changed(); test.clear(); news.restart(); });
  function changed() {
    cards.mark();
    snippet(code, chosen, body.open);
    test.follow();
    remember(chosen, usual);
  }
  pickers(body, chosen, () => { changed(); test.clear(); });
  changed();
  place.replaceChildren(
    step(1, "Which tracker does your site have?"), cards.element,
    step(2, "Put it in, and try the way"), h("div", { class: "try" }, code, test.element, news.element));
  news.restart();
}

start().catch((error) => place.replaceChildren(h("section", { class: "card message problem", role: "alert" }, error.message)));
