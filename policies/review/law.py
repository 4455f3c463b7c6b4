"""What Art. 13 and 14 GDPR demand of the statement.

Not here, because it cannot go wrong: what the database refuses (a controller without a name or
country, a recipient without a role, a legitimate interest without its explanation, a stated rule
without what happens at its end), and A18, for a version always has its number, its moment and a
summary of what changed in both languages, and never goes away. Texts in one language alone are
found by S2, readability (A17) by the rules on language, vendors (A19) by those on vendors.
"""

import re
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy as _

from . import Fault, Place, Severity, Subject, name_of, rule
from .countries import EEA, is_covered, lies_outside
from .wordings import Patterns, is_said, listed, mention, patterns, say, words_of

Entry = dict[str, Any]

# The purpose under which the choices that visitors make are themselves recorded (see the content file).
PROOF_OF_CHOICE = "proof-of-choice"

# Purposes of DPV 2.3 that address people one by one.
DIRECT_MARKETING = {
    "dpv:DirectMarketing", "dpv:Marketing", "dpv:SocialMediaMarketing", "dpv:PersonalisedAdvertising",
    "dpv:TargetedAdvertising",
}  # fmt: skip
OBJECTIONABLE = {"legitimate-interests", "public-task"}
RIGHTS_TO_NAME = (15, 16, 17, 18, 20, 21)

VAGUE = patterns(
    en=r"\b(?:as|so) long as (?:\w+ ){0,4}(?:needed|necessary|required|relevant|useful)"
    r"|\blonger than (?:\w+ ){0,3}(?:needed|necessary|required)"
    r"|\bno longer (?:\w+ )?(?:needed|necessary|required|relevant)"
    r"|\badequate(?:ly)?\b|\bsufficient(?:ly)?\b|\breasonabl[ey]\b|\bappropriate\b|\bindefinite(?:ly)?\b"
    r"|\b(?:where|if) (?:needed|necessary)\b",
    nl=r"\bzo ?lang (?:\w+ ){0,5}(?:nodig|noodzakelijk|vereist|relevant)"
    r"|\blanger dan (?:\w+ ){0,3}(?:nodig|noodzakelijk)|\bniet (?:meer|langer) (?:\w+ )?(?:nodig|noodzakelijk|relevant)"
    r"|\bafdoende\b|\bvoldoende\b|\badequa(?:at|te)\b|\bredelijk(?:e|erwijs)?\b|\bpassende?\b|\bonbepaalde\b"
    r"|\b(?:indien|zo|waar) nodig\b",
)
HOW_TO_ASK = patterns(
    en=r"\be-?mail|\bcontact|\bform\b|\bwrite\b|\bletter\b|\bportal\b|\bcall\b|\bphone|\bsend us\b|\bask us\b",
    nl=r"\be-?mail|\bmail|\bcontact|formulier|\bschrijf|\bbrief\b|portaal|\bbel\b|telefo|\bstuur ons\b|\bvraag ons\b",
)
ONE_MONTH = patterns(
    en=r"\b(?:one|a|1) (?:calendar )?month\b|\b(?:30|28) days\b|\b(?:four|4) weeks\b",
    nl=r"\b(?:één|een|1) (?:kalender)?maand\b|\b(?:30|28) dagen\b|\b(?:vier|4) weken\b",
)
FREE = patterns(
    en=r"\bfree of charge\b|\bfor free\b|\b(?:is|are) free\b|\b(?:no|without) (?:any )?(?:charge|costs?|fee)\b"
    r"|\bat no cost\b|\bcosts? (?:you )?nothing\b",
    nl=r"\bkosteloos\b|\bkosteloze\b|\bgratis\b|\b(?:geen|zonder) kosten\b|\bkost(?:en)? (?:je |u )?niets\b",
)
OBJECTION = patterns(en=r"\bobject(?:s|ed|ing|ions?)?\b", nl=r"bezwaar|bezwaren")
WITHDRAWAL = patterns(en=r"\bwithdraw", nl=r"\bintrek|\bingetrokken|\btrek\b.*\bin\b")
HARDER_THAN_GIVING = patterns(
    en=r"\bin writing\b|\bwritten (?:request|notice|letter)"
    r"|\b(?:registered|certified|recorded) (?:post|mail|letter|delivery)"
    r"|\bby (?:post|letter|fax)\b|\bcopy of (?:your|an?) (?:passport|identity|id\b|driving)|\bnotar",
    nl=r"\bschriftelijk|\baangetekend|\bper (?:post|brief|fax)\b"
    r"|\bkopie van (?:je|uw|een) (?:paspoort|identiteit|legitimatie|id\b|rijbewijs)|\bnotari",
)
EXCEPTION_FOR_SPECIAL_DATA = patterns(
    en=r"\b(?:art\.?|articles?|section) ?(?:9|10|2[2-9]|3[0-3])\b",
    nl=r"\b(?:art\.?|artikel(?:en)?) ?(?:9|10|2[2-9]|3[0-3])\b",
)


