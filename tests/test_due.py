"""Jobs that run from time to time: all of them, also when one fails."""

from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.db import OperationalError

from retention import due

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@pytest.fixture
def jobs(monkeypatch):
    """No jobs but those that a test registers."""
    monkeypatch.setattr(due, "_jobs", {})
    return due.register


def test_each_job_is_given_the_moment_and_tells_what_it_did(jobs):
    jobs("first", lambda now: f"looked at {now:%H:%M}")
    jobs("second", lambda now: "")

    assert due.run(NOW) == {"first": "looked at 01:30"}


def test_a_database_that_fails_one_job_keeps_no_other_from_running_and_is_told(jobs):
    ran = []

    def fail(now):
        raise OperationalError("away")

    jobs("first", fail)
    jobs("second", ran.append)

    with pytest.raises(OperationalError):
        due.run(NOW)
    assert ran == [NOW]


def test_the_command_prints_what_was_done(jobs, capsys):
    jobs("first", lambda now: "did something")

    call_command("run_due")

    assert capsys.readouterr().out == "first: did something\n"


def test_publishing_counting_and_sealing_are_registered():
    assert {"publication", "statistics", "seals"} <= set(due._jobs)
