"""The first page of the desk: what needs attention, for whom, and nothing that they may not open."""

import re
from datetime import date, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from consent.models import CountedUpTo, DailyCount, SealedDay
from policies import workflow
from policies.content_file import load
from policies.models import DataCategory, ProcessingPurpose, Proposal, Section, StatementVersion
from policies.publishing import look_at_draft
from policies.review import Severity
from privacy_site import dashboard
from privacy_site.dashboard import Desk, Urgency
from retention.models import RetentionRun, RunUnderWay
from tests.conftest import once
from tests.target_database import declare, to_declare

pytestmark = pytest.mark.django_db

EXAMPLE = Path(__file__).parent.parent / "content" / "example.yaml"
INDEX = "/admin/"
SUMMARY = {"en": "A shorter period.", "nl": "Een kortere termijn."}
ERROR, WARNING, NOTE = Urgency.ERROR, Urgency.WARNING, Urgency.NOTE


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def anna(staff):
    return staff("editor", name="anna")


@pytest.fixture
def petra(staff):
    return staff("publisher", name="petra")


@pytest.fixture
def otto(staff):
    return staff("auditor", name="otto")


@pytest.fixture
def flawless(db, publish, remembered):
    """A content in which the review finds nothing, published; and all that is due has been done."""

    def make():
        load(EXAMPLE.read_text(encoding="utf-8"))
        publish()
        for promise in to_declare():
            declare(promise, connection="elsewhere")

    once(remembered, "flawless", make)
    CountedUpTo.objects.create(id=1, moment=timezone.now())
    return StatementVersion.objects.get()


def told(look, user, now=None):
    """What ``look`` has to say to ``user``: urgencies and sentences."""
    return [(line.urgency, line.sentence) for line in look(Desk(user, now or timezone.now()))]


def edit():
    row = DataCategory.objects.first()
    row.name_en, row.name_nl = "Something else", "Iets anders"
    row.save()
    return row


# -- Nothing and everything ---------------------------------------------------------------------


def test_where_all_is_well_the_page_says_so_calmly(admin_client, flawless):
    page = admin_client.get(INDEX)

    assert page.context["attention"] == []
    assert "Nothing. All is as it should be." in page.text


def test_the_most_urgent_stands_first(admin_client, published, petra, now):
    edit()
    RetentionRun.objects.create(
        rule="applicants",
        target="mailbox",
        cut_off=now,
        is_dry=False,
        run_by="cron",
        result="failed",
        error="No disk.",
        started_at=now,
    )

    page = admin_client.get(INDEX)

    urgencies = [line.urgency for line in page.context["attention"]]
    assert urgencies == sorted(urgencies)
    assert {ERROR, WARNING, NOTE} == set(urgencies)
    assert "Nothing. All is as it should be." not in page.text


def test_each_line_leads_to_a_page_that_opens(admin_client, published, now):
    edit()
    Section.objects.filter(slug="rights").update(heading_nl="")
    DailyCount.objects.create(day=date(2026, 1, 1), website="website", language="nl", gpc=False, asked=1, accepted=1)
    CountedUpTo.objects.create(id=1, moment=now - timedelta(days=1))
    RetentionRun.objects.create(
        rule="applicants",
        target="mailbox",
        cut_off=now,
        is_dry=False,
        run_by="cron",
        result="failed",
        error="No disk.",
        started_at=now,
    )

    lines = admin_client.get(INDEX).context["attention"]

    assert len(lines) >= 7
    for line in lines:
        assert admin_client.get(line.url).status_code == 200, line


# -- The draft ----------------------------------------------------------------------------------


def test_errors_and_warnings_are_counted_and_lead_to_the_review(flawless, anna):
    ProcessingPurpose.objects.update(opt_out="")
    draft = look_at_draft()
    errors = sum(finding.severity == Severity.ERROR for finding in draft.findings)
    warnings = sum(finding.severity == Severity.WARNING for finding in draft.findings)
    assert errors

    lines = list(dashboard.findings(Desk(anna, timezone.now())))

    first = lines[0]
    assert first.urgency == ERROR
    assert first.sentence.startswith(f"{errors} error")
    assert first.sentence.endswith("of the draft stand in the way of publishing it.") or errors == 1
    assert urlsplit(first.url).path == reverse("admin:policies_statementversion_review")
    assert parse_qs(urlsplit(first.url).query) == {"severity": ["error"]}
    assert [line.urgency for line in lines[1:]] == [WARNING] * bool(warnings)


def test_a_text_that_lacks_a_language_is_told_apart(flawless, anna):
    Section.objects.filter(page="statement").update(heading_nl="")
    missing = Section.objects.filter(page="statement").count()

    lines = list(dashboard.findings(Desk(anna, timezone.now())))

    assert [line.sentence for line in lines if "code=S2" in line.url] == [f"{missing} texts lack a language."]
    assert not [line for line in lines if "stand in the way" in line.sentence]


