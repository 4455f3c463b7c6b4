"""Faults seeded into copies of a complete content file: each is found, at its place, and nothing else."""

import copy
import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
import yaml

from policies.content_file import ContentFileError, load
from policies.models import StatementVersion, Website
from policies.review import RULES, review
from policies.review.gathering import gather
from policies.snapshot import compose
from retention.coverage import Known
from retention.targets import in_code
from tests.conftest import CONTENT, once

EXAMPLE = CONTENT.with_name("example.yaml")
DOCUMENT = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
LOADED_ON = datetime(2026, 9, 1, 9, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


# -- Changing a copy -------------------------------------------------------------------------


def step(value, name):
    """The key of a mapping, or the item of a list that ``name`` tells from the others."""
    if isinstance(value, dict):
        return name
    if name.isdigit():
        return int(name)
    return next(
        index
        for index, item in enumerate(value)
        if item == name or (isinstance(item, dict) and name in [item.get(k) for k in ("slug", "basis", "rule", "name")])
    )


def follow(document, path):
    """What holds the value at ``path``, and its key there."""
    *above, last = path.split("/")
    value = document
    for name in above:
        value = value[step(value, name)]
    return value, step(value, last)


def put(path, value):
    def change(document):
        holder, key = follow(document, path)
        holder[key] = value

    return change


def take(path):
    def change(document):
        holder, key = follow(document, path)
        del holder[key]

    return change


def say(path, old, new):
    """Replace a part of a text that is there."""

    def change(document):
        holder, key = follow(document, path)
        assert old in holder[key], (old, holder[key])
        holder[key] = holder[key].replace(old, new)

    return change


def add(path, value):
    def change(document):
        holder, key = follow(document, path)
        holder[key].append(value)

    return change


def double(path, **changes):
    """A second entry like the one at ``path``, but for ``changes``."""

    def change(document):
        holder, key = follow(document, path)
        holder.append(copy.deepcopy(holder[key]) | changes)

    return change


# -- The faults ------------------------------------------------------------------------------


@dataclass
class Fault:
    """What is changed in the file, and all that is found: ``CODE place``.

    ``rows`` is changed after loading, for what a file may not hold; ``after`` the version before
    has been published as it was; ``later`` the change was made so much later; ``targets`` are what is
    left of a target for each promise, and None where nobody said which there are.
    """

    name: str
    changes: list[Callable]
    found: list[str]
    rows: Callable | None = None
    after: bool = False
    later: timedelta = field(default_factory=timedelta)
    targets: Callable | None = None


# A target for each promise of the file.
TARGETS = [
    Known(f"{purpose['slug']}-{used['rule']}", "Table", purpose["slug"], used["rule"], "")
    for purpose in DOCUMENT["purposes"]
    for used in purpose["retention"]
]


def but(slug, **changes):
    """The targets, without that of ``slug``; or with it, changed."""

    def change():
        others = [target for target in TARGETS if target.slug != slug]
        [changed] = [dataclasses.replace(target, **changes) for target in TARGETS if target.slug == slug]
        return [*others, changed] if changes else others

    return change


def mutual(en, nl):
    return {"en": en, "nl": nl}


PAIN = "We look after your bicycle and write down what was done to it, by whom and on which day. "
PIJN = "We onderhouden je fiets en schrijven op wat eraan is gedaan, door wie en op welke dag. "

NEWS = "You can stop the newsletter without giving a reason."
NIEUWS = "De nieuwsbrief kun je zonder opgaaf van redenen stopzetten."

FAULTS = [
    # Structure
    Fault("no purpose at all", [put("purposes", []), put("recipients", [])],
          ["S1 purposes", "A20 purposes"]),
    Fault("no page of the summary", [put("sections", [s for s in DOCUMENT["sections"] if s["page"] == "statement"])],
          ["S1 pages/summary"]),
    Fault("a section without text", [take("sections/changes/text")],
          ["S1 pages/statement/changes/text"]),
    Fault("no web site to which the pages belong", [put("websites/shop/hosts_statement", False)],
          ["S1 websites"]),
    Fault("a title without Dutch", [take("purposes/orders/title/nl")],
          ["S2 purposes/orders/title"]),
    Fault("an explanation without English", [take("measures/encryption/explanation/en")],
          ["S2 measures/encryption/explanation"]),
    Fault("a shared domain that one address lies outside", [add("websites/shop/origins", "https://klinkerpad.test")],
          ["S3 websites/shop/shared_domain"]),
    Fault("a map that loads from the shop itself", [add("cookie_vendors/kaartlaag/hosts", "klinkerpad.example")],
          ["S4 cookie_vendors/kaartlaag/hosts"]),
    Fault("a banner that nobody can read", [],
          ["S5 websites/shop/foreground"],
          rows=lambda: Website.objects.filter(slug="shop").update(foreground="#dddddd")),
    # Who is responsible
    Fault("no postal address", [take("controller/postal_address")],
          ["A1 controller/postal_address"]),
    Fault("no way to reach the company",
          [take("controller/email"), take("controller/phone"), take("controller/contact_url")],
          ["A1 controller/email"]),
    Fault("a representative of a Dutch company", [put("controller/representative", "Somebody, Voorbeeldkade 13")],
          ["A1b controller/representative"]),
    Fault("a company outside the EEA without representative", [put("controller/country", "GB")],
          ["A1 controller/representative"]),
    Fault("no officer and nobody who answers", [take("controller/privacy_email")],
          ["A2 controller/privacy_email"]),
    Fault("an officer of whom the address is missing", [put("controller/dpo_not_required", False)],
          ["A2 controller/dpo_email"]),
    # Purposes
    Fault("a purpose without data", [put("purposes/cameras/data", [])],
          ["A3 purposes/cameras/data"]),
    Fault("a purpose without people", [put("purposes/cameras/data_subjects", [])],
          ["A3 purposes/cameras/data_subjects"]),
    Fault("a purpose without legal basis", [put("purposes/account/legal_bases", [])],
          ["A4 purposes/account/legal_bases"]),
    Fault("two legal bases, one of them unexplained", [take("purposes/cookies/legal_bases/consent/explanation")],
          ["A4 purposes/cookies/legal_bases/consent/explanation"]),
    Fault("health data without the exception that allows it",
          [put("purposes/adapted-bicycles/legal_bases/consent/explanation", mutual("You say yes.", "Je zegt ja."))],
          ["A4b purposes/adapted-bicycles/legal_bases/consent/explanation"]),
    Fault("an interest of nobody", [take("purposes/cameras/legal_bases/legitimate-interests/interest_of")],
          ["A5 purposes/cameras/legal_bases/legitimate-interests/interest_of"]),
    Fault("an interest that was not weighed",
          [take("purposes/cameras/legal_bases/legitimate-interests/balancing_test")],
          ["A5 purposes/cameras/legal_bases/legitimate-interests/balancing_test"]),
    Fault("a purpose without recipients", [take("purposes/account/recipients")],
          ["A6 purposes/account/recipients"]),
    Fault("recipients of what stays inside", [put("purposes/cameras/recipients", ["hosting"])],
          ["A6 purposes/cameras/stays_inside"]),
    Fault("a recipient of nothing", [put("purposes/newsletter/recipients", ["hosting"])],
          ["A6b recipients/mailing"]),
    Fault("a country that no transfer names", [put("recipients/hosting/country", "IN")],
          ["A7 recipients/hosting/country"]),
    Fault("a transfer to nowhere", [take("transfers/newsletter/countries")],
          ["A7 transfers/newsletter/countries", "A7 recipients/mailing/country"]),
    Fault("a transfer without safeguard", [take("transfers/newsletter/safeguards")],
          ["A7 transfers/newsletter/safeguards"]),
    Fault("a certification without date", [take("transfers/helpdesk/certified_on")],
          ["A7 transfers/helpdesk/certified_on"]),
    Fault("clauses of which nobody gets a copy", [take("transfers/helpdesk/copy_how")],
          ["A7 transfers/helpdesk/copy_how"]),
    Fault("an adequacy decision that does not exist", [put("transfers/helpdesk/safeguards", ["adequacy"])],
          ["A7b transfers/helpdesk/safeguards"]),
    Fault("a safeguard that is none", [take("transfer_safeguards/adequacy/instrument")],
          ["A7 transfers/newsletter/safeguards", "A7b transfer_safeguards/adequacy/instrument"]),
    Fault("a named recipient in no country", [take("recipients/repair-network/country")],
          ["A7c recipients/repair-network/country"]),
    Fault("a purpose without period", [take("purposes/account/retention")],
          ["A8 purposes/account/retention"]),
    Fault("a rule that states nothing", [put("retention_rules/while-account", {"slug": "while-account"})],
          ["A8 purposes/account/retention/while-account", "A8 purposes/maintenance/retention/while-account"]),
    Fault("as long as necessary",
          [put("triggers/account-closed/until", mutual("for as long as necessary", "zolang als dat nodig is"))],
          ["A8 retention_rules/while-account/trigger"]),
    Fault("a law without a period", [take("statutory_exceptions/tax-records/period")],
          ["A8b statutory_exceptions/tax-records/period"]),
    Fault("no right to have data erased", [take("rights/erasure")],
          ["A9 rights"]),
    Fault("no section on rights", [take("sections/rights")],
          ["A9 pages/statement"]),
    Fault("an answer at some time",
          [say("sections/rights/text/en", "You have our answer within one month.", "You have our answer soon."),
           say("sections/rights/text/nl", "Je hebt binnen één maand ons antwoord.", "Je hebt snel ons antwoord.")],
          ["A9b pages/statement/rights/text"]),
    Fault("a request that may cost something",
          [say("sections/rights/text/en", "It is free of charge.", "It is welcome."),
           say("sections/rights/text/nl", "Het is gratis.", "Het is welkom.")],
          ["A9c pages/statement/rights/text"]),
    Fault("objection without a heading of its own",
          [put("sections/objecting/heading", mutual("Your situation", "Jouw situatie"))],
          ["A10 pages/statement"]),
    Fault("an interest to which nobody can object",
          [take("purposes/better-shop/opt_out"), take("purposes/better-shop/opt_out_how")],
          ["A10 purposes/better-shop/opt_out"]),
    Fault("consent for ever", [take("purposes/newsletter/opt_out"), take("purposes/newsletter/opt_out_how")],
          ["A11 purposes/newsletter/opt_out"]),
    Fault("consent that is withdrawn by registered post",
          [put("purposes/newsletter/opt_out_how",
               mutual("Withdraw your consent by registered letter.", "Je trekt je toestemming aangetekend in."))],
          ["A11 purposes/newsletter/opt_out_how"]),
    Fault("nowhere to complain", [take("rights/complaint"), take("controller/supervisor_url")],
          ["A12 rights", "A12 controller/supervisor_url"]),
    Fault("must this data be given?", [take("purposes/account/provision")],
          ["A13 purposes/account/provision"]),
    Fault("and what happens without it?", [take("purposes/maintenance/provision_consequence")],
          ["A13 purposes/maintenance/provision_consequence"]),
    Fault("does a machine decide?", [take("purposes/account/automation")],
          ["A14 purposes/account/automation"]),
    Fault("a machine decides, nobody knows how", [take("purposes/pay-later/automation_explained")],
          ["A14 purposes/pay-later/automation_explained"]),
    Fault("a credit score out of the blue", [take("purposes/pay-later/source")],
          ["A15 purposes/pay-later/source"]),
    Fault("a source that may be public", [take("purposes/pay-later/source_is_public")],
          ["A15 purposes/pay-later/source_is_public"]),
    Fault("a source of what people give themselves",
          [put("purposes/account/source", mutual("From a list.", "Van een lijst."))],
          ["A15b purposes/account/source"]),
    Fault("a new purpose that began before anybody was told",
          [double("purposes/account", slug="club", starts_on="2026-09-01",
                  title=mutual("Bicycle club", "Fietsclub"), description=mutual("We ride.", "We rijden."))],
          ["A16 purposes/club/starts_on"], after=True),
    Fault("choices that no purpose covers", [take("purposes/proof-of-choice")],
          ["A20 purposes"]),
    Fault("children, yes or no?", [take("controller/reaches_children")],
          ["A21 controller/reaches_children"]),
    Fault("children without parents", [take("controller/children")],
          ["A21 controller/children"]),
    # Vendors and banners
    Fault("a vendor without privacy statement", [take("cookie_vendors/kaartlaag/privacy_url")],
          ["A19 cookie_vendors/kaartlaag/privacy_url"]),
    Fault("a vendor without cookies", [take("cookie_vendors/kaartlaag/cookies")],
          ["A19b cookie_vendors/kaartlaag/cookies"]),
    Fault("functional, without saying why", [take("cookie_vendors/basket/consent_reason")],
          ["V1 cookie_vendors/basket/consent_reason"]),
    Fault("statistics without masked addresses",
          [take("cookie_vendors/tellerij/analytics_conditions/masked-ip")],
          ["V2 cookie_vendors/tellerij/analytics_conditions"]),
    Fault("statistics that last two years", [put("cookie_vendors/tellerij/lifetime", "P2Y")],
          ["V2 cookie_vendors/tellerij/lifetime"]),
    Fault("a vendor listed twice",
          [double("cookie_vendors/kaartlaag", slug="kaart-laag", purpose=mutual("Finds a route", "Zoekt een route"))],
          ["V3 cookie_vendors/kaart-laag/name"]),
    Fault("two vendors for one thing", [double("cookie_vendors/kaartlaag", slug="kl-2", name="Kaartlaag Routes")],
          ["V3b cookie_vendors/kl-2/purpose"]),
    Fault("an American vendor without safeguards", [take("cookie_vendors/billboard-lane/safeguards")],
          ["V4 cookie_vendors/billboard-lane/safeguards"]),
    Fault("a cookie for two years",
          [put("cookie_vendors/billboard-lane/lifetime", "P2Y"),
           put("cookie_vendors/billboard-lane/cookies/bl_id/lifetime", "P2Y")],
          ["V5 cookie_vendors/billboard-lane/lifetime"]),
    Fault("a cookie that outlives its vendor", [put("cookie_vendors/kaartlaag/cookies/kl_view/lifetime", "P1Y")],
          ["V6 cookie_vendors/kaartlaag/cookies/kl_view/lifetime"]),
    Fault("advertising without consent", [put("cookie_categories/advertisements/needs_consent", False)],
          ["V7 cookie_categories/advertisements/needs_consent", "V7 cookie_vendors/billboard-lane/signals"]),
    Fault("a web site that asks nowhere", [take("websites/workshop/origins")],
          ["V8 websites/workshop/origins"]),
    Fault("a banner that hides the way back",
          [say("websites/shop/banner_text/en", "You can withdraw your consent at any time via", "Look at"),
           say("websites/shop/banner_text/nl", "Je kunt je toestemming op elk moment intrekken via", "Kijk bij")],
          ["V9 websites/shop/banner_text"]),
    Fault("a legitimate interest in a banner",
          [say("websites/shop/banner_text/en", "would like", "has a legitimate interest and would like"),
           say("websites/shop/banner_text/nl", "wil je", "heeft een gerechtvaardigd belang en wil je")],
          ["V10 websites/shop/banner_text"]),
    Fault("consent by going on",
          [say("sections/cookies/text/en", "You are free to refuse.", "By continuing you agree."),
           say("sections/cookies/text/nl", "Het staat je vrij om te weigeren.", "Als je verdergaat, ga je akkoord.")],
          ["V11 pages/statement/cookies/text"]),
    # Language
    Fault("English left in the Dutch", [put("purposes/account/description/nl",
                                            DOCUMENT["purposes"][3]["description"]["en"])],
          ["L1 purposes/account/description"]),
    Fault("Dutch in the place of English",
          [put("service_levels/opening-hours/explanation/en", "Op andere tijden kun je ons een bericht sturen.")],
          ["L2 service_levels/opening-hours/explanation"]),
    Fault("another number of hours", [say("measures/agreements/explanation/nl", "24 uur", "48 uur")],
          ["L3 measures/agreements/explanation"]),
    Fault("another hour of the day", [say("service_levels/opening-hours/name/nl", "17.30", "17.00")],
          ["L3 service_levels/opening-hours/name"]),
    Fault("another date", [say("sections/changes/text/en", "1 September", "2 September")],
          ["L4 pages/statement/changes/text"]),
    Fault("another period", [say("sections/rights/text/nl", "twee maanden", "drie maanden")],
          ["L5 pages/statement/rights/text"]),
    Fault("another number of working days", [say("service_levels/answers/name/nl", "twee werkdagen", "drie werkdagen")],
          ["L5 service_levels/answers/name"]),
    Fault("another company", [say("transfers/newsletter/explanation/nl", "Larkmail", "Deskpine")],
          ["L6 transfers/newsletter/explanation"]),
    Fault("another e-mail address",
          [say("purposes/cameras/opt_out_how/nl", "privacy@klinkerpad.example", "winkel@klinkerpad.example")],
          ["L6 purposes/cameras/opt_out/how"]),
    Fault("another link",
          [say("rights/complaint/explanation/nl", "www.autoriteitpersoonsgegevens.nl", "klacht.example")],
          ["L7 rights/complaint/explanation"]),
    Fault("a shorter list",
          [say("purposes/orders/description/nl", "- je betaling te laten afhandelen;\n", "")],
          ["L8 purposes/orders/description"]),
    Fault("a paragraph that is missing",
          [say("sections/objecting/text/en", f"\n\n{NEWS}", "")],
          ["L8b pages/statement/objecting/text"]),
    Fault("Dutch that stayed behind", [put("purposes/account/title/en", "Your account with us")],
          ["L9 purposes/account/title"], later=timedelta(days=45)),
    Fault("English that stayed behind since the version before", [put("purposes/account/title/nl", "Je eigen account")],
          ["L10 purposes/account/title"], after=True),
    # Readability and promises
    Fault("a paragraph without end",
          [put("purposes/maintenance/description", mutual(PAIN * 8, PIJN * 8))],
          ["A17 purposes/maintenance/description"]),
    Fault("a promise that nobody can keep",
          [put("measures/two-steps/explanation", mutual("Your data is 100% safe.", "Je gegevens zijn 100% veilig."))],
          ["A17b measures/two-steps/explanation"]),
    Fault("the same paragraph twice",
          [say("sections/objecting/text/en", NEWS, f"{NEWS}\n\n{NEWS}"),
           say("sections/objecting/text/nl", NIEUWS, f"{NIEUWS}\n\n{NIEUWS}")],
          ["L11 pages/statement/objecting/text"]),
    Fault("an item without text",
          [say("purposes/orders/description/en", "- honour the warranty.", "- honour the warranty.\n- &nbsp;"),
           say("purposes/orders/description/nl", "- de garantie na te komen.", "- de garantie na te komen.\n- &nbsp;")],
          ["L11 purposes/orders/description"]),
    Fault("encryption of long ago",
          [say("measures/encryption/explanation/en", "1.2 or 1.3", "1.1 or 1.2"),
           say("measures/encryption/explanation/nl", "1.2 of 1.3", "1.1 of 1.2")],
          ["L12 measures/encryption/explanation"]),
    Fault("a promise without a rule",
          [say("purposes/cameras/description/en", "A sign", "Images are deleted after three months. A sign"),
           say("purposes/cameras/description/nl", "Een bord", "Beelden worden na drie maanden gewist. Een bord")],
          ["L13 purposes/cameras/description"]),
    # What keeps the promises
    Fault("a promise that nothing keeps", [],
          ["K1 purposes/cameras/retention/images-28d/target"], targets=but("cameras-images-28d")),
    Fault("a promise that nothing keeps and that says nothing is a gap once",
          [put("retention_rules/images-28d", {"slug": "images-28d"})],
          ["A8 purposes/cameras/retention/images-28d"], targets=but("cameras-images-28d")),
    Fault("a target of a purpose that is gone", [], ["K1 purposes/cameras/retention/images-28d/target",
          "K2 targets/cameras-images-28d"], targets=but("cameras-images-28d", purpose="guards")),
    Fault("a target of ours that nothing promises", [],
          ["K1 purposes/site-administration/retention/admin-log/target", "K2 purposes/desk"],
          targets=but("site-administration-admin-log", purpose="desk", is_declared=False)),
    Fault("a target whose rule says nothing",
          [put("retention_rules/images-28d", {"slug": "images-28d"})],
          ["A8 purposes/cameras/retention/images-28d", "K3 retention_rules/images-28d/trigger"],
          targets=lambda: TARGETS),
    Fault("a target under a law that its rule does not know", [],
          ["K3 targets/cameras-images-28d/exception"], targets=but("cameras-images-28d", exception="tax-records")),
    # Together
    Fault("a new advertiser, entered in a hurry",
          [double("cookie_vendors/billboard-lane", slug="lane-2", name="Lane Two", company="Lane Two LLC",
                  privacy_url="", safeguards=[], cookies=[], lifetime="P2Y",
                  purpose=mutual("Follows visitors for 2 years", "Volgt bezoekers 3 jaar"))],
          ["A19 cookie_vendors/lane-2/privacy_url", "A19b cookie_vendors/lane-2/cookies",
           "V4 cookie_vendors/lane-2/safeguards", "V5 cookie_vendors/lane-2/lifetime",
           "L5 cookie_vendors/lane-2/purpose"]),
    Fault("a purpose of which only the name is known",
          [add("purposes", {"slug": "club", "title": mutual("Bicycle club", "Fietsclub"),
                            "description": mutual("We ride together.", "We rijden samen.")})],
          ["A3 purposes/club/data", "A3 purposes/club/data_subjects", "A4 purposes/club/legal_bases",
           "A6 purposes/club/recipients", "A8 purposes/club/retention", "A13 purposes/club/provision",
           "A14 purposes/club/automation", "A16 purposes/club/starts_on"], after=True),
    Fault("a period that was shortened in one sentence only",
          [say("sections/cookies/text/en", "for six months", "for three months"),
           put("websites/shop/consent_months", 3)],
          ["L5 pages/statement/cookies/text", "L10 pages/statement/cookies/text"], after=True),
    Fault("a text that was pasted into the wrong language and changed there",
          [say("transfers/helpdesk/explanation/en", "Deskpine keeps our correspondence in the United States.",
               "Een bedrijf bewaart onze brieven voor ons, en het is niet in de EER."),
           say("transfers/helpdesk/explanation/nl", "Deskpine bewaart", "Deskpine bewaart 3 jaar")],
          ["L2 transfers/helpdesk/explanation", "L5 transfers/helpdesk/explanation",
           "L6 transfers/helpdesk/explanation", "L13 transfers/helpdesk/explanation"]),
]  # fmt: skip


@pytest.fixture
def example(db, remembered):
    """The complete content as a draft, entered on one day."""

    def enter():
        with time_machine.travel(LOADED_ON, tick=False):
            load(EXAMPLE.read_text(encoding="utf-8"))

    once(remembered, "example", enter)


def findings(now=LOADED_ON, before=None, targets=None):
    found = review(gather(before=before, now=now, targets=targets))
    return sorted(f"{finding.code} {finding.path}" for finding in found)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fault_is_found_at_its_place_and_nothing_else_is(example, fault):
    before = compose() if fault.after else None
    document = copy.deepcopy(DOCUMENT)
    for change in fault.changes:
        change(document)
    now = LOADED_ON + fault.later
    with time_machine.travel(now, tick=False):
        load(json.dumps(document, default=str))  # JSON is YAML that is read faster
    if fault.rows:
        fault.rows()

    assert findings(now, before, fault.targets and fault.targets()) == sorted(fault.found)


def test_the_complete_content_has_no_finding(example):
    assert findings() == []
    assert findings(before=compose()) == []
    assert findings(targets=TARGETS) == []


def test_a_target_may_fall_under_a_law_that_its_rule_knows(example):
    assert findings(targets=but("orders-order-2y", exception="tax-records")()) == []


def test_the_complete_content_can_be_published(example, publish):
    """On the desk the review also asks what keeps the promises; here it is only what is ours."""
    publish()

    found = json.loads(StatementVersion.objects.get().review)["findings"]
    assert {finding["code"] for finding in found} == {"K1"}
    assert len(found) == len(TARGETS) - len(in_code())


def test_every_rule_has_a_fault_that_it_finds():
    assert {found.split()[0] for fault in FAULTS for found in fault.found} == RULES.keys()


def test_there_are_more_than_forty_different_faults():
    assert len({tuple(sorted(fault.found)) for fault in FAULTS}) > 40


def test_what_the_rules_need_not_look_for_is_refused_when_it_is_loaded(example):
    document = copy.deepcopy(DOCUMENT)
    put("websites/shop/foreground", "#dddddd")(document)

    with pytest.raises(ContentFileError, match="contrast"):
        load(json.dumps(document, default=str))


def test_the_faults_are_told_in_both_languages(example):
    document = copy.deepcopy(DOCUMENT)
    say("measures/agreements/explanation/nl", "24 uur", "48 uur")(document)
    with time_machine.travel(LOADED_ON, tick=False):
        load(json.dumps(document, default=str))

    [finding] = review(gather(now=LOADED_ON))

    assert finding.frozen()["sentence"]["en"] == "Numbers differ. Only in English: 24. Only in Dutch: 48."
    assert finding.frozen()["sentence"].keys() == {"en", "nl"}
