// How numbers, times and places are written.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const precise = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });
const UTC = { timeZone: "UTC" };
const shortDay = new Intl.DateTimeFormat("en", { ...UTC, day: "numeric", month: "short" });
const longDay = new Intl.DateTimeFormat("en", { ...UTC, weekday: "short", day: "numeric", month: "short", year: "numeric" });
const dayAndYear = new Intl.DateTimeFormat("en", { ...UTC, day: "numeric", month: "short", year: "numeric" });
const clock = new Intl.DateTimeFormat("en", { ...UTC, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const regions = new Intl.DisplayNames(["en"], { type: "region", fallback: "none" });

export const number = (value) => (value === null || value === undefined ? "–" : Number.isInteger(value) ? whole.format(value) : precise.format(value));
export const figure = (value) => (value >= 1_000_000 ? compact.format(value) : number(value));
export const short = (value) => compact.format(value);
export const percent = (share, digits = 1) => `${(share * 100).toFixed(share >= 0.9995 || share === 0 ? 0 : digits)}%`;

/** Seconds as 48 s, 3 m 20 s or 2 h 5 m. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 60) return `${seconds < 10 && seconds % 1 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.floor(Math.round(seconds) / 60);
  return minutes < 60 ? `${minutes} m ${Math.round(seconds) % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} m`;
}

export function bytes(amount) {
  const units = ["B", "KB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  let left = amount;
  while (left >= 1000 && unit < units.length - 1) { left /= 1000; unit += 1; }
  return `${left < 10 && unit ? left.toFixed(1) : Math.round(left)} ${units[unit]}`;
}

// Characters that hide, turn round or end a text, or that a terminal obeys when it is pasted there.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** A sender's text with such characters written out: \\u202e. */
export const visible = (text) => String(text).replace(UNSEEN, (character) => {
  const code = character.charCodeAt(0).toString(16);
  return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`;
});

/** The name of an ISO 3166-1 alpha-2 code; what is none stays as it is. */
export function country(code) {
  if (!/^[A-Z]{2}$/.test(code ?? "")) return code ?? "Unknown";
  return regions.of(code) ?? code;
}

const DAY_MS = 86_400_000;
export const asDate = (day) => new Date(`${day}T00:00:00Z`);
export const isoDay = (date) => date.toISOString().slice(0, 10);
export const addDays = (day, count) => isoDay(new Date(asDate(day).getTime() + count * DAY_MS));
export const daysBetween = (from, to) => Math.round((asDate(to) - asDate(from)) / DAY_MS);
export const today = () => isoDay(new Date());
export const isDay = (text) => /^\d{4}-\d\d-\d\d$/.test(text ?? "") && !Number.isNaN(asDate(text).getTime());

export const dayShort = (day) => shortDay.format(asDate(day));
export const dayLong = (day) => longDay.format(asDate(day));
export const dayYear = (day) => dayAndYear.format(asDate(day));
export const timeOfDay = (time) => clock.format(new Date(time));

/** When something was, as short as it can be said without doubt (UTC). */
export function moment(time) {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return String(time);
  return isoDay(date) === today() ? `${clock.format(date)} UTC` : `${dayAndYear.format(date)}, ${clock.format(date)} UTC`;
}
