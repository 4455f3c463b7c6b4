"""The calendar of the desk: what ends on each day of a month, and what should have gone already."""

import html
import re
from datetime import date, timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import models
from django.db.models import Q
from django.test.utils import isolate_apps
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from policies.models import ProcessingPurpose
from retention import targets
from retention.ending import what_ends
from retention.model_target import ModelTarget
from retention.models import DeclaredTarget, LegalHold, RetentionRule
from retention.periods import Period
from retention.reckoning import day_start

PAGE = "/admin/retention/calendar/"
SIX_WEEKS = timedelta(weeks=6)


@pytest.fixture
def only(monkeypatch):
    """Nothing is a target but what the test registers: ``only(target, …)``."""

    def register(*those):
        monkeypatch.setattr(targets, "_in_code", {})
        for target in those:
            targets.register(target)

    return register


def applications(**changes):
    """Rows with a date, taken for those of applicants: six weeks after the position was filled."""
    said = {
        "slug": "applications",
        "name": "Applications",
        "purpose": "job-applications",
        "rule": "position-filled-6w",
        "model": Session,
        "trigger": "expire_date",
        "selection": Q(session_key__startswith="row-"),
    }
    return ModelTarget(**(said | changes))


def add(ends_on, number=1):
    """Rows that end on a day."""
    filled_at = day_start(ends_on - SIX_WEEKS) + timedelta(hours=9)
    there = Session.objects.filter(session_key__startswith="row-").count()
    Session.objects.bulk_create(
        Session(session_key=f"row-{there + more}", session_data="", expire_date=filled_at) for more in range(number)
    )


def in_days(number):
    return timezone.localdate() + timedelta(days=number)


@pytest.fixture
def look(client, staff, published, only):
    """The page of the month of a day, as a publisher reads it: ``look(day)`` → its text, without tags."""
    only(applications())
    client.force_login(staff("publisher"))

    def open_page(day=None, **query):
        response = client.get(PAGE, {"year": day.year, "month": day.month} if day else query)
        assert response.status_code == 200
        main = response.content.decode().split('id="content-main"')[1]
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", main)).split())

    return open_page


def said(day):
    return date_format(day, "j F Y")


# -- Who, and which month ----------------------------------------------------------------------


def test_it_is_for_those_who_may_see_runs(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("temp", is_staff=True))

    assert client.get(PAGE).status_code == 403


def test_it_stands_on_the_desk(client, staff):
    client.force_login(staff("publisher"))

    assert f'href="{PAGE}"' in client.get("/admin/").content.decode()


def test_without_a_month_it_is_this_one(look):
    assert f"What ends in {date_format(timezone.localdate(), 'F Y')}" in look()


def test_the_months_before_and_after_are_a_link_away(look, client):
    look(date(2026, 12, 1))
    page = client.get(PAGE, {"year": 2026, "month": 12}).content.decode()

    assert f'href="{PAGE}?year=2026&amp;month=11" rel="prev"' in page
    assert f'href="{PAGE}?year=2027&amp;month=1" rel="next"' in page


@pytest.mark.parametrize(("year", "month", "links"), [(2000, 1, ["next"]), (2199, 12, ["prev"])])
def test_there_is_no_link_beyond_the_years_that_can_be_asked_for(look, client, year, month, links):
    look(date(year, month, 1))

    page = client.get(PAGE, {"year": year, "month": month}).content.decode()

    assert re.findall(r'rel="(prev|next)"', page) == links


@pytest.mark.parametrize(
    "query",
    [
        {"year": "2026", "month": "13"},
        {"year": "2026", "month": "0"},
        {"year": "1", "month": "1"},
        {"year": "99999", "month": "1"},
        {"year": "next", "month": "may"},
        {"year": "", "month": ""},
        {"year": "\x00", "month": "1"},
    ],
)
def test_what_is_no_month_is_said_and_this_month_is_shown(look, query):
    text = look(**query)

    assert "There is no such month here; below is the present one." in text
    assert f"What ends in {date_format(timezone.localdate(), 'F Y')}" in text


# -- What ends ---------------------------------------------------------------------------------


def test_rows_stand_on_the_day_on_which_they_end(look):
    day = in_days(40).replace(day=15)
    add(day, 1204)
    add(day + timedelta(days=1))

    text = look(day)

    assert f"{said(day)} Applications At most 6 weeks after the position is filled erase 1,204" in text
    assert f"{said(day + timedelta(days=1))} Applications At most 6 weeks after the position is filled erase 1" in text
    assert "Together 1,205" in text


def test_what_ends_in_another_month_does_not_stand_there(look):
    first = Period(months=2).after(timezone.localdate()).replace(day=1)
    following = Period(months=1).after(first)
    add(first - timedelta(days=1))
    add(first)
    add(following - timedelta(days=1))
    add(following)

    text = look(first)

    assert said(first) in text
    assert said(following - timedelta(days=1)) in text
    assert said(first - timedelta(days=1)) not in text
    assert said(following) not in text
    assert "Together 2" in text