def test_a_text_that_was_changed_in_one_language_only_is_told_apart(flawless, anna):
    section = Section.objects.filter(page="statement").exclude(text_en="").first()
    section.text_en += "\n\nWe would like to hear from you."
    section.save()

    lines = list(dashboard.findings(Desk(anna, timezone.now())))

    assert [(line.urgency, line.sentence) for line in lines if "code=L10" in line.url] == [
        (WARNING, "1 text was changed in one language only since the last version.")
    ]


def test_findings_that_are_waived_are_a_note_and_no_error(published, anna):
    findings = look_at_draft().findings
    number = sum(finding.waiver is not None for finding in findings)
    assert number > 1

    assert told(dashboard.waived, anna) == [
        (NOTE, f"{number} findings are waived: somebody answers for each with a reason.")
    ]
    assert not [sentence for urgency, sentence in told(dashboard.findings, anna) if urgency == ERROR]


def test_changes_that_are_not_published_are_told_by_their_lists(flawless, anna):
    assert told(dashboard.unpublished, anna) == []

    edit()
    assert told(dashboard.unpublished, anna) == [(NOTE, "1 change is not published yet: Data categories (1).")]


def test_a_desk_that_never_published_is_told_so(content, anna):
    assert told(dashboard.unpublished, anna) == [(NOTE, "Nothing has been published yet.")]


def test_an_empty_desk_opens(admin_client):
    assert admin_client.get(INDEX).status_code == 200


# -- Proposals ----------------------------------------------------------------------------------


@pytest.fixture
def submitted(flawless):
    edit()
    return workflow.submit(by="anna", change_summary=SUMMARY)


def test_a_proposal_waits_for_those_who_may_approve_it(submitted, anna, petra, otto):
    waits = f"Proposal {submitted.pk} of anna waits for"

    assert told(dashboard.proposals, petra) == [(WARNING, f"{waits} your approval.")]
    for other in (anna, otto):
        assert told(dashboard.proposals, other) == [(NOTE, f"{waits} the approval of somebody else.")]


def test_who_submitted_is_not_asked_to_approve(flawless, petra):
    edit()
    proposal = workflow.submit(by="petra", change_summary=SUMMARY)

    assert told(dashboard.proposals, petra) == [
        (NOTE, f"Proposal {proposal.pk} of petra waits for the approval of somebody else.")
    ]


def test_what_is_approved_waits_for_a_publisher(submitted, anna, petra):
    workflow.approve(submitted, by="petra")

    sentence = f"Proposal {submitted.pk} of anna waits to be published."
    assert told(dashboard.proposals, petra) == [(WARNING, sentence)]
    assert told(dashboard.proposals, anna) == [(NOTE, sentence)]


def test_without_four_eyes_a_proposal_waits_to_be_published(submitted, petra, settings):
    settings.FOUR_EYES = False

    assert told(dashboard.proposals, petra) == [(WARNING, f"Proposal {submitted.pk} of anna waits to be published.")]


def test_a_proposal_that_an_edit_voided_says_why(submitted, petra):
    Section.objects.filter(page="statement").update(heading_en="Your own rights")

    [(urgency, sentence)] = told(dashboard.proposals, petra)

    assert urgency == WARNING
    assert sentence.startswith(f"Proposal {submitted.pk} is void. The draft")


@pytest.mark.parametrize(
    ("late", "urgency", "end"),
    [
        (-timedelta(hours=1), NOTE, "will be in force from {moment}."),
        (timedelta(minutes=4), NOTE, "will be in force from {moment}."),
        (timedelta(minutes=6), ERROR, "was to be in force from {moment} and is not published. Ask the administrator"),
    ],
)
def test_a_scheduled_version_is_announced_and_missed_when_nobody_publishes_it(submitted, anna, now, late, urgency, end):
    moment = now + timedelta(hours=1)
    workflow.approve(submitted, by="petra")
    workflow.publish_proposal(Proposal.objects.get(), by="petra", effective_at=moment)

    [(found, sentence)] = told(dashboard.proposals, anna, moment + late)

    assert found == urgency
    shown = f"{timezone.localtime(moment):%-d %B %Y, %H:%M}"
    assert f"Proposal {submitted.pk} {end.format(moment=shown)}" in sentence


def test_a_proposal_that_is_closed_is_no_longer_told(submitted, petra):
    workflow.withdraw(submitted, by="anna")

    assert told(dashboard.proposals, petra) == []


# -- What runs by itself ------------------------------------------------------------------------


def run(now, *, error="", rule="applicants", target="mailbox", ago=0, result="failed", is_dry=False):
    moment = now - timedelta(hours=ago)
    RetentionRun.objects.create(
        rule=rule, target=target, cut_off=moment, is_dry=is_dry, run_by="cron", error=error, started_at=moment,
        result=result if error else "done", finished_at=moment,
    )  # fmt: skip


