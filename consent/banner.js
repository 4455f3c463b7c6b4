/**
 * The consent banner of every web site that embeds it: what a first visit needs until the
 * visitor answers. It asks, holds back and releases. banner.py serves this file with the
 * configuration of one site and the digest of exactly these bytes; see there for the frame.
 * What follows an answer or a question is in details.js, which is fetched when it is wanted:
 * recording, clearing away, the second layer, the notices in the place of held frames.
 *
 * Two laws shape it. No evidence, no tracking: what was allowed takes effect after the server
 * has acknowledged the record, what was refused takes effect at once. Lose nothing: a choice
 * that could not be delivered stays in the browser and is sent again, under the same id.
 * Tabs share the cookie and the choice that waits, and these are right: each tab looks again
 * before it sends, releases or decides, and drops what was overtaken in another.
 *
 * How it looks is up to the page, by custom properties on `privacy-consent` or above it; they
 * are listed in banner.css. What a page can call is at the end of this file.
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
 * Slug; hosts that it loads from, each with a slash and perhaps the beginning of a path.
 * @typedef {[string, ...string[]]} Vendor
 *
 * Without a fingerprint it needs no consent.
 * @typedef {{slug: string, fingerprint?: string, vendors: Vendor[]}} Category
 *
 * `signals`: per tag of Google or Microsoft, per signal the categories and vendors of which
 * one has to be allowed. `details`: SHA-256 of details.js as served.
 * @typedef {{website: string, version: number, days: number, domain: string, language: string,
 *   css: string, text: Record<string, Words>, categories: Category[],
 *   signals: Record<string, Record<string, string[]>>, details: string}} Config
 *
 * @typedef {"accept_all" | "reject_all" | "save" | "withdraw"} Action
 */

const COOKIE = "privacy_consent";
const PENDING = `${COOKIE}_pending`;
const LANGUAGES = ["en", "nl"];
const DAY = 86400;

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
  Object.keys(f);
  return (
    v === 1 && t === +t && t > now - days * DAY && t < now + DAY &&
    [...Object.values(c), ...Object.values(n)].every((answer) => typeof answer === "boolean") &&
    (s === undefined || /^[\da-f-]{14}4[\da-f-]{4}[89ab][\da-f-]{16}$/.test(s))
  );
}

/** The cookie for `choice`, as assigned to `document.cookie`, with `more` attributes. */
function cookieFor(choice, days, more) {
  return `${COOKIE}=${encodeURIComponent(JSON.stringify(choice))}; Path=/; Max-Age=${days * DAY}; SameSite=Lax${more}`;
}

/**
 * The choice that waits for the server, from storage; null where there is none, where it is
 * damaged, and where the cookie holds a later one.
 * @param {Choice | undefined} stored
 */
function readPending(text, stored, days, now) {
  try {
    const kept = JSON.parse(text);
    return kept.token && isChoice(kept.choice, days, now) && !(stored?.t > kept.choice.t) ? kept : null;
  } catch {
    return null;
  }
}

/**
 * What of a stored choice answers the questions that are asked now: a category whose
 * fingerprint differs counts as not decided, and so do its vendors.
 */
function stillValid(config, { f, c, n = {}, ...rest }) {
  const decided = asked(config).filter(({ slug, fingerprint }) => f[slug] === fingerprint && slug in c);
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
  if (grants(c, n)) subject ??= uuid();
  else if (subject) action = "withdraw";
  /** @type {(t: number, c: any, n: any) => Choice} */
  const make = (t, c, n) => ({ v: 1, t, f, c, n: Object.keys(n).length ? n : undefined, s: grants(c, n) ? subject : undefined });

  // What was refused and is allowed now stays refused for as long.
  const settle = (all, known) =>
    Object.fromEntries(
      Object.entries(all)
        .map(([name, answer]) => [name, answer && allows(config, before, name)])
        .filter(([name, answer]) => answer || name in known || !all[name]),
    );
  const [settled, exceptions] = [settle(c, before.c), settle(n, {})];
  // What was granted before is not prolonged by a choice of which there is no record yet.
  const moment = grants(settled, exceptions) ? before.t + 1 : seconds;
  const now = Object.keys(settled).length ? make(moment, settled, exceptions) : undefined;
  return { action, choice: make(seconds, c, n), subject, now };
}

