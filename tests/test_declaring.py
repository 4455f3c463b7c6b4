"""Declaring a table of another database: what is refused, what is advised, and what trying it shows."""

from dataclasses import replace
from datetime import date

import psycopg
import pytest
from django.contrib.messages import get_messages
from django.db import DataError
from django.urls import reverse
from django.utils import timezone

from policies.models import PurposeRetention
from retention import checking, promises, targets
from retention.enforcing import enforce
from retention.models import (
    ColumnTreatment,
    DeclaredTarget,
    EarlyEnd,
    LegalHold,
    RetentionRule,
    RetentionRun,
    RunUnderWay,
)
from retention.promises import Promise
from retention.reckoning import due
from retention.table_target import why
from retention.targeting import all_targets, target_of
from retention.targets import Due, NotEnforceable
from retention.terms import terms_of
from retention.trying import try_out

from . import foreign as others
from .factories import PurposeFactory, RuleFactory, TriggerFactory

pytestmark = [pytest.mark.any_database]


@pytest.fixture
def hr(db, tmp_path):
    """A database of others: forty rows, of which two are due by a rule of one year."""
    with others.sqlite_database(tmp_path) as url, others.declared(url):
        database = others.Foreign("sqlite")
        database.run(
            "CREATE TABLE people (id integer PRIMARY KEY NOT NULL, name varchar(40) NOT NULL, email text UNIQUE, "
            "closed date, withdrawn date, held boolean, points integer)"
        )
        today = timezone.localdate()
        database.insert("people", (1, "Anna", "anna@example.nl", date(2019, 3, 3), None, 0, 3))
        database.insert("people", (2, "Bram", "bram@example.nl", date(2020, 4, 4), None, 0, 4))
        database.insert("people", *((n, f"P{n}", f"{n}@example.nl", today, None, 0, 0) for n in range(3, 40)))
        database.insert("people", (40, "Zoë", "z@example.nl", None, None, 0, 0))
        yield database


@pytest.fixture
def promise(db):
    """A rule of one year from the closing, which consent can end, and a draft of a purpose that uses it."""
    rule = RuleFactory(slug="applicants", trigger=TriggerFactory(slug="closed"))
    rule.ends_early_on.add(TriggerFactory(slug="withdrawn", name_en="Consent withdrawn"))
    purpose = PurposeFactory(slug="recruitment")
    PurposeRetention.objects.create(purpose=purpose, rule=rule)
    return rule


WITHDRAWN = (("withdrawn", "withdrawn"),)
FORM = {
    "name": "Applicants",
    "slug": "applicants",
    "purpose": "recruitment",
    "rule": "applicants",
    "exception": "",
    "connection": "hr",
    "table": "people",
    "key_column": "id",
    "trigger_column": "closed",
    "trigger_query": "",
    "condition": "",
    "hold_column": "",
    "time_zone": "Europe/Amsterdam",
    "max_share": "10",
    "batch_size": "1000",
}


