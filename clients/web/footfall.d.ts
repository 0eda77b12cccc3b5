/** Types of the calls that https://YOUR-COLLECTOR/footfall.js adds to a page. */

/** Anything that JSON can hold; some names become columns of their own: `value`, `currency`, `element`. */
export type Properties = Record<string, unknown>;

export interface Footfall {
  /** Tell that something happened, e.g. `footfall("track", "purchase", { value: 19, currency: "EUR" })`. */
  (call: "track", event: string, properties?: Properties): void;
  /** Tell of a page view by hand; with `data-pages="off"` there are no others. */
  (call: "page", properties?: Properties): void;
  /** Say who the person is, and what the site knows of them, e.g. `{ plan: "pro" }`. */
  (call: "identify", userId: string, traits?: Properties): void;
  /** Forget the person, e.g. after signing out. */
  (call: "reset"): void;
  /** Say what the person chose. Denied: nothing is sent, and what was stored is removed. */
  (call: "consent", choice: "granted" | "denied"): void;
  /** Calls made before the script was there. */
  q?: ArrayLike<unknown>[];
  /** Whether the script is there. */
  readonly ready?: boolean;
}

declare global {
  interface Window {
    footfall: Footfall;
  }
  const footfall: Footfall;
}
