"""The review knows what the GDPR and the Telecommunicatiewet ask of the statement and of cookies."""

import copy
import dataclasses
from datetime import date

import pytest
from django.utils import timezone

from policies.content_file import load
from policies.models import CookieVendor, Waiver
from policies.review import RULES, Severity, Subject, review, unused
from policies.review.gathering import gather
from policies.review.wordings import listed

from .factories import VendorFactory

OURS = {
    code for code, rule in RULES.items() if rule.look.__module__ in {"policies.review.law", "policies.review.vendors"}
}

# A bookshop whose statement has everything.
CLEAN = """\
format: 1
controller:
  name: De Uil Boeken B.V.
  short_name: De Uil
  country: NL
  postal_address: Grote Markt 1, Groningen
  email: hallo@deuil.example
  dpo_email: fg@deuil.example
  supervisor: {en: Dutch Data Protection Authority, nl: Autoriteit Persoonsgegevens}
  supervisor_url: https://www.autoriteitpersoonsgegevens.nl
  reaches_children: false
  statement_title: {en: Privacy statement, nl: Privacyverklaring}
  summary_title: {en: Privacy at De Uil, nl: Privacy bij De Uil}
triggers:
  - slug: ordered
    name: {en: Order, nl: Bestelling}
    after: {en: after your order, nl: na je bestelling}
    until: {en: until you order, nl: tot je bestelt}
statutory_exceptions:
  - {slug: tax, name: {en: tax records, nl: fiscale bewaarplicht}, law: {en: Article 52, nl: artikel 52}, period: P7Y}
retention_rules:
  - {slug: year, trigger: ordered, period: P1Y, action: erase, exceptions: [tax]}
  - {slug: longer, follows: year, period: P6M, action: erase}
  - {slug: until-ordered, trigger: ordered, action: erase}
data_subjects:
  - {slug: customer, name: {en: Customer, nl: Klant}}
data_categories:
  - {slug: name, name: {en: Name, nl: Naam}}
  - {slug: score, name: {en: Credit score, nl: Kredietscore}, from_others: true}
recipients:
  - {slug: carrier, kind: category, role: processor, name: {en: Carriers, nl: Vervoerders}}
  - {slug: mailer, kind: named, role: processor, name: {en: Mailer, nl: Mailer}, country: US}
  - {slug: police, kind: category, role: authority, name: {en: Police, nl: Politie}}
purposes:
  - slug: orders
    title: {en: Orders, nl: Bestellingen}
    description: {en: We deliver., nl: Wij leveren.}
    data_subjects: [customer]
    data: [name]
    legal_bases: [{basis: contract}]
    retention: [{rule: year}]
    recipients: [carrier]
    provision: contractual
    provision_consequence: {en: We cannot deliver., nl: We kunnen niet leveren.}
    automation: none
  - slug: newsletter
    title: {en: Newsletter, nl: Nieuwsbrief}
    description: {en: We write., nl: Wij schrijven.}
    data_subjects: [customer]
    data: [name]
    legal_bases: [{basis: consent}]
    retention: [{rule: longer}]
    recipients: [mailer]
    opt_out: withdrawal
    opt_out_how: {en: By the link in each letter., nl: Met de link in elke brief.}
    provision: voluntary
    automation: none
    dpv: ['dpv:DirectMarketing']
  - slug: fraud
    title: {en: Fraud, nl: Fraude}
    description: {en: We prevent fraud., nl: Wij voorkomen fraude.}
    data_subjects: [customer]
    data: [score]
    legal_bases:
      - basis: legitimate-interests
        explanation: {en: Our interest is to be paid., nl: Ons belang is betaald te worden.}
        interest_of: controller
        balancing_test: Register 12, 4 May 2026
    retention: [{rule: year}]
    stays_inside: true
    opt_out: objection
    opt_out_how: {en: By email., nl: Per e-mail.}
    source: {en: A credit agency, nl: Een handelsinformatiebureau}
    source_is_public: false
    automation: profiling
    automation_explained: {en: A score helps our staff., nl: Een score helpt onze medewerkers.}
  - slug: proof-of-choice
    title: {en: Proof of your choice, nl: Bewijs van je keuze}
    description: {en: We keep choices., nl: Wij bewaren keuzes.}
    data_subjects: [customer]
    data: [name]
    legal_bases: [{basis: legal-obligation}]
    retention: [{rule: until-ordered}]
    stays_inside: true
    provision: voluntary
    automation: none
transfer_safeguards:
  - {slug: framework, name: {en: Data Privacy Framework, nl: Data Privacy Framework}, instrument: dpf}
  - {slug: clauses, name: {en: Model clauses, nl: Modelclausules}, instrument: scc}
  - {slug: decision, name: {en: Adequacy decision, nl: Adequaatheidsbesluit}, instrument: adequacy}
transfers:
  - slug: mail
    name: {en: Sending mail, nl: Mail verzenden}
    countries: [US]
    safeguards: [framework, clauses]
    certified_on: 2025-06-01
    copy_how: {en: Ask us., nl: Vraag ons erom.}
  - slug: storage
    name: {en: Storage, nl: Opslag}
    countries: [CH]
    safeguards: [decision]
rights:
  - {slug: access, article: '15', name: {en: Access, nl: Inzage}, explanation: {en: See it., nl: Zie het.}}
  - {slug: rectification, article: '16', name: {en: Correct, nl: Verbeter}, explanation: {en: Mend it., nl: Maak heel.}}
  - {slug: erasure, article: '17', name: {en: Erase, nl: Wis}, explanation: {en: Erase it., nl: Wis het.}}
  - {slug: restriction, article: '18', name: {en: Restrict, nl: Beperk}, explanation: {en: Halt it., nl: Stop het.}}
  - {slug: portability, article: Art. 20, name: {en: Take, nl: Meenemen}, explanation: {en: Move it., nl: Verhuis het.}}
  - {slug: objection, article: '21', name: {en: Object, nl: Bezwaar}, explanation: {en: Say no., nl: Zeg nee.}}
  - {slug: complaint, article: '77', name: {en: Complain, nl: Klaag}, explanation: {en: Tell them., nl: Vertel het.}}
cookie_categories:
  - {slug: functional, name: {en: Functional, nl: Functioneel}, purpose: {en: Work, nl: Werken}, needs_consent: false,
     signals: [security_storage]}
  - {slug: statistics, name: {en: Statistics, nl: Statistiek}, purpose: {en: Count, nl: Tellen}, needs_consent: false,
     signals: [analytics_storage], dpv: ['dpv:ServiceUsageAnalytics']}
  - {slug: marketing, name: {en: Marketing, nl: Marketing}, purpose: {en: Advertise, nl: Adverteren},
     needs_consent: true, signals: [ad_storage], dpv: ['dpv:PersonalisedAdvertising']}
vendor_safeguards:
  - {slug: agreement, name: {en: Agreement, nl: Overeenkomst}}
websites:
  - slug: shop
    name: {en: Shop, nl: Winkel}
    origins: ['https://www.deuil.example']
    hosts_statement: true
    banner_title: {en: Cookies, nl: Cookies}
    banner_text:
      en: De Uil and others ask consent for advertisements. You can withdraw it on every page.
      nl: De Uil en anderen vragen toestemming voor advertenties. Je kunt die op elke pagina intrekken.
cookie_vendors:
  - slug: basket
    name: Basket
    company: Basket B.V.
    country: NL
    category: functional
    purpose: {en: Remembers the basket, nl: Onthoudt de winkelmand}
    lifetime: P1Y
    privacy_url: https://basket.example/privacy
    consent_reason: {en: You fill it yourself., nl: Je vult hem zelf.}
    cookies: [{name: basket, lifetime: P12M}]
  - slug: counter
    name: Counter
    company: Counter GmbH
    country: DE
    category: statistics
    purpose: {en: Counts visits, nl: Telt bezoeken}
    lifetime: P13M
    privacy_url: https://counter.example/privacy
    analytics_conditions: [agreement, masked-ip, no-sharing, no-advertising, no-user-id, informed]
    cookies: [{name: count, lifetime: session}]
  - slug: adverts
    name: Adverts
    company: Adverts Inc.
    country: US
    category: marketing
    purpose: {en: Shows advertisements, nl: Toont advertenties}
    lifetime: P6M
    privacy_url: https://adverts.example/privacy
    safeguards: [agreement]
    cookies: [{name: ad, lifetime: P6M}]
sections:
  - slug: rights
    page: statement
    part: rights
    heading: {en: Your rights, nl: Je rechten}
    text:
      en: Send us an email. You hear from us within **one month**, free of charge.
      nl: Stuur ons een e-mail. Je hoort binnen **één maand** van ons, kosteloos.
  - slug: objection
    page: statement
    heading: {en: Right to object, nl: Recht van bezwaar}
    text: {en: You can object., nl: Je kunt bezwaar maken.}
  - slug: brief
    page: summary
    heading: {en: In brief, nl: In het kort}
    text: {en: We sell books., nl: Wij verkopen boeken.}
"""


