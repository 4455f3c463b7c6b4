/**
 * What follows an answer or a question: recording the choice, clearing away what was refused,
 * the second layer, and the notices in the place of held frames. banner.js fetches it when one
 * of them is wanted; banner.py serves it with the words of one site in both languages.
 */

/**
 * Name, company, country, purpose, lifetime, address of the privacy statement; patterns
 * of the names that it leaves on the site and a script can remove: cookies, keys in local storage, keys in session storage.
 * @typedef {[string, string, Words, Words, Words, string?, string[][]?]} Description
 *
 * Name and purpose of each category, in the order of the configuration, and its vendors.
 * @typedef {{css: string, text: Record<string, Words>,
 *   categories: [Words, Words, ...Description[]][]}} Explained
 */

const PATIENCE = 10_000;
const HOUR = 3_600_000;
// What a notice takes over from the frame in whose place it stands.
const PLACE = ["position", "inset", "margin", "float", "flex", "grid-area", "place-self", "vertical-align"];

// -- Pure ----------------------------------------------------------------------------------

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

/** The id of a decision: a UUID of version 7, of its moment and its token. */
function idOf({ token, at }) {
  const time = at.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${token.slice(15)}`;
}

/** Whether one of `patterns` is `name`; an asterisk stands for any text. */
function fits(patterns, name) {
  return patterns.some((pattern) => RegExp(`^${pattern.replace(/[^\w*]/g, "\\$&").replaceAll("*", ".*")}$`, "s").test(name));
}

/**
 * Every domain and path for which a page at this address may have set a cookie.
 * @returns {string[]} as they are appended to a cookie
 */
function placesOf(hostname, pathname) {
  const labels = hostname.split(".");
  const domains = ["", ...labels.map((_, from) => `; Domain=${labels.slice(from).join(".")}`)];
  const steps = pathname.split("/");
  const paths = steps.map((_, to) => steps.slice(0, to + 1).join("/"));
  return paths.flatMap((path) => [path, `${path}/`].flatMap((path) => domains.map((domain) => `; Path=${path}${domain}`)));
}

/**
 * @param {Explained} explained
 * @param {any[]} core what banner.js hands over, in the order in which it does
 */
function explain(explained, [
  config, language, code, origin, secure, script, banner, granted, allowedOnce,
  make, button, link, actions, acceptAll, rejectAll, findHeld, ownersOf, load, attempt, uuid,
  choose, open, render, refresh, recall, keep, apply, tell, askFor, isAllowed, wear, look, settle,
]) {
  const say = (text) => (typeof text === "string" ? text : text[language]);
  const label = (name, words = {}) =>
    say(explained.text[name] ?? config.text[name]).replace(/{(\w+)}/g, (match, word) => words[word] ?? match);
  wear(explained.css);
  // Of the same order as in the configuration, which has the slugs.
  const categories = explained.categories.map(([name, purpose, ...members], index) => {
    const { slug, fingerprint, vendors } = config.categories[index];
    return { slug, fingerprint, name, purpose, vendors: members.map((member, place) => [vendors[place][0], ...member]) };
  });
  const vendors = categories.flatMap((category) => category.vendors);
  /** @type {Map<Element, Element>} */
  const notices = new Map();
  // What was allowed and refused when it was cleared away last.
  let cleared;
  // The decision that was sent last; what is answered to an earlier one no longer counts.
  let latest;

  // -- To the server -------------------------------------------------------------------------

  /**
   * Sends a decision; after a clock or an id that the server does not take, once more, if `isCurrent()`.
   * @returns {Promise<[string, number]>} the outcome, and milliseconds after which to try again if it was not stored
   */
  async function post(decision, isCurrent, mayCorrect = true) {
    const id = idOf(decision);
    let status;
    let wait = 0;
    let answer = "";
    try {
      const response = await fetch(`${origin}/consent/`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ id, ...decision.body, decided_at: new Date(decision.at).toISOString() }),
        credentials: "same-origin",
        keepalive: true,
        signal: AbortSignal.timeout?.(PATIENCE),
      });
      wait = Number(response.headers.get("retry-after")) * 1000;
      answer = await response.text();
      status = response.status;
    } catch {
      // The server is away, or silent.
    }
    const outcome = verdict(status, answer, id);
    if (outcome !== "again") return [outcome, wait];
    if (!mayCorrect || !isCurrent()) return ["failed", 0];
    if (status === 400) decision.at += serverTime(answer) - Date.now();
    decision.token = uuid();
    if (decision === look().pending) keep();
    return post(decision, isCurrent, false);
  }

  /** Sends the choice that waits; what the server answers decides what becomes of it. */
  async function deliver() {
    const { pending: sent } = look();
    if (!sent) return;
    latest = sent;
    const isCurrent = () => {
      recall();
      return sent === latest && sent === look().pending;
    };
    const [outcome, wait] = await post(sent, isCurrent);
    if (!isCurrent()) return refresh();

    if (outcome === "kept") {
      tell(look().isKept ? "kept" : "failed");
      if (wait > 0) setTimeout(() => isCurrent() && deliver(), Math.min(wait, HOUR));
    } else {
      if (outcome === "saved") apply(sent.choice);
      settle();
      tell(outcome === "saved" ? saved(idOf(sent)) : outcome);
    }
    refresh();
  }

  /** The words that a choice has been stored, for some seconds. */
  function saved(id) {
    const words = [label("saved"), " ", link(`${origin}/consent/${id}/`, label("receipt"))];
    // Not under the hands of who is just about to follow the link.
    setTimeout(() => look().message === words && !banner.contains(document.activeElement) && tell(""), PATIENCE);
    return words;
  }

  /** Lets one held frame load on this page view, once that is recorded; nothing else changes. */
  async function allowOnce(frame, answers, src) {
    const { told } = look();
    const decision = askFor("save", { subject: look().choice.s, choices: {}, vendors: answers, once: true });
    const [outcome] = await post(decision, () => true);
    if (outcome !== "saved") return tell("failed");
    // In the meantime the visitor may have refused, or the page have put something else there.
    if (told !== look().told || src !== frame.dataset.src) return;
    allowedOnce.set(frame, answers);
    load(frame);
    update();
  }

  // -- What was refused leaves nothing behind ------------------------------------------------

  /** As far as a script can: on this host and above it, on this path and above it. */
  function clear() {
    const { c } = look().choice;
    const decided = categories.filter(({ slug }) => slug in c).flatMap((category) => category.vendors);
    const patternsOf = (members, kind) => members.flatMap(([, , , , , , , patterns = []]) => patterns[kind] ?? []);
    const refused = decided.filter(([slug]) => !isAllowed(slug));
    // A name that somebody who is allowed declares as well stays.
    const spared = vendors.filter(([slug]) => isAllowed(slug));
    const leave = (kind, list, remove) =>
      attempt(() => {
        for (const name of list()) {
          if (fits(patternsOf(refused, kind), name) && !fits(["privacy_consent*", ...patternsOf(spared, kind)], name)) remove(name);
        }
      });
    leave(0, () => document.cookie.split(/; */).map((pair) => pair.split("=")[0]), (name) => {
      for (const place of placesOf(location.hostname, location.pathname)) {
        document.cookie = `${name}=; Max-Age=0${place}${secure}`;
      }
    });
    leave(1, () => Object.keys(localStorage), (name) => localStorage.removeItem(name));
    leave(2, () => Object.keys(sessionStorage), (name) => sessionStorage.removeItem(name));
  }

  // -- In the place of held frames -----------------------------------------------------------

  /** After every change: a notice for every held frame, and none where a frame is free or gone. */
  function update() {
    const { told, pending, message } = look();
    if (told !== cleared) clear();
    cleared = told;
    // What runs already stops only with its page; but first the server is told.
    if (!granted.every(isAllowed) && "reload" in script.dataset && (!pending || message === "kept")) {
      // Once: a second call would break the first one off.
      granted.length = 0;
      location.reload();
    }
    for (const [frame, notice] of notices) {
      if (frame.isConnected && frame.previousElementSibling === notice && frame.dataset.src === notice.src) continue;
      const wasInside = notice.contains(document.activeElement);
      notice.remove();
      // Not before: beside a notice it is hidden.
      if (wasInside) frame.focus();
      notices.delete(frame);
    }
    for (const frame of findHeld(["iframe"])) {
      if (!notices.has(frame)) notify(frame);
    }
  }

  /** Who would load here and why, and the ways to allow it: this once, always, or by the settings. */
  function notify(frame) {
    const { width, height } = frame.getBoundingClientRect();
    if (width < 60 || height < 30) return;
    const notice = make("privacy-consent-notice", { lang: code, role: "group" });
    // Where only a category is marked, the vendors that load from that address.
    const claimed = frame.dataset.consentVendor ?? ownersOf(frame.dataset.src).join(" ");
    if (claimed) frame.dataset.consentVendor = claimed;
    const { src } = frame.dataset;
    const owners = vendors.filter(([slug]) => claimed.split(" ").includes(slug) && !isAllowed(slug));
    const answers = Object.fromEntries(owners.map(([slug]) => [slug, true]));
    for (const [, name, company, country, purpose, , address] of owners) {
      notice.append(
        make("p", {}, `${name} (${company}, ${say(country)}): ${say(purpose)}`),
        address && link(address, label("statement", { name })),
      );
    }
    const who = owners.map(([, name]) => name).join(", ");
    if (owners.length) {
      notice.append(
        make("p", {}, label("held")),
        actions(
          button(label("once"), () => allowOnce(frame, answers, src)),
          button(label("allow", { name: who }), () => choose("save", look().choice.c, { ...look().choice.n, ...answers })),
        ),
      );
    } else {
      for (const { slug, name, purpose } of categories) {
        if (slug === frame.dataset.consent) notice.append(make("p", {}, `${say(name)}: ${say(purpose)}`));
      }
      notice.append(actions(button(label("settings"), open)));
    }
    notice.setAttribute("aria-label", who || label("settings"));
    notice.src = src;
    // By properties, not by an attribute, which the page's policy may forbid.
    const style = getComputedStyle(frame);
    const set = (name, value) => notice.style.setProperty(name, value, "important");
    for (const name of PLACE) set(name, style.getPropertyValue(name));
    set("inline-size", `${width}px`);
    set("block-size", `${height}px`);
    set("display", style.display === "inline" ? "inline-grid" : "grid");
    notices.set(frame, notice);
    frame.before(notice);
  }

  // Measured before the last style sheet came, a notice may have the size of a frame without style: all are made anew.
  addEventListener("load", () => {
    for (const notice of notices.values()) notice.src = "";
    update();
  });

  // -- The second layer ----------------------------------------------------------------------

  /** Escape and the button for closing change nothing. */
  function show() {
    if (banner.querySelector("dialog")) return;
    recall();
    const { n, s } = look().choice;
    // Behind the #, so that the number of this browser is in no log and no address that is sent.
    const records = s ? link(`${origin}${label("mine")}#${s}`, label("history")) : "";
    const tick = (name, text) => {
      const input = make("input", { type: "checkbox", name });
      input.checked = isAllowed(name);
      return make("label", { class: "pc-row" }, text, input);
    };
    const save = () => {
      const answers = {};
      for (const { name, checked } of dialog.querySelectorAll("input")) answers[name] = checked;
      choose("save", answers, answers);
    };
    const aboutVendor = ([slug, name, company, country, purpose, lifetime, address]) =>
      make(
        "li",
        {},
        // Allowed or refused on its own: visible, and to be changed, on its own.
        slug in n ? tick(slug, name) : make("p", { class: "pc-row" }, name),
        ...[say(purpose), `${company}, ${say(country)}`, `${label("lifetime")}: ${say(lifetime)}`].map((text) => make("p", {}, text)),
        address && link(address, label("statement", { name })),
      );
    const aboutCategory = ({ slug, fingerprint, name, purpose, vendors }) => {
      const details = make(
        "details",
        {},
        make("summary", {}, `${label("vendors")} (${vendors.length})`),
        make("ul", {}, ...vendors.map(aboutVendor)),
      );
      details.open = vendors.some(([vendor]) => vendor in n);
      return make(
        "div",
        { class: "pc-category" },
        fingerprint
          ? tick(slug, say(name))
          : make("p", { class: "pc-row" }, say(name), make("span", {}, label("always"))),
        make("p", {}, say(purpose)),
        details,
      );
    };
    const shut = button("×", () => dialog.close());
    shut.setAttribute("aria-label", label("close"));
    const dialog = make(
      "dialog",
      { class: "pc-card", "aria-label": label("settings") },
      make("div", { class: "pc-head" }, make("h2", { class: "pc-title" }, label("settings")), shut),
      make("div", { class: "pc-words" }, ...categories.map(aboutCategory), records),
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

  return { show, update, deliver };
}