def filled_in(early=WITHDRAWN, treatments=(), **changes):
    """What the form sends: the declaration with its parts."""
    data = FORM | changes
    for prefix, fields, rows in (
        ("early_ends", ("trigger", "column"), early),
        ("treatments", ("column", "treatment", "detail"), treatments),
    ):
        data |= {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": 0}
        for number, row in enumerate(rows):
            data |= {f"{prefix}-{number}-{name}": text for name, text in zip(fields, row, strict=True)}
    return {name: text for name, text in data.items() if text is not None}


ADD = "admin:retention_declaredtarget_add"


@pytest.fixture
def publisher(client, staff):
    client.force_login(staff("publisher"))
    return client


def errors(response):
    """Field → sentences, of the declaration and of its parts."""
    form = response.context["adminform"].form
    found = {name: list(map(str, given)) for name, given in form.errors.items()}
    for part in response.context["inline_admin_formsets"]:
        for row in part.formset.forms:
            found |= {f"{part.formset.prefix}.{name}": list(map(str, given)) for name, given in row.errors.items()}
        if whole := part.formset.non_form_errors():
            found[part.formset.prefix] = list(map(str, whole))
    return found


def said(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


# -- Saving ---------------------------------------------------------------------------------------------


def test_a_target_that_can_be_enforced_is_saved_with_its_history(publisher, hr, promise):
    response = publisher.post(
        reverse(ADD), filled_in(early=[("withdrawn", "withdrawn")], is_active="on", hold_column="held")
    )

    assert response.status_code == 302, errors(response)
    declared = DeclaredTarget.objects.get()
    assert declared.is_active
    assert declared.history.get().history_user.username == "publisher"
    assert [early.column for early in declared.early_ends.all()] == ["withdrawn"]
    assert len(hr.column("SELECT id FROM people")) == 40


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"connection": "payroll"}, "connection", "set DATABASE_URL_PAYROLL"),
        ({"connection": "default"}, "connection", "set DATABASE_URL_DEFAULT"),
        ({"table": "person"}, "table", "There is no table person"),
        ({"table": 'people"; DROP TABLE people; --'}, "table", "There is no table"),
        ({"key_column": "nr"}, "key_column", "has no column nr"),
        ({"key_column": "name"}, "key_column", "does not name one row"),
        ({"key_column": "email"}, "key_column", "NOT NULL"),
        ({"trigger_column": "ended"}, "trigger_column", "has no column ended"),
        ({"trigger_column": "points"}, "trigger_column", "is read as no date"),
        ({"hold_column": "name"}, "hold_column", "neither true nor false"),
        ({"condition": "points >"}, "condition", "does not take it"),
        ({"condition": "1 = 1; DELETE FROM people"}, "condition", "cannot stand"),
        ({"condition": "a\x00b"}, "condition", "Null characters"),
        ({"trigger_column": "", "trigger_query": "SELECT id FROM people"}, "trigger_query", "two columns"),
        ({"trigger_column": "", "trigger_query": "DELETE FROM people"}, "trigger_query", "begins with SELECT"),
        ({"trigger_query": "SELECT id, closed FROM people"}, "__all__", "one of the two"),
        ({"trigger_column": ""}, "__all__", "one of the two"),
        ({"rule": "nobody-knows"}, "rule", "no such rule"),
        ({"exception": "tax"}, "exception", "does not know this statutory exception"),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "no time zone"),
        ({"max_share": "0"}, "max_share", "greater than or equal to 1"),
        ({"max_share": "101"}, "max_share", "less than or equal to 100"),
        ({"batch_size": "0"}, "batch_size", "greater than or equal to 1"),
        ({"batch_size": "20001"}, "batch_size", "less than or equal to 20000"),
    ],
)
@pytest.mark.parametrize("active", ["on", None])
def test_what_cannot_be_enforced_is_refused_at_its_field(publisher, hr, promise, active, changes, field, sentence):
    response = publisher.post(reverse(ADD), filled_in(is_active=active, **changes))

    assert response.status_code == 200
    assert field in errors(response)
    assert any(sentence in given for given in errors(response)[field]), errors(response)
    assert not DeclaredTarget.objects.exists()
    assert len(hr.column("SELECT id FROM people")) == 40