@pytest.fixture(scope="session")
def composed():
    """What the clean content was composed to, once it was."""
    return {}


@pytest.fixture
def clean(db, composed):
    """The bookshop as the rules see it, to be changed at will."""
    if not composed:
        load(CLEAN)
        composed["subject"] = gather(now=timezone.now())
    subject = composed["subject"]
    return dataclasses.replace(
        subject, content=copy.deepcopy(subject.content), internal=copy.deepcopy(subject.internal)
    )


def found(subject: Subject):
    """Code and place of all that the rules of law and on vendors find, each told in both languages."""
    findings = [finding for finding in review(subject) if finding.code in OURS]
    for finding in findings:
        assert all(side and not {"%", "{"} & set(side) for side in finding.frozen()["sentence"].values())
    return {(finding.code, finding.path) for finding in findings}


def entry(subject: Subject, path: str):
    """``"purposes/orders"`` → that purpose; ``"pages/statement/rights"`` → that section."""
    *keys, slug = path.split("/")
    rows = subject.content
    for key in keys:
        rows = rows[key]
    return next(row for row in rows if row["slug"] == slug)


def put(path, **values):
    """A change: ``values`` into the entry at ``path``, the controller if that is the path."""
    return lambda subject: (subject.content["controller"] if path == "controller" else entry(subject, path)).update(
        values
    )


