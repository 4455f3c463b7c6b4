"""The receipt: ISO/IEC TS 27560 in terms of the Data Privacy Vocabulary, from record and version alone."""

import copy
import hashlib
import json
from datetime import UTC, datetime

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from consent import receipts
from consent.models import Banner, ConsentRecord
from consent.recording import new_id
from policies import rendering
from policies.models import Controller, CookieVendor, ProcessingPurpose, Website
from policies.rendering import Edition

ORIGIN = "https://www.pro4all.nl"
SUBJECT = "5f0c7f0e-4b7f-4d7e-9d3c-0a4a2c1b9e11"
YES = {"analytical": True, "marketing": True}
NO = {"analytical": False, "marketing": False}

# What ISO/IEC TS 27560:2023 calls mandatory, part by part.
RECEIPT = {"schema_version", "receipt_id"}
HEADER = {"schema_version", "record_id", "pii_principal_id"}
PROCESSING = {
    "privacy_notice", "language", "purposes", "pii_information", "pii_controllers", "storage_locations",
    "retention_period", "jurisdiction", "recipient_third_parties", "withdrawal_method",
}  # fmt: skip
PARTY = {"party_id", "party_name", "party_address", "party_contact", "party_type"}
EVENT = {"event_time", "validity_duration", "entity_id", "event_type", "event_state"}


@pytest.fixture
def send(published, client):
    """Record a choice as the banner of a web site does: ``send(action="withdraw", …)`` → the response."""

    def post(website="website", **changes):
        client.get(f"/embed/{website}.js")
        banner = Banner.objects.filter(website=website, kind="script").latest("version")
        data = {
            "id": str(new_id(timezone.now())),
            "subject": SUBJECT,
            "website": website,
            "version": banner.version_id,
            "banner": banner.digest,
            "language": "en",
            "gpc": False,
            "action": "save",
            "choices": {"analytical": True, "marketing": False},
            "decided_at": "2026-11-22T10:15:00+01:00",
        } | changes
        data = {name: value for name, value in data.items() if value is not ...}
        response = client.post(
            "/consent/", json.dumps(data), content_type="application/json", headers={"origin": ORIGIN}
        )
        assert response.status_code == 201, response.text
        return response

    return post


@pytest.fixture
def receipt_of(send, client):
    def fetch(**changes):
        return client.get(send(**changes)["Location"]).json()

    return fetch


def refusal(**more):
    return {"subject": ..., "action": "reject_all", "choices": NO} | more


def process(receipt, category):
    return next(part for part in receipt["record"]["processing"] if part["dct:identifier"] == category)


def states(receipt):
    return {event["concerns"].partition("#")[2]: event["event_state"] for event in receipt["record"]["events"]}


# -- The short answer ------------------------------------------------------------------------


def test_the_answer_to_a_choice_is_short_and_the_receipt_says_the_same_and_more(send, client, published):
    response = send()
    short, full = response.json(), client.get(response["Location"]).json()

    assert set(short) == {
        "id", "website", "version", "statement", "banner", "language", "gpc", "action", "choices", "vendors",
        "decided_at", "recorded_at",
    }  # fmt: skip
    assert short["statement"] == published.digest
    assert {name: full[name] for name in short} == short


def test_only_what_was_allowed_for_one_page_view_says_once(send):
    once = send(subject=..., choices={}, vendors={"facebook-connect": True}, once=True).json()

    assert once["once"] is True
    assert "once" not in send().json()


# -- The standard ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"language": "nl"},
        {"action": "accept_all", "choices": YES},
        {"action": "withdraw", "choices": NO},
        {"vendors": {"facebook-connect": True}},
        {"subject": ..., "choices": {}, "vendors": {"facebook-connect": True}, "once": True},
        refusal(),
    ],
)
def test_every_receipt_has_the_mandatory_fields_of_the_standard(receipt_of, changes):
    receipt = receipt_of(**changes)
    record = receipt["record"]

    assert receipt.keys() >= RECEIPT
    assert record.keys() >= HEADER
    parts = [(record["processing"], PROCESSING), (record["parties"], PARTY), (record["events"], EVENT)]
    for entries, fields in parts:
        assert entries
        for entry in entries:
            assert entry.keys() >= fields
            assert all(entry[field] for field in fields)
    assert all(data["pii_type"] for part in record["processing"] for data in part["pii_information"])


