"""Freezing the draft: what is refused, what is frozen, and that it stays frozen."""

import json
import threading
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from policies.models import (
    Controller,
    CookieVendor,
    DataCategory,
    ProcessingPurpose,
    Section,
    StatementPdf,
    StatementVersion,
    Website,
    WebsiteOrigin,
)
from policies.publishing import NotPublishable, look_at_draft, one_moment
from policies.snapshot import canonical, compose, sha256
from retention.append_only import AppendOnly

from .factories import DataCategoryFactory


def problems(publish, **changes):
    with pytest.raises(NotPublishable) as refusal:
        publish(**changes)
    return refusal.value.problems


# -- What is frozen --------------------------------------------------------------------------


def test_the_first_version_of_the_example_is_in_force_since_8_november_2021(published):
    assert published.number == 1
    assert published.previous_digest == ""
    assert timezone.localtime(published.effective_at).date().isoformat() == "2021-11-08"


def test_the_digest_covers_the_text_and_its_place_in_the_chain(published, publish):
    Section.objects.filter(slug="about").update(text_en="New text.", text_nl="Nieuwe tekst.")
    second = publish()

    document = json.loads(second.document)
    assert canonical(document) == second.document
    assert sha256(second.document) == second.digest
    assert document["previous"] == second.previous_digest == published.digest
    assert document["number"] == second.number == 2
    assert document["change_summary"] == {"en": "A test of publishing.", "nl": "Een proef met publiceren."}


def test_the_draft_may_change_and_the_version_does_not(published):
    before = published.document
    ProcessingPurpose.objects.all().update(title_en="Other", title_nl="Anders")
    Website.objects.all().delete()

    published.refresh_from_db()
    assert published.document == before


def test_a_pdf_per_language_is_made_at_publication(published):
    pdfs = {pdf.language: bytes(pdf.body) for pdf in StatementPdf.objects.all()}

    assert pdfs.keys() == {"en", "nl"}
    assert all(body.startswith(b"%PDF-") for body in pdfs.values())
    assert pdfs["en"] != pdfs["nl"]


def test_composing_twice_gives_the_same_bytes(content):
    assert canonical(compose()) == canonical(compose())


def test_composing_costs_the_same_queries_however_many_purposes(content, django_assert_num_queries):
    with CaptureQueriesContext(connection) as before:
        compose()
    for index in range(3):
        ProcessingPurpose.objects.create(slug=f"extra-{index}", title_en="A", title_nl="A")

    with django_assert_num_queries(len(before)):
        compose()


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=5), json_values))
def test_canonical_json_is_the_same_whatever_the_order_and_reads_back(document):
    shuffled = dict(reversed(document.items()))

    assert canonical(shuffled) == canonical(document)
    assert json.loads(canonical(document)) == document


# -- What is refused -------------------------------------------------------------------------


def test_an_empty_installation_says_what_to_fill_in(db, publish):
    told = problems(publish)

    assert "Controller: Fill in the controller: who is responsible for the processing?" in told
    assert "Processing purposes: Add at least one processing purpose." in told
    assert "Web sites: Mark the web site to which the pages of the statement belong." in told
    assert not StatementVersion.objects.exists()


def test_nothing_is_published_when_nothing_has_changed(published, publish):
    assert problems(publish) == ["Nothing has changed since version 1."]


DUTCH_IS_MISSING = "The Dutch text is missing. Write it, next to the English."


@pytest.mark.parametrize("dutch", ["", None])
@pytest.mark.parametrize(
    ("model", "slug", "field", "place"),
    [
        (ProcessingPurpose, "contact", "title", "Processing purposes › Contact › title"),
        (Section, "about", "heading", "Sections › About this statement › heading"),
        (Website, "website", "banner_text", "Web sites › Company website › text of the banner"),
        (CookieVendor, "hotjar", "purpose", "Cookie vendors › Hotjar › purpose"),
    ],
)
def test_a_text_in_one_language_only_is_refused_with_its_place(content, publish, model, slug, field, place, dutch):
    model.objects.filter(slug=slug).update(**{f"{field}_nl": dutch})

    assert problems(publish) == [f"{place}: {DUTCH_IS_MISSING}"]


def test_the_title_of_the_statement_is_needed_in_both_languages(content, publish):
    Controller.objects.update(statement_title_nl="")

    assert problems(publish) == [f"Controller › title of the statement: {DUTCH_IS_MISSING}"]


def test_an_optional_text_may_be_absent_in_both_languages(content, publish):
    CookieVendor.objects.update(consent_reason_en="", consent_reason_nl=None)

    assert publish().number == 1


