// What the overview says while there is not one event.

import { copyButton, h } from "./dom.js";

const mark = () => document.querySelector(".bar .mark").cloneNode(true);

export function welcome(collector) {
  const first = `curl http://${collector}/v1/events -H 'Content-Type: application/json' \\\n  -d '{"event": "page_view", "anonymous_id": "me", "url": "https://example.com/"}'`;
  const snippets = [
    ["Send the first event", first],
    ["Or fill it with people who behave like people", `footfall simulate --users 2000 --days 30 --seed 1 --url http://${collector}`],
    ["Or read an access log", "footfall import combined /var/log/nginx/access.log"],
  ];
  return h("section", { class: "card welcome" }, mark(), h("h2", {}, "No footsteps yet"),
    h("p", {}, "This page fills itself as soon as the first event is in, a second or two after it was sent."),
    snippets.map(([title, text]) => h("div", { class: "snippet" }, h("h3", {}, title), h("pre", { tabindex: "0" }, text), copyButton(text))));
}
