// The banner's reasoning, without a browser: node --test tests/js
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";

// The files as they are before they are framed and made small: top-level functions become globals here.
for (const name of ["banner.js", "details.js"]) {
  vm.runInThisContext(readFileSync(new URL(`../../consent/${name}`, import.meta.url), "utf8"));
}
const { readChoice, readPending, cookieFor, stillValid, allows, decide, claims, languageFor } = globalThis;
const { verdict, serverTime, idOf, fits, placesOf } = globalThis;

const NOW = 1_800_000_000;
const DAYS = 182;
const SUBJECT = "0d9fb4ae-5ca1-4e0f-9a53-5b6ff4a3a001";

const vendor = (slug) => [slug, `${slug}.example/`];
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
  return cookieFor(choice, DAYS, "").split(";")[0];
}

// -- The cookie

test("what is written is read again", () => {
  assert.deepEqual(readChoice(`a=b; ${cookie(stored())}; c=d`, DAYS, NOW), stored());
});

test("the cookie lives as long as the choice, for this host unless more is said", () => {
  const attributes = "; Path=/; Max-Age=15724800; SameSite=Lax";
  assert.equal(cookieFor(stored(), DAYS, "").replace(/^[^;]*/, ""), attributes);
  assert.equal(cookieFor(stored(), DAYS, "; Domain=example.nl; Secure").replace(/^[^;]*/, ""), `${attributes}; Domain=example.nl; Secure`);
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

function waiting(changes = {}, token = "018d") {
  return { token, at: NOW * 1000, body: {}, choice: stored(changes) };
}

test("what waits is read again, and nothing where it is no longer a choice", () => {
  assert.deepEqual(readPending(JSON.stringify(waiting()), undefined, DAYS, NOW), waiting());
  const damaged = [waiting({ t: NOW - DAYS * 86400 }), waiting({ t: NOW + 2 * 86400 }), waiting({}, ""), { token: "018d" }, {}, 1, null];
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
  // Marketing was refused, and stays so until the server has stored the new answer.
  assert.deepEqual(plain(decision.now.c), { analytical: false, marketing: false });
  assert.equal(decision.now.s, undefined);
  assert.equal(decision.now.t, NOW);
  assert.deepEqual(decision.choice.c, { analytical: false, marketing: true });
  assert.equal(decision.choice.s, SUBJECT);
});

test("what was never decided and is allowed now is not decided before the server knows", () => {
  const decision = decide(config, nothing, "save", { analytical: false, marketing: true }, {}, undefined, NOW);
  assert.deepEqual(plain(decision.now.c), { analytical: false });
  assert.deepEqual(plain(decision.choice.c), { analytical: false, marketing: true });
});

test("narrowing what was allowed needs no server, and does not prolong what stays allowed", () => {
  const before = stillValid(config, stored({ c: all(true) }));
  const decision = decide(config, before, "save", { analytical: true, marketing: false }, {}, SUBJECT, NOW);
  assert.deepEqual(decision.now.c, { analytical: true, marketing: false });
  assert.equal(decision.now.s, SUBJECT);
  assert.equal(decision.now.t, NOW - 59);
  assert.equal(decision.choice.t, NOW);
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

test("the id of a decision is a UUIDv7 of its moment, the same each time and another for each", () => {
  const made = new Set();
  for (let i = 0; i < 500; i += 1) {
    const decision = { token: crypto.randomUUID(), at: 1_800_000_000_123 };
    const id = idOf(decision);
    assert.match(id, /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    assert.equal(parseInt(id.replaceAll("-", "").slice(0, 12), 16), 1_800_000_000_123);
    assert.equal(idOf(decision), id);
    made.add(id);
  }
  assert.equal(made.size, 500);
});

test("the first wish that is one of our languages counts", () => {
  assert.equal(languageFor([undefined, "nl-BE", "en"]), 1);
  assert.equal(languageFor(["de", "EN-gb", "nl"]), 0);
  assert.equal(languageFor(["", "fr", "nl"]), 1);
  assert.equal(languageFor([]), 0);
});

// -- What vendors load and leave behind

test("a host claims itself and what is below it, and only its own part of a path", () => {
  const at = (address) => new URL(address);
  const cases = [
    ["maps.example/", "https://maps.example/", true],
    ["maps.example/", "https://api.maps.example:8443/tile?x=1", true],
    ["maps.example/", "https://notmaps.example/", false],
    ["maps.example/", "https://maps.example.evil.example/", false],
    ["maps.example/", "https://evil.example/maps.example", false],
    ["www.example/maps", "https://www.example/maps/embed", true],
    ["www.example/maps", "https://www.example/search", false],
    ["www.example/maps", "https://www.example/", false],
  ];
  for (const [entry, address, answer] of cases) assert.equal(claims(entry, at(address)), answer, `${entry} ${address}`);
});

test("an asterisk in a name stands for any text, and everything else for itself", () => {
  for (const name of ["_ga", "_ga_ABC", "_ga_"]) assert.ok(fits(["_ga", "_ga_*"], name), name);
  for (const name of ["x_ga", "_gat", "ga", ""]) assert.ok(!fits(["_ga", "_ga_*"], name), name);
  assert.ok(fits(["a.b[c]"], "a.b[c]"));
  assert.ok(!fits(["a.b"], "axb"));
  assert.ok(!fits([], "a"));
});

test("a cookie is looked for on this host and every domain above it, on this path and every one above it", () => {
  const places = placesOf("shop.www.example.nl", "/a/b");
  for (const domain of ["", "; Domain=shop.www.example.nl", "; Domain=www.example.nl", "; Domain=example.nl"]) {
    for (const path of ["/", "/a", "/a/", "/a/b"]) assert.ok(places.includes(`; Path=${path}${domain}`), `${path} ${domain}`);
  }
});
