/**
 * The consent banner of every web site that embeds it. banner.py serves this file with the
 * configuration of one site and the digest of exactly these bytes; see there for the frame.
 *
 * Two laws shape it. No evidence, no tracking: what was allowed takes effect after the server
 * has acknowledged the record, what was refused takes effect at once. Lose nothing: a choice
 * that could not be delivered stays in the browser and is sent again, under the same id.
 * Tabs share the cookie and the choice that waits, and these are right: each tab looks again
 * before it sends, releases or decides, and drops what was overtaken in another.
 *
 * How it looks is up to the page, by custom properties on `privacy-consent` or above it; they
 * are listed in banner.css. What a page can call is at the end of this file.
 *
 * Comments stand on lines of their own and no template literal holds a line break, so that
 * banner.py may drop comments and indentation line by line.
 */

/**
 * What the visitor decided, as it stands in the cookie: version of this format, moment in
 * seconds by the browser's clock, fingerprint of what was asked and answer per category,
 * vendors whose answer differs from their category, and a random number for this browser,
 * only where something is allowed.
 * @typedef {{v: 1, t: number, f: Record<string, string>, c: Record<string, boolean>,
 *   n?: Record<string, boolean>, s?: string}} Choice
 *
 * A text in English and Dutch, or one string where both are the same.
 * @typedef {string | [string, string]} Words
 *
 * Slug, name, company, country, purpose, lifetime, address of the privacy statement.
 * @typedef {[string, string, string, Words, Words, Words, string]} Vendor
 *
 * Without a fingerprint it needs no consent.
 * @typedef {{slug: string, name: Words, purpose: Words, fingerprint?: string, vendors: Vendor[]}} Category
 *
 * @typedef {{website: string, version: number, days: number, language: string, css: string,
 *   text: Record<string, Words>, categories: Category[]}} Config
 *
 * @typedef {"accept_all" | "reject_all" | "save" | "withdraw"} Action
 */

const COOKIE = "privacy_consent";
const PENDING = "privacy_consent_pending";
const LANGUAGES = ["en", "nl"];
const DAY = 86400;
const PATIENCE = 10_000;
const HOUR = 3_600_000;

// -- What was chosen, and what follows from it: pure ---------------------------------------

/**
 * The categories about which the visitor is asked.
 * @param {Config} config
 */
function asked({ categories }) {
  return categories.filter(({ fingerprint }) => fingerprint);
}

/**
 * The latest valid choice in `document.cookie`. A host and its parent domain may both have
 * one; anything malformed, expired or from the future counts as absent.
 * @returns {Choice | undefined}
 */
function readChoice(cookies, days, now) {
  let latest;
  for (const pair of cookies.split(/; */)) {
    const [name, value] = pair.split("=");
    if (name !== COOKIE) continue;
    try {
      const choice = JSON.parse(decodeURIComponent(value));
      if (isChoice(choice, days, now) && !(latest?.t >= choice.t)) latest = choice;
    } catch {
      // Not ours, or damaged: as if it were not there.
    }
  }
  return latest;
}

/** Throws, or answers false, where `choice` is not one that still counts. */
function isChoice({ v, t, f, c, n = {}, s }, days, now) {
  const answers = [...Object.values(c), ...Object.values(n)];
  return (
    v === 1 && Number.isFinite(t) && t > now - days * DAY && t < now + DAY &&
    [f, c, n].every((part) => Object(part) === part) && answers.every((answer) => typeof answer === "boolean") &&
    (s === undefined || /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test(s))
  );
}

/** The cookie for `choice`, as assigned to `document.cookie`. */
function cookieFor(choice, days, secure) {
  const value = encodeURIComponent(JSON.stringify(choice));
  return `${COOKIE}=${value}; Path=/; Max-Age=${days * DAY}; SameSite=Lax${secure ? "; Secure" : ""}`;
}

/**
 * The choice that waits for the server, from storage; null where there is none, where it is
 * damaged, and where the cookie holds a later one.
 * @param {Choice | undefined} stored
 */
function readPending(text, stored, days, now) {
  try {
    const kept = JSON.parse(text);
    return kept.body.id && isChoice(kept.choice, days, now) && !(stored?.t > kept.choice.t) ? kept : null;
  } catch {
    return null;
  }
}