def iris(value, context):
    """Each term and address that stands in ``value``, apart from words and numbers."""
    if isinstance(value, list):
        for item in value:
            yield from iris(item, context)
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if key in {"@type", "@id"}:
            yield from [item] if isinstance(item, str) else item
        elif not key.startswith("@"):
            meaning = context.get(key, key)
            yield meaning["@id"] if isinstance(meaning, dict) else meaning
            if isinstance(meaning, dict) and meaning.get("@type") == "@id":
                yield from [item] if isinstance(item, str) else item
            yield from iris(item, context)


@pytest.mark.parametrize("changes", [{}, refusal(), {"vendors": {"facebook-connect": True}}])
def test_every_term_has_a_prefix_that_the_receipt_declares(receipt_of, changes):
    receipt = receipt_of(**changes)
    context = receipt["@context"]
    prefixes = {name for name, meaning in context.items() if isinstance(meaning, str) and meaning.startswith("http")}

    # The short answer is for programs that know it; all else means something to any reader of JSON-LD.
    described = {name: receipt[name] for name in receipt if name.startswith("@id") or name in RECEIPT or ":" in name}
    found = set(iris(described | {"record": receipt["record"], "@type": receipt["@type"]}, context))

    assert {term.partition(":")[0] for term in found} <= prefixes | {"http", "https", "urn"}
    assert "dpv:hasProcess" in found
    assert receipt["@type"] == "dpv:ConsentReceipt"
    assert receipt["dct:conformsTo"] == {"@id": "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr"}
    assert receipt["record"]["@type"] == "dpv:ConsentRecord"


# -- What it says ----------------------------------------------------------------------------


def test_each_category_that_was_asked_is_described_and_no_other(receipt_of, published):
    receipt = receipt_of(language="nl")

    assert [part["dct:identifier"] for part in receipt["record"]["processing"]] == ["analytical", "marketing"]
    analytical = process(receipt, "analytical")
    assert analytical["purposes"] == [
        {
            "@type": ["dpv:ServiceUsageAnalytics"],
            "dct:title": "Analytisch",
            "dct:description": "Gebruik meten om de site te verbeteren",
        }
    ]
    assert (analytical["lawful_basis"], analytical["language"], analytical["jurisdiction"]) == (
        "eu-gdpr:A6-1-a", "nl", "loc:NL",
    )  # fmt: skip
    notice, banner = analytical["privacy_notice"]
    assert notice["@id"] == "http://localhost/nl/verklaring/versies/1/"
    assert (notice["dct:identifier"], notice["dct:hasVersion"]) == (f"urn:sha256:{published.digest}", "1")
    assert banner["dct:identifier"] == f"urn:sha256:{receipt['banner']}"


def test_recipients_are_the_providers_with_country_and_answer(receipt_of):
    receipt = receipt_of(vendors={"hotjar": False, "facebook-connect": True})

    def answers(category):
        return {
            entry["@id"].partition("#vendor-")[2]: (
                entry["dpv:hasCountry"]["@id"],
                entry["dpv:hasConsentStatus"]["@id"],
            )
            for entry in process(receipt, category)["recipient_third_parties"]
        }

    assert answers("analytical")["hotjar"] == ("loc:MT", "dpv:ConsentRefused")
    assert answers("analytical")["segment"] == ("loc:US", "dpv:ConsentGiven")
    assert answers("marketing")["facebook-connect"] == ("loc:US", "dpv:ConsentGiven")
    assert answers("marketing")["linkedin-ads"] == ("loc:US", "dpv:ConsentRefused")
    assert states(receipt) == {"category-analytical": "dpv:ConsentGiven", "category-marketing": "dpv:ConsentRefused"}


