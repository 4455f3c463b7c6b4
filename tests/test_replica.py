"""Exports and statistics are read from a standby that holds all there is, or from the primary."""

import logging
from datetime import date

import pytest
from django.conf import settings
from django.db import connection, connections

from consent import exporting, statistics
from consent.models import ConsentRecord
from consent.statistics import Period
from retention import routing
from retention.checking import connection_names
from retention.routing import REPLICA, for_reading

from .arriving import arrive, at
from .drills.postgres import free_port

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
        assert for_reading() == "default"

    assert "lags behind" in caplog.text


@postgresql
def test_an_export_whose_replica_breaks_off_goes_on_with_the_primary(transactional_db, published, replica, monkeypatch):
    replica()
    monkeypatch.setattr(exporting, "for_reading", lambda: REPLICA)
    monkeypatch.setattr(exporting, "CHUNK", 2)
    ids = sorted(arrive(at(DAY)).pk for _ in range(5))

    records = exporting.select(ConsentRecord.objects.all())
    first = [next(records).pk, next(records).pk]
    with connections[REPLICA].cursor() as cursor, connection.cursor() as ours:
        cursor.execute("SELECT pg_backend_pid()")
        ours.execute("SELECT pg_terminate_backend(%s)", [cursor.fetchone()[0]])

    assert first + [record.pk for record in records] == ids


@postgresql
def test_without_its_replica_the_office_reads_the_same_figures(published, replica):
    replica(PORT=free_port())

    assert list(statistics.chosen(Period(DAY, DAY))) == []


def test_the_replica_is_no_database_in_which_promises_are_kept(db, replica):
    replica()

    assert connection_names() == []