@pytest.mark.parametrize(
    ("parts", "action", "where", "sentence"),
    [
        ({"early": [("moved", "withdrawn")]}, "erase", "early_ends.trigger", "does not end earlier on this event"),
        ({"early": [("withdrawn", "gone")]}, "erase", "early_ends.column", "has no column gone"),
        ({"early": [("withdrawn", "points")]}, "erase", "early_ends.column", "read as no date"),
        ({}, "anonymise", "treatments", "say below what becomes of which columns"),
        ({"treatments": [("name", "blank", "")]}, "erase", "treatments", "has no place here"),
        ({"treatments": [("nama", "blank", "")]}, "anonymise", "treatments.column", "Is it name?"),
        ({"treatments": [("closed", "prefix", "2")]}, "anonymise", "treatments.column", "the year stays"),
        ({"treatments": [("name", "round", "2")]}, "anonymise", "treatments.column", "Only a number"),
        ({"treatments": [("name", "prefix", "all")]}, "anonymise", "treatments.column", "a whole number"),
        ({"treatments": [("email", "constant", "x")]}, "anonymise", "treatments.column", "unique"),
        ({"treatments": [("name", "constant", "")]}, "anonymise", "treatments.__all__", "need a detail"),
        ({"treatments": [("id", "blank", "")]}, "anonymise", "treatments.column", "stay as they are"),
    ],
)
def test_a_part_that_does_not_fit_is_refused_where_it_stands(publisher, hr, promise, parts, action, where, sentence):
    RetentionRule.objects.filter(slug="applicants").update(action=action)

    response = publisher.post(reverse(ADD), filled_in(**parts))

    assert response.status_code == 200
    assert any(sentence in given for given in errors(response).get(where, [])), errors(response)
    assert not DeclaredTarget.objects.exists()


def test_a_name_of_a_target_in_code_is_taken(publisher, hr, promise):
    slug = next(iter(targets.in_code()))

    response = publisher.post(reverse(ADD), filled_in(slug=slug))

    assert "in the software already" in errors(response)["slug"][0]


def test_a_database_that_is_away_is_a_sentence_and_not_a_fault(publisher, promise):
    with others.declared("postgres://keeper:very-secret@127.0.0.1:9/hr"):
        response = publisher.post(reverse(ADD), filled_in())

        assert errors(response) == {"connection": [checking.unreachable("hr")]}
        assert "hr: postgresql://127.0.0.1:9/hr" in response.text
        assert "very-secret" not in response.text
        assert "keeper" not in response.text


def test_a_target_can_always_be_switched_off_but_not_on(publisher, hr, promise):
    publisher.post(reverse(ADD), filled_in(is_active="on"))
    declared = DeclaredTarget.objects.get()
    page = reverse("admin:retention_declaredtarget_change", args=[declared.pk])
    hr.run("PRAGMA query_only = OFF")
    hr.run("DROP TABLE people")

    refused = publisher.post(page, filled_in(early=(), is_active="on"))
    assert "There is no table people" in errors(refused)["table"][0]

    off = publisher.post(page, filled_in(early=(), is_active=None))
    assert off.status_code == 302
    assert any("There is no table people" in sentence for sentence in said(off))
    assert not DeclaredTarget.objects.get().is_active

    assert publisher.post(page, filled_in(early=(), is_active="on")).status_code == 200
    assert not DeclaredTarget.objects.get().is_active


def test_the_form_offers_the_connections_the_rules_and_the_purposes(publisher, hr, published):
    RuleFactory(slug="only-drafted")

    page = publisher.get(reverse(ADD)).text

    assert "hr: sqlite:" in page
    assert "In the statement in force" in page
    assert page.index("Only in the draft") < page.index("only-drafted")
    purpose = promises.in_force()[0].purpose
    assert f'<option value="{purpose}">' in page


# -- Advice ---------------------------------------------------------------------------------------------


def declared(early=WITHDRAWN, treatments=(), **changes):
    words = {"is_active": False} | {k: v for k, v in FORM.items() if k not in {"max_share", "batch_size"}} | changes
    row = DeclaredTarget.objects.create(**words)
    for trigger, column in early:
        EarlyEnd.objects.create(target=row, trigger=trigger, column=column)
    for column, treatment, detail in treatments:
        ColumnTreatment.objects.create(target=row, column=column, treatment=treatment, detail=detail)
    return row


def advice(**changes):
    return " ".join(checking.advice(target_of(declared(**changes))))


