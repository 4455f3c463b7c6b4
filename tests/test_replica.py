"""Exports and statistics are read from a standby that holds all there is, or from the primary."""

import logging
from datetime import date, timedelta

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consent import bundling, exporting, statistics
from consent.models import ConsentRecord
from consent.sealing import seal_closed_days
from consent.statistics import Period
from retention import routing
from retention.checking import connection_names
from retention.routing import REPLICA, Reading, for_reading

from .arriving import arrive, at, once_closed
from .drills.postgres import free_port
from .test_statistics import add

DAY = date(2026, 5, 20)
postgresql = pytest.mark.skipif(
    not settings.DATABASES["default"]["ENGINE"].endswith("postgresql"), reason="SQLite has no standby"
)


@pytest.fixture
def replica(monkeypatch):
    """``replica(PORT=…)`` names a replica that differs from the database of the tests in so much."""

    def name(**changes):
        monkeypatch.setitem(connections.settings, REPLICA, connection.settings_dict)
        # A connection of its own, which the tests' guard takes for one to the database that they may use.
        connections[REPLICA] = connection.copy()
        connections[REPLICA].settings_dict.update(changes)
        connections[REPLICA].settings_dict["OPTIONS"].pop("pool", None)

    monkeypatch.setattr(routing, "_left_alone_until", 0.0)
    yield name
    if REPLICA in connections.settings:
        connections[REPLICA].close()
        del connections[REPLICA]


def test_without_a_replica_nobody_is_asked(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert for_reading() == "default"


@postgresql
def test_a_replica_that_is_away_is_left_alone_for_a_while(db, replica, caplog):
    replica(PORT=free_port())

    with caplog.at_level(logging.WARNING):
        assert [for_reading(), for_reading()] == ["default", "default"]

    assert [record.getMessage() for record in caplog.records] == [
        "The replica is away (OperationalError); the primary is read instead"
    ]


@postgresql
def test_a_server_that_does_not_follow_the_primary_is_not_read(db, replica, monkeypatch, caplog):
    replica()  # a primary itself
    monkeypatch.setattr(routing, "CATCH_UP_SECONDS", 0.0)

    with caplog.at_level(logging.WARNING):
        assert [for_reading(), for_reading()] == ["default", "default"]

    assert [record.getMessage() for record in caplog.records] == [
        "The replica lags behind by more than 0.0 s; the primary is read instead"
    ]


@postgresql
def test_an_export_whose_replica_breaks_off_goes_on_with_the_primary(transactional_db, published, replica, monkeypatch):
    replica()
    monkeypatch.setattr(routing, "for_reading", lambda: REPLICA)
    monkeypatch.setattr(exporting, "CHUNK", 2)
    ids = sorted(arrive(at(DAY)).pk for _ in range(5))

    records = exporting.select(ConsentRecord.objects.all())
    first = [next(records).pk, next(records).pk]
    with connections[REPLICA].cursor() as cursor, connection.cursor() as ours:
        cursor.execute("SELECT pg_backend_pid()")
        ours.execute("SELECT pg_terminate_backend(%s)", [cursor.fetchone()[0]])

    assert first + [record.pk for record in records] == ids


@postgresql
@pytest.mark.parametrize("is_noticed_at_once", [True, False], ids=["at once", "at the question"])
def test_without_its_replica_the_office_reads_the_same_figures(published, replica, monkeypatch, is_noticed_at_once):
    replica(PORT=free_port())
    if not is_noticed_at_once:
        monkeypatch.setattr(routing, "for_reading", lambda: REPLICA)
    add(DAY, accepted=1)
    period = Period(DAY, DAY)

    assert statistics.together(statistics.series(statistics.chosen(period), period)).asked == 1
    assert statistics.jumped(DAY) == []


@postgresql
def test_a_report_goes_back_to_no_replica_that_it_has_lost(db, replica, monkeypatch):
    replica(PORT=free_port())
    monkeypatch.setattr(routing, "for_reading", lambda: REPLICA)
    reading = Reading()
    assert reading.rows(ConsentRecord.objects.all()) == []

    replica()  # another server, which nobody has asked how far it is

    with CaptureQueriesContext(connections[REPLICA]) as asked:
        assert reading.rows(ConsentRecord.objects.all()) == []
    assert len(asked) == 0


def test_a_bundle_decides_once_where_it_is_read(transactional_db, published, monkeypatch):
    asked = []
    monkeypatch.setattr(routing, "for_reading", lambda: asked.append(1) or "default")
    for day in (DAY, DAY + timedelta(days=1)):
        arrive(at(day))
        arrive(at(day), website="other")
    seal_closed_days(once_closed(DAY + timedelta(days=1)))
    some = exporting.Selection(website="website")

    assert b"".join(bundling.bundle(some.records(), query=some.said(), now=timezone.now()))
    assert len(asked) == 1


def test_the_replica_is_no_database_in_which_promises_are_kept(db, replica):
    replica()

    assert connection_names() == []