# -- Who is responsible -------------------------------------------------------------------------


@rule("A1", "Art. 13(1)(a) GDPR")
def controller_can_be_reached(subject: Subject) -> Iterator[Fault]:
    controller = subject.content["controller"]
    if controller is None:
        return
    if not controller["postal_address"].strip():
        yield Fault(("controller", "postal_address"), _("Fill in the postal address of the controller."))
    if not (controller["email"] or controller["phone"] or controller["contact_url"]):
        yield Fault(
            ("controller", "email"),
            _("Give a way to reach the controller: an e-mail address, a telephone number or a contact form."),
        )
    if lies_outside(controller["country"]) and not controller["representative"].strip():
        yield Fault(
            ("controller", "representative"),
            _("The controller lies outside the EEA (%(country)s): name its representative in the EU (Art. 27)."),
            {"country": controller["country"]["name"]},
        )


@rule("A1b", "Art. 27(1) GDPR", Severity.WARNING)
def representative_is_for_those_outside(subject: Subject) -> Iterator[Fault]:
    controller = subject.content["controller"]
    if controller and controller["representative"].strip() and not lies_outside(controller["country"]):
        yield Fault(
            ("controller", "representative"),
            _("A controller in the EEA has no representative under Art. 27. Remove it, or correct the country."),
        )


@rule("A2", "Art. 13(1)(b) GDPR")
def somebody_answers_for_privacy(subject: Subject) -> Iterator[Fault]:
    controller = subject.content["controller"]
    if controller is None:
        return
    officer = controller["dpo"]
    if officer["is_not_required"] and (officer["name"] or officer["email"]):
        yield Fault(
            ("controller", "dpo_not_required"),
            _("A data protection officer is named, and it says that none is required. Keep one of the two."),
        )
    elif officer["is_not_required"] and not controller["privacy_email"]:
        yield Fault(
            ("controller", "privacy_email"),
            _("There is no data protection officer: give the e-mail address for questions about privacy."),
        )
    elif not officer["is_not_required"] and not officer["email"]:
        yield Fault(
            ("controller", "dpo_email"),
            _("Give the e-mail address of the data protection officer, or state that no officer is required."),
        )


# -- Purposes -------------------------------------------------------------------------------------


def at(purpose: Entry, *field: str) -> Place:
    return ("purposes", purpose["slug"], *field)


@rule("A3", "Art. 13(1)(c) GDPR")
def purpose_says_whose_data(subject: Subject) -> Iterator[Fault]:
    for purpose in subject.content["purposes"]:
        if not purpose["data"]:
            yield Fault(
                at(purpose, "data"),
                _("Purpose “%(purpose)s”: list the personal data that it uses."),
                {"purpose": name_of(purpose)},
            )
        if not purpose["data_subjects"]:
            yield Fault(
                at(purpose, "data_subjects"),
                _("Purpose “%(purpose)s”: say whose data it uses."),
                {"purpose": name_of(purpose)},
            )


@rule("A4", "Art. 13(1)(c) GDPR")
def purpose_has_its_legal_basis(subject: Subject) -> Iterator[Fault]:
    for purpose in subject.content["purposes"]:
        if not purpose["legal_bases"]:
            yield Fault(
                at(purpose, "legal_bases"),
                _("Purpose “%(purpose)s”: give its legal basis."),
                {"purpose": name_of(purpose)},
            )
        for used in purpose["legal_bases"] if len(purpose["legal_bases"]) > 1 else []:
            if not is_said(used["explanation"]):
                yield Fault(
                    at(purpose, "legal_bases", used["basis"], "explanation"),
                    _("Purpose “%(purpose)s” has several legal bases: explain which part “%(basis)s” covers."),
                    {"purpose": name_of(purpose), "basis": used["name"]},
                )


