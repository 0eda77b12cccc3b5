// The page Files: what people open, as access logs tell; with an object in the address, that file alone.

import { query, read, records } from "./api.js";
import { copyButton, h } from "./dom.js";
import { fileCards } from "./files/file.js";
import { listCards } from "./files/list.js";
import { today, visible } from "./format.js";
import { pickers, range } from "./picker.js";
import { state, watch } from "./state.js";

const place = document.querySelector("#files");
const title = document.querySelector("#files-title");
const head = document.querySelector("#pickers");
const views = { list: null, file: null };
let turn = 0;

function nothing() {
  const snippets = [
    ["A web server's log", "footfall import combined /var/log/nginx/access.log"],
    ["A bucket's log", "footfall import s3 s3://my-logs/prefix/"],
    ["Not sure which format?", "footfall import auto access.log"],
  ];
  return h("section", { class: "card welcome" }, h("h2", {}, "No access log yet"),
    h("p", {}, "Who opens which file stands in the access log of your web server, bucket or CDN. Import one, and this page fills itself; import it again whenever it grew, and only what is new is read."),
    snippets.map(([name, text]) => h("div", { class: "snippet" }, h("h3", {}, name), h("pre", { tabindex: "0" }, text), copyButton(text))));
}

function headOf(now) {
  if (!now.object) {
    document.title = "Files · footfall";
    return h("h1", {}, "Files");
  }
  document.title = `${visible(now.object).slice(0, 80)} · footfall`;
  const back = query({ from: now.from, to: now.to, app: now.app, bots: now.bots });
  return [h("a", { class: "back", href: `/files${back}` }, "← All files"), h("h1", { class: "file-name", title: visible(now.object) }, visible(now.object))];
}

async function follow() {
  const mine = ++turn;
  const now = state();
  const [extent] = records(await read(`/api/extent${query({ app: now.app })}`, { staleSeconds: 0 }));
  const answers = await read(`/api/metrics/status_codes${query({ app: now.app, bots: "true" })}`);
  if (mine !== turn) return;
  const days = extent.events ? extent : { first_day: today(), last_day: today() };
  title.replaceChildren(...[headOf(now)].flat());
  pickers(head, days, extent.apps ?? []);
  if (answers.rows.length === 0) {
    place.replaceChildren(nothing());
    return;
  }
  const kind = now.object ? "file" : "list";
  views[kind] ??= now.object ? fileCards() : listCards();
  const view = views[kind];
  if (!place.contains(view.all[0].element)) place.replaceChildren(h("div", { class: "grid" }, view.all.map((each) => each.element)));
  const context = { ...now, ...range(now, days) };
  view.prepare(context);
  for (const each of view.all) each.load(context);
}

function guarded() {
  follow().catch((error) => {
    const problem = h("section", { class: "card message problem", role: "alert" }, h("strong", {}, "The files could not be loaded. "), error.message, " ");
    problem.append(h("button", { type: "button", on: { click: guarded } }, "Try again"));
    place.replaceChildren(problem);
  });
}

watch(guarded);
guarded();
