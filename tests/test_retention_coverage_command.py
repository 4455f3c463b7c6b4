"""``manage.py retention_coverage``: a table, an exit code for monitoring, and figures for Prometheus."""

import json
import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from policies.models import ProcessingPurpose

from .foreign import declared
from .target_database import declare
from .test_coverage import ALIAS, NOBODY_LISTENS, OURS, SESSIONS, promise, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def only_ours(published, publish):
    """A statement in force of which nothing is promised but what the product keeps itself."""
    others = ProcessingPurpose.objects.exclude(slug__in={purpose for purpose, _rule in OURS} | {"cookies"})
    others.exclude(parent=None).delete()
    others.delete()
    ProcessingPurpose.objects.get(slug="cookies").retention.all().delete()
    publish()


def call(capsys, **options):
    """What the command says, and its exit code."""
    code = 0
    try:
        call_command("retention_coverage", **options)
    except SystemExit as exit_:
        code = exit_.code
    return capsys.readouterr().out, code


def test_where_every_promise_is_kept_the_exit_code_is_0(only_ours, capsys):
    for key in OURS:
        run(key)

    said, code = call(capsys)

    assert code == 0
    assert "Promises: 6 (kept 6)." in said


def test_where_rows_are_overdue_it_is_1(only_ours, capsys):
    for key in OURS:
        run(key)
    Session.objects.create(session_key="a", session_data="", expire_date=timezone.now() - timedelta(days=3))

    said, code = call(capsys)

    assert code == 1
    assert re.search(r"site-administration / staff-sessions +staff-sessions +overdue +1 ", said)
    assert "Overdue rows: 1." in said


def test_where_nothing_keeps_a_promise_it_is_1(published, capsys):
    said, code = call(capsys)

    assert code == 1
    assert re.search(r"contact / until-contact-satisfied +– +nothing keeps it", said)


def test_where_a_database_is_away_it_is_2(only_ours, capsys):
    for key in OURS:
        run(key)
    with declared(NOBODY_LISTENS):
        declare(promise(*SESSIONS), connection=ALIAS, slug="elsewhere")

        said, code = call(capsys)

    assert code == 2
    assert "elsewhere: The database does not answer (OperationalError)." in said


def test_where_nothing_is_in_force_it_says_so(db, capsys):
    said, code = call(capsys)

    assert code == 1  # targets of ours wait for a promise
    assert "nothing promises this" in said


def test_the_same_can_be_read_by_a_program(published, capsys):
    said, _code = call(capsys, format="json")

    answer = json.loads(said)
    assert answer["version"] == 1
    assert len(answer["promises"]) == 24
    sessions = next(one for one in answer["promises"] if one["rule"] == "staff-sessions")
    assert sessions["state"] == "never-run"
    assert sessions["targets"][0]["overdue"] == 0
    assert sessions["wording"].keys() == {"en", "nl"}


def test_what_it_found_can_be_read_by_prometheus(published, capsys):
    run(SESSIONS)

    said, code = call(capsys, format="prometheus")

    # Else what writes the figures to a file, and moves it when all went well, would keep those of better days.
    assert code == 0
    values = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for figure in text_string_to_metric_families(said)
        for sample in figure.samples
    }
    sessions = [("purpose", "site-administration"), ("rule", "staff-sessions"), ("target", "staff-sessions")]
    assert values["privacy_retention_overdue_rows", *sessions] == 0
    assert values["privacy_retention_target_up", *sessions] == 1
    assert values["privacy_retention_promises", ("state", "no-target")] == 12
    assert values["privacy_retention_promises", ("state", "not-stated")] == 6
    assert values[("privacy_retention_targets_without_promise",)] == 0
    assert timezone.now().timestamp() - values[("privacy_retention_census_timestamp_seconds",)] < 60


def test_for_prometheus_a_target_that_is_away_is_a_figure_as_well(only_ours, capsys):
    with declared(NOBODY_LISTENS):
        declare(promise(*SESSIONS), connection=ALIAS, slug="elsewhere")

        said, code = call(capsys, format="prometheus")

    assert code == 0
    assert re.search(r'^privacy_retention_target_up{.*target="elsewhere".*} 0', said, re.MULTILINE)


def test_without_our_own_database_there_is_nothing_to_tell(db, capsys):
    def refuse(execute, sql, params, many, context):
        raise OperationalError("the server is away")

    with connection.execute_wrapper(refuse), pytest.raises(CommandError) as refused:
        call(capsys, format="prometheus")

    assert refused.value.returncode == 2
    assert capsys.readouterr().out == ""