@rule("A4b", "Art. 9(2), 10 GDPR; Art. 22–33 UAVG", Severity.WARNING)
def special_data_has_its_exception(subject: Subject) -> Iterator[Fault]:
    categories = subject.entries("data_categories")
    for purpose in subject.content["purposes"]:
        special = [categories[slug] for slug in purpose["data"] if categories[slug]["is_special"]]
        explained = any(say(used["explanation"], EXCEPTION_FOR_SPECIAL_DATA) for used in purpose["legal_bases"])
        if special and purpose["legal_bases"] and not explained:
            yield Fault(
                at(purpose, "legal_bases", purpose["legal_bases"][0]["basis"], "explanation"),
                _(
                    "Purpose “%(purpose)s” uses special or criminal data (%(data)s): name in the explanation of the "
                    "legal basis the exception that allows it, such as Article 9(2)(a)."
                ),
                {"purpose": name_of(purpose), "data": listed(category["name"] for category in special)},
            )


@rule("A5", "Art. 13(1)(d), 6(1)(f) GDPR")
def interest_is_named_and_weighed(subject: Subject) -> Iterator[Fault]:
    for purpose in subject.content["purposes"]:
        kept = subject.internal["purposes"].get(purpose["slug"], {}).get("balancing_tests", {})
        for used in purpose["legal_bases"]:
            if used["basis"] != "legitimate-interests":
                continue
            place = at(purpose, "legal_bases", used["basis"])
            if used["interest_of"] is None:
                yield Fault(
                    (*place, "interest_of"),
                    _("Purpose “%(purpose)s”: say whose legitimate interest it is, ours or that of a third party."),
                    {"purpose": name_of(purpose)},
                )
            if not kept.get(used["basis"], "").strip():
                yield Fault(
                    (*place, "balancing_test"),
                    _("Purpose “%(purpose)s”: note where the weighing of interests is kept, and its date."),
                    {"purpose": name_of(purpose)},
                )


@rule("A13", "Art. 13(2)(e) GDPR", Severity.WARNING)
def purpose_says_whether_data_must_be_given(subject: Subject) -> Iterator[Fault]:
    categories = subject.entries("data_categories")
    for purpose in subject.content["purposes"]:
        if purpose["data"] and all(categories[slug]["from_others"] for slug in purpose["data"]):
            continue  # Art. 14: nobody is asked to give it
        if purpose["provision"] is None:
            yield Fault(
                at(purpose, "provision"),
                _("Purpose “%(purpose)s”: is giving the data required by law, needed for a contract, or voluntary?"),
                {"purpose": name_of(purpose)},
            )
        elif purpose["provision"]["value"] != "voluntary" and not is_said(purpose["provision_consequence"]):
            yield Fault(
                at(purpose, "provision_consequence"),
                _("Purpose “%(purpose)s”: the data has to be given, so say what happens without it."),
                {"purpose": name_of(purpose)},
            )


@rule("A14", "Art. 13(2)(f) GDPR")
def purpose_says_whether_it_decides_by_machine(subject: Subject) -> Iterator[Fault]:
    for purpose in subject.content["purposes"]:
        if purpose["automation"] is None:
            yield Fault(
                at(purpose, "automation"),
                _("Purpose “%(purpose)s”: answer whether there is profiling or automated decision-making."),
                {"purpose": name_of(purpose)},
            )
        elif purpose["automation"]["value"] != "none" and not is_said(purpose["automation_explained"]):
            yield Fault(
                at(purpose, "automation_explained"),
                _(
                    "Purpose “%(purpose)s”: explain the logic of the profiling or the automated decisions, "
                    "what they mean for people and which consequences to expect."
                ),
                {"purpose": name_of(purpose)},
            )