def test_an_index_is_advised_and_named(hr, promise):
    assert 'CREATE INDEX "people_closed" ON "people" ("closed", "id")' in advice()

    DeclaredTarget.objects.all().delete()
    hr.run("PRAGMA query_only = OFF")
    for column in ("closed", "withdrawn"):
        hr.run(f'CREATE INDEX "people_{column}" ON "people" ("{column}", "id")')
    assert "CREATE INDEX" not in advice()


def test_tables_that_refer_to_this_one_are_named(hr, promise):
    hr.run("CREATE TABLE letters (id integer PRIMARY KEY, person integer REFERENCES people (id))")
    hr.run("CREATE TABLE notes (id integer PRIMARY KEY, person integer REFERENCES people (id) ON DELETE CASCADE)")

    found = advice()

    assert "While rows of the table letters refer to a row" in found
    assert "Rows of the table notes that refer to an erased row go with it" in found


def test_what_stays_and_could_name_somebody_is_named(hr, promise):
    promise.action = "anonymise"
    promise.save()

    found = advice(treatments=[("name", "blank", "")])

    assert "may name somebody: email" in found
    assert "Unique columns that stay, by which a row can be joined to other data: email" in found
    assert "The key stays" in found
    assert "points" not in found


def test_consent_that_no_condition_tells_is_named(hr, promise):
    promise.needs_consent = True
    promise.save()

    assert "with consent only, and no condition" in advice()
    assert "with consent only" not in advice(slug="again", condition="points > 1")


def test_an_early_end_that_no_column_tells_is_refused_when_declared_and_when_enforced(publisher, hr, promise):
    refused = publisher.post(reverse(ADD), filled_in(early=()))
    assert "ends earlier on “Consent withdrawn”" in str(errors(refused))

    now = timezone.now()
    with pytest.raises(NotEnforceable, match="does not say where to read that"):
        target_of(declared(early=())).check(due(terms_of(promise), timezone.localdate(now), now))


def test_a_hold_on_what_can_be_no_key_keeps_everything(hr, promise):
    target = target_of(declared())
    nothing = Due(timezone.localdate(), timezone.now(), {}, "erase")

    for key in ("#12", "1 204", "012", "1.0", "twelve", "٣"):
        with pytest.raises(NotEnforceable, match="cannot be its key"):
            target.check(replace(nothing, held=frozenset({key})))
    target.check(replace(nothing, held=frozenset({"12"})))


def test_while_holds_name_rows_the_key_column_stays(publisher, hr, promise):
    publisher.post(reverse(ADD), filled_in())
    page = reverse("admin:retention_declaredtarget_change", args=[DeclaredTarget.objects.get().pk])
    LegalHold.objects.create(target="applicants", key="1", reason="A claim.", placed_by="anna")

    refused = publisher.post(page, filled_in(early=(), key_column="email"))

    assert "Legal holds name rows by the column id" in errors(refused)["key_column"][0]


def test_a_value_that_the_condition_cannot_read_is_refused_without_its_words(hr, promise):
    error = DataError("invalid input syntax for type date: “Anna de Vries”")
    error.__cause__ = psycopg.errors.InvalidTextRepresentation()

    sentence = why(error, "people")

    assert "22P02" in sentence
    assert "Anna" not in sentence


def test_what_is_under_way_ends_when_its_declaration_is_changed(publisher, hr, promise):
    promise.ends_early_on.clear()
    publisher.post(reverse(ADD), filled_in(early=()))
    page = reverse("admin:retention_declaredtarget_change", args=[DeclaredTarget.objects.get().pk])
    RunUnderWay.objects.create(
        target="applicants", rule="applicants", cut_off=timezone.now(), run_by="run_due", started_at=timezone.now()
    )

    publisher.post(page, filled_in(early=(), is_active=None, condition="points > 1"))

    assert not RunUnderWay.objects.exists()
    assert RetentionRun.objects.get().result == "overtaken"


