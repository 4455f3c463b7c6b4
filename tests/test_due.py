"""Jobs that run from time to time: all of them, also when one fails."""

from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import InterfaceError, OperationalError

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


@pytest.mark.parametrize("fault", [OperationalError("away"), InterfaceError("closed"), ValueError("a fault of ours")])
def test_a_job_that_fails_keeps_no_other_from_running_and_is_told(db, jobs, fault, caplog):
    ran = []

    def fail(now):
        raise fault

    jobs("first", fail)
    jobs("second", lambda now: ran.append(now) or "done")

    with pytest.raises(due.Failed, match="first") as failed:
        due.run(NOW)
    assert ran == [NOW]
    assert failed.value.done == {"second": "done"}
    assert "first failed" in caplog.text


def test_the_command_ends_in_failure_when_a_job_failed_after_telling_of_the_others(db, jobs, capsys):
    def fail(now):
        raise OperationalError("away")

    jobs("first", fail)
    jobs("second", lambda now: "done")

    with pytest.raises(CommandError, match="Failed: first"):
        call_command("run_due")
    assert capsys.readouterr().out == "second: done\n"


def test_the_command_prints_what_was_done(jobs, capsys):
    jobs("first", lambda now: "did something")

    call_command("run_due")

    assert capsys.readouterr().out == "first: did something\n"


def test_publishing_counting_and_sealing_are_registered():
    assert {"publication", "statistics", "seals"} <= set(due._jobs)