def test_a_retention_run_that_failed_is_told_until_the_next_succeeds(otto):
    now = datetime(2026, 5, 1, 10, tzinfo=timezone.get_default_timezone())
    run(now, error="No connection.", ago=3)
    sentence = "Erasing by the rule “applicants” stopped on 1 May 2026, 07:00: mailbox."
    assert told(dashboard.failed_runs, otto) == [(ERROR, sentence)]

    run(now, target="archive", ago=2)
    run(now, rule="customers", ago=2)
    assert told(dashboard.failed_runs, otto) == [(ERROR, sentence)]

    run(now, ago=1)
    assert told(dashboard.failed_runs, otto) == []


def test_a_retention_run_that_was_refused_is_a_warning_that_leads_to_it(otto, now):
    run(now, error="Too much is due.", result="refused")
    run(now, error="Too much is due.", result="refused", target="tried out", is_dry=True)

    [line] = dashboard.failed_runs(Desk(otto, now))

    assert line.urgency == WARNING
    assert "was refused on" in line.sentence
    assert line.url == reverse("admin:retention_retentionrun_change", args=[RetentionRun.objects.get(is_dry=False).pk])


@pytest.mark.parametrize(("hours", "is_stuck"), [(23, False), (25, True)])
def test_a_retention_run_that_stands_still_for_a_day_is_told(otto, now, hours, is_stuck):
    RunUnderWay.objects.create(
        rule="applicants", target="mailbox", cut_off=now, run_by="run_due", started_at=now - timedelta(days=9)
    )

    lines = told(dashboard.stuck_runs, otto, timezone.now() + timedelta(hours=hours))

    assert [urgency for urgency, _sentence in lines] == [ERROR] * is_stuck
    assert all("has stood still since" in sentence for _urgency, sentence in lines)


def test_a_consent_rate_that_jumped_is_told_with_the_names_of_the_desk(published, otto, now):
    today = timezone.localdate(now)
    for ago, accepted in ((1, 90), (20, 50)):
        DailyCount.objects.create(
            day=today - timedelta(days=ago), website="website", language="nl", category="analytical", gpc=False,
            asked=100, accepted=accepted, refused=100 - accepted,
        )  # fmt: skip

    [line] = dashboard.jumps(Desk(otto, now))

    assert line.urgency == WARNING
    assert "in the last seven days 90.0% consented to “Analytical”, in the four weeks before 50.0%." in line.sentence
    assert parse_qs(urlsplit(line.url).query) == {"days": ["90"], "website": ["website"], "category": ["analytical"]}


@pytest.mark.parametrize(("minutes", "is_late"), [(1, False), (59, False), (61, True)])
def test_a_count_that_stands_still_is_told_after_an_hour(otto, now, minutes, is_late):
    CountedUpTo.objects.create(id=1, moment=now - timedelta(minutes=minutes))

    lines = told(dashboard.late_count, otto, now)

    assert [urgency for urgency, _sentence in lines] == [ERROR] * is_late
    assert all("are counted up to" in sentence for _urgency, sentence in lines)


def test_a_count_that_never_began_is_told_an_hour_after_the_first_publication(published, otto):
    since = published.published_at

    assert told(dashboard.late_count, otto, since + timedelta(minutes=59)) == []
    assert [urgency for urgency, _sentence in told(dashboard.late_count, otto, since + timedelta(minutes=61))] == [
        ERROR
    ]


def test_where_nothing_is_published_nothing_has_to_be_counted(otto):
    assert told(dashboard.late_count, otto) == []


def seal(day):
    return SealedDay.objects.create(
        day=day, count=0, root="0" * 64, digest=f"{day:%Y%m%d}".zfill(64), previous=f"{day:%Y%m%d}".zfill(60)
    )


@pytest.mark.parametrize(("days", "number"), [(1, 0), (2, 0), (3, 0), (4, 1), (10, 7)])
def test_days_that_ended_two_days_ago_and_are_not_sealed_are_told(otto, days, number):
    now = datetime(2026, 5, 20, 12, tzinfo=timezone.get_default_timezone())
    seal(now.date() - timedelta(days=days))

    lines = told(dashboard.unsealed, otto, now)

    assert lines == [
        (
            ERROR,
            f"The records of {number} past day{'s' * (number > 1)} are not sealed. "
            "Ask the administrator whether the scheduler runs.",
        )
    ] * bool(number)