@rule("A15", "Art. 14(1)(d), 14(2)(f) GDPR")
def data_from_others_has_its_source(subject: Subject) -> Iterator[Fault]:
    categories = subject.entries("data_categories")
    for purpose in subject.content["purposes"]:
        obtained = [categories[slug]["name"] for slug in purpose["data"] if categories[slug]["from_others"]]
        if not obtained:
            continue
        words = {"purpose": name_of(purpose), "data": listed(obtained)}
        if not is_said(purpose["source"]):
            yield Fault(
                at(purpose, "source"),
                _("Purpose “%(purpose)s”: name the source of what people do not give themselves (%(data)s)."),
                words,
            )
        if purpose["source_is_public"] is None:
            yield Fault(
                at(purpose, "source_is_public"),
                _("Purpose “%(purpose)s”: say whether the source of %(data)s is public."),
                words,
            )


@rule("A15b", "Art. 14(2)(f) GDPR", Severity.WARNING)
def source_belongs_to_some_data(subject: Subject) -> Iterator[Fault]:
    categories = subject.entries("data_categories")
    for purpose in subject.content["purposes"]:
        if is_said(purpose["source"]) and not any(categories[slug]["from_others"] for slug in purpose["data"]):
            yield Fault(
                at(purpose, "source"),
                _(
                    "Purpose “%(purpose)s” names a source, but uses no data that comes from others. Mark which "
                    "data category is not obtained from the person, or remove the source."
                ),
                {"purpose": name_of(purpose)},
            )


@rule("A16", "Art. 13(3) GDPR", Severity.WARNING)
def people_are_told_before_a_new_purpose_starts(subject: Subject) -> Iterator[Fault]:
    if subject.before is None:
        return
    known = {purpose["slug"] for purpose in subject.before["purposes"]}
    for purpose in subject.content["purposes"]:
        if purpose["slug"] in known:
            continue
        starts_on = subject.internal["purposes"].get(purpose["slug"], {}).get("starts_on", "")
        if not starts_on:
            yield Fault(
                at(purpose, "starts_on"),
                _("Purpose “%(purpose)s” is new: fill in the day on which the processing starts."),
                {"purpose": name_of(purpose)},
            )
        elif starts_on <= subject.today.isoformat():
            yield Fault(
                at(purpose, "starts_on"),
                _("Purpose “%(purpose)s” is new: people have to be told before the processing starts."),
                {"purpose": name_of(purpose)},
            )


@rule("A20", "Art. 5(2), 7(1) GDPR", Severity.WARNING)
def proof_of_choices_is_a_purpose(subject: Subject) -> Iterator[Fault]:
    """That it has a legal basis and a period is what A4 and A8 ask of every purpose."""
    asks = any(
        category["needs_consent"] for website in subject.content["websites"] for category in website["categories"]
    )
    if asks and PROOF_OF_CHOICE not in subject.entries("purposes"):
        yield Fault(
            ("purposes",),
            _(
                "Choices about cookies are recorded as proof of consent. Describe that as a purpose too, with the "
                "identifier “%(slug)s”, its legal basis and how long the records are kept."
            ),
            {"slug": PROOF_OF_CHOICE},
        )


# -- Recipients and transfers -----------------------------------------------------------------------


@rule("A6", "Art. 13(1)(e) GDPR")
def purpose_says_who_receives_the_data(subject: Subject) -> Iterator[Fault]:
    for purpose in subject.content["purposes"]:
        if purpose["recipients"] and purpose["stays_inside"]:
            yield Fault(
                at(purpose, "stays_inside"),
                _("Purpose “%(purpose)s” lists recipients and says that nobody outside receives the data. Keep one."),
                {"purpose": name_of(purpose)},
            )
        elif not purpose["recipients"] and not purpose["stays_inside"]:
            yield Fault(
                at(purpose, "recipients"),
                _("Purpose “%(purpose)s”: list who receives the data, or state that nobody outside the company does."),
                {"purpose": name_of(purpose)},
            )


@rule("A6b", "Art. 13(1)(e), 30(1)(d) GDPR", Severity.WARNING)
def recipient_has_a_purpose(subject: Subject) -> Iterator[Fault]:
    named = {slug for purpose in subject.content["purposes"] for slug in purpose["recipients"]}
    for recipient in subject.content["recipients"]:
        # Art. 4(9): an authority that demands data in an inquiry is no recipient.
        if recipient["slug"] not in named and recipient["role"] != "authority":
            yield Fault(
                ("recipients", recipient["slug"]),
                _("No purpose names the recipient “%(recipient)s”: add it to the purposes whose data it receives."),
                {"recipient": name_of(recipient)},
            )


