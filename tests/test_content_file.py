"""The content file: loaded whole or not at all, and the inverse of what is dumped."""

import pytest
from django.core.management import CommandError, call_command

from policies.content_file import ContentFileError, dump, load
from policies.models import Controller, CookieVendor, ProcessingPurpose, Section
from retention.models import RetentionRule, Trigger

from .conftest import CONTENT

MINIMAL = """\
format: 1
controller:
  name: Winkel B.V.
  short_name: Winkel
  country: NL
triggers:
  - slug: agreement-ended
    name: {en: End of the agreement, nl: Einde van de overeenkomst}
    after: {en: after the agreement ends, nl: na afloop van de overeenkomst}
    until: {en: until the agreement ends, nl: tot de overeenkomst afloopt}
retention_rules:
  - {slug: later, follows: sooner, period: P1Y, action: erase}
  - {slug: sooner, trigger: agreement-ended, period: P6W, action: erase}
data_categories:
  - {slug: email, name: {en: Email, nl: E-mail}}
  - {slug: phone, name: {en: Phone, nl: Telefoon}}
purposes:
  - slug: contact
    title: {en: Contact, nl: Contact}
    description: {en: We answer., nl: Wij antwoorden.}
    data: [phone, email]
    legal_bases: [{basis: contract}]
    retention: [{rule: sooner}]
"""


def changed(old, new):
    assert old in MINIMAL
    return MINIMAL.replace(old, new)


def test_what_is_dumped_loads_without_a_difference(content):
    first = dump()

    changes = load(first)

    assert not changes
    assert dump() == first


def test_the_example_content_loads_twice_with_the_same_result(content):
    changes = load(CONTENT.read_text(encoding="utf-8"))

    assert (changes.added, changes.changed, changes.removed) == (0, 0, 0)


def test_loading_what_did_not_change_writes_no_history(content):
    before = ProcessingPurpose.history.count()

    load(dump())

    assert ProcessingPurpose.history.count() == before


def test_the_order_of_a_list_is_the_order_on_the_page(db):
    load(MINIMAL)

    assert [rule.slug for rule in RetentionRule.objects.all()] == ["later", "sooner"]
    assert [used.category.slug for used in ProcessingPurpose.objects.get().data.all()] == ["phone", "email"]


def test_a_row_that_the_file_no_longer_has_is_removed(db):
    load(MINIMAL)

    changes = load(
        changed("  - {slug: phone, name: {en: Phone, nl: Telefoon}}\n", "").replace("[phone, email]", "[email]")
    )

    assert changes.removed == 2
    assert [used.category.slug for used in ProcessingPurpose.objects.get().data.all()] == ["email"]


def test_a_changed_text_changes_its_row_and_keeps_its_identity(db):
    load(MINIMAL)
    before = ProcessingPurpose.objects.get().pk

    changes = load(changed("Wij antwoorden.", "Wij antwoorden snel."))

    purpose = ProcessingPurpose.objects.get()
    assert (changes.added, changes.changed, changes.removed) == (0, 1, 0)
    assert (purpose.pk, purpose.description_nl) == (before, "Wij antwoorden snel.")


def test_a_missing_translation_is_allowed_in_a_draft(db):
    load(changed("{en: We answer., nl: Wij antwoorden.}", "{en: We answer.}"))

    assert not ProcessingPurpose.objects.get().description_nl


@pytest.mark.parametrize(
    ("old", "new", "line", "sentence"),
    [
        ("format: 1", "format: 2", 1, "format 1"),
        ("name: Winkel B.V.", "nam: Winkel B.V.", 3, "Did you mean “name”?"),
        ("country: NL", "country: Nederland", 3, "country"),
        ("trigger: agreement-ended", "trigger: agreement-ende", 13, "Did you mean “agreement-ended”?"),
        ("period: P6W", "period: 6 weeks", 13, "P6W for 6 weeks"),
        ("period: P6W, action: erase", "period: P6W", 13, "erase or anonymise"),
        ("follows: sooner", "follows: later", 12, "in a circle"),
        ("[phone, email]", "[phone, emial]", 21, "Did you mean “email”?"),
        ("[phone, email]", "phone", 21, "a list is expected"),
        ("[phone, email]", "[phone, phone]", 21, "already exists"),
        ("slug: phone", "slug: email", 16, "stands in this list twice"),
        ("{basis: contract}", "{basis: contrakt}", 22, "contrakt"),
        ("{basis: contract}", "{basis: legitimate-interests}", 22, "Explain the legitimate interest"),
        ("    title: {en: Contact, nl: Contact}", "    title: Contact", 19, "mapping"),
        (
            "    title: {en: Contact, nl: Contact}",
            "    title: {en: Contact, de: Kontakt}",
            19,
            "“de” is not known here",
        ),
        ("  - slug: contact\n", "  - order: 3\n", 18, "“slug” is missing"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_nothing_is_loaded(db, old, new, line, sentence):
    with pytest.raises(ContentFileError) as refusal:
        load(changed(old, new))

    assert any(f"line {line}:" in problem and sentence in problem for problem in refusal.value.problems), refusal.value
    assert not Controller.objects.exists()
    assert not Trigger.objects.exists()


def test_all_mistakes_are_told_at_once(db):
    with pytest.raises(ContentFileError) as refusal:
        load(changed("[phone, email]", "[fone, emial]").replace("rule: sooner", "rule: soner"))

    assert len(refusal.value.problems) == 3


@pytest.mark.parametrize(
    "text",
    ["", "- a list", "just text", "format: [", "a: b: c", "format: 1\ncontroller: {name: !!python/object:os.system x}"],
)
def test_what_is_no_content_file_is_refused(db, text):
    with pytest.raises(ContentFileError):
        load(text)


def test_rules_that_follow_each_other_in_a_circle_are_refused(db):
    with pytest.raises(ContentFileError, match="circle"):
        load(changed("trigger: agreement-ended, period: P6W", "follows: later, period: P6W"))


def test_a_failed_load_leaves_the_rows_of_before(db):
    load(MINIMAL)

    with pytest.raises(ContentFileError):
        load(changed("Wij antwoorden.", "Anders.").replace("rule: sooner", "rule: none"))

    assert ProcessingPurpose.objects.get().description_nl == "Wij antwoorden."


def test_text_that_looks_like_another_type_stays_text(db):
    load(changed("short_name: Winkel", "short_name: 2021-11-08") + "websites: []\n")

    assert Controller.objects.get().short_name == "2021-11-08"


def test_the_command_names_file_and_line(db, tmp_path):
    file = tmp_path / "content.yaml"
    file.write_text(changed("rule: sooner", "rule: soner"))

    with pytest.raises(CommandError, match=r"content\.yaml, line 23: .*“soner”.*“sooner”"):
        call_command("load_policy", str(file))
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("load_policy", str(tmp_path / "absent.yaml"))


def test_the_dump_can_be_written_to_a_file(content, tmp_path):
    call_command("dump_policy", str(tmp_path / "out.yaml"))

    assert (tmp_path / "out.yaml").read_text(encoding="utf-8") == dump()
    assert CookieVendor.objects.count() == 15
    assert Section.objects.count() > 10
