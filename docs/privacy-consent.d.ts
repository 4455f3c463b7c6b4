/**
 * What the banner gives to the pages that embed it, for TypeScript: copy this file into your
 * project. Everything is said in words in developer.md.
 *
 * Names of categories and vendors are those of the cookies page; whatever is not known there is
 * not allowed. Answers are `true` for allowed, `false` for refused.
 */

/** `window.privacyConsent`; there once the banner has started, and not at all where it cannot come. */
interface PrivacyConsent {
  /** What is allowed now, per category that needs consent. */
  choices(): Record<string, boolean>;
  /** Whether a category or a vendor is allowed; what needs no consent is. */
  allows(name: string): boolean;
  /** Shows the preferences. */
  open(): Promise<void>;
  /** Refuses everything: a withdrawal where something was allowed. Fulfilled once that is stored, or kept for later. */
  withdraw(): Promise<void>;
}

declare var privacyConsent: PrivacyConsent | undefined;

interface PrivacyConsentDetail {
  /** As `choices()` answers. */
  choices: Record<string, boolean>;
  /** The vendors whose answer differs from that of their category. */
  vendors: Record<string, boolean>;
}

interface DocumentEventMap {
  /** Once per page, when it is known what was chosen before. */
  "privacyconsent:ready": CustomEvent<PrivacyConsentDetail>;
  /** After that, whenever something is allowed or refused, in another tab too. */
  "privacyconsent:change": CustomEvent<PrivacyConsentDetail>;
}

/** The cookie `privacy_consent`, percent-decoded and parsed. */
interface PrivacyConsentCookie {
  /** The format. */
  v: 1;
  /** Moment of the decision, in seconds since 1970. */
  t: number;
  /** Per category, the fingerprint of what was asked. */
  f: Record<string, string>;
  /** Per category, the answer. */
  c: Record<string, boolean>;
  /** Vendors whose answer differs from that of their category. */
  n?: Record<string, boolean>;
  /** A random number for this browser, UUID of version 4; only where something is allowed. */
  s?: string;
}

/** A decision, as `POST /consent/` takes it. */
interface PrivacyConsentDecision {
  /** UUID of version 7, made once per decision; the same one again is safe. */
  id: string;
  /** UUID of version 4 for this browser; absent where everything is refused, present in a withdrawal. */
  subject?: string;
  website: string;
  /** Number of the version of the statement. */
  version: number;
  /** SHA-256 of the banner that asked, hexadecimal. */
  banner: string;
  language: "en" | "nl";
  /** Whether the browser sent Global Privacy Control. */
  gpc: boolean;
  action: "accept_all" | "reject_all" | "save" | "withdraw";
  /** An answer for every category that the banner asks about; with `once`, empty. */
  choices: Record<string, boolean>;
  vendors?: Record<string, boolean>;
  /** The vendors are allowed for one element on one page view; nothing else changes. */
  once?: boolean;
  /** ISO 8601, with the offset from UTC. */
  decided_at: string;
}

/** The answer 201, or 200 to a decision that was stored before. `GET /consent/<id>/` tells more. */
interface PrivacyConsentReceipt {
  id: string;
  website: string;
  version: number;
  /** SHA-256 of that version of the statement. */
  statement: string | null;
  banner: string;
  language: "en" | "nl";
  gpc: boolean;
  action: PrivacyConsentDecision["action"];
  choices: Record<string, boolean>;
  vendors: Record<string, boolean>;
  once?: true;
  decided_at: string;
  /** By the server's clock. */
  recorded_at: string;
}

/** Every other answer: nothing is stored, so nothing is allowed. */
interface PrivacyConsentRefusal {
  /** A sentence per field. */
  errors: Record<string, string>;
  /** Where the decision seems too old or too new: the server's clock. */
  server_time?: string;
}