def part(path, key, index=0, **values):
    """A change in the ``index``-th of the list ``key`` of the entry at ``path``."""
    return lambda subject: entry(subject, path)[key][index].update(values)


def without(path):
    """A change: the entry at ``path`` is not there."""

    def change(subject):
        *keys, slug = path.split("/")
        rows = subject.content
        for key in keys:
            rows = rows[key]
        rows[:] = [row for row in rows if row["slug"] != slug]

    return change


def internal(purpose, **values):
    return lambda subject: subject.internal["purposes"][purpose].update(values)


def both(english, dutch=""):
    return {"en": english, "nl": dutch or english}


def answer(value):
    return {"value": value, "name": both(value)}


def land(code):
    return {"code": code, "name": both(code)}


def basis(name, explanation=""):
    return {
        "basis": name, "article": "", "name": both(name), "dpv": "", "explanation": both(explanation),
        "interest_of": answer("controller"),
    }  # fmt: skip


def cookie(lifetime):
    return {"name": "c", "lifetime": {"value": lifetime}}


def life(period):
    return {"value": period, "is_maximum": False, "wording": both(period)}


NOTHING = {"en": "", "nl": ""}
OFFICER = {"name": "", "email": "", "is_not_required": False}
RIGHTS = "pages/statement/rights"

