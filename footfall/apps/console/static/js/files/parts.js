// Cards that the list of files and a file's own page share.

import { records } from "../api.js";
import { card } from "../cards.js";
import { bars } from "../charts/bars.js";
import { everyDay, everyHour, line } from "../charts/line.js";
import { bytes, country, daysBetween, number } from "../format.js";

const HOURS_UP_TO = 7;
const SHOWN = 8;
const COUNTS = ["opens", "visitors", "requests", "revalidations", "errors", "bytes"];

/** What every question takes from the address; object is "" on the list. */
export const common = ({ from, to, app, bots, object }) => ({ from, to, app, bots, object });
export const interval = ({ from, to }) => (daysBetween(from, to) < HOURS_UP_TO ? "hour" : "day");

/** Opens and visitors over time. */
export const overTime = () => card({
  title: "Opens over time", span: 8, tall: 280, kind: "wide", name: "opens_over_time", empty: "Nothing was asked for in these days.",
  values: (context) => ({ ...common(context), interval: interval(context) }),
  draw: (body, answer, context) => {
    const hourly = interval(context) === "hour";
    const rows = (hourly ? everyHour : everyDay)(records(answer), "time", context, COUNTS);
    return line(body, rows, { x: "time", hourly, label: "Opens over time", series: [{ name: "opens", label: "Opens", fill: true }, { name: "visitors", label: "Visitors" }] });
  },
});

const READERS = {
  country: { title: "Countries", of: "Country", named: country },
  referrer_host: { title: "Where they came from", of: "Site", named: (value) => value ?? "No other site" },
  device: { title: "Devices", of: "Device", named: (value) => value ?? "Unknown" },
  browser: { title: "Browsers", of: "Browser", named: (value) => value ?? "Unknown" },
};

/** Who opens, by country, referrer_host, device or browser. */
export const readers = (by) => card({
  title: READERS[by].title, span: 4, tall: 320, kind: "third", name: "object_readers", empty: "Nothing was opened in these days.",
  values: (context) => ({ ...common(context), by, limit: SHOWN }),
  draw: (body, answer) => {
    const rows = records(answer).filter((row) => row.opens > 0);
    const all = rows.reduce((sum, row) => sum + row.opens, 0) || 1;
    bars(body, rows.map((row) => ({
      name: String(READERS[by].named(row.reader)), amount: row.opens, share: row.opens / all,
      hint: `${READERS[by].named(row.reader)}: ${number(row.visitors)} visitors, ${bytes(row.bytes)}`,
    })), { of: READERS[by].of, what: "Opens" });
  },
});

/** Answers by status. */
export const statuses = () => card({
  title: "Answers", span: 4, tall: 280, kind: "third", name: "status_codes", values: common, empty: "Nothing was asked for in these days.",
  draw: (body, answer) => bars(body, records(answer).slice(0, SHOWN).map((row) => ({ name: String(row.status), amount: row.requests, share: row.share, hint: `${row.status}: ${bytes(row.bytes)}` })), { of: "Status", what: "Requests" }),
});

/** Other sites that show the app's images and the like as theirs. */
export const hotlinks = (size) => card({
  title: "Hot-links", subtitle: "Other sites whose pages show these files", ...size, name: "hotlinks", values: (context) => ({ ...common(context), limit: SHOWN }),
  empty: "No other site shows images, videos, fonts, styles or scripts from here, as far as the log tells.",
  draw: (body, answer) => bars(body, records(answer).map((row) => ({
    name: row.site, amount: row.requests, share: bytes(row.bytes), hint: `${row.site}: ${number(row.objects)} files, ${number(row.visitors)} visitors`,
  })), { of: "Site", what: "Requests · sent" }),
});