def test_an_optional_text_in_one_language_is_refused(content, publish):
    CookieVendor.objects.filter(slug="hotjar").update(consent_reason_en="It replays sessions.")

    assert problems(publish) == [f"Cookie vendors › Hotjar › why consent is or is not needed: {DUTCH_IS_MISSING}"]


def test_a_free_text_without_text_is_refused(content, publish):
    Section.objects.filter(slug="about").update(text_en="", text_nl="")

    assert any("free text but has none" in problem for problem in problems(publish))


@pytest.mark.parametrize("summary", [{}, {"en": "Changed."}, {"en": "Changed.", "nl": "  "}])
def test_who_publishes_says_what_changed_in_both_languages(content, publish, summary):
    assert "Say in English and in Dutch what changed." in problems(publish, change_summary=summary)


def test_a_version_cannot_be_in_force_before_the_one_that_it_follows(published, publish):
    Section.objects.filter(slug="about").update(text_en="New.", text_nl="Nieuw.")

    told = problems(publish, effective_at=published.effective_at - timedelta(seconds=1))

    assert told == ["The new version cannot be in force before version 1, which is from 2021-11-08 00:00."]


def test_what_was_not_previewed_is_not_published(content, publish):
    seen = look_at_draft().digest
    Section.objects.filter(slug="about").update(text_en="Sneaked in.", text_nl="Ingeslopen.")

    assert problems(publish, expected_digest=seen) == [
        "The draft was changed after you opened this page. Look at it again."
    ]


def test_what_was_previewed_is_published(content, publish):
    assert publish(expected_digest=look_at_draft().digest).number == 1


PROSTREAM = "Web sites › Prostream application"


@pytest.mark.parametrize(
    ("origin", "domain"),
    [
        ("https://example.nl", "example.nl"),
        ("https://www.example.nl", "example.nl"),
        ("https://www.example.nl", "www.example.nl"),
        ("https://a.b.example.nl:8443", "example.nl"),
        ("https://*.example.nl", "example.nl"),
        ("https://*.shop.example.nl", "example.nl"),
        ("https://www.example.nl", ""),
    ],
)
def test_a_choice_may_be_shared_in_a_domain_that_holds_every_origin(content, publish, origin, domain):
    website = Website.objects.get(slug="prostream")
    WebsiteOrigin.objects.create(website=website, origin=origin)
    Website.objects.filter(pk=website.pk).update(shared_domain=domain)

    assert publish().number == 1


@pytest.mark.parametrize(
    ("origin", "domain"),
    [
        ("https://example.nl", "www.example.nl"),
        ("https://*.example.nl", "www.example.nl"),
        ("https://badexample.nl", "example.nl"),
        ("https://example.nl.other.com", "example.nl"),
        ("http://localhost:8000", "example.nl"),
    ],
)
def test_a_choice_cannot_be_shared_in_a_domain_that_one_of_the_origins_is_not_in(content, publish, origin, domain):
    website = Website.objects.get(slug="prostream")
    WebsiteOrigin.objects.create(website=website, origin=f"https://{domain}")
    WebsiteOrigin.objects.create(website=website, origin=origin)
    Website.objects.filter(pk=website.pk).update(shared_domain=domain)

    assert problems(publish) == [
        f"{PROSTREAM} › one choice for all of: {origin} lies outside {domain}, which is to share one choice."
    ]


def test_a_web_site_without_origins_may_name_the_domain_already(content, publish):
    Website.objects.filter(slug="prostream").update(shared_domain="example.nl")

    assert publish().number == 1


@pytest.mark.parametrize(
    ("looks", "sentence"),
    [
        (
            {"background": "#ffffff", "foreground": "#999999"},
            "text colour: Text on this background has a contrast of 2.8 to 1",
        ),
        ({"accent": "#ffff00"}, "accent: The accent has a contrast of 1.1 to 1 on #ffffff"),
    ],
)
def test_colours_that_people_cannot_tell_apart_are_refused_however_they_came_there(content, publish, looks, sentence):
    Website.objects.filter(slug="prostream").update(**looks)

    (problem,) = problems(publish)

    assert problem.startswith(f"{PROSTREAM} › {sentence}")


def test_colours_with_enough_contrast_are_published(content, publish):
    Website.objects.update(background="#ffffff", foreground="#1a1a1a", accent="#0a5ca8")

    assert publish().number == 1


