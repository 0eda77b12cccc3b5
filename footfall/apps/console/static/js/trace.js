// One event's life as a timeline.

import { read } from "./api.js";
import { h } from "./dom.js";
import { moment } from "./format.js";

const form = document.querySelector("#trace-form");
const place = document.querySelector("#trace");

const written = (value) => (typeof value === "object" && value !== null ? JSON.stringify(value) : String(value));
const details = (detail) => h("dl", { class: "details" }, Object.entries(detail ?? {}).filter(([, value]) => value !== null).map(([name, value]) => [h("dt", {}, name.replaceAll("_", " ")), h("dd", {}, written(value))]));

function step(each) {
  const known = ["stored", "duplicate", "rejected", "pending"].includes(each.state) ? each.state : "";
  return h("li", { class: known }, h("strong", {}, each.state), h("time", { datetime: each.at }, moment(each.at)), h("p", { class: "faint" }, `app ${each.app_id}`), details(each.detail));
}

async function look(id) {
  form.elements.id.value = id;
  if (!id) return place.replaceChildren();
  try {
    const trace = await read(`/api/events/${encodeURIComponent(id)}`, { staleSeconds: 0 });
    place.replaceChildren(h("section", { class: "card" }, h("h2", {}, trace.found ? "Found" : "Not found"), h("p", { class: "lead" }, trace.summary), trace.steps.length > 0 && h("ol", { class: "timeline" }, trace.steps.map(step))));
  } catch (error) {
    place.replaceChildren(h("section", { class: "card message problem", role: "alert" }, error.message));
  }
  return undefined;
}

const asked = () => new URLSearchParams(location.search).get("id") ?? "";
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const id = form.elements.id.value.trim();
  history.pushState(null, "", `/trace?${new URLSearchParams({ id })}`);
  look(id);
});
addEventListener("popstate", () => look(asked()));
look(asked());
