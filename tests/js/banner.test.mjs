// The banner's reasoning, without a browser: node --test tests/js
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";

// The file as it is served, but for its frame: top-level functions become globals here.
vm.runInThisContext(readFileSync(new URL("../../consent/banner.js", import.meta.url), "utf8"));
const { readChoice, readPending, cookieFor, stillValid, allows, momentAfter, decide, verdict, serverTime, uuid, languageFor } = globalThis;

const NOW = 1_800_000_000;
const DAYS = 182;
const SUBJECT = "0d9fb4ae-5ca1-4e0f-9a53-5b6ff4a3a001";

const vendor = (slug) => [slug, slug, "Company", "Country", "Purpose", "1 year", ""];
const config = {
  days: DAYS,
  categories: [
    { slug: "functional", vendors: [vendor("forms")] },
    { slug: "analytical", fingerprint: "aaa", vendors: [vendor("counter")] },
    { slug: "marketing", fingerprint: "mmm", vendors: [vendor("maps"), vendor("ads")] },
  ],
};
const nothing = { c: {}, n: {} };
const plain = (value) => JSON.parse(JSON.stringify(value));

function stored(changes = {}) {
  return { v: 1, t: NOW - 60, f: { analytical: "aaa", marketing: "mmm" }, c: { analytical: true, marketing: false }, s: SUBJECT, ...changes };
}

function cookie(choice) {
  return cookieFor(choice, DAYS, true).split(";")[0];
}

// -- The cookie

test("what is written is read again", () => {
  assert.deepEqual(readChoice(`a=b; ${cookie(stored())}; c=d`, DAYS, NOW), stored());
});

test("the cookie lives as long as the choice and is Secure on https alone", () => {
  const attributes = "; Path=/; Max-Age=15724800; SameSite=Lax";
  assert.equal(cookieFor(stored(), DAYS, true).replace(/^[^;]*/, ""), `${attributes}; Secure`);
  assert.equal(cookieFor(stored(), DAYS, false).replace(/^[^;]*/, ""), attributes);
});

const damaged = {
  "no JSON": "privacy_consent=%7Bx",
  "broken percent": "privacy_consent=%E0%A4%A",
  "empty": "privacy_consent=",
  "no value": "privacy_consent",
  "null": "privacy_consent=null",
  "a number": "privacy_consent=1",
  "another name": `x${cookie(stored())}`,
  "another format": cookie(stored({ v: 2 })),
  "no moment": cookie(stored({ t: undefined })),
  "moment as text": cookie(stored({ t: `${NOW}` })),
  "expired": cookie(stored({ t: NOW - DAYS * 86400 })),
  "two days ahead": cookie(stored({ t: NOW + 2 * 86400 })),
  "no answers": cookie(stored({ c: undefined })),
  "answers as text": cookie(stored({ c: "true" })),
  "answer that is not a yes or no": cookie(stored({ c: { analytical: 1 } })),
  "vendors null": cookie(stored({ n: null })),
  "no fingerprints": cookie(stored({ f: null })),
  "a name for a subject": cookie(stored({ s: "somebody@example.nl" })),
  "a subject that is not random": cookie(stored({ s: "0d9fb4ae-5ca1-1e0f-9a53-5b6ff4a3a001" })),
};
for (const [name, value] of Object.entries(damaged)) {
  test(`a damaged cookie counts as none: ${name}`, () => {
    assert.equal(readChoice(value, DAYS, NOW), undefined);
  });
}

test("of two cookies the one that can be read counts, and of two good ones the later choice", () => {
  const later = stored({ t: NOW - 1, c: { analytical: false, marketing: false }, s: undefined });
  assert.equal(readChoice(`privacy_consent=oops; ${cookie(stored())}`, DAYS, NOW).t, NOW - 60);
  for (const pair of [[stored(), later], [later, stored()]]) {
    assert.equal(readChoice(pair.map(cookie).join("; "), DAYS, NOW).t, NOW - 1);
  }
});

// -- What waits for the server

function waiting(changes = {}, id = "018d") {
  return { body: { id }, choice: stored(changes) };
}

