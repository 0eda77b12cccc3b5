// Every call of matomo-tracker: track with an address, track with all kinds of hits, trackBulk.
import { subscribe } from "node:diagnostics_channel";
import MatomoTracker from "matomo-tracker";

const [address, key, only] = process.argv.slice(2);
const matomo = new MatomoTracker(key, `${address}/matomo.php`);
const failed = [];
matomo.on("error", (error) => failed.push(error));

const visitor = { _id: "0123456789abcdef", uid: "ada", cdt: "2026-03-01 12:00:00", cip: "203.0.113.77" };
const agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
const page = {
  ...visitor, url: "https://shop.example/cart?mtm_campaign=spring&mtm_source=news", action_name: "Cart",
  urlref: "https://t.co/a", ua: agent, lang: "de-DE,de;q=0.9", res: "1920x1080", h: 13, m: 0, s: 5,
  token_auth: "0123456789abcdef0123456789abcdef", rand: "481516",
};
const items = JSON.stringify([["p1", "Shoe", ["Men"], 9.5, 2]]);
const url = "https://shop.example/";
const hits = [
  { ...visitor, url, e_c: "Videos", e_a: "Play Trailer", e_n: "Intro", e_v: 4.5 },
  { ...visitor, url, search: "shoes", search_cat: "men", search_count: 3 },
  { ...visitor, url, download: "https://shop.example/a.pdf" },
  { ...visitor, url, link: "https://other.example/" },
  { ...visitor, url, c_n: "ad", c_p: "x.png", c_i: "click" },
  { ...visitor, url, idgoal: 3, revenue: 7 },
  { ...visitor, url, idgoal: 0, ec_id: "A-7", revenue: 19, ec_st: 16, ec_tx: 3, ec_items: items },
  { ...visitor, url, ping: 1, pv_id: "aB3xYz" },
];
const waiting = new Set(only === "bulk" ? ["bulk"] : ["bulk", "plain", "Cart"]);
const done = (name) => {
  waiting.delete(name);
  if (waiting.size) return;
  if (failed.length) console.log(`failed: ${failed}`);
  process.exit(); // track() leaves its answers unread, which keeps node waiting
};
subscribe("http.client.response.finish", ({ request }) => {
  for (const name of waiting) if (request.path.includes(name)) done(name);
});
if (only !== "bulk") {
  matomo.track("https://shop.example/plain");
  matomo.track(page);
}
matomo.trackBulk(hits, (reply) => { console.log(reply); done("bulk"); });