def test_where_and_how_long_data_are_kept_is_that_of_each_provider(receipt_of):
    analytical = process(receipt_of(), "analytical")

    assert [place["dpv:hasLocation"]["@id"] for place in analytical["storage_locations"]] == [
        "tech:Device", "loc:US", "loc:MT",
    ]  # fmt: skip
    kept = {period["dct:title"]: period for period in analytical["retention_period"]}
    assert kept["Hotjar"]["dpv:hasDuration"] == {"@value": "P1Y", "@type": "xsd:duration"}
    assert "dpv:UntilEventDuration" in kept["Segment"]["@type"]
    assert "dpv:hasDuration" not in kept["Segment"]


def test_weeks_are_told_in_days_which_is_what_the_type_knows(receipt_of, publish, published):
    """XML Schema part 2, 3.2.6: a duration has years, months and days, and no weeks."""
    CookieVendor.objects.filter(slug="hotjar").update(lifetime="P6W")
    publish()
    rendering.look_again()

    kept = {period["dct:title"]: period for period in process(receipt_of(), "analytical")["retention_period"]}
    assert kept["Hotjar"]["dpv:hasDuration"]["@value"] == "P42D"


def test_the_data_are_those_of_the_purpose_on_consent_with_the_same_term(receipt_of):
    """Service analysis has the term of the analytical cookies too, but rests on a legitimate interest."""
    data = process(receipt_of(), "analytical")["pii_information"]

    assert [entry["dct:title"] for entry in data] == [
        "IP address", "Cookie ID", "Website and click behaviour", "Referrer URL",
    ]  # fmt: skip
    assert data[0]["pii_type"] == ["pd:IPAddress"]


def test_without_such_a_purpose_the_data_are_the_identifier_in_a_cookie(publish, published, receipt_of):
    ProcessingPurpose.objects.filter(slug="cookies").update(dpv="dpv:TechnicalServiceProvision")
    publish()
    rendering.look_again()

    [data] = process(receipt_of(), "analytical")["pii_information"]
    assert data["pii_type"] == ["pd:Identifier"]


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"action": "accept_all", "choices": YES}, "dpv:ConsentGiven"),
        (refusal(), "dpv:ConsentRefused"),
    ],
)
def test_the_event_says_what_was_done_when_and_for_how_long(receipt_of, changes, state):
    receipt = receipt_of(**changes)

    assert states(receipt) == {"category-analytical": state, "category-marketing": state}
    event = receipt["record"]["events"][0]
    assert event["@type"] == [state, "dpv:ExpressedConsent"]
    assert event["event_time"] == "2026-11-22T09:15:00+00:00"
    assert event["entity_id"] == "dpv:DataSubject"
    # As long for a no as for a yes.
    assert event["validity_duration"] == {"@type": "dpv:TemporalDuration", "rdf:value": "P182D"}


def test_a_withdrawal_takes_back_what_was_given_and_no_more(send, receipt_of):
    send(vendors={"hotjar": False, "facebook-connect": True})
    # For one page view, so it changed nothing of what was given before.
    send(choices={}, vendors={"linkedin-ads": True}, once=True)
    receipt = receipt_of(action="withdraw", choices=NO)

    assert receipt["action"] == "withdraw"
    assert states(receipt) == {
        "category-analytical": "dpv:ConsentWithdrawn",
        "category-marketing": "dpv:ConsentRefused",
    }
    answers = {
        entry["@id"].partition("#vendor-")[2]: entry["dpv:hasConsentStatus"]["@id"].removeprefix("dpv:Consent")
        for part in receipt["record"]["processing"]
        for entry in part["recipient_third_parties"]
    }
    assert (answers["segment"], answers["facebook-connect"]) == ("Withdrawn", "Withdrawn")
    assert (answers["hotjar"], answers["linkedin-ads"]) == ("Refused", "Refused")