test("what waits is read again, and nothing where it is no longer a choice", () => {
  assert.deepEqual(readPending(JSON.stringify(waiting()), undefined, DAYS, NOW), waiting());
  const damaged = [waiting({ t: NOW - DAYS * 86400 }), waiting({ t: NOW + 2 * 86400 }), waiting({}, ""), { body: { id: "018d" } }, {}, 1, null];
  for (const text of [null, "", "{", "[]", ...damaged.map((value) => JSON.stringify(value))]) {
    assert.equal(readPending(text, undefined, DAYS, NOW), null, text);
  }
});

test("what waits no longer counts once the cookie holds a later choice", () => {
  const text = JSON.stringify(waiting());
  assert.equal(readPending(text, stored({ t: NOW - 59 }), DAYS, NOW), null);
  // Of one moment are a choice and those of its answers that hold at once.
  for (const t of [NOW - 60, NOW - 61]) assert.deepEqual(readPending(text, stored({ t }), DAYS, NOW), waiting());
});

test("a decision is later than every one before it, in the same second and by a clock that was set back", () => {
  assert.equal(momentAfter(NOW, nothing, undefined), NOW);
  assert.equal(momentAfter(NOW, stored(), stored({ t: NOW - 1 })), NOW);
  assert.equal(momentAfter(NOW, stored({ t: NOW }), undefined), NOW + 1);
  assert.equal(momentAfter(NOW, nothing, stored({ t: NOW + 3600 })), NOW + 3601);
});

// -- Fingerprints

test("a category that changed is not decided; the others stay as they are", () => {
  const choice = stored({ f: { analytical: "aaa", marketing: "old" }, c: { analytical: true, marketing: true }, n: { maps: true, counter: false } });
  const valid = stillValid(config, choice);
  assert.deepEqual(valid.c, { analytical: true });
  assert.deepEqual(valid.n, { counter: false });
  assert.equal(allows(config, valid, "marketing"), false);
  assert.equal(allows(config, valid, "maps"), false);
});

test("a category that is new is not decided, one that is gone is forgotten", () => {
  const valid = stillValid(config, stored({ f: { marketing: "mmm", gone: "x" }, c: { marketing: true, gone: true } }));
  assert.deepEqual(valid.c, { marketing: true });
});

test("only what is known and allowed is allowed", () => {
  const choice = stillValid(config, stored({ n: { maps: true, counter: false } }));
  const answers = { functional: true, forms: true, analytical: true, counter: false, marketing: false, maps: true, ads: false };
  for (const [name, answer] of Object.entries(answers)) assert.equal(allows(config, choice, name), answer, name);
  for (const name of [undefined, "", "unknown", "constructor", "__proto__"]) assert.equal(allows(config, choice, name), false);
});

// -- Deciding

const all = (answer) => ({ analytical: answer, marketing: answer });

test("refusing everything takes effect at once and holds no identifier", () => {
  const decision = decide(config, nothing, "reject_all", all(false), {}, undefined, NOW);
  assert.equal(decision.action, "reject_all");
  assert.equal(decision.subject, undefined);
  assert.deepEqual(plain(decision.now), { v: 1, t: NOW, f: { analytical: "aaa", marketing: "mmm" }, c: all(false) });
  assert.deepEqual(decision.now, decision.choice);
});

test("allowing everything waits for the server as a whole", () => {
  const decision = decide(config, nothing, "accept_all", all(true), {}, undefined, NOW);
  assert.equal(decision.action, "accept_all");
  assert.match(decision.subject, /^[\da-f]{8}-[\da-f]{4}-4/);
  assert.equal(decision.choice.s, decision.subject);
  assert.equal(decision.now, undefined);
});

test("of a mixed choice the refusals take effect at once", () => {
  const before = stillValid(config, stored());
  const decision = decide(config, before, "save", { analytical: false, marketing: true }, {}, SUBJECT, NOW);
  assert.deepEqual(plain(decision.now.c), { analytical: false });
  assert.equal(decision.now.s, undefined);
  assert.equal(decision.now.t, NOW - 60);
  assert.deepEqual(decision.choice.c, { analytical: false, marketing: true });
  assert.equal(decision.choice.s, SUBJECT);
});

