"""The answers of Art. 13 and 14 that have a field of their own: where visitors read them, and where not."""

import io
import json
import re

import pikepdf
import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from policies import vocabulary
from policies.forms import WordBoxes
from policies.models import (
    AnalyticsCondition,
    Controller,
    CookieCategory,
    CookieVendor,
    DataCategory,
    ProcessingPurpose,
    PurposeLegalBasis,
    Transfer,
    TransferSafeguard,
)
from policies.pdf import make_pdf
from policies.reading import completed
from policies.rendering import Edition, render
from policies.snapshot import compose

from .test_pdf import squeezed, words_of

LANGUAGES = ["en", "nl"]


def statement(content, language="en"):
    """The words of the statement with ``content``, as its page has them."""
    edition = Edition(1, "0" * 64, timezone.now(), document(content), [])
    context = edition.context("statement", language)
    page = render(
        "policies/statement.html",
        "statement",
        sections=edition.text(language)["pages"]["statement"],
        in_force=1,
        **context,
    )
    return words(page)


def document(content):
    summary = {"en": "Answers.", "nl": "Antwoorden."}
    moment = "2026-11-22T12:00:00+01:00"
    return {"number": 1, "previous": "", "effective_at": moment, "change_summary": summary, "content": content}


def words(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def pdf(content, language="en"):
    return make_pdf(document(content), digest="0" * 64, language=language)


def purpose_with(**answers):
    purpose = ProcessingPurpose.objects.get(slug="contact")
    for field, value in answers.items():
        setattr(purpose, field, value)
    purpose.save()
    return purpose


# -- Contact -----------------------------------------------------------------------------------


def test_the_contact_form_the_representative_and_the_address_for_questions_are_shown(content):
    Controller.objects.update(
        contact_url="https://example.nl/vraag", representative="Rep GmbH\nBerlin", privacy_email="vragen@example.nl"
    )

    page = statement(compose())

    assert "Contact form https://example.nl/vraag" in page
    assert "Representative in the EU Rep GmbH Berlin" in page
    assert "Questions about privacy vragen@example.nl" in page


def test_what_nobody_answered_is_left_out_and_not_called_a_gap(content):
    Controller.objects.update(contact_url="", representative="", privacy_email="", reaches_children=None)
    ProcessingPurpose.objects.update(provision="", automation="")

    page = statement(compose())

    for label in ("Contact form", "Representative", "Questions about privacy", "Children under 16"):
        assert label not in page
    assert "Must you give it?" not in page
    assert "Profiling" not in page


@pytest.mark.parametrize(
    ("dpo_name", "is_not_required", "said"),
    [
        ("F. Jansen", False, "Data protection officer F. Jansen"),
        ("", True, "Data protection officer We are not obliged to appoint one, and have not done so."),
        ("F. Jansen", True, "Data protection officer F. Jansen"),
        ("", False, "Data protection officer Not stated"),
    ],
)
def test_an_officer_is_named_or_not_required_or_not_stated(content, dpo_name, is_not_required, said):
    Controller.objects.update(dpo_name=dpo_name, dpo_email="", dpo_not_required=is_not_required)

    assert said in statement(compose())


@pytest.mark.parametrize(
    ("reached", "said"),
    [
        (True, "Children under 16 may use our services and web sites. A parent signs."),
        (False, "Our services and web sites are not meant for children under 16."),
    ],
)
def test_parents_read_whether_children_are_reached(content, reached, said):
    """Art. 8 GDPR."""
    Controller.objects.update(reaches_children=reached, children_en="A parent signs.", children_nl="Een ouder tekent.")

    assert said in statement(compose())


# -- Purposes ----------------------------------------------------------------------------------


def test_who_must_give_the_data_reads_what_happens_otherwise(content):
    """Art. 13(2)(e) GDPR."""
    purpose_with(provision="contractual", provision_consequence_en="We cannot answer.")

    assert "Must you give it? Needed for a contract We cannot answer." in statement(compose())


def test_profiling_is_told_with_its_purpose(content):
    """Art. 13(2)(f) GDPR."""
    purpose_with(automation="profiling", automation_explained_en="We rank questions by length.")

    page = statement(compose())

    assert "Profiling and automated decisions Profiling, a person decides We rank questions by length." in page


def test_that_no_purpose_has_profiling_is_said_once(content):
    ProcessingPurpose.objects.update(automation="none")

    page = statement(compose())

    assert page.count("Profiling and automated decisions") == 1
    assert "We use neither profiling nor automated decisions for any of these purposes." in page


def test_where_one_purpose_is_silent_the_others_say_for_themselves_that_they_have_none(content):
    ProcessingPurpose.objects.update(automation="none")
    purpose_with(automation="")

    page = statement(compose())

    assert "for any of these purposes" not in page
    assert page.count("Neither profiling nor automated decisions") == ProcessingPurpose.objects.count() - 1


@pytest.mark.parametrize(
    ("is_public", "said"), [(True, "A register. A public source"), (False, "A register. Not a public source")]
)
def test_a_source_is_public_or_not(content, is_public, said):
    """Art. 14(2)(f) GDPR."""
    purpose_with(source_en="A register.", source_nl="Een register.", source_is_public=is_public)

    assert said in statement(compose())


def test_that_nobody_else_receives_the_data_is_said(content):
    purpose = purpose_with(stays_inside=True)
    purpose.recipients.all().delete()

    assert "Who receives it Nobody outside our company" in statement(compose())


def test_a_listed_recipient_goes_before_the_claim_that_there_is_none(content):
    purpose = ProcessingPurpose.objects.filter(recipients__isnull=False).first()
    purpose.stays_inside = True
    purpose.save()

    assert "Nobody outside our company" not in statement(compose())


def test_an_interest_is_that_of_somebody(content):
    """Art. 13(1)(d) GDPR."""
    used = PurposeLegalBasis.objects.filter(basis="legitimate-interests").first()
    used.interest_of = "third-party"
    used.save()

    assert "Whose interest: that of a third party" in statement(compose())


def test_special_data_and_data_from_others_are_marked(content):
    DataCategory.objects.filter(slug="phone").update(is_special=True, from_others=True)

    assert "Phone number (special category) Not obtained from you" in statement(compose())


# -- Transfers and cookies ---------------------------------------------------------------------


def test_a_transfer_names_its_article_its_certificate_and_where_to_get_a_copy(content):
    """Art. 13(1)(f) GDPR."""
    TransferSafeguard.objects.filter(slug="eu-model-clauses").update(instrument="scc")
    Transfer.objects.update(certified_on="2023-07-10", copy_how_en="Ask us for it.")

    page = statement(compose())

    assert "European Commission model agreement Article 46(2)(c) GDPR" in page
    assert "Certified since 10 July 2023" in page
    assert "How to get a copy Ask us for it." in page


@pytest.mark.parametrize("needs_consent", [True, False])
def test_what_was_arranged_is_told_where_no_consent_is_asked(content, needs_consent):
    category = CookieCategory.objects.get(slug="analytical")
    category.needs_consent = needs_consent
    category.save()
    CookieVendor.objects.filter(category=category).update(analytics_conditions="agreement masked-ip")

    page = statement(compose())

    said = "Arranged, so that no consent is needed: processing agreement signed IP address masked"
    assert (said in page) is not needs_consent


# -- Every form of the statement ---------------------------------------------------------------


def every_answer():
    """Rows with an answer to everything, and the English words that each leaves on the page."""
    Controller.objects.update(
        contact_url="https://example.nl/vraag",
        representative="Rep GmbH",
        privacy_email="vragen@example.nl",
        dpo_name="",
        dpo_email="",
        dpo_not_required=True,
        reaches_children=True,
        children_en="A parent signs.",
        children_nl="Een ouder tekent.",
    )
    purpose = purpose_with(
        provision="statutory",
        provision_consequence_en="A fine.",
        provision_consequence_nl="Een boete.",
        automation="decisions",
        automation_explained_en="By rule.",
        automation_explained_nl="Met een regel.",
        source_en="A register.",
        source_nl="Een register.",
        source_is_public=True,
        stays_inside=True,
    )
    purpose.recipients.all().delete()
    DataCategory.objects.filter(slug="phone").update(is_special=True, from_others=True)
    PurposeLegalBasis.objects.filter(basis="legitimate-interests").update(interest_of="third-party")
    TransferSafeguard.objects.update(instrument="scc")
    Transfer.objects.update(certified_on="2023-07-10", copy_how_en="Ask us for it.", copy_how_nl="Vraag het ons.")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_has_every_answer_too(content, language):
    every_answer()

    said = words_of(pikepdf.open(io.BytesIO(pdf(compose(), language))))

    expected = {
        "en": ["Contact form", "Rep GmbH", "vragen@example.nl", "We are not obliged to appoint one", "A parent signs.",
               "Required by law", "A fine.", "Automated decisions (Art. 22)", "By rule.", "A public source",
               "Nobody outside our company", "(special category)", "(Not obtained from you)",
               "Whose interest: that of a third party", "Article 46(2)(c) GDPR", "10 July 2023", "Ask us for it."],
        "nl": ["Rep GmbH", "vragen@example.nl", "Een ouder tekent.", "Een boete.", "Met een regel.", "10 juli 2023",
               "artikel 46, lid 2, onder c, AVG", "Vraag het ons."],
    }  # fmt: skip
    assert [text for text in expected[language] if squeezed(text) not in said] == []


def test_the_vocabulary_tells_the_answers(content):
    every_answer()

    notice = vocabulary.describe(document(compose()), "0" * 64)

    process = next(p for p in notice["dpv:hasProcess"] if p["dct:identifier"] == "contact")
    assert process["dpv:hasNecessity"]["@type"] == "dpv:Required"
    assert process["dpv:hasContext"] == {"@id": "dpv:AutomatedDecisionMaking"}
    assert process["dpv:hasDataSource"]["@type"] == "dpv:PublicDataSource"
    types = [data.get("@type", []) for data in process["dpv:hasPersonalData"]]
    assert [names for names in types if "dpv:SpecialCategoryPersonalData" in names]
    bases = json.dumps([p["dpv:hasLegalBasis"] for p in notice["dpv:hasProcess"]])
    assert "eu-gdpr:A6-1-f-third-party" in bases
    assert "eu-gdpr:A6-1-f-controller" not in bases
    safeguards = [m for m in notice["dpv:hasTechnicalOrganisationalMeasure"] if "dpv:hasLegalBasis" in m]
    assert {m["dpv:hasLegalBasis"]["@id"] for m in safeguards} == {"eu-gdpr:A46-2-c"}
    assert notice["dpv:hasDataController"]["dpv:hasRepresentative"]["dct:description"] == "Rep GmbH"


@pytest.mark.parametrize(
    ("automation", "told"),
    [("none", set()), ("profiling", {"dpv:hasHumanInvolvement"}), ("decisions", {"dpv:hasContext"})],
)
def test_the_vocabulary_claims_no_more_about_automation_than_was_answered(content, automation, told):
    purpose_with(automation=automation)

    notice = vocabulary.describe(document(compose()), "0" * 64)

    process = next(p for p in notice["dpv:hasProcess"] if p["dct:identifier"] == "contact")
    assert {"dpv:hasHumanInvolvement", "dpv:hasContext"} & process.keys() == told
    assert ({"@id": "dpv:Profiling"} in process["dpv:hasProcessing"]) is (automation == "profiling")


def as_an_earlier_release_wrote_it(content):
    """``content`` without what it did not ask for yet."""
    old = json.loads(json.dumps(content))
    for field in ("contact_url", "representative", "privacy_email", "reaches_children", "children"):
        del old["controller"][field]
    del old["controller"]["dpo"]["is_not_required"]
    for purpose in old["purposes"]:
        for field in (
            "source_is_public", "stays_inside", "provision", "provision_consequence", "automation",
            "automation_explained",
        ):  # fmt: skip
            del purpose[field]
        for basis in purpose["legal_bases"]:
            del basis["interest_of"]
    for category in old["data_categories"]:
        del category["is_special"], category["from_others"]
    for transfer in old["transfers"]:
        del transfer["certified_on"], transfer["copy_how"]
    for safeguard in old["transfer_safeguards"]:
        del safeguard["instrument"]
    for vendor in old["cookie_vendors"]:
        del vendor["analytics_conditions"]
    return old


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_version_of_an_earlier_release_says_nothing_that_it_did_not_say(content, language):
    Controller.objects.update(reaches_children=None, contact_url="", representative="", privacy_email="")
    Controller.objects.update(dpo_not_required=False, children_en="", children_nl="")
    ProcessingPurpose.objects.update(
        provision="", automation="", source_is_public=None, stays_inside=False, provision_consequence_en="",
        provision_consequence_nl="", automation_explained_en="", automation_explained_nl="",
    )  # fmt: skip
    PurposeLegalBasis.objects.update(interest_of="")
    DataCategory.objects.update(is_special=False, from_others=False)
    Transfer.objects.update(certified_on=None, copy_how_en="", copy_how_nl="")
    TransferSafeguard.objects.update(instrument="")
    CookieVendor.objects.update(analytics_conditions="")
    unanswered = compose()
    old = as_an_earlier_release_wrote_it(unanswered)

    assert completed(old) == unanswered
    assert statement(old, language) == statement(unanswered, language)
    assert pdf(old, language) == pdf(unanswered, language)
    assert vocabulary.describe(document(old), "0" * 64) == vocabulary.describe(document(unanswered), "0" * 64)


# -- At the desk -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (Controller, ["contact_url", "representative", "dpo_not_required", "privacy_email", "reaches_children"]),
        (ProcessingPurpose, ["provision", "automation", "source_is_public", "stays_inside", "owner", "review_on"]),
        (DataCategory, ["is_special", "from_others"]),
        (Transfer, ["certified_on", "copy_how_nl"]),
        (TransferSafeguard, ["instrument"]),
        (CookieCategory, ["signals"]),
        (CookieVendor, ["analytics_conditions"]),
    ],
)
def test_every_answer_has_its_box_at_the_desk(content, admin_client, model, fields):
    meta = model._meta
    row = model.objects.first()

    page = admin_client.get(reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])).text

    assert [field for field in fields if f'name="{field}"' not in page] == []


def test_conditions_are_boxes_and_stored_as_words_in_their_order():
    field = WordBoxes(choices=AnalyticsCondition.choices, required=False)

    assert field.clean(["masked-ip", "informed"]) == "masked-ip informed"
    assert field.clean([]) == ""
    assert field.prepare_value("masked-ip informed") == ["masked-ip", "informed"]
    assert not field.has_changed("masked-ip informed", ["informed", "masked-ip"])
    assert field.has_changed("masked-ip", ["informed"])


def test_a_box_says_its_condition_in_the_language_of_the_desk(content, admin_client):
    vendor = CookieVendor.objects.first()
    with override("en"):
        url = reverse("admin:policies_cookievendor_change", args=[vendor.pk])

    assert "IP address masked" in admin_client.get(url, headers={"accept-language": "en"}).text