def test_a_promise_that_is_not_in_force_is_named(hr, promise, publish):
    assert "does not promise this for this purpose" in advice()


def test_saving_gives_the_advice(publisher, hr, promise):
    response = publisher.post(reverse(ADD), filled_in())

    assert any("CREATE INDEX" in sentence for sentence in said(response))


# -- Trying ---------------------------------------------------------------------------------------------


def try_page(row):
    return reverse("admin:retention_declaredtarget_try", args=[row.pk])


def test_trying_says_what_would_be_touched_and_touches_nothing(publisher, hr, promise):
    row = declared()

    page = publisher.get(try_page(row)).text

    assert "2 rows would be erased, the oldest from 3 March 2019." in page
    assert "Nothing was changed by trying." in page
    assert "A… (at most 5 characters)" in page
    assert "March 2019" in page
    assert "Anna" not in page
    assert "example.nl" not in page
    assert "will refuse" not in page
    assert len(hr.column("SELECT id FROM people")) == 40


def test_trying_says_that_somebody_would_have_to_confirm(publisher, hr, promise):
    page = publisher.get(try_page(declared(condition="id < 5"))).text

    assert "more than the 10% that one run may touch" in page
    assert "manage.py enforce_retention --target applicants --confirm" in page


def test_trying_knows_the_holds(hr, promise):
    row = declared()
    LegalHold.objects.create(target="applicants", key="1", reason="A claim.", placed_by="anna")

    census = try_out(row, timezone.now()).census

    assert (census.total, census.due, census.held, census.undated) == (40, 1, 1, 1)
    LegalHold.objects.create(target="applicants", key="", reason="An inquiry.", placed_by="anna")
    assert try_out(row, timezone.now()).everything_held == "An inquiry."


def test_nothing_due_is_said_in_words(publisher, hr, promise):
    assert "Nothing is due now." in publisher.get(try_page(declared(condition="id > 2"))).text


def test_trying_what_is_away_or_broken_says_so(publisher, hr, promise):
    row = declared(table="people")
    hr.run("PRAGMA query_only = OFF")
    hr.run("DROP TABLE people")
    assert "There is no table people" in publisher.get(try_page(row)).text

    away = declared(slug="away", connection="payroll")
    assert "set DATABASE_URL_PAYROLL" in publisher.get(try_page(away)).text
    with others.declared("mysql://keeper:very-secret@127.0.0.1:9/hr", "crm"):
        page = publisher.get(try_page(declared(slug="third", connection="crm"))).text
    assert "cannot be reached" in page
    assert "very-secret" not in page


@pytest.mark.parametrize(("group", "status"), [("publisher", 200), ("editor", 403), ("auditor", 403)])
def test_who_may_enforce_may_try(client, staff, hr, promise, group, status):
    client.force_login(staff(group))

    assert client.get(try_page(declared())).status_code == status


def test_an_auditor_looks_and_changes_nothing(client, staff, hr, promise):
    row = declared(early=[("withdrawn", "withdrawn")])
    client.force_login(staff("auditor"))
    page = reverse("admin:retention_declaredtarget_change", args=[row.pk])

    assert client.get(page).status_code == 200
    assert "/try/" not in client.get(page).text
    assert client.post(page, filled_in(name="Mine")).status_code == 403
    assert client.get(reverse(ADD)).status_code == 403


def test_a_target_that_is_not_there_is_not_found(publisher):
    assert publisher.get(reverse("admin:retention_declaredtarget_try", args=[999])).status_code == 404


# -- Which there are ------------------------------------------------------------------------------------


def test_active_targets_stand_beside_those_in_code(hr, promise):
    declared()
    assert "applicants" not in all_targets()

    DeclaredTarget.objects.update(is_active=True)

    assert all_targets().keys() - targets.in_code().keys() == {"applicants"}
    assert all_targets()["applicants"].max_share == 0.1