def test_two_people_publishing_at_once_one_wins_and_the_other_is_told(transactional_db, publish, monkeypatch):
    from policies import publishing
    from policies.first_install import install_example

    install_example()
    Section.objects.filter(slug="about").update(text_en="New.", text_nl="Nieuw.")
    together = threading.Barrier(2, timeout=20)
    look = publishing.look_at_draft

    def look_together():
        draft = look()
        together.wait()
        return draft

    monkeypatch.setattr(publishing, "look_at_draft", look_together)
    outcomes = []

    def person():
        try:
            outcomes.append(publish().number)
        except NotPublishable as error:
            outcomes.append(error.problems)
        finally:
            connection.close()

    people = [threading.Thread(target=person) for _ in range(2)]
    for thread in people:
        thread.start()
    for thread in people:
        thread.join()

    assert sorted(map(str, outcomes)) == sorted(
        [
            "2",
            "['Somebody else published a version at the same moment. Look at it, and at what is left of yours.']",
        ]
    )
    assert StatementVersion.objects.count() == 2


def test_a_draft_is_read_as_it_was_at_one_moment_whoever_saves_meanwhile(transactional_db):
    DataCategoryFactory(slug="before")

    def save():
        DataCategoryFactory(slug="meanwhile")
        connection.close()

    editor = threading.Thread(target=save)
    with one_moment():
        first = list(DataCategory.objects.values_list("slug", flat=True))
        editor.start()
        # SQLite lets the editor wait for the reader; PostgreSQL lets both go on.
        editor.join(None if connection.vendor == "postgresql" else 0.2)
        again = list(DataCategory.objects.values_list("slug", flat=True))
    editor.join(15)

    assert first == again == ["before"]
    assert DataCategory.objects.filter(slug="meanwhile").exists()


def test_a_version_may_be_published_ahead_of_the_moment_from_which_it_holds(published, publish):
    Section.objects.filter(slug="about").update(text_en="New.", text_nl="Nieuw.")
    moment = timezone.now() + timedelta(days=30)

    second = publish(effective_at=moment)

    assert StatementVersion.objects.in_force(timezone.now()) == published
    assert StatementVersion.objects.in_force(moment) == second


# -- That it stays frozen --------------------------------------------------------------------


def test_a_version_cannot_be_changed_or_deleted_through_the_orm(published):
    published.digest = "0" * 64

    for act in (
        published.save,
        published.delete,
        StatementVersion.objects.all().delete,
        lambda: StatementVersion.objects.update(number=7),
        lambda: StatementVersion.objects.bulk_update([published], ["digest"]),
        StatementPdf.objects.all().delete,
        StatementPdf.objects.first().delete,
    ):
        with pytest.raises(AppendOnly):
            act()


@pytest.mark.parametrize("table", ["policies_statementversion", "policies_statementpdf"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET digest = digest", "DELETE FROM {}"])
def test_a_version_cannot_be_changed_or_deleted_by_sql(published, table, statement):
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        connection.cursor().execute(statement.format(table))

    assert StatementVersion.objects.get() == published


def test_a_version_cannot_be_replaced_by_sql(published):
    columns = ", ".join(f.column for f in StatementVersion._meta.concrete_fields)
    forged = columns.replace("published_by", "'forged'")
    copy = f"INTO policies_statementversion ({columns}) SELECT {forged} FROM policies_statementversion"
    verb = "INSERT OR REPLACE" if connection.vendor == "sqlite" else "INSERT"

    with pytest.raises(DatabaseError), transaction.atomic():
        connection.cursor().execute(f"{verb} {copy}")

    assert StatementVersion.objects.get().published_by == "admin"


# -- The first install ----------------------------------------------------------------------


def test_a_first_install_happens_once(db, capsys, django_user_model):
    call_command("first_install")
    first = capsys.readouterr().out
    call_command("first_install")

    assert "password" in first
    assert capsys.readouterr().out == ""
    assert StatementVersion.objects.count() == 1
    assert django_user_model.objects.get().is_superuser


# -- Settings with which a banner could not work ---------------------------------------------------


def test_a_choice_is_not_shared_with_another_web_site_that_lies_there_too(content):
    """Its banner would find an answer to another question under the same name."""
    website, other = Website.objects.order_by("order")[:2]
    website.shared_domain = "pro4all.nl"
    website.save()
    assert look_at_draft().problems == []

    other.origins.create(origin="https://prostream.pro4all.nl")

    [problem] = look_at_draft().problems
    assert "“Prostream application” lies as well" in problem


@pytest.mark.parametrize(("host", "is_refused"), [("pro4all.nl", True), ("pro4all.nl/matomo", False), ("x.nl", False)])
def test_a_vendor_may_not_take_in_the_web_site_itself(content, host, is_refused):
    """The banner would hold back what the site loads from itself."""
    CookieVendor.objects.filter(slug="google-analytics").update(hosts=host)

    problems = look_at_draft().problems

    assert [("pro4all.nl/matomo" in problem) for problem in problems] == ([True] if is_refused else [])