test("narrowing what was allowed needs no server", () => {
  const before = stillValid(config, stored({ c: all(true) }));
  const decision = decide(config, before, "save", { analytical: true, marketing: false }, {}, SUBJECT, NOW);
  assert.deepEqual(decision.now, decision.choice);
  assert.equal(decision.now.s, SUBJECT);
});

test("refusing everything after a grant is a withdrawal, which names the browser once more", () => {
  for (const action of ["reject_all", "save"]) {
    const decision = decide(config, stillValid(config, stored()), action, all(false), {}, SUBJECT, NOW);
    assert.equal(decision.action, "withdraw");
    assert.equal(decision.subject, SUBJECT);
    assert.equal(decision.now.s, undefined);
  }
});

test("saving nothing without a grant before is no withdrawal", () => {
  const decision = decide(config, nothing, "save", all(false), {}, undefined, NOW);
  assert.deepEqual([decision.action, decision.subject], ["save", undefined]);
});

test("one vendor can be allowed without its category", () => {
  const decision = decide(config, nothing, "save", {}, { maps: true, ads: false }, undefined, NOW);
  assert.deepEqual(decision.choice.c, all(false));
  assert.deepEqual(decision.choice.n, { maps: true });
  assert.ok(decision.choice.s);
  assert.equal(allows(config, stillValid(config, decision.choice), "maps"), true);
  assert.equal(allows(config, stillValid(config, decision.now), "maps"), false);
});

test("vendors that say the same as their category are left out", () => {
  const decision = decide(config, nothing, "save", { marketing: true }, { maps: true, counter: false }, undefined, NOW);
  assert.equal(decision.choice.n, undefined);
});

// -- What the server says

test("only a receipt of this very choice is an acknowledgement", () => {
  assert.equal(verdict(201, '{"id": "abc"}', "abc"), "saved");
  assert.equal(verdict(200, '{"id": "abc"}', "abc"), "saved");
  assert.equal(verdict(200, "<title>Log in to this network</title>", "abc"), "kept");
  assert.equal(verdict(204, "", "abc"), "kept");
});

test("what will pass is kept, what will not is dropped, a clock or an id is corrected", () => {
  for (const status of [undefined, 408, 429, 500, 502, 503]) assert.equal(verdict(status, "", "abc"), "kept");
  for (const status of [400, 401, 403, 404, 413, 415]) assert.equal(verdict(status, '{"errors": {}}', "abc"), "failed");
  assert.equal(verdict(409, "", "abc"), "again");
  assert.equal(verdict(400, '{"errors": {}, "server_time": "2026-11-22T12:00:00+00:00"}', "abc"), "again");
  assert.equal(verdict(400, '{"server_time": "noon"}', "abc"), "failed");
  assert.ok(Number.isNaN(serverTime("<html>")));
});

// -- Identifiers and languages

test("a UUIDv7 carries its moment, and no two are alike", () => {
  const made = new Set();
  for (let i = 0; i < 500; i += 1) {
    const id = uuid(7, 1_800_000_000_123);
    assert.match(id, /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    assert.equal(parseInt(id.replaceAll("-", "").slice(0, 12), 16), 1_800_000_000_123);
    made.add(id);
  }
  assert.equal(made.size, 500);
  assert.match(uuid(4), /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
});

test("the random part of a UUIDv7 is random in every place", () => {
  const seen = Array.from({ length: 36 }, () => new Set());
  for (let i = 0; i < 400; i += 1) [...uuid(7, 1)].forEach((digit, place) => seen[place].add(digit));
  for (const place of [15, 16, 17, 20, 21, 22, 24, 30, 35]) assert.ok(seen[place].size > 10, `place ${place}`);
});

test("the first wish that is one of our languages counts", () => {
  assert.equal(languageFor([undefined, "nl-BE", "en"]), 1);
  assert.equal(languageFor(["de", "EN-gb", "nl"]), 0);
  assert.equal(languageFor(["", "fr", "nl"]), 1);
  assert.equal(languageFor([]), 0);
});
