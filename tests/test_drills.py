"""The drills do not rot: the cheapest of them for a few seconds, and what a drill says where something is lost."""

import pytest
from django.conf import settings

from .drills import postgres, visitors
from .drills.__main__ import table
from .drills.scenarios import DRILLS, Result, worker

ID = "019aad0c-0000-7000-8000-000000000000"
BODY = {
    "id": ID,
    "website": "website",
    "version": 1,
    "banner": "0" * 64,
    "language": "nl",
    "gpc": False,
    "action": "reject_all",
    "choices": {"analytical": False},
    "decided_at": "2026-11-23T08:00:00+00:00",
}


class Holding:
    """In the place of a database: it holds these rows."""

    def __init__(self, *rows):
        self.rows = rows

    def sql(self, statement):
        return self.rows


def stored(**changes):
    return (ID, *visitors.as_stored(BODY | changes))


def acknowledged():
    there = visitors.Visitors(port=0)
    there.choices = [visitors.Choice(BODY, times_sent=1, acknowledged_at=1.0)]
    return there


def test_an_acknowledged_choice_that_is_stored_as_it_was_sent_is_not_lost():
    assert acknowledged().lost(Holding(stored())) == []


def test_an_acknowledged_choice_that_is_missing_or_differs_is_lost():
    assert acknowledged().lost(Holding()) == [ID]
    assert acknowledged().lost(Holding(stored(choices={"analytical": True}))) == [ID]


def test_a_drill_that_loses_or_never_delivers_is_not_well():
    there = acknowledged()
    well = Result("worker", there, [], 0.0)
    assert well.is_well
    assert not Result("worker", there, [ID], 0.0).is_well

    there.choices.append(visitors.Choice(BODY))
    assert not well.is_well


def test_the_table_has_a_row_for_each_drill():
    lines = table([Result(name, acknowledged(), [], 0.0) for name in DRILLS]).splitlines()

    assert [line.split(" | ")[0] for line in lines if line.startswith("| ")][2:] == [f"| {name}" for name in DRILLS]


@pytest.mark.processes
@pytest.mark.skipif(
    not settings.DATABASES["default"]["ENGINE"].endswith("postgresql") or postgres.programs() is None,
    reason="needs PostgreSQL's server programs",
)
def test_a_web_process_that_is_killed_under_load_loses_no_choice():
    result = worker(2)

    assert result.is_well, (result.lost, result.faults, result.visitors.refused[-3:])
    assert len(result.visitors.acknowledged) > 20
    assert result.visitors.pages > 20
