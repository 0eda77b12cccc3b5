// What the overview says while there is not one event.

import { copyButton, h } from "./dom.js";

const mark = () => document.querySelector(".bar .mark").cloneNode(true);

export function welcome(collector) {
  const first = `curl http://${collector}/v1/events -H 'Content-Type: application/json' \\\n  -d '{"event": "page_view", "anonymous_id": "me", "url": "https://example.com/"}'`;
  const snippets = [
    ["Or send the first event by hand", first],
    ["Or fill it with people who behave like people", `footfall simulate --users 2000 --days 30 --seed 1 --url http://${collector}`],
    ["Or read an access log", "footfall import combined /var/log/nginx/access.log"],
  ];
  return h("section", { class: "card welcome" }, mark(), h("h2", {}, "No footsteps yet"),
    h("p", {}, "Point your site at this collector, with our script or with the tracker that it has. This page fills itself as soon as the first event is in, a second or two after it was sent."),
    h("p", {}, h("a", { class: "go", href: "/connect" }, "Connect a tracker")),
    snippets.map(([title, text]) => h("div", { class: "snippet" }, h("h3", {}, title), h("pre", { tabindex: "0" }, text), copyButton(text))));
}