def test_what_is_in_code_is_not_replaced_by_a_declaration(hr, promise):
    slug, own = next(iter(targets.in_code().items()))
    declared(slug=slug, is_active=True)

    assert all_targets()[slug] is own


@pytest.mark.parametrize("way", ["its own page", "the list"])
def test_what_is_under_way_ends_when_its_declaration_is_deleted(publisher, hr, promise, way):
    publisher.post(reverse(ADD), filled_in())
    row = DeclaredTarget.objects.get()
    RunUnderWay.objects.create(
        target="applicants", rule="applicants", cut_off=timezone.now(), run_by="run_due", started_at=timezone.now()
    )

    if way == "the list":
        chosen = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
        publisher.post(reverse("admin:retention_declaredtarget_changelist"), chosen)
    else:
        publisher.post(reverse("admin:retention_declaredtarget_delete", args=[row.pk]), {"post": "yes"})

    assert not DeclaredTarget.objects.exists()
    assert not RunUnderWay.objects.exists()
    assert RetentionRun.objects.get().result == "overtaken"


# -- Enforced, like any other ---------------------------------------------------------------------------


def kept(rule, table):
    """A run of ``table`` by what ``rule`` says, as if it had been published."""
    promise = Promise("recruitment", {"en": "", "nl": ""}, terms_of(rule), {"en": "1 year", "nl": "1 jaar"}, {}, 1)
    return enforce(table, promise, now=timezone.now(), by="tests")


def test_a_run_erases_what_is_due_and_counts_it(hr, promise):
    run = kept(promise, target_of(declared()))

    assert (run.result, run.due, run.erased, run.undated, run.error) == ("done", 2, 2, 1, "")
    assert len(hr.column("SELECT id FROM people")) == 38


def test_a_run_is_refused_where_more_is_due_than_may_go(hr, promise):
    run = kept(promise, target_of(declared(condition="id < 5")))

    assert (run.result, run.erased) == ("refused", 0)
    assert len(hr.column("SELECT id FROM people")) == 40


def test_a_run_on_a_database_that_is_away_or_a_table_that_vanished_is_written_down(hr, promise):
    hr.run("ALTER TABLE people RENAME TO persons")
    gone = kept(promise, target_of(declared()))
    assert (gone.result, gone.erased) == ("refused", 0)
    assert "There is no table people" in gone.error

    with others.declared("mysql://keeper:very-secret@127.0.0.1:9/hr", "crm"):
        away = kept(promise, target_of(declared(slug="away", connection="crm")))
    assert (away.result, away.erased) == ("failed", 0)
    assert "very-secret" not in away.error


def test_a_run_that_meets_a_constraint_half_way_fails_and_keeps_what_was_done(hr, promise):
    hr.run("CREATE TABLE letters (id integer PRIMARY KEY, person integer REFERENCES people (id))")
    hr.insert("letters", (1, 2))

    run = kept(promise, target_of(declared(batch_size=1)))

    assert (run.result, run.erased) == ("failed", 1)
    assert run.error
    assert sorted(hr.column("SELECT id FROM people"))[:2] == [2, 3]


@pytest.mark.parametrize("language", ["en", "nl"])
def test_every_page_of_a_declaration_opens_in_both_languages(publisher, hr, promise, language):
    publisher.cookies["django_language"] = language
    publisher.post(reverse(ADD), filled_in(early=[("withdrawn", "withdrawn")]))
    row = DeclaredTarget.objects.get()
    name = "admin:retention_declaredtarget"
    version = reverse(f"{name}_simple_history", args=[row.pk, row.history.first().pk])
    pages = [reverse(f"{name}_{page}", args=[row.pk]) for page in ("change", "history", "delete", "try")]

    for page in [reverse(f"{name}_changelist"), reverse(ADD), version, *pages]:
        response = publisher.get(page)
        assert response.status_code == 200, page
        assert f'<html lang="{language}"' in response.text, page