@rule("A7", "Art. 13(1)(f), 44–49 GDPR")
def transfer_names_countries_and_safeguards(subject: Subject) -> Iterator[Fault]:
    named = {slug for purpose in subject.content["purposes"] for slug in purpose["recipients"]}
    told = {country["code"] for transfer in subject.content["transfers"] for country in transfer["countries"]}
    for recipient in subject.content["recipients"]:
        country = recipient["country"]
        if recipient["slug"] in named and lies_outside(country) and country["code"] not in told:
            yield Fault(
                ("recipients", recipient["slug"], "country"),
                _(
                    "“%(recipient)s” receives data outside the EEA (%(country)s): add a transfer that names this "
                    "country and its safeguards."
                ),
                {"recipient": name_of(recipient), "country": country["name"]},
            )
    for transfer in subject.content["transfers"]:
        words, place = {"transfer": name_of(transfer)}, ("transfers", transfer["slug"])
        instruments = instruments_of(transfer, subject)
        if not transfer["countries"]:
            yield Fault((*place, "countries"), _("Transfer “%(transfer)s”: name the countries."), words)
        if not instruments:
            yield Fault(
                (*place, "safeguards"),
                _("Transfer “%(transfer)s”: choose a safeguard that the GDPR knows (Art. 45–49)."),
                words,
            )
        if "dpf" in instruments and not transfer["certified_on"]:
            yield Fault(
                (*place, "certified_on"),
                _("Transfer “%(transfer)s”: give the date of certification under the Data Privacy Framework."),
                words,
            )
        # An adequacy decision is published by the Commission; the other safeguards have to be asked for.
        if instruments - {"adequacy", "dpf"} and not is_said(transfer["copy_how"]):
            yield Fault(
                (*place, "copy_how"),
                _("Transfer “%(transfer)s”: say how people get a copy of the safeguards, or where they can be read."),
                words,
            )


@rule("A7b", "Art. 45–49 GDPR", Severity.WARNING)
def safeguards_fit_the_countries(subject: Subject) -> Iterator[Fault]:
    used = {slug for transfer in subject.content["transfers"] for slug in transfer["safeguards"]}
    for safeguard in subject.content["transfer_safeguards"]:
        if safeguard["slug"] in used and not safeguard["instrument"]:
            yield Fault(
                ("transfer_safeguards", safeguard["slug"], "instrument"),
                _("“%(safeguard)s” is no safeguard by itself: say which instrument of the GDPR it is, or remove it."),
                {"safeguard": name_of(safeguard)},
            )
    for transfer in subject.content["transfers"]:
        instruments = instruments_of(transfer, subject)
        bare = [country for country in transfer["countries"] if not is_covered(country["code"], instruments)]
        if instruments and bare:
            yield Fault(
                ("transfers", transfer["slug"], "safeguards"),
                _(
                    "Transfer “%(transfer)s”: no adequacy decision in the list covers %(countries)s. "
                    "Choose another safeguard, or correct the countries."
                ),
                {"transfer": name_of(transfer), "countries": listed(country["name"] for country in bare)},
            )
        inside = [country["name"] for country in transfer["countries"] if country["code"] in EEA]
        if inside:
            yield Fault(
                ("transfers", transfer["slug"], "countries"),
                _("Transfer “%(transfer)s”: %(countries)s lies in the EEA, where no safeguard is needed. Remove it."),
                {"transfer": name_of(transfer), "countries": listed(inside)},
            )


@rule("A7c", "Art. 13(1)(f), 30(1)(d) GDPR", Severity.WARNING)
def named_recipient_has_a_country(subject: Subject) -> Iterator[Fault]:
    for recipient in subject.content["recipients"]:
        if recipient["kind"] == "named" and recipient["country"] is None:
            yield Fault(
                ("recipients", recipient["slug"], "country"),
                _("Fill in the country of “%(recipient)s”: without it nobody can see whether data leaves the EEA."),
                {"recipient": name_of(recipient)},
            )