# What is wrong, the change that makes it so, and each finding that it gives.
WRONG = [
    ("no postal address", put("controller", postal_address=" "), {("A1", "controller/postal_address")}),
    ("no way to reach the controller", put("controller", email=""), {("A1", "controller/email")}),
    (
        "a controller overseas without representative",
        put("controller", country=land("US")),
        {("A1", "controller/representative")},
    ),
    (
        "a representative of a Dutch controller",
        put("controller", representative="X"),
        {("A1b", "controller/representative")},
    ),
    (
        "an officer without an address",
        put("controller", dpo=OFFICER | {"name": "Ann"}),
        {("A2", "controller/dpo_email")},
    ),
    (
        "no officer and nobody who answers",
        put("controller", dpo=OFFICER | {"is_not_required": True}),
        {("A2", "controller/privacy_email")},
    ),
    (
        "an officer who is not required",
        put("controller", dpo=OFFICER | {"is_not_required": True, "email": "a@b.example"}),
        {("A2", "controller/dpo_not_required")},
    ),
    ("a purpose without data", put("purposes/orders", data=[]), {("A3", "purposes/orders/data")}),
    ("a purpose of nobody", put("purposes/orders", data_subjects=[]), {("A3", "purposes/orders/data_subjects")}),
    ("a purpose without legal basis", put("purposes/orders", legal_bases=[]), {("A4", "purposes/orders/legal_bases")}),
    (
        "two legal bases without what each covers",
        put("purposes/orders", legal_bases=[basis("contract", "Delivery."), basis("legal-obligation")]),
        {("A4", "purposes/orders/legal_bases/legal-obligation/explanation")},
    ),
    (
        "special data without an exception",
        put("data_categories/name", is_special=True),
        {
            ("A4b", "purposes/orders/legal_bases/contract/explanation"),
            ("A4b", "purposes/newsletter/legal_bases/consent/explanation"),
            ("A4b", "purposes/proof-of-choice/legal_bases/legal-obligation/explanation"),
        },
    ),
    (
        "an interest of nobody",
        part("purposes/fraud", "legal_bases", interest_of=None),
        {("A5", "purposes/fraud/legal_bases/legitimate-interests/interest_of")},
    ),
    (
        "an interest that was not weighed",
        internal("fraud", balancing_tests={"legitimate-interests": ""}),
        {("A5", "purposes/fraud/legal_bases/legitimate-interests/balancing_test")},
    ),
    (
        "no recipients, and not that there are none",
        put("purposes/fraud", stays_inside=False),
        {("A6", "purposes/fraud/recipients")},
    ),
    (
        "recipients, and that there are none",
        put("purposes/orders", stays_inside=True),
        {("A6", "purposes/orders/stays_inside")},
    ),
    (
        "a recipient that no purpose names",
        put("purposes/orders", recipients=[], stays_inside=True),
        {("A6b", "recipients/carrier")},
    ),
    (
        "a recipient in a country without transfer",
        put("recipients/carrier", country=land("IN")),
        {("A7", "recipients/carrier/country")},
    ),
    ("a transfer to nowhere", put("transfers/storage", countries=[]), {("A7", "transfers/storage/countries")}),
    ("a transfer without safeguard", put("transfers/storage", safeguards=[]), {("A7", "transfers/storage/safeguards")}),
    ("a framework without a date", put("transfers/mail", certified_on=""), {("A7", "transfers/mail/certified_on")}),
    ("clauses that nobody can read", put("transfers/mail", copy_how=NOTHING), {("A7", "transfers/mail/copy_how")}),
    (
        "a safeguard that the GDPR does not know",
        put("transfer_safeguards/decision", instrument=""),
        {("A7b", "transfer_safeguards/decision/instrument"), ("A7", "transfers/storage/safeguards")},
    ),
    (
        "an adequacy decision that does not exist",
        put("transfers/storage", countries=[land("CH"), land("IN")]),
        {("A7b", "transfers/storage/safeguards")},
    ),
    (
        "an adequacy decision for the United States",
        put("transfers/storage", countries=[land("US")]),
        {("A7b", "transfers/storage/safeguards")},
    ),
    (
        "a transfer to Belgium",
        put("transfers/storage", countries=[land("CH"), land("BE")]),
        {("A7b", "transfers/storage/countries")},
    ),
    ("a company without a country", put("recipients/mailer", country=None), {("A7c", "recipients/mailer/country")}),
    ("a purpose without retention", put("purposes/orders", retention=[]), {("A8", "purposes/orders/retention")}),
    (
        "a rule that states nothing",
        put("retention_rules/until-ordered", trigger=None),
        {("A8", "purposes/proof-of-choice/retention/until-ordered")},
    ),
    (
        "a rule that follows what states nothing",
        put("retention_rules/year", trigger=None),
        {
            ("A8", "purposes/orders/retention/year"),
            ("A8", "purposes/newsletter/retention/longer"),
            ("A8", "purposes/fraud/retention/year"),
        },
    ),
    (
        "a law that keeps data for an unknown time",
        put("statutory_exceptions/tax", period=""),
        {("A8b", "statutory_exceptions/tax/period")},
    ),
    ("a right that is missing", without("rights/restriction"), {("A9", "rights")}),
    (
        "rights without a section",
        without(RIGHTS),
        {("A9", "pages/statement")},
    ),
    (
        "rights without how to use them",
        put(RIGHTS, text=both("Within one month, free of charge.", "Binnen één maand, kosteloos.")),
        {("A9", f"{RIGHTS}/text")},
    ),
    (
        "an answer some time",
        put(RIGHTS, text=both("Email us, free of charge.", "Mail ons, kosteloos.")),
        {("A9b", f"{RIGHTS}/text")},
    ),
    (
        "a month in English only",
        put(RIGHTS, text=both("Email us: one month, free of charge.", "Mail ons: zo snel mogelijk, kosteloos.")),
        {("A9b", f"{RIGHTS}/text")},
    ),
    (
        "a request that may cost something",
        put(RIGHTS, text=both("Email us. We answer within one month.", "Mail ons. Je hoort het binnen een maand.")),
        {("A9c", f"{RIGHTS}/text")},
    ),
    ("an interest without objection", put("purposes/fraud", opt_out=None), {("A10", "purposes/fraud/opt_out")}),
    (
        "marketing without a way out",
        put("purposes/orders", dpv=["dpv:SocialMediaMarketing"]),
        {("A10", "purposes/orders/opt_out")},
    ),
    ("objection without a heading", without("pages/statement/objection"), {("A10", "pages/statement")}),
    (
        "objection in an English heading only",
        put("pages/statement/objection", heading=both("Right to object", "Rechten")),
        {("A10", "pages/statement")},
    ),
    ("consent that is for ever", put("purposes/newsletter", opt_out=None), {("A11", "purposes/newsletter/opt_out")}),
    (
        "consent that ends in writing",
        put("purposes/newsletter", opt_out={"kind": "withdrawal", "how": both("In writing.", "Schriftelijk.")}),
        {("A11", "purposes/newsletter/opt_out_how")},
    ),
    (
        "consent that in Dutch ends by registered post",
        put("purposes/newsletter", opt_out={"kind": "withdrawal", "how": both("By email.", "Per aangetekende post.")}),
        {("A11", "purposes/newsletter/opt_out_how")},
    ),
    ("no right to complain", without("rights/complaint"), {("A12", "rights")}),
    (
        "no supervisor",
        put("controller", supervisor={"name": NOTHING, "url": "https://x"}),
        {("A12", "controller/supervisor")},
    ),
    (
        "a supervisor without address",
        put("controller", supervisor={"name": both("AP"), "url": ""}),
        {("A12", "controller/supervisor_url")},
    ),
    ("data that must be given or not", put("purposes/orders", provision=None), {("A13", "purposes/orders/provision")}),
    (
        "data that must be given, or else?",
        put("purposes/orders", provision_consequence=NOTHING),
        {("A13", "purposes/orders/provision_consequence")},
    ),
    ("decisions by machine, perhaps", put("purposes/orders", automation=None), {("A14", "purposes/orders/automation")}),
    (
        "decisions by machine, unexplained",
        put("purposes/orders", automation=answer("decisions")),
        {("A14", "purposes/orders/automation_explained")},
    ),
    ("a score from nowhere", put("purposes/fraud", source=NOTHING), {("A15", "purposes/fraud/source")}),
    (
        "a score from a source public or not",
        put("purposes/fraud", source_is_public=None),
        {("A15", "purposes/fraud/source_is_public")},
    ),
    (
        "a source of what people give themselves",
        put("purposes/orders", source=both("A bureau")),
        {("A15b", "purposes/orders/source")},
    ),
    ("choices recorded for no purpose", without("purposes/proof-of-choice"), {("A20", "purposes")}),
    ("children, perhaps", put("controller", reaches_children=None), {("A21", "controller/reaches_children")}),
    ("children, and no parents", put("controller", reaches_children=True), {("A21", "controller/children")}),
    (
        "a vendor that says nothing itself",
        put("cookie_vendors/adverts", privacy_url=""),
        {("A19", "cookie_vendors/adverts/privacy_url")},
    ),
    (
        "a vendor without cookies",
        put("cookie_vendors/adverts", cookies=[]),
        {("A19b", "cookie_vendors/adverts/cookies")},
    ),
    (
        "functional, for no reason",
        put("cookie_vendors/basket", consent_reason=NOTHING),
        {("V1", "cookie_vendors/basket/consent_reason")},
    ),
    (
        "analytics with five of the six conditions",
        lambda subject: entry(subject, "cookie_vendors/counter")["analytics_conditions"].pop(),
        {("V2", "cookie_vendors/counter/analytics_conditions")},
    ),
    (
        "analytics without consent for two years",
        put("cookie_vendors/counter", lifetime=life("P2Y")),
        {("V2", "cookie_vendors/counter/lifetime")},
    ),
    (
        "an analytics cookie without consent for two years",
        put("cookie_vendors/counter", cookies=[cookie("P2Y")]),
        {("V2", "cookie_vendors/counter/cookies/c/lifetime"), ("V6", "cookie_vendors/counter/cookies/c/lifetime")},
    ),
    ("a vendor listed twice", put("cookie_vendors/adverts", name="BASKET!"), {("V3", "cookie_vendors/adverts/name")}),
    (
        "a company with the same purpose twice",
        put("cookie_vendors/adverts", company="Basket B.V.", purpose=both("Sells", "Onthoudt de winkelmand.")),
        {("V3b", "cookie_vendors/adverts/purpose")},
    ),
    (
        "a vendor overseas, unprotected",
        put("cookie_vendors/adverts", safeguards=[]),
        {("V4", "cookie_vendors/adverts/safeguards")},
    ),
    (
        "a vendor for two years",
        put("cookie_vendors/adverts", lifetime=life("P2Y")),
        {("V5", "cookie_vendors/adverts/lifetime")},
    ),
    (
        "a cookie for 400 days",
        put("cookie_vendors/adverts", lifetime=life("P13M"), cookies=[cookie("P400D")]),
        {("V5", "cookie_vendors/adverts/cookies/c/lifetime"), ("V6", "cookie_vendors/adverts/cookies/c/lifetime")},
    ),
    (
        "a cookie that outlives its vendor's word",
        put("cookie_vendors/adverts", cookies=[cookie("P7M")]),
        {("V6", "cookie_vendors/adverts/cookies/c/lifetime")},
    ),
    (
        "a cookie that outlives its vendor's session",
        put("cookie_vendors/adverts", lifetime=life("session"), cookies=[cookie("P1D")]),
        {("V6", "cookie_vendors/adverts/cookies/c/lifetime")},
    ),
    (
        "advertising without consent",
        put("cookie_categories/functional", dpv=["dpv:PersonalisedAdvertising"]),
        {("V7", "cookie_categories/functional/needs_consent")},
    ),
    (
        "a functional category that signals consent",
        put("cookie_categories/functional", signals=["analytics_storage"]),
        {("V7", "cookie_categories/functional/signals")},
    ),
    (
        "a counter that signals consent to advertising",
        put("cookie_vendors/counter", signals=["analytics_storage", "ad_storage"]),
        {("V7", "cookie_vendors/counter/signals")},
    ),
    (
        "a site that asks nowhere",
        put("websites/shop", origins=[], hosts_statement=False),
        {("V8", "websites/shop/origins")},
    ),
    (
        "a banner that is silent on withdrawing",
        put("websites/shop", banner_text=both("May we advertise?", "Mogen wij adverteren?")),
        {("V9", "websites/shop/banner_text")},
    ),
    (
        "a banner with a legitimate interest",
        put(
            "websites/shop",
            banner_text=both(
                "Consent, or our legitimate interest. You can withdraw.",
                "Toestemming, of ons gerechtvaardigd belang. Je kunt die intrekken.",
            ),
        ),
        {("V10", "websites/shop/banner_text")},
    ),
    (
        "a banner that takes browsing for consent",
        put(
            "websites/shop",
            banner_text=both(
                "By continuing to browse you accept cookies. Withdraw at any time.",
                "Je kunt je toestemming altijd intrekken.",
            ),
        ),
        {("V11", "websites/shop/banner_text")},
    ),
    (
        "a Dutch text that takes use for consent",
        put("pages/summary/brief", text=both("We sell.", "Door deze site te gebruiken ga je akkoord met cookies.")),
        {("V11", "pages/summary/brief/text")},
    ),
]