/**
 * The moment of a decision: later than every one `before`, also within the same second and
 * after the clock was set back, so that tabs can tell which is the last.
 */
function momentAfter(now, ...before) {
  return Math.max(now, ...before.map((choice) => (choice?.t ?? 0) + 1));
}

/**
 * What of a stored choice answers the questions that are asked now: a category whose
 * fingerprint differs counts as not decided, and so do its vendors.
 */
function stillValid(config, { f, c, n = {}, ...rest }) {
  const decided = asked(config).filter(({ slug, fingerprint }) => f[slug] === fingerprint && typeof c[slug] === "boolean");
  const vendors = decided.flatMap((category) => category.vendors.map(([slug]) => slug));
  return {
    ...rest,
    f,
    c: Object.fromEntries(decided.map(({ slug }) => [slug, c[slug]])),
    n: Object.fromEntries(Object.entries(n).filter(([slug]) => vendors.includes(slug))),
  };
}

/** Whether `name`, a category or a vendor of this site, is allowed; what is unknown is not. */
function allows({ categories }, { c, n }, name) {
  const category = categories.find(
    ({ slug, vendors }) => slug === name || vendors.some(([vendor]) => vendor === name),
  );
  return !!category && (!category.fingerprint || (n[name] ?? c[category.slug]) === true);
}

/**
 * The choice in which the visitor's answers result, the action to record, and what of it
 * takes effect without evidence: every refusal, and what was allowed before.
 * `subject` is the number of this browser if something was granted before.
 * @returns {{action: Action, choice: Choice, subject?: string, now?: Choice}}
 */
function decide(config, before, action, answers, vendors, subject, seconds) {
  const [f, c, n] = [{}, {}, {}];
  for (const { slug, fingerprint, vendors: members } of asked(config)) {
    f[slug] = fingerprint;
    c[slug] = !!answers[slug];
    for (const [vendor] of members) {
      if ((vendors[vendor] ?? c[slug]) !== c[slug]) n[vendor] = vendors[vendor];
    }
  }
  const grants = (...all) => all.some((part) => Object.values(part).includes(true));
  const isGranted = grants(c, n);
  if (isGranted) subject ??= uuid(4);
  else if (subject) action = "withdraw";
  /** @type {(t: number, c: any, n: any) => Choice} */
  const make = (t, c, n) => ({ v: 1, t, f, c, n: Object.keys(n).length ? n : undefined, s: grants(c, n) ? subject : undefined });
  const choice = make(seconds, c, n);

  const needsNone = ([slug, answer]) => !answer || allows(config, before, slug);
  const [settled, settledVendors] = [c, n].map((all) => Object.fromEntries(Object.entries(all).filter(needsNone)));
  const isSettled = [...Object.entries(c), ...Object.entries(n)].every(needsNone);
  // What was granted before is not prolonged by a choice of which there is no record yet.
  if (isSettled) return { action, choice, subject, now: choice };
  const refuses = [c, n].some((all) => Object.values(all).includes(false));
  return { action, choice, subject, now: refuses ? make(before.t ?? seconds, settled, settledVendors) : undefined };
}

/** What an answer to `POST /consent/` means for the choice with this id. */
function verdict(status, answer, id) {
  // Any page can say 200, a login page of a network too; only a receipt names the id.
  if (status === 200 || status === 201) return answer.includes(id) ? "saved" : "kept";
  if (status === 409 || (status === 400 && serverTime(answer))) return "again";
  return status >= 400 && status < 500 && status !== 408 && status !== 429 ? "failed" : "kept";
}

/** The server's clock in milliseconds, from the answer to a choice whose clock was wrong. */
function serverTime(answer) {
  try {
    return Date.parse(JSON.parse(answer).server_time);
  } catch {
    return NaN;
  }
}

/** A random UUID: version 4, or version 7 of the moment `ms`. */
function uuid(version, ms) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  if (version === 7) new DataView(bytes.buffer).setBigUint64(0, (BigInt(ms) << 16n) | BigInt(bytes[6] * 256 + bytes[7]));
  bytes[6] = (bytes[6] & 15) | (version << 4);
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** Which side of the texts to show: the first of `wishes` that is one of our languages. */
function languageFor(wishes) {
  for (const wish of wishes) {
    const index = LANGUAGES.indexOf(`${wish}`.toLowerCase().split("-")[0]);
    if (index >= 0) return index;
  }
  return 0;
}