def test_a_withdrawal_is_compared_with_the_last_choice_before_it(send, client):
    send(action="accept_all", choices=YES)
    send(choices={"analytical": False, "marketing": True})
    withdrawal = send(action="withdraw", choices=NO)["Location"]
    send(action="accept_all", choices=YES)

    assert states(client.get(withdrawal).json()) == {
        "category-analytical": "dpv:ConsentRefused",
        "category-marketing": "dpv:ConsentWithdrawn",
    }


def test_of_a_browser_of_which_nothing_else_is_recorded_nothing_is_said_to_be_given(send, receipt_of):
    send(subject="0b9f3f1c-6a53-4c39-8f5e-6a1d1c0f7a55", action="accept_all", choices=YES)

    receipt = receipt_of(action="withdraw", choices=NO)
    assert set(states(receipt).values()) == {"dpv:ConsentRefused"}


@pytest.mark.parametrize(("changes", "queries"), [({"action": "withdraw", "choices": NO}, 2), ({}, 1)])
def test_only_the_receipt_of_a_withdrawal_costs_a_second_query(
    send, client, changes, queries, django_assert_num_queries
):
    address = send(**changes)["Location"]

    with django_assert_num_queries(queries):
        client.get(address)


def test_what_was_allowed_once_is_an_event_of_that_provider_alone(receipt_of):
    receipt = receipt_of(subject=..., choices={}, vendors={"facebook-connect": True}, once=True)

    assert [part["dct:identifier"] for part in receipt["record"]["processing"]] == ["marketing"]
    assert states(receipt) == {"vendor-facebook-connect": "dpv:ConsentGiven"}
    [event] = receipt["record"]["events"]
    assert event["validity_duration"] == {"@type": "dpv:FixedOccurrencesDuration", "rdf:value": "1"}
    others = {
        entry["dpv:hasConsentStatus"]["@id"]
        for entry in process(receipt, "marketing")["recipient_third_parties"]
        if not entry["@id"].endswith("#vendor-facebook-connect")
    }
    assert others == {"dpv:ConsentUnknown"}


def test_the_validity_is_that_of_the_web_site(published, publish, receipt_of):
    Website.objects.filter(slug="website").update(consent_months=9)
    publish()
    rendering.look_again()

    [event, _] = receipt_of()["record"]["events"]
    assert event["validity_duration"]["rdf:value"] == "P273D"


def test_consent_is_withdrawn_where_it_was_given(receipt_of, publish, published):
    here = process(receipt_of(), "analytical")["withdrawal_method"]
    assert here["dpv:isExercisedAt"] == {"@id": "http://localhost/en/cookies/"}

    other = Website.objects.get(slug="prostream")
    other.origins.create(origin="https://*.prostream.example", order=1)
    other.origins.create(origin="https://app.prostream.example", order=2)
    other.origins.create(origin=ORIGIN, order=3)
    publish()
    rendering.look_again()

    there = process(receipt_of(website="prostream"), "analytical")["withdrawal_method"]
    assert there["dpv:isExercisedAt"] == {"@id": "https://app.prostream.example"}
    assert "Prostream application" in there["dct:description"]


@pytest.mark.parametrize("origins", [["https://*.pro4all.nl"], []])
def test_where_a_web_site_has_no_address_of_its_own_only_the_words_say_how_to_withdraw(
    receipt_of, publish, published, settings, origins
):
    settings.DEMO_ORIGINS = [ORIGIN]
    other = Website.objects.get(slug="prostream")
    other.origins.all().delete()
    for origin in origins:
        other.origins.create(origin=origin, order=1)
    CookieVendor.objects.filter(slug="datadog").update(lifetime="P2D")
    publish()
    rendering.look_again()

    there = process(receipt_of(website="prostream"), "analytical")["withdrawal_method"]
    assert "dpv:isExercisedAt" not in there
    assert "Prostream application" in there["dct:description"]