def test_a_month_in_which_nothing_ends_says_so(look):
    assert "Nothing that we know of." in look(in_days(90))


def test_what_is_due_already_stands_apart_with_its_oldest_date(look):
    add(in_days(-30), 3)
    add(in_days(0))

    text = look()

    oldest = said(in_days(-30) - SIX_WEEKS)
    assert f"Applications At most 6 weeks after the position is filled {oldest} 4 0" in text
    assert "Together" not in text


def test_nothing_is_counted_as_due_and_as_yet_to_come(look):
    add(in_days(0))
    add(in_days(1))

    found = what_ends(in_days(-400), in_days(400), now=timezone.now())

    assert [(ending.census.due, dict(ending.days)) for ending in found] == [(1, {in_days(1): 1})]


def test_rows_under_a_legal_hold_are_told_apart(look):
    add(in_days(-1), 2)
    LegalHold.objects.create(target="applications", key="row-0", reason="A claim.", placed_by="anna")

    text = look()

    assert f"{said(in_days(-1) - SIX_WEEKS)} 1 1" in text


def test_a_hold_on_all_of_it_is_said_beside_its_name(look):
    add(in_days(-1))
    LegalHold.objects.create(target="applications", reason="An inquiry.", placed_by="anna")

    assert "Applications all under legal hold" in look()


def test_the_rule_of_the_statement_in_force_counts_not_that_of_the_draft(look):
    RetentionRule.objects.filter(slug="position-filled-6w").update(period="P1D")
    day = in_days(40).replace(day=15)
    add(day)

    assert said(day) in look(day)


def test_a_whole_year_ends_on_one_day(look, only, publish):
    rule = RetentionRule.objects.get(slug="position-filled-6w")
    rule.trigger.rounding = "year"
    rule.trigger.save()
    publish()
    end = date(timezone.localdate().year + 1, 2, 12)  # 1 January and six weeks
    for days in (0, 100, 200):
        add(date(end.year - 1, 2, 12) + timedelta(days=days))

    found = what_ends(end, end, now=timezone.now())

    assert [dict(ending.days) for ending in found] == [{end: 3}]


def test_a_rule_is_linked_for_whoever_may_see_it(look, client):
    add(in_days(-1))
    look()
    pk = RetentionRule.objects.get(slug="position-filled-6w").pk

    url = reverse("admin:retention_retentionrule_change", args=[pk])

    assert f'href="{url}"' in client.get(PAGE).content.decode()


def test_it_reads_in_dutch(look, client):
    client.cookies["django_language"] = "nl"
    add(in_days(-1))

    assert "Maximaal 6 weken nadat de functie is vervuld" in look()


# -- What cannot be counted --------------------------------------------------------------------


def test_a_target_without_a_promise_is_named_with_the_reason(look, only):
    only(applications(), applications(slug="lost", name="Lost data", rule="no-such-rule"))
    add(in_days(-1))

    text = look()

    assert "Lost data – The statement in force does not promise what this data is to be kept to." in text
    assert "Applications At most 6 weeks" in text


def test_a_rule_that_does_not_say_how_long_is_named_with_the_reason(look, only):
    used = ProcessingPurpose.objects.filter(retention__rule__slug="not-stated").first()
    only(applications(purpose=used.slug, rule="not-stated"))

    assert "Applications – The rule does not say how long: nothing can be enforced." in look()


def test_a_declared_table_whose_connection_is_unknown_is_named_and_linked(look, client):
    declared = DeclaredTarget.objects.create(
        slug="crm",
        name="Customers",
        purpose="job-applications",
        rule="position-filled-6w",
        connection="no_such_connection",
        table="customers",
        key_column="id",
        trigger_column="left_on",
        is_active=True,
    )
    add(in_days(-1))

    text = look()

    url = reverse("admin:retention_declaredtarget_change", args=[declared.pk])
    assert "Customers – " in text
    assert "Applications At most 6 weeks" in text
    assert f'href="{url}">Customers</a>' in client.get(PAGE).content.decode()


@pytest.fixture
@isolate_apps("retention")
def gone():
    class Gone(models.Model):
        """A table that is not there any more."""

        expire_date = models.DateTimeField()

        class Meta:
            app_label = "retention"

        def __str__(self):
            return "gone"

    return applications(slug="gone", name="Vanished data", model=Gone, selection=Q())


def test_a_target_that_cannot_be_read_is_named_and_the_rest_stands(transactional_db, look, only, gone):
    only(gone, applications())
    add(in_days(-1))

    text = look()

    assert "Vanished data – Its database did not answer." in text
    assert "Applications At most 6 weeks" in text


def test_before_the_first_publication_nothing_is_promised(client, staff, content, only):
    only(applications())
    client.force_login(staff("publisher"))

    assert "does not promise" in client.get(PAGE).content.decode()