# What is right though it looks like something wrong.
RIGHT = [
    ("a contact form alone", put("controller", email="", contact_url="https://deuil.example/contact")),
    ("a telephone number alone", put("controller", email="", phone="050 123")),
    (
        "a controller overseas with representative",
        put("controller", country=land("US"), representative="Ann, Den Haag"),
    ),
    (
        "no officer, and somebody who answers",
        put("controller", dpo=OFFICER | {"is_not_required": True}, privacy_email="privacy@deuil.example"),
    ),
    (
        "several legal bases, each explained",
        put("purposes/orders", legal_bases=[basis("contract", "Delivery."), basis("legal-obligation", "Tax.")]),
    ),
    (
        "special data with its exception",
        lambda subject: [
            put("data_categories/score", is_special=True)(subject),
            part("purposes/fraud", "legal_bases", explanation=both("Article 9(2)(f).", "Artikel 9, lid 2, onder f."))(
                subject
            ),
        ],
    ),
    ("a recipient in Norway", put("recipients/carrier", country=land("NO"))),
    ("an authority that no purpose names", put("recipients/police", kind="named", country=land("NL"))),
    ("an adequacy decision without a copy", put("transfers/storage", copy_how=NOTHING)),
    ("clauses for a country without a decision", put("transfers/mail", countries=[land("US"), land("IN")])),
    (
        "a vague event, with a period",
        put("retention_rules/year", wording=both("1 year after adequate support", "1 jaar na afdoende hulp")),
    ),
    (
        "an unused rule that states nothing",
        lambda s: s.content["retention_rules"].append(
            {"slug": "x", "trigger": None, "follows": None, "period": "", "exceptions": [], "wording": NOTHING}
        ),
    ),
    (
        "rights in other words",
        put(
            RIGHTS,
            text=both(
                "Use our form. It costs nothing; you hear within 4&nbsp;weeks.",
                "Gebruik ons formulier. Dat is gratis en duurt hooguit vier weken.",
            ),
        ),
    ),
    (
        "consent and interest, both ways out in words",
        lambda subject: [
            put(
                "purposes/fraud",
                opt_out={
                    "kind": "objection",
                    "how": both("Object or withdraw by email.", "Maak bezwaar of trek je toestemming in."),
                },
            )(subject),
            entry(subject, "purposes/fraud")["legal_bases"].append(basis("consent", "More.")),
        ],
    ),
    ("a vendor in Switzerland", put("cookie_vendors/adverts", country=land("CH"), safeguards=[])),
    (
        "analytics with consent, and no conditions",
        lambda subject: [
            put("cookie_categories/statistics", needs_consent=True)(subject),
            put("cookie_vendors/counter", analytics_conditions=[])(subject),
        ],
    ),
    ("a year and twelve months", put("cookie_vendors/adverts", lifetime=life("P12M"), cookies=[cookie("P1Y")])),
    ("13 months in days", put("cookie_vendors/adverts", lifetime=life("P13M"), cookies=[cookie("P397D")])),
    ("two vendors of one company, each for its own", put("cookie_vendors/adverts", company="Basket B.V.")),
    ("a site with these pages and no other address", put("websites/shop", origins=[])),
    (
        "children, and how their parents consent",
        put("controller", reaches_children=True, children=both("A parent signs.", "Een ouder tekent.")),
    ),
    (
        "what asks nobody, and records nothing",
        lambda subject: [
            without("purposes/proof-of-choice")(subject),
            [category.update(needs_consent=False) for category in entry(subject, "websites/shop")["categories"]],
        ],
    ),
    (
        "a visit on which consent is asked",
        put(
            "pages/summary/brief",
            text=both(
                "When you use our site for the first time, we ask you to accept or refuse cookies.",
                "Als je onze site voor het eerst gebruikt, vragen we je toestemming voor cookies.",
            ),
        ),
    ),
    ("no controller yet", lambda subject: subject.content.update(controller=None)),
]