def test_parties_are_the_controller_the_supervisor_and_the_providers(receipt_of, published, publish):
    Controller.objects.update(postal_address="Street 1, 1234 AB Town", email="privacy@pro4all.example")
    publish()
    rendering.look_again()
    controller, supervisor, *vendors = receipt_of()["record"]["parties"]

    assert (controller["party_name"], controller["party_type"]) == ("Pro4all Cloud Services B.V.", "dpv:DataController")
    assert controller["party_address"] == "Street 1, 1234 AB Town, Netherlands"
    assert controller["party_contact"] == ["privacy@pro4all.example", "https://www.pro4all.nl"]
    assert supervisor["party_contact"] == ["https://www.autoriteitpersoonsgegevens.nl"]
    assert "Hotjar Ltd." in {vendor["party_name"] for vendor in vendors}


# -- Who may know ----------------------------------------------------------------------------


def test_the_browser_is_named_by_a_digest_and_never_by_its_number(send, client):
    response = send()

    text = client.get(response["Location"]).text
    assert SUBJECT not in text
    digest = hashlib.sha256(SUBJECT.encode()).hexdigest()
    assert json.loads(text)["record"]["pii_principal_id"] == f"urn:sha256:{digest}"


@pytest.mark.parametrize(("language", "words"), [("en", "none: nothing is allowed"), ("nl", "")])
def test_a_refusal_says_why_it_names_no_browser(receipt_of, language, words):
    receipt = receipt_of(**refusal(language=language))

    assert receipt["record"]["pii_principal_id"].startswith(words)


def test_a_receipt_is_kept_by_nobody_on_the_way_and_by_no_search_engine(send, client):
    response = client.get(send()["Location"])

    assert "no-store" in response["Cache-Control"]
    assert response["X-Robots-Tag"] == "noindex"
    assert response["Content-Type"] == "application/ld+json"
    assert "Content-Disposition" not in response
    assert not response.cookies


@pytest.mark.parametrize(("language", "word"), [("en", "consent-receipt"), ("nl", "toestemmingsbewijs")])
def test_a_download_has_a_name_of_its_own(send, client, language, word):
    response = send(language=language)
    last = response.json()["id"][-12:]

    download = client.get(response["Location"] + "?download")
    assert download["Content-Disposition"] == f'attachment; filename="{word}-2026-11-22-{last}.json"'
    assert download.content == client.get(response["Location"]).content


def test_an_unknown_receipt_is_not_found_to_be_downloaded_either(published, client):
    assert client.get("/consent/0190a5c4-0000-7000-8000-000000000000/?download").status_code == 404


def test_while_the_database_is_away_the_receipt_is_to_be_asked_for_later(send, client):
    address = send()["Location"]

    def away(execute, sql, params, many, context):
        raise OperationalError("gone")

    with connection.execute_wrapper(away):
        response = client.get(address)
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0


# -- Record and version alone ----------------------------------------------------------------


def test_the_receipt_stays_the_same_when_a_newer_version_says_otherwise(send, client, publish):
    address = send()["Location"]
    before = client.get(address).content
    Controller.objects.update(name="Another Company B.V.")
    Website.objects.filter(slug="website").update(consent_months=3)
    publish()
    rendering.look_again()

    assert client.get(address).content == before


def test_a_version_of_the_first_release_gives_a_receipt_too(send, published):
    """Its document knows days of its own, and no months, signals, hosts and domains."""
    send()
    record = ConsentRecord.objects.get()
    document = copy.deepcopy(rendering.published(1).document)
    for website in document["content"]["websites"]:
        website["consent_days"] = 90
        for name in ("consent_months", "shared_domain", "position", "looks"):
            del website[name]
    for vendor in document["content"]["cookie_vendors"]:
        del vendor["hosts"], vendor["signals"]
    for category in document["content"]["cookie_categories"]:
        del category["signals"]
    old = Edition(1, published.digest, datetime(2026, 1, 1, tzinfo=UTC), document, [])

    receipt = receipts.receipt(record, old)
    assert receipt["record"]["events"][0]["validity_duration"]["rdf:value"] == "P90D"
    assert [part["dct:identifier"] for part in receipt["record"]["processing"]] == ["analytical", "marketing"]