/** What is allowed and refused, to be compared. */
function state({ c, n = {} }) {
  return JSON.stringify([c, n]);
}

/** Whether `entry`, a host and a slash, perhaps with the beginning of a path, claims an address. */
function claims(entry, { hostname, pathname }) {
  const at = `.${hostname}${pathname}`.indexOf(`.${entry}`);
  // Further on it would be a part of the path, as where a site fetches for itself.
  return at >= 0 && at < hostname.length;
}

/** A random UUID of version 4, also on a page without https, where `crypto` has none. */
function uuid() {
  return URL.createObjectURL(new Blob()).slice(-36);
}

/** Which side of the texts to show: the first of `wishes` that is one of our languages. */
function languageFor(wishes) {
  const codes = wishes.map((wish) => `${wish}`.toLowerCase().split("-")[0]);
  return Math.max(0, LANGUAGES.indexOf(codes.find((code) => LANGUAGES.includes(code))));
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
  const script = document.currentScript;
  const { origin } = new URL(script.src);
  const root = document.documentElement;
  const language = languageFor([script.dataset.language, root.lang, ...navigator.languages, config.language]);
  const code = LANGUAGES[language];
  /** @type {(text: Words) => string} */
  const say = (text) => (typeof text === "string" ? text : text[language]);
  const label = (name) => say(config.text[name]);
  const gpc = /** @type {any} */ (navigator).globalPrivacyControl === true;
  // Nobody sits there to be asked; nothing is allowed either.
  const isCrawler = /bot|crawl|spider|slurp/i.test(navigator.userAgent);
  const vendors = config.categories.flatMap((category) => category.vendors);
  const asking = asked(config);
  const names = vendors.map(([slug]) => slug);
  const secure = location.protocol === "https:" ? "; Secure" : "";
  // The domain whose sites share the choice, if this page is one of them.
  const domain = `.${location.hostname}`.endsWith(`.${config.domain}`) ? config.domain : "";

  let choice = { c: {}, n: {} };
  /** @type {{token: string, at: number, body: Record<string, any>, choice?: Choice} | null} */
  let pending = null;
  // Whether storage knows what waits; if it is blocked, only this tab does.
  let isKept = true;
  let wasStored = false;
  let memory = "";
  let told;
  // What the status says: the name of a text, or words with a link.
  /** @type {string | Node[]} */
  let message = "";
  let shown;
  // Vendors that were allowed at any time on this page: they may run.
  const granted = [];
  // Set while the first layer stands in for a second one that cannot be fetched.
  let isStandIn = false;

  // Where storage is blocked, all of it works for this page view and is forgotten.
  const attempt = (work) => {
    try {
      return work();
    } catch {
      return undefined;
    }
  };
  const seconds = () => Math.floor(Date.now() / 1000);
  const isAllowed = (name) => allows(config, choice, name);
  const isUndecided = () => asking.some(({ slug }) => !(slug in choice.c));
  const isAsking = () => isUndecided() && !pending && !gpc && !isCrawler;

  /** Another tab may have chosen in the meantime: the cookie and what waits in storage know. */
  function recall() {
    const before = state(choice);
    const stored = attempt(() => readChoice(document.cookie, config.days, seconds()));
    // A cookie that was there and is gone has been deleted, or has expired.
    if (stored || wasStored) choice = stored ? stillValid(config, stored) : { c: {}, n: {} };
    wasStored ||= !!stored;
    // Without storage, another cookie than before is all that another tab leaves behind.
    const isOurs = !isKept && state(choice) === before;
    const kept = isOurs ? memory : attempt(() => localStorage.getItem(PENDING));
    const latest = readPending(kept, stored, config.days, seconds());
    if (latest?.token === pending?.token) return;
    pending = latest;
    if (!pending || message !== "kept") message = "";
  }

  /** What was decided, here or in another tab, takes effect, is told and is seen. */
  function refresh() {
    recall();
    if (told !== state(choice)) {
      announce("change");
      // From now on it watches what is allowed here.
      prepare();
    }
    render();
    release();
  }

  /** @param {Choice} decided */
  function apply(decided) {
    choice = stillValid(config, decided);
    attempt(() => {
      document.cookie = cookieFor(decided, config.days, (domain && `; Domain=${domain}`) + secure);
    });
  }

  /** For the next page and for other tabs, which find the cookie written when they hear of it. */
  function keep() {
    memory = JSON.stringify(pending);
    isKept = !!attempt(() => {
      // Where there is no room for the new one, the old one must not stay.
      localStorage.removeItem(PENDING);
      localStorage.setItem(PENDING, memory);
      return true;
    });
  }

  /** Tags hear of it by their signals first, then the page. */
  function announce(event) {
    told = state(choice);
    granted.push(...names.filter(isAllowed));
    if (told.includes(":")) signal("update");
    const detail = { choices: choices(), vendors: { ...choice.n } };
    document.dispatchEvent(new CustomEvent(`privacyconsent:${event}`, { detail }));
  }

  const each = (answer) => Object.fromEntries(asking.map(({ slug }) => [slug, answer(slug)]));
  const choices = () => each(isAllowed);

  /** By the queues that their own snippets make: the tag, if it ever comes, finds and works them off. */
  function signal(kind) {
    const page = /** @type {any} */ (window);
    const tags = {
      gtag: (...parts) => {
        page.dataLayer ??= [];
        page.gtag ??= function () {
          page.dataLayer.push(arguments);
        };
        page.gtag(...parts);
      },
      uet: (...parts) => (page.uetq ??= []).push(...parts),
      clarity: (_command, _kind, values) => {
        page.clarity ??= function () {
          (page.clarity.q ??= []).push(arguments);
        };
        page.clarity("consentv2", values);
      },
    };
    const answer = ([signal, names]) => [signal, names.some(isAllowed) ? "granted" : "denied"];
    for (const [tag, signals] of Object.entries(config.signals)) {
      tags[tag]("consent", kind, Object.fromEntries(Object.entries(signals).map(answer)));
    }
  }

  // -- From the visitor to the server ------------------------------------------------------

  /** The visitor has chosen: what is refused stops, what is allowed waits for the server. */
  function choose(action, answers, exceptions = {}) {
    recall();
    const subject = choice.s ?? pending?.body.subject;
    // Later than every one before, also within the same second and after the clock was set back,
    // so that tabs can tell which is the last.
    const moment = Math.max(seconds(), (choice.t ?? 0) + 1, (pending?.choice?.t ?? 0) + 1);
    const decision = decide(config, choice, action, answers, exceptions, subject, moment);
    const { choice: decided, now } = decision;
    pending = askFor(decision.action, { subject: decision.subject, choices: decided.c, vendors: decided.n });
    pending.choice = decided;
    if (now) apply(now);
    keep();
    message = "";
    isStandIn = false;
    close();
    return deliver();
  }

  /** What details.js needs to make a request of a decision, now or in a week: the same one each time. */
  function askFor(action, fields) {
    const body = { website: config.website, version: config.version, banner: digest, language: code, gpc, action, ...fields };
    return { token: uuid(), at: Date.now(), body };
  }

  /** Has the choice that waits, if there is one, sent. */
  async function deliver() {
    refresh();
    if (!pending) return;
    try {
      await (await details()).deliver();
    } catch {
      tell(isKept ? "kept" : "failed");
    }
  }

  // -- What waits for consent --------------------------------------------------------------

  const TAGS = ["script", "iframe", "img", "video", "audio", "source", "object", "embed", "link"];
  const ADDRESSES = ["srcset", "src", "href", "data", "poster"];
  let isReleasing = false;

  /** What is marked and does not run or load yet. */
  function findHeld(tags = TAGS) {
    return [...document.querySelectorAll("[data-consent],[data-consent-vendor]")].filter(
      ({ localName, type, dataset }) =>
        tags.includes(localName) && (type === "text/plain" || ADDRESSES.some((name) => dataset[name])),
    );
  }

  /** Names with spaces between: all of them have to be allowed. */
  const isFree = ({ dataset }) => (dataset.consentVendor ?? dataset.consent).split(" ").every(isAllowed);

  /** One after the other, in the order of the document, looking again after each. */
  async function release() {
    if (isReleasing) return;
    isReleasing = true;
    for (;;) {
      if (findHeld()[0]) refresh();
      const held = findHeld().find(isFree);
      if (!held) break;
      if (held.type === "text/plain") await run(held);
      else load(held);
    }
    isReleasing = false;
    // For a day after a refusal, since what still ran then may have left something behind.
    const isFresh = choice.t > seconds() - DAY && told.includes("false");
    const isWanted = isFresh || findHeld(["iframe"])[0];
    if (layers || (layers !== null && isWanted)) prepare();
  }

  /** A script of another type runs only as a new element; the next one waits until this one has run. */
  function run(held) {
    const script = document.createElement("script");
    for (const { name, value } of held.attributes) {
      if (name !== "type") setAttribute.call(script, name.replace(/^data-(src|type)$/, "$1"), value);
    }
    // The attribute is emptied by the browser, the property is not.
    script.nonce = held.nonce;
    script.text = held.text;
    script.async = held.hasAttribute("async");
    return new Promise((done) => {
      script.addEventListener("load", done);
      script.addEventListener("error", done);
      // Some say nothing, and nobody waits for ever for one vendor.
      setTimeout(done, 10_000);
      held.replaceWith(script);
      if (script.async || !script.src) done();
    });
  }

  /** Everything else loads where it stands, a script that has not begun included. */
  function load(held) {
    for (const name of ADDRESSES) {
      const value = held.getAttribute(`data-${name}`);
      if (value === null) continue;
      held.removeAttribute(`data-${name}`);
      setAttribute.call(held, name, value);
    }
    if (held.localName === "source") held.parentNode.load?.();
  }

  // -- What nobody marked, of vendors whose hosts are known ----------------------------------

  const { setAttribute } = Element.prototype;
  // Frames, and the vendors that the visitor allowed there for this page view.
  const allowedOnce = new WeakMap();
  const marked = new WeakSet();

  /** The vendors of which a text names a host. */
  function namedIn(text) {
    const plain = `${text}`.toLowerCase();
    return vendors.filter(([, ...hosts]) => hosts.some((entry) => plain.includes(entry.split("/")[0])));
  }

  /** The vendors that say they load from there; a set names several addresses. */
  function ownersOf(value, isSet) {
    const addresses = () => (isSet ? value.split(/[\s,]+/) : [value]).map((part) => attempt(() => new URL(part, document.baseURI)) ?? location);
    const isOwner = ([, ...hosts]) => hosts.some((entry) => addresses().some((address) => claims(entry, address)));
    return namedIn(value).filter(isOwner).map(([slug]) => slug);
  }

  /**
   * Marks an element that is about to load from vendors that are not all allowed, as if the
   * page had; whether it did.
   */
  function hold(element, name, value) {
    if (!ADDRESSES.includes(name) || !TAGS.includes(element.localName)) return false;
    const { dataset } = element;
    const owners = ownersOf(`${value}`, name === "srcset");
    // Used again: only where it loads from now counts.
    if (marked.has(element) && dataset[name]) {
      delete dataset[name];
      prepare();
    }
    // A tab of another address that shares the choice tells nobody of its own.
    if (owners[0]) refresh();
    if (owners.every((slug) => isAllowed(slug) || allowedOnce.get(element)?.[slug])) return false;
    marked.add(element);
    dataset.consentVendor = [dataset.consentVendor ?? [], owners].flat().join(" ");
    dataset[name] = value;
    return true;
  }

  /** From here on what scripts make passes by hold() before it loads. */
  function guard() {
    const { prototype } = Element;
    const wrap = (owner, name, kind, work) => {
      const property = Object.getOwnPropertyDescriptor(owner, name);
      const original = property?.[kind];
      if (original) {
        Object.defineProperty(owner, name, { ...property, [kind](...given) { return work(this, original, ...given); } });
      }
    };
    for (const tag of TAGS) {
      for (let owner = document.createElement(tag); (owner = Object.getPrototypeOf(owner)) !== HTMLElement.prototype; ) {
        for (const name of ADDRESSES) {
          wrap(owner, name, "set", (element, set, value) => hold(element, name, value) || set.call(element, value));
        }
      }
    }
    wrap(prototype, "setAttribute", "value", (element, set, name, value) => {
      if (!hold(element, `${name}`.toLowerCase(), value)) set.call(element, name, value);
    });
    // Markup as text is looked through in a template, where nothing loads, and only if it names such a host.
    const markup = ["inner", "HTML"].join("");
    const draft = document.createElement("template");
    const { set: write } = Object.getOwnPropertyDescriptor(prototype, markup);
    const tame = ({ localName }, html) => {
      let isHeld = false;
      if (typeof html !== "string" || localName === "script" || !namedIn(html)[0]) return html;
      write.call(draft, html);
      for (const element of draft.content.querySelectorAll(TAGS.join())) {
        for (const name of ADDRESSES) {
          if (!hold(element, name, element.getAttribute(name))) continue;
          element.removeAttribute(name);
          isHeld = true;
        }
      }
      return isHeld ? draft[markup] : html;
    };
    wrap(prototype, markup, "set", (element, set, html) => set.call(element, tame(element, html)));
    wrap(prototype, "insertAdjacentHTML", "value", (element, insert, place, html) => insert.call(element, place, tame(element, html)));
  }

  // -- What the visitor sees ---------------------------------------------------------------

  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    // Untouched by hold(): a site may name hosts that are ours as well.
    for (const name in attributes) setAttribute.call(element, name, attributes[name]);
    element.append(...children);
    return element;
  }

  function button(text, action, kind = "pc-button") {
    const element = make("button", { type: "button", class: kind }, text);
    element.onclick = action;
    return element;
  }

  const withdraw = () => choose("reject_all", {});
  const acceptAll = () => button(label("accept"), () => choose("accept_all", each(() => true)));
  const rejectAll = () => button(label("reject"), withdraw);
  const link = (address, text) => make("a", { href: address, target: "_blank" }, text);
  const actions = (...buttons) => make("div", { class: "pc-actions" }, ...buttons);

  guard();

  const status = make("p", { class: "pc-status", role: "status" });
  const control = button(label("settings"), open, "pc-control");
  const manage = button(label("manage"), open);
  const layer = make(
    "div",
    { class: "pc-card", role: "dialog", "aria-label": label("title") },
    make(
      "div",
      { class: "pc-words" },
      make("p", { class: "pc-title" }, label("title")),
      make("p", {}, label("text")),
      make("p", {}, link(`${origin}/${code}/cookies/`, label("more"))),
    ),
    actions(acceptAll(), rejectAll(), manage),
  );
  // In the top layer nothing of the page lies above it; "manual", so that Escape does nothing.
  const foot = make("div", { class: "pc-foot", popover: "manual" }, layer, make("div", { class: "pc-bar" }, control, status));
  const banner = make("privacy-consent", { lang: code }, foot);
  /** @type {CSSStyleSheet[]} */
  const sheets = [];
  wear(config.css);

  function render() {
    const said = message || (gpc && isUndecided() && !pending ? "gpc" : "");
    // Behind the open second layer the first would show the same buttons out of reach.
    layer.hidden = !(isAsking() || isStandIn) || banner.childElementCount > 1;
    control.hidden = isAsking() || !asking.length;
    // Only what is new is put there: it would be read out again, and lose the focus.
    if (said !== shown) status.replaceChildren(...(typeof said === "string" ? [said && label(said)] : said));
    shown = said;
  }

  function tell(said) {
    message = said;
    render();
  }

  /** After a choice; the keyboard goes on where it was, or at the control if that is gone. */
  function close() {
    const wasInside = banner.contains(document.activeElement);
    banner.querySelector("dialog")?.close();
    render();
    if (wasInside) control.focus();
  }

  /** Important in a layer: so the page's own rules, important or not, give way. */
  function wear(css) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css.replace(/([^{};])(?=[;}])/g, "$1!important"));
    sheets.push(sheet);
    dress();
  }

  /** Also where the page has put its own sheets in the place of ours. */
  function dress() {
    const worn = document.adoptedStyleSheets;
    for (const sheet of sheets) if (!worn.includes(sheet)) worn.push(sheet);
  }

  /** First in the body, again if the page replaced its body. */
  function attach() {
    dress();
    if (!document.body || banner.isConnected) return;
    // A second layer that was open has been closed by the browser.
    banner.replaceChildren(foot);
    document.body.prepend(banner);
    render();
    attempt(() => foot.showPopover());
  }

  /** @type {Promise<{show: () => void, update: () => void, deliver: () => Promise<void>}> | null | undefined}
   * null after it could not be had: then it is tried again only when the visitor does something
   */
  let layers;

  /** What details.js makes, once it is there. Its bytes are those that `config` names, or it does not run. */
  function details() {
    layers ??= new Promise((done, fail) => {
      const hash = config.details.replace(/../g, (digits) => String.fromCharCode(/** @type {any} */ (`0x${digits}`)));
      const element = make("script", {
        src: `${origin}/embed/${config.website}.${config.details}.js`,
        integrity: `sha256-${btoa(hash)}`,
        crossorigin: "",
      });
      element.nonce = script.nonce;
      element.explain = (explain) => done(explain(core()));
      element.onerror = () => {
        layers = null;
        fail();
      };
      document.head.append(element);
    });
    return layers;
  }

  /** Has it here, and looks after what has changed. */
  function prepare() {
    details().then(({ update }) => update(), () => {});
  }

  /** The second layer. Where it cannot be had, the first one serves to change or withdraw a choice. */
  async function open() {
    try {
      (await details()).show();
    } catch {
      isStandIn = true;
      tell("failed");
    }
  }

  /** What details.js is given, in the order in which it takes it. */
  const core = () => [
    config, language, code, origin, secure, script, banner, granted, allowedOnce,
    make, button, link, actions, acceptAll, rejectAll, findHeld, ownersOf, load, attempt, uuid,
    choose, open, render, refresh, recall, keep, apply, tell, askFor, isAllowed, wear, look, settle,
  ];

  const look = () => ({ choice, pending, isKept, message, told });

  /** What waited has been answered. */
  function settle() {
    pending = null;
    memory = "";
    attempt(() => localStorage.removeItem(PENDING));
  }

  customElements.define("privacy-consent", class extends HTMLElement {});
  window.privacyConsent = { choices, allows: isAllowed, open, withdraw };

  // Before what was chosen is known: no, to all that needs consent.
  signal("default");
  recall();
  if (pending) message = "kept";
  // Damaged or overtaken; not removed by recall(), which may see what another tab is just writing.
  else settle();
  render();
  attach();
  announce("ready");
  new MutationObserver(() => {
    attach();
    release();
  }).observe(document, { childList: true, subtree: true });
  deliver();

  addEventListener("online", deliver);
  addEventListener("storage", () => {
    refresh();
    // The word of another tab can be here before its cookie is.
    setTimeout(refresh, 1000);
  });
  document.addEventListener("visibilitychange", refresh);
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-consent-open]")) return;
    event.preventDefault();
    open();
  });
  // WCAG 2.4.11: what receives the focus is not hidden behind the first layer.
  document.addEventListener("focusin", ({ target }) => {
    const { left, bottom } = target.getBoundingClientRect();
    const isCovered = foot.contains(document.elementFromPoint(left + 1, bottom - 1));
    const { top } = (layer.hidden ? control : layer).getBoundingClientRect();
    if (isCovered && !banner.contains(target)) scrollBy(0, bottom - top + 8);
  });
}