// -- On the page ---------------------------------------------------------------------------

/**
 * @param {Config} config
 * @param {string} digest SHA-256 of all that is served before the call of this function
 */
function start(config, digest) {
  // The tag twice, or the tags of two sites: the first one asks.
  if (customElements.get("privacy-consent")) return;

  /** @type {any} */
  const script = document.currentScript ?? document.querySelector(`script[src*="/embed/${config.website}."]`);
  const { origin } = new URL(script.src);
  const root = document.documentElement;
  const language = languageFor([script.dataset.language, root.lang, ...navigator.languages, config.language]);
  /** @type {(text: Words) => string} */
  const say = (text) => (typeof text === "string" ? text : text[language]);
  const label = (name, words = {}) => say(config.text[name]).replace(/{(\w+)}/g, (match, word) => words[word] ?? match);
  const gpc = "globalPrivacyControl" in navigator && navigator.globalPrivacyControl === true;
  const nothing = { c: {}, n: {} };

  let choice = nothing;
  /** @type {{body: Record<string, any>, choice: Choice} | null} */
  let pending = null;
  // Whether storage knows what waits; if it is blocked, only this tab does.
  let isKept = true;
  let told;
  let clockOffset = 0;
  /** @type {AbortController | undefined} */
  let request;
  let message = "";

  // Where storage is blocked, all of it works for this page view and is forgotten.
  const attempt = (work) => {
    try {
      return work();
    } catch {
      return undefined;
    }
  };
  const clock = () => Date.now() + clockOffset;
  const seconds = () => Math.floor(Date.now() / 1000);
  const isAllowed = (name) => allows(config, choice, name);
  const isUndecided = () => asked(config).some(({ slug }) => !(slug in choice.c));
  const isAsking = () => isUndecided() && !pending && !gpc;

  /** Another tab may have chosen in the meantime: the cookie and what waits in storage know. */
  function recall() {
    const before = JSON.stringify(choice);
    const stored = attempt(() => readChoice(document.cookie, config.days, seconds()));
    if (stored) choice = stillValid(config, stored);
    const kept = attempt(() => readPending(localStorage.getItem(PENDING), stored, config.days, seconds()));
    // Without storage, another cookie than before is all that another tab leaves behind.
    const isOurs = !isKept && JSON.stringify(choice) === before;
    const latest = kept ?? (isOurs ? pending : null);
    if (latest?.body.id === pending?.body.id) return;
    pending = latest;
    isKept = true;
    if (!pending || message !== "kept") message = "";
  }

  /** What was decided, here or in another tab, takes effect and is seen. */
  function refresh() {
    recall();
    if (told !== state()) announce("change");
    render();
    release();
  }

  /** @param {Choice} decided */
  function apply(decided) {
    choice = stillValid(config, decided);
    attempt(() => (document.cookie = cookieFor(decided, config.days, location.protocol === "https:")));
  }

  /** For the next page and for other tabs, which find the cookie written when they hear of it. */
  function keep() {
    isKept = !!attempt(() => {
      // Where there is no room for the new one, the old one must not stay.
      localStorage.removeItem(PENDING);
      localStorage.setItem(PENDING, JSON.stringify(pending));
      return true;
    });
  }

  const state = () => JSON.stringify([choice.c, choice.n]);

  function announce(event) {
    told = state();
    const detail = { choices: choices(), vendors: { ...choice.n } };
    document.dispatchEvent(new CustomEvent(`privacyconsent:${event}`, { detail }));
  }

  function choices() {
    return Object.fromEntries(asked(config).map(({ slug }) => [slug, isAllowed(slug)]));
  }

  /** The visitor has chosen: what is refused stops, what is allowed waits for the server. */
  function choose(action, answers, vendors = {}) {
    recall();
    const subject = choice.s ?? pending?.body.subject;
    const decision = decide(config, choice, action, answers, vendors, subject, momentAfter(seconds(), choice, pending?.choice));
    const body = {
      id: uuid(7, clock()),
      subject: decision.subject,
      website: config.website,
      version: config.version,
      banner: digest,
      language: LANGUAGES[language],
      gpc,
      action: decision.action,
      choices: decision.choice.c,
      vendors: decision.choice.n,
      decided_at: new Date(clock()).toISOString(),
    };
    pending = { body, choice: decision.choice };
    if (decision.now) apply(decision.now);
    keep();
    message = "";
    close();
    deliver(true);
  }

  /** Sends the pending choice; what the server answers decides what becomes of it. */
  async function deliver(mayCorrect) {
    refresh();
    const sent = pending;
    if (!sent) return;
    let status, wait;
    let answer = "";
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), PATIENCE);
    request?.abort();
    request = stop;
    try {
      const response = await fetch(`${origin}/consent/`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(sent.body),
        credentials: "omit",
        keepalive: true,
        signal: stop.signal,
      });
      wait = Number(response.headers.get("retry-after")) * 1000;
      answer = await response.text();
      status = response.status;
    } catch {
      // The server is away, or the visitor has chosen anew.
    }
    clearTimeout(timer);
    if (request !== stop) return;
    recall();
    if (sent !== pending) return refresh();

    const outcome = verdict(status, answer, sent.body.id);
    if (outcome === "again" && mayCorrect) {
      const shift = status === 400 ? serverTime(answer) - clock() : 0;
      clockOffset += shift;
      sent.body.id = uuid(7, clock());
      sent.body.decided_at = new Date(Date.parse(sent.body.decided_at) + shift).toISOString();
      keep();
      return deliver(false);
    }
    message = outcome;
    if (outcome === "kept") {
      if (!isKept) message = "failed";
      if (wait > 0) setTimeout(() => request === stop && deliver(true), Math.min(wait, HOUR));
    } else {
      if (outcome === "saved") {
        apply(sent.choice);
        setTimeout(() => forget("saved"), PATIENCE);
      } else {
        message = "failed";
      }
      pending = null;
      attempt(() => localStorage.removeItem(PENDING));
    }
    refresh();
  }

  // -- What waits for consent --------------------------------------------------------------

  const HELD = ["script[type='text/plain']", "iframe", "img", "video", "source", "object", "link"]
    .flatMap((tag) => [`${tag}[data-consent]`, `${tag}[data-consent-vendor]`])
    .join();
  const released = new WeakSet();
  /** @type {Map<Element, Element>} */
  const notices = new Map();
  let isReleasing = false;

  /** @type {(held: any) => boolean} */
  const isFree = ({ dataset }) => isAllowed(dataset.consentVendor ?? dataset.consent);

  /** One after the other, in the order of the document, looking again after each. */
  async function release() {
    if (isReleasing) return;
    isReleasing = true;
    const next = () => {
      const waiting = [...document.querySelectorAll(HELD)].filter((held) => !released.has(held));
      if (waiting.length) recall();
      return waiting.find(isFree);
    };
    for (let held; (held = next()); ) {
      released.add(held);
      if (held.localName === "script") await run(held);
      else load(held);
    }
    isReleasing = false;
    for (const [frame, notice] of notices) {
      if (frame.isConnected && frame.previousElementSibling === notice) continue;
      notice.remove();
      notices.delete(frame);
    }
    document.querySelectorAll("iframe[data-src]").forEach(notify);
  }

  /** A script runs only as a new element; the next one waits until this one has run. */
  function run(held) {
    const script = document.createElement("script");
    for (const { name, value } of held.attributes) {
      if (name !== "type") script.setAttribute(name.replace(/^data-(src|type)$/, "$1"), value);
    }
    // The attribute is emptied by the browser, the property is not.
    script.nonce = held.nonce;
    script.text = held.text;
    const isAsync = held.hasAttribute("async");
    script.async = isAsync;
    return new Promise((done) => {
      script.addEventListener("load", done);
      script.addEventListener("error", done);
      held.replaceWith(script);
      if (isAsync || !script.src) done();
    });
  }

  function load(held) {
    for (const name of ["srcset", "src", "href", "data", "poster"]) {
      const value = held.getAttribute(`data-${name}`);
      if (value === null) continue;
      held.removeAttribute(`data-${name}`);
      held.setAttribute(name, value);
    }
    if (held.localName === "source") held.parentNode.load?.();
    const notice = notices.get(held);
    if (notice?.contains(document.activeElement)) held.focus();
    notice?.remove();
    notices.delete(held);
  }

  /** Says in the place of a held frame who is not loaded, and lets the visitor allow just that. */
  function notify(frame) {
    const { offsetWidth: width, offsetHeight: height } = frame;
    if (!frame.matches(HELD) || notices.has(frame) || width < 60 || height < 30) return;
    const { consent, consentVendor } = frame.dataset;
    const category = config.categories.find(({ slug }) => slug === consent);
    const vendor = config.categories.flatMap(({ vendors }) => vendors).find(([slug]) => slug === consentVendor);
    const [slug, name, company, country, purpose] = vendor ?? [];
    const notice = make("privacy-consent-notice", { lang: LANGUAGES[language], role: "group" });
    if (vendor) {
      notice.append(
        make("p", {}, label("held", { name, company, country: say(country), purpose: say(purpose) })),
        button(label("allow", { name }), () => choose("save", choice.c, { ...choice.n, [slug]: true })),
      );
    } else {
      notice.append(
        make("p", {}, label("heldCategory", { name: say(category?.name ?? consent ?? "") })),
        button(label("settings"), open),
      );
    }
    notice.setAttribute("aria-label", name ?? label("settings"));
    // By a rule and not by a style attribute, which the page's policy may forbid.
    const size = `inline-size:${width}px!important;min-block-size:${height}px!important`;
    notice.dataset.n = `${sheet.cssRules.length}`;
    sheet.insertRule(`@layer privacy-consent{privacy-consent-notice[data-n="${notice.dataset.n}"]{${size}}}`, sheet.cssRules.length);
    notices.set(frame, notice);
    frame.before(notice);
  }

  // -- What the visitor sees ---------------------------------------------------------------

  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const name in attributes) element.setAttribute(name, attributes[name]);
    element.append(...children);
    return element;
  }

  function button(text, action, kind = "pc-button") {
    const element = make("button", { type: "button", class: kind }, text);
    element.onclick = action;
    return element;
  }

  const all = (answer) => Object.fromEntries(asked(config).map(({ slug }) => [slug, answer]));
  const acceptAll = () => button(label("accept"), () => choose("accept_all", all(true)));
  const rejectAll = () => button(label("reject"), () => choose("reject_all", all(false)));
  const link = (address, text) => make("a", { href: address, target: "_blank", rel: "noopener" }, text);
  const actions = (...buttons) => make("div", { class: "pc-actions" }, ...buttons);

  const status = make("p", { class: "pc-status", role: "status" });
  const control = button(label("settings"), open, "pc-control");
  const layer = make(
    "div",
    { class: "pc-card", role: "dialog", "aria-labelledby": "privacy-consent-title", "aria-describedby": "privacy-consent-text" },
    make(
      "div",
      { class: "pc-words" },
      make("p", { class: "pc-title", id: "privacy-consent-title" }, label("title")),
      make("p", { id: "privacy-consent-text" }, label("text")),
      make("p", {}, link(`${origin}/${LANGUAGES[language]}/cookies/`, label("more"))),
    ),
    actions(acceptAll(), rejectAll(), button(label("manage"), open)),
  );
  // In the top layer nothing of the page lies above it; "manual", so that Escape does nothing.
  const foot = make("div", { class: "pc-foot", popover: "manual" }, layer, status, control);
  const banner = make("privacy-consent", { lang: LANGUAGES[language], dir: "ltr" }, foot);
  /** @type {HTMLDialogElement | undefined} */
  let dialog;
  const sheet = new CSSStyleSheet();
  // Important in a layer: so the page's own rules, important or not, give way.
  sheet.replaceSync(config.css.replaceAll(";", "!important;"));

  function render() {
    const isQuiet = gpc && isUndecided() && !pending && !message;
    // Behind the open second layer the first would show the same buttons out of reach.
    layer.hidden = !isAsking() || !!dialog?.isConnected;
    control.hidden = isAsking() || !asked(config).length;
    status.textContent = message ? label(message) : isQuiet ? label("gpc") : "";
  }

  function forget(said) {
    if (message === said) message = "";
    render();
  }

  /** After a choice; the keyboard goes on where it was, or at the control if that is gone. */
  function close() {
    const wasInside = banner.contains(document.activeElement);
    dialog?.close();
    render();
    if (wasInside) control.focus();
  }

  /** The second layer. Escape and the button for closing change nothing. */
  function open() {
    if (dialog?.isConnected) return;
    recall();
    const switches = new Map();
    const tick = (name, text, kind) => {
      const input = make("input", { type: "checkbox", class: kind });
      input.checked = isAllowed(name);
      switches.set(name, input);
      return make("label", { class: "pc-row" }, make("span", {}, text), input);
    };
    const save = () => {
      const answers = {};
      for (const [name, { checked }] of switches) answers[name] = checked;
      choose("save", answers, answers);
    };
    const row = (name, value) => [make("dt", {}, label(name)), make("dd", {}, value)];
    const aboutVendor = ([slug, name, company, country, purpose, lifetime, address]) =>
      make(
        "li",
        {},
        // Allowed or refused on its own: visible, and to be changed, on its own.
        slug in choice.n ? tick(slug, name, "pc-tick") : make("p", { class: "pc-row" }, name),
        make(
          "dl",
          {},
          ...row("company", company),
          ...row("country", say(country)),
          ...row("purpose", say(purpose)),
          ...row("lifetime", say(lifetime)),
        ),
        ...(address ? [link(address, label("statement", { name }))] : []),
      );
    const aboutCategory = ({ slug, name, purpose, fingerprint, vendors }) => {
      const details = make(
        "details",
        {},
        make("summary", {}, `${label("vendors")} (${vendors.length})`),
        make("ul", {}, ...vendors.map(aboutVendor)),
      );
      details.open = vendors.some(([vendor]) => vendor in choice.n);
      return make(
        "div",
        { class: "pc-category" },
        fingerprint
          ? tick(slug, say(name), "pc-switch")
          : make("p", { class: "pc-row" }, make("span", {}, say(name)), make("span", { class: "pc-always" }, label("always"))),
        make("p", {}, say(purpose)),
        details,
      );
    };
    const shut = button("×", () => dialog.close(), "pc-close");
    shut.setAttribute("aria-label", label("close"));
    dialog = make(
      "dialog",
      { class: "pc-card", "aria-labelledby": "privacy-consent-settings" },
      make("div", { class: "pc-head" }, make("h2", { class: "pc-title", id: "privacy-consent-settings" }, label("settings")), shut),
      make("div", { class: "pc-words" }, ...config.categories.map(aboutCategory)),
      actions(acceptAll(), rejectAll(), button(label("save"), save)),
    );
    const opener = document.activeElement;
    dialog.onclose = () => {
      dialog.remove();
      render();
      // The browser gives the focus back before the first layer is there again.
      if (document.activeElement === document.body) /** @type {any} */ (opener).focus();
    };
    banner.append(dialog);
    dialog.showModal();
    render();
  }

  /** First in the body, again if the page replaced its body. */
  function attach() {
    if (!document.body || banner.isConnected) return;
    if (!document.adoptedStyleSheets.includes(sheet)) document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    document.body.prepend(banner);
    foot.showPopover?.();
  }

  customElements.define("privacy-consent", class extends HTMLElement {});
  window.privacyConsent = {
    choices,
    allows: isAllowed,
    open,
    withdraw: () => choose("reject_all", all(false)),
  };

  recall();
  if (pending) message = "kept";
  // Damaged or overtaken; not removed by recall(), which may see what another tab is just writing.
  else attempt(() => localStorage.removeItem(PENDING));
  render();
  attach();
  release();
  new MutationObserver(() => {
    attach();
    release();
  }).observe(root, { childList: true, subtree: true });
  announce("ready");
  deliver(true);

  addEventListener("online", () => deliver(true));
  addEventListener("storage", refresh);
  document.addEventListener("visibilitychange", refresh);
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-consent-open]")) return;
    event.preventDefault();
    open();
  });
  // WCAG 2.4.11: what receives the focus is not hidden behind the first layer.
  document.addEventListener("focusin", ({ target }) => {
    const place = target.getBoundingClientRect();
    const cover = layer.getBoundingClientRect();
    const isCovered = place.bottom > cover.top && place.top < cover.bottom && place.left < cover.right && place.right > cover.left;
    if (isCovered && !banner.contains(target)) scrollBy(0, place.bottom - cover.top + 8);
  });
}