def test_before_the_first_seal_the_first_day_with_answers_is_what_counts(otto):
    now = datetime(2026, 5, 20, 12, tzinfo=timezone.get_default_timezone())
    assert told(dashboard.unsealed, otto, now) == []

    DailyCount.objects.create(day=date(2026, 5, 13), website="website", language="nl", gpc=False, asked=1, accepted=1)

    [(urgency, sentence)] = told(dashboard.unsealed, otto, now)
    assert urgency == ERROR
    assert sentence.startswith("The records of 5 past days")


# -- The page -----------------------------------------------------------------------------------


def test_the_page_says_what_is_in_force_since_when_and_by_whom(client, submitted, petra):
    workflow.approve(submitted, by="petra")
    workflow.publish_proposal(Proposal.objects.get(), by="paul")
    client.force_login(petra)

    page = client.get(INDEX).text

    version = StatementVersion.objects.first()
    assert reverse("admin:policies_statementversion_change", args=[version.pk]) in page
    moment = f"{timezone.localtime(version.effective_at):%-d %B %Y, %H:%M}"
    assert f"in force since {moment}. Submitted by anna, approved by petra, published by paul." in page


def test_the_page_shows_the_version_in_force_not_one_that_comes(client, flawless, petra, publish):
    edit()
    publish(effective_at=timezone.now() + timedelta(days=1))
    client.force_login(petra)

    page = client.get(INDEX)

    assert page.context["version"].number == 1
    assert "Published by anna." in page.text


def test_the_last_thirty_days_are_a_small_chart_with_the_way_to_the_statistics(client, otto, now):
    DailyCount.objects.create(
        day=timezone.localdate(now), website="website", language="nl", gpc=False, asked=5, accepted=4, refused=1
    )
    client.force_login(otto)

    page = client.get(INDEX).text

    assert len(re.findall(r"<g><title>", page)) == 30
    assert "80.0%" in page
    assert f'href="{reverse("admin:consent_statistics")}"' in page


@pytest.mark.parametrize(
    ("group", "sees", "sees_not"),
    [
        (
            "editor",
            ["is not published yet", "in force since", "never been counted", "Statistics of consent", "Retention runs"],
            ["waits for your approval", "Sealed days"],
        ),
        ("publisher", ["waits for your approval", "never been counted", "Retention runs"], ["/admin/auth/user/"]),
        ("auditor", ["never been counted", "in force since", "Statistics of consent"], ["is not published yet"]),
    ],
)
def test_what_somebody_may_not_open_is_not_told(client, staff, flawless, group, sees, sees_not):
    edit()
    workflow.submit(by="hans", change_summary=SUMMARY)
    CountedUpTo.objects.all().delete()
    user = staff(group)
    client.force_login(user)

    page = client.get(INDEX).text
    two_hours_later = Desk(user, timezone.now() + timedelta(hours=2))
    lines = " ".join(line.sentence for line in dashboard.attention(two_hours_later))

    for words in sees:
        assert words in page + lines, words
    for words in sees_not:
        assert words not in page + lines, words


def test_who_may_do_nothing_is_told_nothing(client, django_user_model, published):
    edit()
    client.force_login(django_user_model.objects.create_user("zoe", is_staff=True))

    page = client.get(INDEX)

    assert page.context["attention"] == []
    assert page.context["version"] is None
    assert page.context["recent"] is None
    assert "in force since" not in page.text


def test_every_page_that_the_index_lists_opens_for_who_sees_it(client, staff, published):
    for group in ("editor", "publisher", "auditor"):
        client.force_login(staff(group))
        groups = client.get(INDEX).context["app_list"]
        pages = [entry["admin_url"] for group in groups for entry in group["models"] if "model" not in entry]
        assert len(pages) >= 3
        for url in pages:
            assert client.get(url).status_code == 200, (group, url)


def test_the_page_asks_no_more_of_the_database_with_more_rows_and_never_for_a_consent_record(admin_client, published):
    def queries():
        with CaptureQueriesContext(connection) as found:
            assert admin_client.get(INDEX).status_code == 200
        return [query["sql"] for query in found]

    def more(number):
        for day in range(number):
            DailyCount.objects.create(
                day=timezone.localdate() - timedelta(days=day), website=f"site-{number}-{day}", language="nl",
                gpc=False, asked=200, accepted=200,
            )  # fmt: skip
            moment = timezone.now() - timedelta(days=day)
            run(moment, error="No disk.", rule=f"rule-{number}")
            DataCategory.objects.create(slug=f"data-{number}-{day}", name_en="Shoe size", name_nl="Schoenmaat")

    edit()
    more(1)
    queries()
    few = queries()
    more(3)
    many = queries()

    assert len(many) == len(few) <= 90
    assert not [sql for sql in many if '"consent_consentrecord"' in sql]
    assert [sql for sql in many if '"consent_dailycount"' in sql]


def test_every_look_has_a_name_of_its_own():
    assert len({look.__name__ for look in dashboard.LOOKS}) == len(dashboard.LOOKS) == 10