def test_a_complete_statement_has_no_finding(clean):
    assert found(clean) == set()


@pytest.mark.parametrize(("change", "findings"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_wrong_is_found_at_its_place_and_nothing_else(clean, change, findings):
    change(clean)

    assert found(clean) == findings


@pytest.mark.parametrize("change", [change for _name, change in RIGHT], ids=[name for name, _change in RIGHT])
def test_what_only_looks_wrong_is_not_found(clean, change):
    change(clean)

    assert found(clean) == set()


@pytest.mark.parametrize(
    ("english", "dutch", "is_vague"),
    [
        ("As long as is necessary", "Tot je bestelt", True),
        ("Until you order", "Zolang als nodig is voor het doel", True),
        ("Until it is no longer needed", "Tot je bestelt", True),
        ("Until you order", "Niet langer dan noodzakelijk", True),
        ("Until you have received adequate help", "Tot je afdoende bent geholpen", True),
        ("For a reasonable time", "Een redelijke termijn", True),
        ("Until you order", "Voor onbepaalde tijd", True),
        ("Until the agreement ends", "Tot de overeenkomst afloopt", False),
        ("Until you withdraw your consent", "Tot je je toestemming intrekt", False),
        ("Until the position is filled", "Tot de functie is vervuld", False),
    ],
)
def test_as_long_as_needed_is_no_period(clean, english, dutch, is_vague):
    entry(clean, "retention_rules/until-ordered")["wording"] = both(english, dutch)

    assert found(clean) == ({("A8", "retention_rules/until-ordered/trigger")} if is_vague else set())


class TestANewPurpose:
    """Art. 13(3): people are told before their data is used for something else."""

    def before(self, subject):
        known = [purpose for purpose in subject.content["purposes"] if purpose["slug"] != "orders"]
        return dataclasses.replace(subject, before=subject.content | {"purposes": known}, today=date(2026, 11, 22))

    def test_has_a_day_on_which_it_starts(self, clean):
        assert found(self.before(clean)) == {("A16", "purposes/orders/starts_on")}

    @pytest.mark.parametrize("day", ["2026-11-21", "2026-11-22"])
    def test_has_not_started_yet(self, clean, day):
        internal("orders", starts_on=day)(clean)

        assert found(self.before(clean)) == {("A16", "purposes/orders/starts_on")}

    def test_that_starts_later_is_right(self, clean):
        internal("orders", starts_on="2026-11-23")(clean)

        assert found(self.before(clean)) == set()

    def test_is_not_asked_of_the_first_version(self, clean):
        assert found(dataclasses.replace(clean, before=None)) == set()


def test_every_rule_has_a_case():
    assert OURS - {code for _name, _change, findings in WRONG for code, _path in findings} == {"A16"}


def test_what_the_law_demands_blocks_and_what_it_advises_warns():
    warnings = {code for code in OURS if RULES[code].severity == Severity.WARNING}

    assert warnings == {
        "A1b", "A4b", "A6b", "A7b", "A7c", "A8b", "A13", "A15b", "A16", "A19b", "A20", "A21",
        "V3b", "V4", "V5", "V8", "V9",
    }  # fmt: skip
    assert all(RULES[code].source and RULES[code].is_waivable for code in OURS)


def test_a_waiver_lapses_with_the_text_that_was_waived(clean):
    how = both("In writing.", "Schriftelijk.")
    put("purposes/newsletter", opt_out={"kind": "withdrawal", "how": how})(clean)
    [finding] = [finding for finding in review(clean) if finding.code == "A11"]
    waiver = Waiver(code="A11", place=finding.path, about=finding.about)

    assert not [finding for finding in review(clean, [waiver]) if finding.code == "A11" and finding.blocks]

    how["en"] = "In writing, with a stamp."
    assert [finding.code for finding in review(clean, [waiver]) if finding.code == "A11" and finding.blocks] == ["A11"]


def test_names_are_listed_in_each_language():
    assert listed([both("Name", "Naam"), both("Email", "E-mail")]) == both("Name, Email", "Naam, E-mail")
    assert listed([]) == {"en": "", "nl": ""}


def test_an_empty_draft_is_reviewed_all_the_same(db):
    assert {code for code, _path in found(gather(now=timezone.now()))} == {"A9", "A12"}


# -- The first customer ------------------------------------------------------------------------


def test_each_gap_of_the_example_is_waived_with_a_reason_in_both_languages(content):
    waivers = list(Waiver.objects.all())
    findings = review(gather(now=timezone.now()), waivers)

    assert [(finding.code, finding.path) for finding in findings if finding.blocks] == []
    assert unused(waivers, findings) == []
    assert all(waiver.reason_en and waiver.reason_nl for waiver in waivers)


# -- The desk ----------------------------------------------------------------------------------


def test_the_conditions_for_analytics_are_ticked_on_the_desk(db, client, staff):
    vendor = VendorFactory(analytics_conditions="agreement")
    client.force_login(staff("editor"))
    url = f"/admin/policies/cookievendor/{vendor.pk}/change/"
    form = client.get(url).context["adminform"].form
    values = {name: form[name].value() for name in form.fields}

    assert form["analytics_conditions"].value() == ["agreement"]
    sent = {name: value for name, value in values.items() if value is not None} | {
        "analytics_conditions": ["informed", "agreement"],
        "cookies-TOTAL_FORMS": 0,
        "cookies-INITIAL_FORMS": 0,
    }
    response = client.post(url, sent)

    assert response.status_code == 302, response.context["adminform"].form.errors
    assert CookieVendor.objects.get().analytics_conditions.split() == ["informed", "agreement"]
