"""The past of the content: every change of every field, and the whole of it as it was at a moment."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
import yaml
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from policies import content_file, history
from policies.history import RowsThen, Sought, content_then, describe, find
from policies.models import (
    Controller,
    Cookie,
    CookieVendor,
    DataCategory,
    ProcessingPurpose,
    PurposeData,
    PurposeLegalBasis,
    Section,
    Transfer,
)
from retention.models import RetentionRule, Trigger

from .factories import DataCategoryFactory, PurposeFactory

PAGE = "admin:policies_statementversion_history"
FILE = "admin:policies_history_csv"
THEN = "admin:policies_content_then"
YAML = "admin:policies_content_then_file"
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def newest(**sought):
    """What happened last, of what is sought."""
    return describe(find(Sought(**sought))[:1])[0]


def changes(event):
    return [(change.field, change.language, change.before, change.after) for change in event.changes]


def some_text_field(model):
    """A field of free text, in Dutch where it has languages."""
    for name in ("name", "title", "heading", "reason"):
        if name in {field.name for field in model._meta.fields}:
            translated = name in content_file.translated_fields(model)
            return f"{name}_nl" if translated else name
    return "period"


# -- What changed ------------------------------------------------------------------------------


def test_a_change_says_who_when_which_row_which_field_in_which_language_from_and_to(db, admin_user):
    with time_machine.travel(START, tick=False):
        category = DataCategoryFactory(slug="mail")
        category._history_user = admin_user
        category.name_nl = "Mailadres"
        category.save()

    event = newest()

    assert (event.at, event.by, event.what, event.list, event.slug, event.row) == (
        START, "admin", "changed", "Data categories", "mail", "Email address",
    )  # fmt: skip
    assert changes(event) == [("Name", "nl", "E-mailadres", "Mailadres")]


def test_a_new_row_shows_all_that_it_holds(db):
    DataCategoryFactory(slug="mail")

    event = newest()

    assert event.what == "added"
    assert ("Name", "en", "", "Email address") in changes(event)
    assert ("Name", "nl", "", "E-mailadres") in changes(event)


def test_a_deleted_row_shows_all_that_it_held(db):
    category = DataCategoryFactory(slug="mail")
    category.delete()

    event = newest()

    assert (event.what, event.row, event.is_there) == ("deleted", "Email address", False)
    assert ("Name", "nl", "E-mailadres", "") in changes(event)


def test_a_part_is_told_with_the_row_that_it_belongs_to(db):
    purpose = PurposeFactory(slug="contact")
    used = PurposeLegalBasis.objects.create(purpose=purpose, basis="consent")
    used.explanation_en = "For the newsletter."
    used.save()

    event = newest()

    assert (event.list, event.row, event.slug, event.part) == (
        "Processing purposes", "Contact", "contact", "Legal basis: Consent",
    )  # fmt: skip
    assert changes(event) == [("Explanation", "en", "", "For the newsletter.")]


def test_a_part_names_what_it_referred_to_also_when_that_is_gone(db):
    used = PurposeData.objects.create(purpose=PurposeFactory(), category=DataCategoryFactory(name_en="Old data"))
    category = used.category
    used.delete()
    category.delete()

    event = newest(list="purposes")

    assert event.part == "Data used: Old data"


def test_a_list_of_rows_is_told_by_their_names(content):
    purpose = ProcessingPurpose.objects.get(slug="introduction")
    before = ", ".join(sorted(subject.name for subject in purpose.data_subjects.all()))
    purpose.data_subjects.clear()

    event = newest()

    assert changes(event) == [("Whose data", "", before, "")]


def test_a_row_that_goes_shows_the_lists_that_it_had(content):
    vendor = CookieVendor.objects.filter(safeguards__isnull=False).first()
    names = ", ".join(sorted(str(safeguard) for safeguard in vendor.safeguards.all()))
    vendor.delete()

    event = newest(list="cookie_vendors", text=vendor.slug)

    assert event.what == "deleted"
    assert ("Safeguards", "", names, "") in changes(event)


def test_choices_answers_and_days_are_told_in_words(content):
    purpose = ProcessingPurpose.objects.get(slug="contact")
    purpose.provision, purpose.stays_inside, purpose.review_on = "statutory", True, datetime(2027, 1, 2).date()
    purpose.save()

    found = {field: (before, after) for field, _language, before, after in changes(newest())}

    assert found["Giving the data is"] == ("", "required by law")
    assert found["Nobody outside the company receives it"] == ("no", "yes")
    assert found["To be reviewed on"] == ("", "2 January 2027")


def test_a_change_without_a_person_was_made_by_a_command(db):
    DataCategoryFactory()

    assert newest().by == "a command"


def test_the_untranslated_column_is_no_field_of_its_own(db):
    category = DataCategoryFactory()
    category.name_en = category.name = "Other"
    category.save()

    assert changes(newest()) == [("Name", "en", "Email address", "Other")]


def test_every_list_of_the_content_file_has_its_history():
    models = set(history._models())

    for kind in content_file.KINDS:
        assert kind.model in models
        assert {part.model for part in kind.parts} <= models
    assert Controller in models


@pytest.mark.parametrize("key", sorted(history.lists()))
def test_a_change_in_any_list_is_found(content, key):
    model = history.lists()[key]
    row = model._default_manager.first()
    field = some_text_field(model)
    setattr(row, field, "P9M" if field == "period" else "Iets anders")
    row.save()

    event = newest(list=key)

    assert event.key == row.pk
    assert event.what == "changed"
    assert [change.after for change in event.changes] == [getattr(row, field)]


# -- Filters -----------------------------------------------------------------------------------


@pytest.fixture
def three_days(db, admin_user):
    """A row is added on 1 March by a command, changed by admin on the 2nd, changed again on the 3rd."""
    with time_machine.travel(START, tick=False) as clock:
        category = DataCategoryFactory(slug="mail", explanation_en="Six months.")
        clock.shift(timedelta(days=1))
        category._history_user = admin_user
        category.explanation_en = "One year."
        category.save()
        clock.shift(timedelta(days=1))
        category.name_nl = "Mail"
        category.save()
    return category


def found(client, **query):
    with override("en"):
        page = client.get(reverse(PAGE, query=query))
    return [event.what for event, _url in page.context["events"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["changed", "changed", "added"]),
        ({"since": "2026-03-02"}, ["changed", "changed"]),
        ({"until": "2026-03-02"}, ["changed", "added"]),
        ({"since": "2026-03-02", "until": "2026-03-02"}, ["changed"]),
        ({"person": "command"}, ["added"]),
        ({"list": "data_categories"}, ["changed", "changed", "added"]),
        ({"list": "sections"}, []),
        ({"text": "one YEAR"}, ["changed"]),
        ({"text": "six months"}, ["changed", "added"]),
        ({"text": "mail"}, ["changed", "changed", "added"]),
        ({"text": "nowhere"}, []),
    ],
)
def test_changes_are_found_by_period_person_list_and_text(three_days, admin_client, query, expected):
    """Text: what came or went with it; or every change of the row that is so called."""
    assert found(admin_client, **query) == expected


def test_changes_are_found_by_person(three_days, admin_client, admin_user):
    assert found(admin_client, person=str(admin_user.pk)) == ["changed", "changed"]


@pytest.mark.parametrize("query", [{"since": "yesterday"}, {"person": "999"}, {"list": "users"}, {"p": "x"}])
def test_what_cannot_be_read_is_told_and_asks_for_nothing(three_days, admin_client, query):
    assert len(found(admin_client, **query)) == 3


def test_pages_have_a_hundred_changes_each_and_the_newest_first(content, admin_client):
    total = find(Sought()).count()
    assert total > 200

    first = admin_client.get(reverse(PAGE)).context
    last = admin_client.get(reverse(PAGE, query={"p": "99"})).context

    assert len(first["events"]) == 100
    assert len(last["events"]) == total % 100
    moments = [event.at for event, _url in first["events"]]
    assert moments == sorted(moments, reverse=True)


def test_a_page_costs_the_same_whatever_its_rows(content, admin_client, django_assert_max_num_queries):
    with django_assert_max_num_queries(140):
        admin_client.get(reverse(PAGE))
    with django_assert_max_num_queries(140):
        admin_client.get(reverse(PAGE, query={"p": "2"}))


def test_the_csv_has_a_line_for_each_field(three_days, admin_client):
    with override("en"):
        response = admin_client.get(reverse(FILE, query={"since": "2026-03-02"}))
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))

    assert [(row["When"], row["Who"], row["Field"], row["Language"], row["From"], row["To"]) for row in rows] == [
        ("2026-03-03 13:00:00", "admin", "Name", "nl", "E-mailadres", "Mail"),
        ("2026-03-02 13:00:00", "admin", "Explanation", "en", "Six months.", "One year."),
    ]


def test_no_text_of_the_past_becomes_a_formula(db, admin_client):
    DataCategoryFactory(name_nl="=1+1")

    text = b"".join(admin_client.get(reverse(FILE)).streaming_content).decode()

    assert "'=1+1" in text
    assert ";=1+1" not in text


# -- As it was ---------------------------------------------------------------------------------


@pytest.mark.parametrize("key", sorted(history.lists()))
def test_every_kind_of_row_is_as_it_was_before_a_change(content, key):
    model = history.lists()[key]
    before = timezone.now()
    row = model._default_manager.first()
    field = some_text_field(model)
    was = getattr(row, field)
    setattr(row, field, "P9M" if field == "period" else "Iets anders")
    row.save()

    then, now = (next(r for r in RowsThen(at).of(model) if r.pk == row.pk) for at in (before, timezone.now()))

    assert getattr(then, field) == was
    assert getattr(now, field) == getattr(row, field) != was


def test_a_deleted_row_is_there_before_and_a_new_one_after(content):
    before = timezone.now()
    Transfer.objects.first().delete()
    between = timezone.now()
    DataCategoryFactory(slug="brand-new")

    def slugs(at, model):
        return {row.slug for row in RowsThen(at).of(model)}

    assert slugs(before, Transfer) == {"outside-eea"}
    assert slugs(between, Transfer) == set()
    assert "brand-new" not in slugs(between, DataCategory)
    assert "brand-new" in slugs(timezone.now(), DataCategory)


def everything_changes():
    """Something in each way in which content can change."""
    purpose = ProcessingPurpose.objects.get(slug="contact")
    purpose.title_nl = "Iets anders"
    purpose.owner = "Sales"
    purpose.save()
    purpose.data_subjects.clear()
    purpose.recipients.all().delete()
    PurposeData.objects.filter(purpose__slug="introduction").first().delete()
    ProcessingPurpose.objects.get(slug="anonymisation").delete()
    for vendor in CookieVendor.objects.all()[:2]:
        vendor.delete()
    CookieVendor.objects.first().safeguards.clear()
    rule = RetentionRule.objects.filter(exceptions__isnull=False).first()
    rule.exceptions.clear()
    Section.objects.last().delete()
    Trigger.objects.create(slug="new", name_en="New", name_nl="Nieuw")
    vendor = CookieVendor.objects.first()
    Cookie.objects.create(vendor=vendor, name="brand_new", lifetime="P1Y")
    controller = Controller.objects.get()
    controller.postal_address = "Elders"
    controller.save()


def test_the_file_of_a_moment_is_the_file_that_was_dumped_then(content):
    at, dumped = timezone.now(), content_file.dump()

    everything_changes()

    assert content_file.dump(RowsThen(at)) == dumped
    assert content_file.dump(RowsThen(timezone.now())) == content_file.dump() != dumped


def test_loading_the_file_of_a_moment_brings_that_moment_back(content, admin_client):
    at, dumped = timezone.now() + timedelta(seconds=1), content_file.dump()
    with time_machine.travel(at + timedelta(minutes=1)):
        everything_changes()

    local = timezone.localtime(at).strftime("%Y-%m-%dT%H:%M:%S")
    text = admin_client.get(reverse(YAML, query={"at": local})).content.decode()

    assert yaml.safe_load(text) == yaml.safe_load(dumped)
    assert content_file.load(text)
    assert content_file.dump() == dumped


def test_before_anything_was_written_there_is_nothing(content):
    rows = RowsThen(timezone.now() - timedelta(days=1))

    assert [found for _key, _name, found in content_then(rows) if found] == []
    assert "controller" not in yaml.safe_load(content_file.dump(rows))


def test_of_two_records_of_one_moment_the_later_one_counts(db):
    with time_machine.travel(START, tick=False):
        category = DataCategoryFactory(name_nl="Eerst")
        category.name_nl = "Daarna"
        category.save()

    assert [row.name_nl for row in RowsThen(START).of(DataCategory)] == ["Daarna"]


def test_the_page_shows_every_row_with_its_fields_in_both_languages(content, admin_client):
    page = admin_client.get(reverse(THEN))

    lists = page.context["lists"]
    shown = {key: [row.slug for row in rows] for key, _name, rows in lists}
    for kind in content_file.KINDS:
        if kind.identity == ("slug",):
            assert shown[kind.key] == list(kind.model._default_manager.values_list("slug", flat=True))
    purpose = next(row for key, _name, rows in lists if key == "purposes" for row in rows if row.slug == "introduction")
    fields = {held.field: held.values for held in purpose.held}
    assert dict(fields["Title"]) == {"en": "Introduction", "nl": "Kennismaking"}
    assert [name for name, _rows in purpose.parts] == [
        "Data used",
        "Legal bases",
        "Retention",
    ]
    assert "Kennismaking" in page.text


def test_the_page_says_which_version_visitors_read_then(published, admin_client):
    at = timezone.localtime(published.effective_at)

    def said(moment):
        return admin_client.get(reverse(THEN, query={"at": moment.strftime("%Y-%m-%dT%H:%M")})).text

    assert "Visitors read version 1 then" in said(at + timedelta(minutes=1))
    assert "Nothing had been published then." in said(at - timedelta(days=1))


@pytest.mark.parametrize("query", [{"at": "yesterday"}, {"at": ""}])
def test_a_moment_that_cannot_be_read_is_told(content, admin_client, query):
    page = admin_client.get(reverse(THEN, query=query))

    assert page.status_code == 200
    assert page.context["lists"] is None
    assert 'class="errorlist"' in page.text
    assert admin_client.get(reverse(YAML, query=query)).status_code == 400


@pytest.mark.parametrize("name", [PAGE, FILE])
@pytest.mark.parametrize("field", ["since", "until"])
@pytest.mark.parametrize("day", ["0001-01-01", "1999-12-31", "2101-01-01", "9999-12-31"])
def test_a_day_far_from_our_time_asks_for_nothing(three_days, admin_client, name, field, day):
    response = admin_client.get(reverse(name, query={field: day}))

    assert response.status_code == 200
    assert b"".join(response)  # to its end, also where it is sent in parts
    assert len(found(admin_client, **{field: day})) == 3


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_day_far_from_our_time_is_told(db, admin_client, day):
    assert "Choose a year from 2000 to 2100." in admin_client.get(reverse(PAGE, query={"until": day})).text


@pytest.mark.parametrize("day", ["2000-01-01", "2100-12-31"])
def test_the_first_and_the_last_day_that_can_be_asked_for_are_read(three_days, admin_client, day):
    assert len(found(admin_client, since=day)) == (3 if day < "2026" else 0)
    assert len(found(admin_client, until=day)) == (0 if day < "2026" else 3)
    assert admin_client.get(reverse(THEN, query={"at": f"{day}T23:59"})).context["lists"] is not None


@pytest.mark.parametrize("at", ["0001-01-01T00:00", "1999-12-31T23:59", "2101-01-01T00:00", "9999-12-31T23:59"])
def test_a_moment_far_from_our_time_is_told(content, admin_client, at):
    page = admin_client.get(reverse(THEN, query={"at": at}))
    file = admin_client.get(reverse(YAML, query={"at": at}))

    assert page.context["lists"] is None
    assert "Choose a year from 2000 to 2100." in page.text
    assert file.status_code == 400
    assert "Choose a year from 2000 to 2100." in file.text


# -- Who ---------------------------------------------------------------------------------------

ADDRESSES = [(PAGE, {}), (FILE, {}), (THEN, {}), (YAML, {"at": "2026-03-01T12:00"})]


@pytest.mark.parametrize("group", ["editor", "publisher", "auditor"])
@pytest.mark.parametrize(("name", "query"), ADDRESSES)
def test_everybody_at_the_desk_sees_the_past(content, client, staff, group, name, query):
    client.force_login(staff(group))
    response = client.get(reverse(name, query=query))

    assert response.status_code == 200
    assert b"".join(response)  # to its end, also where it is sent in parts


@pytest.mark.parametrize(("name", "query"), ADDRESSES)
def test_nobody_else_sees_the_past(db, client, django_user_model, name, query):
    assert client.get(reverse(name, query=query)).status_code == 302

    client.force_login(django_user_model.objects.create_user("sam", is_staff=True))
    assert client.get(reverse(name, query=query)).status_code == 403


@pytest.mark.parametrize(("permission", "opens"), [("view_processingpurpose", True), ("view_statementversion", False)])
def test_the_desk_lists_the_past_for_those_for_whom_it_opens(db, client, django_user_model, permission, opens):
    sam = django_user_model.objects.create_user("sam", is_staff=True)
    sam.user_permissions.add(Permission.objects.get(codename=permission))
    client.force_login(sam)

    groups = client.get(reverse("admin:index")).context["app_list"]

    listed = {entry["admin_url"] for group in groups for entry in group["models"]}
    assert (reverse(PAGE) in listed) is opens
    assert (client.get(reverse(PAGE)).status_code == 200) is opens


@pytest.mark.parametrize(("name", "query"), ADDRESSES)
def test_the_past_is_read_and_not_written(content, admin_client, name, query):
    assert admin_client.post(reverse(name, query=query)).status_code == 405


def test_the_history_of_one_row_keeps_its_own_page(content, admin_client):
    """Both have the same name among the addresses; the one of a row takes its key."""
    purpose = ProcessingPurpose.objects.first()

    page = admin_client.get(reverse("admin:policies_processingpurpose_history", args=[purpose.pk]))

    assert page.status_code == 200
    assert reverse(PAGE) == "/admin/policies/statementversion/history/"
