// @ts-check
/*
 * footfall in the browser. docs/how-to/web-sdk.md says what each attribute does; footfall.d.ts has the
 * types of the calls. `npm run build` makes the file that the collector serves, under 4 KB with gzip.
 *
 * Ways of an event: record -> batch -> post. What can't be delivered waits in localStorage (in memory
 * where that is forbidden), a key per batch, so that tabs never write to the same key, and is tried
 * again with longer and longer pauses. Its id is made here: however often it is sent, it counts once.
 */
(() => {
  "use strict";

  /** @typedef {Record<string, unknown>} Fields */
  /** @typedef {"granted" | "denied" | null | undefined} Choice */

  const win = /** @type {any} */ (window);
  const nav = /** @type {any} */ (navigator);
  const doc = /** @type {any} */ (document);
  const script = /** @type {HTMLScriptElement | null} */ (doc.currentScript);
  if (!script || win.footfall?.ready) return;
  const option = script.dataset;

  const SESSION_MS = 1_800_000;
  const PACE_MS = 300; // the first event goes at once, those of the next moment together
  const SLOW_MS = 500; // unanswered for longer, a batch is also kept where a killed tab leaves it
  const TIMEOUT_MS = 30_000;
  const LONGEST_PAUSE_MS = 300_000;
  const TITLE_MS = 50; // single-page apps set the title after the address
  const BATCH = 18_000; // characters: less than the 64 KiB of a beacon, whatever the script
  const KEPT = 100; // batches in the browser's storage; the oldest make room
  const WAITING = 200; // events before consent
  const FILES = /\.(pdf|docx?|xlsx?|pptx?|od[tsp]|csv|txt|rtf|epub|zip|gz|tgz|rar|7z|dmg|exe|msi|pkg|deb|rpm|apk|iso|mp[34]|m4[av]|mov|avi|wav)$/i;
  const LINKS = "a[href],area[href]";
  const PARTS = LINKS + ",button,summary,[role=button],[type=submit],[type=button],[type=image]";
  const MARK = "data-footfall";

  const endpoint = new URL(option.api || "v1/events", script.src);
  if (option.key) endpoint.searchParams.set("write_key", option.key);
  const prefix = `footfall.${option.key || option.app || ""}.`;
  const on = (/** @type {string} */ name) => option[name] !== "off";
  const listen = (/** @type {string} */ type, /** @type {(event: any) => void} */ heard, target = win) =>
    target.addEventListener(type, heard, { capture: true, passive: true });

  /**
   * Give what `make` gives, or undefined where the browser forbids it (storage and locks in some frames,
   * a kind of measurement that it doesn't know). All callers have another way then.
   * @template T
   * @param {() => T} make
   */
  const allowed = (make) => {
    try {
      return make();
    } catch {
      return undefined;
    }
  };
  const read = (/** @type {string} */ name) => allowed(() => localStorage.getItem(prefix + name));
  const write = (/** @type {string} */ name, /** @type {string} */ value) =>
    allowed(() => (localStorage.setItem(prefix + name, value), true));
  const forget = (/** @type {string} */ name) => allowed(() => localStorage.removeItem(prefix + name));
  const names = (/** @type {string} */ start) =>
    allowed(() => Object.keys(localStorage).filter((key) => key.startsWith(prefix + start)).sort())?.map(
      (key) => key.slice(prefix.length),
    ) || [];

  const unique = () =>
    crypto.randomUUID?.() || // only where the page came by https
    Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => (byte + 256).toString(16).slice(1)).join("");
  const tab = unique();
  let made = 1e6;
  const batchName = () => `q.${Date.now()}.${made++}.${tab}`; // sorts by age

  // Who: nothing is kept about a person unless the page says so and the person agrees.

  const refused =
    option.signals !== "ignore" && (nav.globalPrivacyControl || nav.doNotTrack === "1" || win.doNotTrack === "1");
  let choice = /** @type {Choice} */ (read("consent"));
  const sends = () =>
    !refused && choice !== "denied" && (choice === "granted" || option.consent !== "required");
  const keeps = () =>
    sends() && (option.persist === "always" || (option.persist === "consent" && choice === "granted"));
  /** @type {string | undefined} */
  let user = (keeps() && read("user")) || undefined;
  let device = "";
  let visit = "";

  const identity = (/** @type {number} */ now) => {
    if (!keeps()) return { user_id: user };
    device = read("id") || device || unique();
    const [id, last] = (read("session") || visit).split(" ");
    visit = `${now - +last < SESSION_MS ? id : unique()} ${now}`;
    write("id", device);
    write("session", visit);
    return { user_id: user, anonymous_id: device, session_id: visit.split(" ")[0] };
  };

  // Delivery. A batch is one text: an event's JSON on each line, without its last brace, so that the
  // time of sending can be put into each.

  let name = batchName();
  let lines = "";
  let flushed = 0;
  let failing = names("q.").length > 0;
  let tries = 0;
  let draining = false;
  /** @type {number | undefined} */
  let flushing;
  /** @type {number | undefined} */
  let retrying;
  /** @type {Record<string, string>} */
  let held = {}; // what could not be put into storage
  /** @type {Fields[]} */
  let waiting = []; // for consent

  const body = (/** @type {string} */ text) =>
    `[${text.split("\n").map((line) => `${line},"sent_at":${Date.now()}}`)}]`;
  const cut = () => {
    lines = "";
    name = batchName();
  };

  /** Keep an undelivered batch; a later hold under the same name replaces it. */
  const hold = (/** @type {string} */ id, /** @type {string} */ text) => {
    if (!sends()) return;
    if (option.queue !== "memory" && write(id, text)) {
      delete held[id];
      names("q.").slice(0, -KEPT).forEach(forget);
    } else held[id] = text;
  };

  const backOff = (/** @type {number} */ least) => {
    failing = true;
    if (lines) hold(name, lines);
    const pause = Math.min(LONGEST_PAUSE_MS, 1_000 * 2 ** tries++);
    clearTimeout(retrying);
    retrying = setTimeout(drain, least + pause * (0.5 + Math.random() / 2));
  };

  /** Send a batch; true when it needs no more sending: taken, or refused for good. */
  const post = async (/** @type {string} */ id, /** @type {string} */ text) => {
    const slow = setTimeout(hold, SLOW_MS, id, text);
    let status = 0;
    let least = 0;
    try {
      const answer = await fetch(endpoint, {
        method: "POST",
        body: body(text), // a string goes as text/plain, which asks for no preflight
        keepalive: text.length <= BATCH,
        credentials: "omit",
        signal: AbortSignal.timeout?.(TIMEOUT_MS),
      });
      status = answer.status;
      const after = answer.headers.get("retry-after") || "";
      least = +after * 1_000 || Date.parse(after) - Date.now() || 0;
    } catch {
      // No network, or no answer in time: status 0 is tried again.
    }
    clearTimeout(slow);
    if (status < 200 || status >= 500 || status === 429 || status === 408) {
      hold(id, text);
      if (sends()) backOff(Math.max(0, least));
      return false;
    }
    delete held[id];
    if (read(id) === text) forget(id); // else events came to it meanwhile
    tries = 0;
    return true;
  };

  /**
   * Run where no other tab sends this batch; undefined when one does. Locks end with their tab; without
   * them (a page by http) a lease does, which a killed tab leaves for 40 seconds.
   * @param {string} id
   * @param {() => Promise<boolean>} run
   */
  const alone = async (id, run) => {
    if (nav.locks)
      return nav.locks
        .request(prefix + id, { ifAvailable: true }, (/** @type {unknown} */ lock) => lock && run())
        .catch(run); // locks are forbidden only where storage is too
    const leased = () => (read("lease") || "").split(" ");
    const [owner, until] = leased();
    if (owner !== tab && +until > Date.now()) return;
    write("lease", `${tab} ${Date.now() + 40_000}`);
    await new Promise((done) => setTimeout(done, 50));
    if (leased()[0] === tab || !read("lease")) return run();
  };

  /** Send everything that is held, by this tab or by one that is gone, until something fails. */
  const drain = async () => {
    clearTimeout(retrying);
    if (draining || !sends()) return;
    draining = true;
    flush();
    const undelivered = () => [...Object.keys(held), ...names("q.")];
    let fine = true;
    for (const id of undelivered()) {
      const sent = await alone(id, async () => {
        const text = held[id] || read(id);
        return !text || post(id, text);
      });
      fine = sent !== false;
      if (!fine) break;
    }
    if ((read("lease") || "").startsWith(tab)) forget("lease");
    draining = false;
    if (!fine) return; // post has set the next time
    failing = false;
    if (undelivered().length) backOff(0);
  };

  const flush = () => {
    clearTimeout(flushing);
    flushing = undefined;
    if (!lines || !sends()) return;
    const [id, text] = [name, lines];
    cut();
    flushed = Date.now();
    if (failing) return; // held already
    const done = post(id, text);
    nav.locks?.request(prefix + id, () => done).catch(() => {}); // only guards; post has its own ways
  };

  const enqueue = (/** @type {Fields} */ event) => {
    const text = JSON.stringify(event).slice(0, -1);
    if (lines.length + text.length > BATCH) flush();
    if (failing && lines && !(held[name] || read(name))) cut(); // another tab has sent it
    lines += (lines && "\n") + text;
    if (failing) hold(name, lines);
    else flushing ||= setTimeout(flush, Math.max(0, flushed + PACE_MS - Date.now()));
  };

  /** Make an event out of what is known here; `fields` are columns, `properties` the rest. */
  const record = (
    /** @type {string | false | null} */ event,
    /** @type {Fields} */ fields = {},
    /** @type {Fields} */ properties = {},
  ) => {
    if (!event || refused || choice === "denied") return;
    const now = Date.now();
    const whole = {
      event,
      event_id: unique(),
      app_id: option.app,
      created_at: now,
      url: page.slice(0, 8_000),
      referrer: referrer.slice(0, 8_000) || undefined,
      title: doc.title.slice(0, 500),
      screen: `${screen.width}x${screen.height}`,
      language: nav.language,
      timezone: allowed(() => Intl.DateTimeFormat().resolvedOptions().timeZone),
      ...identity(now),
      ...fields,
      properties,
    };
    if (sends()) enqueue(whole);
    else if (waiting.length < WAITING) waiting.push(whole);
  };

  // Pages: how long they were seen and how far.

  let page = location.href;
  let referrer = doc.referrer;
  let title = "";
  let path = "";
  let query = "";
  let since = 0; // when the page came into view, 0 when it is out of it
  let spent = 0;
  let deepest = 0;
  /** @type {number | undefined} */
  let viewing;

  const see = () => {
    since = doc.hidden ? 0 : performance.now();
  };
  const measure = () => {
    deepest = Math.max(deepest, scrollY + innerHeight);
  };
  const turn = () => {
    path = location.pathname;
    query = asked();
    page = location.href;
    spent = deepest = 0;
    see();
  };
  /** @param {Fields} [properties] */
  const view = (properties) => {
    title = doc.title;
    record("page_view", {}, properties);
  };
  const leave = () => {
    if (since) spent += performance.now() - since;
    since = 0;
    measure();
    const seconds = Math.round(spent) / 1_000;
    spent = 0;
    const scroll = Math.min(100, Math.round((100 * deepest) / doc.documentElement.scrollHeight));
    if (seconds && on("leave"))
      record("page_leave", { time_spent: seconds, title: title.slice(0, 500) }, { scroll });
  };
  const asked = () => location.search + (option.spa === "hash" ? location.hash : "");
  const move = (/** @type {boolean} */ replaced) => {
    if (location.pathname === path && (replaced || asked() === query)) {
      query = asked();
      return;
    }
    leave();
    referrer = page;
    turn();
    clearTimeout(viewing);
    viewing = setTimeout(view, TITLE_MS);
  };

  // What people do on them. Labels are what the page's maker wrote, never what its reader did.

  const label = (/** @type {any} */ element) => {
    const get = (/** @type {string} */ key) => element.getAttribute(key);
    const written =
      element.matches("a,button,summary,[role=button]") &&
      !element.isContentEditable &&
      !element.querySelector("input,select,textarea,[contenteditable]") &&
      (/^(mailto|tel|sms):/.test(element.protocol) ? element.protocol.slice(0, -1) : element.innerText);
    const text =
      get(MARK + "-element") || get("id") || get("aria-label") || written || get("name") || element.localName;
    return text.trim().replace(/\s+/g, " ").slice(0, 80);
  };
  const marks = (/** @type {Element} */ element) => {
    /** @type {Fields} */
    const found = {};
    for (const { name: key, value } of element.attributes)
      if (key.startsWith(MARK + "-") && key !== MARK + "-element")
        found[key.slice(MARK.length + 1).replace(/-/g, "_")] = value;
    return found;
  };
  const click = (/** @type {MouseEvent} */ event) => {
    const target = /** @type {any} */ (event.composedPath()[0]);
    const link = target.closest?.(LINKS);
    const marked = target.closest?.(`[${MARK}]:not(form)`);
    const element = marked || target.closest?.(PARTS);
    if (!element || target.closest(`[${MARK}-ignore]`)) return;
    if (event.type === "auxclick" && !(link && event.button === 1)) return;
    const web = link && /^http/.test(link.protocol);
    const file = web && on("downloads") && (link.hasAttribute("download") || FILES.test(link.pathname));
    const out = web && on("outbound") && link.host !== location.host;
    record(
      marked?.getAttribute(MARK) || (file ? "file_download" : out ? "outbound_click" : on("clicks") && "click"),
      { element: label(element) },
      { ...(web && { href: link.origin + link.pathname }), ...(marked && marks(marked)) },
    );
  };
  const submit = (/** @type {Event} */ event) => {
    const form = /** @type {any} */ (event.target);
    if (!form.closest(`[${MARK}-ignore]`))
      record(form.getAttribute(MARK) || (on("forms") && "form_submit"), { element: label(form) }, marks(form));
  };

  // Web vitals, as https://web.dev/articles/vitals defines them, once for a document.

  let report = () => {};
  if (option.vitals === "on" && !doc.hidden) {
    /** @type {(() => void)[]} */
    const looks = [];
    const watch = (/** @type {string} */ type, /** @type {(entry: any) => void} */ seen) =>
      allowed(() => {
        const observer = new PerformanceObserver((list) => list.getEntries().forEach(seen));
        observer.observe(/** @type {any} */ ({ type, buffered: true, durationThreshold: 16 }));
        looks.push(() => observer.takeRecords().forEach(seen));
      });
    /** @type {number | undefined} */
    let lcp;
    let cls = 0;
    let shifts = { first: 0, last: 0, sum: 0 };
    /** @type {Record<string, number>} */
    const delays = {};
    const interact = (/** @type {any} */ entry) => {
      const id = entry.interactionId;
      if (id) delays[id] = Math.max(delays[id] || 0, entry.duration);
    };
    watch("largest-contentful-paint", (entry) => {
      lcp = Math.round(entry.startTime);
    });
    watch("layout-shift", ({ hadRecentInput, startTime: at, value }) => {
      if (hadRecentInput) return;
      if (at - shifts.last > 1_000 || at - shifts.first > 5_000) shifts = { first: at, last: at, sum: 0 };
      shifts.last = at;
      cls = Math.max(cls, (shifts.sum += value));
    });
    watch("event", interact);
    watch("first-input", interact);
    report = () => {
      report = () => {};
      looks.forEach((look) => look());
      const worst = Object.values(delays).sort((a, b) => b - a);
      const of = /** @type {any} */ (performance).interactionCount || worst.length;
      const inp = worst[Math.min(worst.length - 1, Math.floor(of / 50))];
      record("web_vitals", {}, { lcp, cls: Math.round(cls * 1e4) / 1e4, inp });
    };
  }

  // The calls.

  const drop = () => {
    held = {};
    waiting = [];
    cut();
    user = undefined;
    device = visit = "";
  };
  const decide = (/** @type {Choice} */ made) => {
    choice = made;
    if (sends()) {
      user ||= (keeps() && read("user")) || undefined;
      for (const event of waiting.splice(0))
        enqueue({ ...event, ...identity(/** @type {number} */ (event.created_at)) });
      if (failing) drain();
    } else drop();
  };
  /** @type {Record<string, (...values: any[]) => void>} */
  const calls = {
    track: (event, properties) => record(event, {}, properties),
    page: (properties) => view(properties),
    identify: (id, traits) => {
      user = id;
      if (keeps()) write("user", id);
      record("identify", { user: traits });
    },
    reset: () => {
      user = undefined;
      device = visit = "";
      ["user", "id", "session"].forEach(forget);
    },
    consent: (made) => {
      if (refused) return;
      const denied = made !== "granted";
      if (denied) names("").forEach(forget);
      if (!denied || option.consent !== "required") write("consent", made);
      decide(made);
    },
  };
  const call = (/** @type {string} */ verb, /** @type {any[]} */ ...values) => {
    try {
      calls[verb](...values);
    } catch (error) {
      console.warn("footfall", verb, error); // a call that can't be told must not stop the page's own code
    }
  };
  const early = Array.from(win.footfall?.q || [], (each) => Array.from(each));
  win.footfall = Object.assign(call, { ready: true });
  if (refused) return names("").forEach(forget);

  const start = () => {
    turn();
    const [whose, what] = [true, false].map((told) =>
      early.filter(([verb]) => told === /^(identify|reset|consent)$/.test(verb)),
    );
    whose.forEach(([verb, ...values]) => call(verb, ...values));
    if (on("pages")) view();
    what.forEach(([verb, ...values]) => call(verb, ...values));
    if (failing) drain();
  };
  doc.prerendering ? doc.addEventListener("prerenderingchange", start, { once: true }) : start();

  if (on("pages") && on("spa")) {
    for (const verb of ["pushState", "replaceState"]) {
      const original = win.history[verb];
      win.history[verb] = function () {
        original.apply(this, arguments);
        move(verb === "replaceState");
      };
    }
    listen("popstate", () => move(false));
    listen("hashchange", () => move(false));
  }
  listen("scroll", measure);
  listen("click", click, doc);
  listen("auxclick", click, doc);
  listen("submit", submit, doc);
  listen("online", () => {
    tries = 0;
    drain();
  });
  listen("storage", (event) => {
    if (event.key === prefix + "consent") decide(event.newValue);
  });
  listen("visibilitychange", () => {
    if (!doc.hidden) return see();
    leave();
    report();
    flush();
  }, doc);
  listen("pagehide", () => {
    leave();
    report();
    if (lines && sends()) {
      if (failing || nav.onLine === false || !nav.sendBeacon?.(endpoint, body(lines))) hold(name, lines);
      cut();
    }
  });
  listen("pageshow", (event) => {
    if (!event.persisted) return;
    turn();
    if (on("pages")) view();
    drain();
  });
})();
