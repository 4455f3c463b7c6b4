from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from policies.content_file import load
from policies.models import Controller, ProcessingPurpose, PurposeLegalBasis, Section
from policies.review import texts
from policies.review.editing import is_written, last_edits
from policies.review.gathering import gather
from policies.snapshot import compose
from tests.conftest import CONTENT
from tests.factories import PurposeFactory

MONDAY = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
FRIDAY = MONDAY + timedelta(days=4)

pytestmark = pytest.mark.django_db


def on(moment):
    return time_machine.travel(moment, tick=False)


def test_each_language_has_the_moment_of_its_own_last_change():
    with on(MONDAY):
        purpose = PurposeFactory(slug="contact")
    with on(FRIDAY):
        purpose.title_nl = "Vragen stellen"
        purpose.save()

    edits = last_edits()

    assert edits["purposes", "contact", "title"] == {"en": MONDAY, "nl": FRIDAY}
    assert edits["purposes", "contact", "description"] == {"en": MONDAY, "nl": MONDAY}


def test_a_text_that_was_changed_and_put_back_counts_from_when_it_was_put_back():
    with on(MONDAY):
        purpose = PurposeFactory(slug="contact")
    for moment, title in [(TUESDAY, "Ask us"), (FRIDAY, "Contact")]:
        with on(moment):
            purpose.title_en = title
            purpose.save()

    assert last_edits()["purposes", "contact", "title"] == {"en": FRIDAY, "nl": MONDAY}


def test_a_missing_text_that_is_emptied_differently_is_no_change():
    with on(MONDAY):
        purpose = PurposeFactory(slug="contact", source_en=None, source_nl=None)
    with on(FRIDAY):
        purpose.source_en = ""
        purpose.save()

    assert last_edits()["purposes", "contact", "source"] == {"en": MONDAY, "nl": MONDAY}


def test_rows_that_are_gone_have_no_edits():
    PurposeFactory(slug="contact")
    PurposeFactory(slug="newsletter")
    ProcessingPurpose.objects.get(slug="contact").delete()

    assert {place[1] for place in last_edits()} == {"newsletter"}


def test_a_legal_basis_is_found_below_its_purpose():
    with on(MONDAY):
        purpose = PurposeFactory(slug="contact")
        used = PurposeLegalBasis.objects.create(purpose=purpose, basis="contract")
    with on(FRIDAY):
        used.explanation_en = "It covers the answer."
        used.save()

    place = ("purposes", "contact", "legal_bases", "contract", "explanation")
    assert last_edits()[place] == {"en": FRIDAY, "nl": MONDAY}


def test_every_text_that_staff_write_has_its_edits_at_its_place():
    with on(MONDAY):
        load(CONTENT.read_text(encoding="utf-8"))

    written = {place for place, _text in texts(compose()) if is_written(place)}

    edits = last_edits()
    assert written - edits.keys() == set()
    # Where the visitor can do nothing, the content has no words for how.
    assert {place[2:] for place in edits.keys() - written} == {("opt_out", "how")}
    assert {moment for moments in edits.values() for moment in moments.values()} == {MONDAY}


def test_what_follows_from_structure_is_not_written_by_anybody(content):
    generated = {place for place, _text in texts(compose()) if not is_written(place)}

    shapes = {(place[0], *(name for name in place[2:] if not name.isdigit())) for place in generated}
    assert ("retention_rules", "wording") in shapes
    assert ("retention_rules", "details") in shapes
    assert ("purposes", "legal_bases", "contract", "name") in shapes
    assert ("cookie_vendors", "lifetime", "wording") in shapes
    assert ("cookie_vendors", "country", "name") in shapes
    assert ("own_storage", "purpose") in shapes


@pytest.mark.parametrize("slug", ["details", "country", "wording", "basis"])
def test_a_row_may_be_called_like_something_that_is_generated(slug):
    assert is_written(("purposes", slug, "title"))
    assert is_written(("pages", "statement", slug, "text"))
    assert not is_written(("retention_rules", slug, "wording"))


def test_the_number_of_queries_does_not_grow_with_the_rows(content, django_assert_num_queries):
    with django_assert_num_queries(1 + 21):
        last_edits()


def test_the_rules_get_the_draft_the_register_and_the_edits(content):
    Section.objects.filter(slug="principles").update(heading_en="Principles")
    Controller.objects.update(email="privacy@shop.example")

    subject = gather(now=timezone.make_aware(datetime(2026, 11, 30, 0, 30)))

    assert subject.content == compose()
    assert subject.content["controller"]["email"] == "privacy@shop.example"
    assert subject.internal["purposes"].keys() == subject.entries("purposes").keys()
    assert subject.before is None
    assert subject.edited == last_edits()
    assert subject.today.isoformat() == "2026-11-30"