def instruments_of(transfer: Entry, subject: Subject) -> set[str]:
    """The instruments of the GDPR among the safeguards of ``transfer``."""
    safeguards = subject.entries("transfer_safeguards")
    return {safeguards[slug]["instrument"] for slug in transfer["safeguards"]} - {""}


# -- How long ---------------------------------------------------------------------------------------


@rule("A8", "Art. 13(2)(a) GDPR")
def purpose_says_how_long(subject: Subject) -> Iterator[Fault]:
    rules = subject.entries("retention_rules")
    used_rules = {}
    for purpose in subject.content["purposes"]:
        if not purpose["retention"]:
            yield Fault(
                at(purpose, "retention"),
                _("Purpose “%(purpose)s”: say how long its data is kept."),
                {"purpose": name_of(purpose)},
            )
        for used in purpose["retention"]:
            used_rules[used["rule"]] = rules[used["rule"]]
            if not is_stated(rules[used["rule"]], rules):
                yield Fault(
                    at(purpose, "retention", used["rule"]),
                    _("Purpose “%(purpose)s” does not state how long its data is kept: choose a rule with a period."),
                    {"purpose": name_of(purpose)},
                )
    for slug, used_rule in used_rules.items():
        if not used_rule["period"] and mention(used_rule["wording"], VAGUE):
            yield Fault(
                ("retention_rules", slug, "trigger"),
                _(
                    "“%(wording)s” lets nobody work out how long data is kept. Add a period, or choose an event "
                    "of which the day can be determined."
                ),
                {"wording": used_rule["wording"]},
                about=words_of(used_rule["wording"]),
            )


@rule("A8b", "Art. 13(2)(a) GDPR", Severity.WARNING)
def statutory_exception_has_a_period(subject: Subject) -> Iterator[Fault]:
    used = {slug for retention in subject.content["retention_rules"] for slug in retention["exceptions"]}
    for exception in subject.content["statutory_exceptions"]:
        if exception["slug"] in used and not exception["period"]:
            yield Fault(
                ("statutory_exceptions", exception["slug"], "period"),
                _("Statutory exception “%(exception)s”: fill in how long the law has the data kept."),
                {"exception": name_of(exception)},
            )


def is_stated(retention: Entry, rules: dict[str, Entry]) -> bool:
    """Whether the rule ``retention`` starts from some event, itself or through the rules that it follows."""
    if retention["follows"]:
        return is_stated(rules[retention["follows"]], rules)
    return retention["trigger"] is not None


# -- Rights -------------------------------------------------------------------------------------------


def articles(subject: Subject) -> set[int]:
    """The articles of the rights that the statement lists: ``"7(3)"`` counts as 7."""
    found = (re.search(r"\d+", right["article"]) for right in subject.content["rights"])
    return {int(number[0]) for number in found if number}


def rights_section(subject: Subject) -> Entry | None:
    return next((s for s in subject.content["pages"]["statement"] if s["part"] == "rights"), None)


@rule("A9", "Art. 13(2)(b), 15–21 GDPR")
def rights_are_all_there(subject: Subject) -> Iterator[Fault]:
    missing = [str(number) for number in RIGHTS_TO_NAME if number not in articles(subject)]
    if missing:
        yield Fault(
            ("rights",),
            _("Add the rights of these articles of the GDPR: %(articles)s."),
            {"articles": ", ".join(missing)},
        )
    section = rights_section(subject)
    if section is None:
        yield Fault(
            ("pages", "statement"),
            _("Add a section to the statement that lists the rights, and says how to use them."),
        )
    elif not say(section["text"], HOW_TO_ASK):
        yield _missing_in(section, _("Say under “%(heading)s”, in English and in Dutch, how people make a request."))


@rule("A9b", "Art. 12(3) GDPR")
def rights_are_answered_within_a_month(subject: Subject) -> Iterator[Fault]:
    section = rights_section(subject)
    if section and not say(section["text"], ONE_MONTH):
        yield _missing_in(
            section, _("Say under “%(heading)s”, in English and in Dutch, that a request is answered within one month.")
        )


@rule("A9c", "Art. 12(5) GDPR")
def rights_are_free_of_charge(subject: Subject) -> Iterator[Fault]:
    section = rights_section(subject)
    if section and not say(section["text"], FREE):
        yield _missing_in(
            section, _("Say under “%(heading)s”, in English and in Dutch, that a request is free of charge.")
        )


def _missing_in(section: Entry, sentence: Any) -> Fault:
    place = ("pages", "statement", section["slug"], "text")
    return Fault(place, sentence, {"heading": name_of(section)}, about=words_of(section["text"]))


@rule("A10", "Art. 21(4) GDPR")
def objection_stands_out_and_is_offered(subject: Subject) -> Iterator[Fault]:
    is_due = False
    for purpose in subject.content["purposes"]:
        bases = {used["basis"] for used in purpose["legal_bases"]}
        is_marketing = not DIRECT_MARKETING.isdisjoint(purpose["dpv"])
        is_due = is_due or is_marketing or bool(bases & OBJECTIONABLE)
        # Whoever gave consent to marketing ends it by withdrawing that (A11).
        may_object = bases & OBJECTIONABLE or (is_marketing and "consent" not in bases)
        if may_object and not offers(purpose, "objection", OBJECTION):
            yield Fault(
                at(purpose, "opt_out"),
                _("Purpose “%(purpose)s”: people can object to it (Art. 21). Say so, and say how."),
                {"purpose": name_of(purpose)},
            )
    headings = (section["heading"] for section in subject.content["pages"]["statement"])
    if is_due and not any(say(heading, OBJECTION) for heading in headings):
        yield Fault(
            ("pages", "statement"),
            _("Give the right to object a section of its own, with a heading that says so in both languages."),
        )


@rule("A11", "Art. 7(3), 13(2)(c) GDPR")
def consent_can_be_withdrawn_as_easily(subject: Subject) -> Iterator[Fault]:
    for purpose in subject.content["purposes"]:
        if not any(used["basis"] == "consent" for used in purpose["legal_bases"]):
            continue
        if not offers(purpose, "withdrawal", WITHDRAWAL):
            yield Fault(
                at(purpose, "opt_out"),
                _("Purpose “%(purpose)s” rests on consent: say that it can be withdrawn, and how."),
                {"purpose": name_of(purpose)},
            )
        elif mention(purpose["opt_out"]["how"], HARDER_THAN_GIVING):
            yield Fault(
                at(purpose, "opt_out_how"),
                _("Purpose “%(purpose)s”: withdrawing has to be as easy as giving consent. Offer a simpler way."),
                {"purpose": name_of(purpose)},
                about=words_of(purpose["opt_out"]["how"]),
            )


def offers(purpose: Entry, kind: str, words: Patterns) -> bool:
    """Whether ``purpose`` offers this way out: as its kind, or, where it needs two, in the words on how."""
    way = purpose["opt_out"]
    return way is not None and (way["kind"] == kind or say(way["how"], words))


@rule("A12", "Art. 13(2)(d), 77 GDPR")
def complaint_can_be_lodged(subject: Subject) -> Iterator[Fault]:
    if 77 not in articles(subject):
        yield Fault(("rights",), _("Add the right to lodge a complaint with the supervisory authority (Art. 77)."))
    controller = subject.content["controller"]
    if controller is None:
        return
    if not is_said(controller["supervisor"]["name"]):
        yield Fault(("controller", "supervisor"), _("Name the supervisory authority."))
    if not controller["supervisor"]["url"]:
        yield Fault(
            ("controller", "supervisor_url"), _("Give the address at which the supervisory authority takes complaints.")
        )


# -- Children -----------------------------------------------------------------------------------------


@rule("A21", "Art. 8 GDPR; Art. 5 UAVG", Severity.WARNING)
def children_are_considered(subject: Subject) -> Iterator[Fault]:
    controller = subject.content["controller"]
    if controller is None:
        return
    if controller["reaches_children"] is None:
        yield Fault(("controller", "reaches_children"), _("Answer whether children under 16 are reached."))
    elif controller["reaches_children"] and not is_said(controller["children"]):
        yield Fault(
            ("controller", "children"),
            _("Children under 16 are reached: say how a parent gives or authorises consent."),
        )
