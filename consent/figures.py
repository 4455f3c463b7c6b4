"""Figures for monitoring: whether records are counted and sealed. No record is read but the first."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from retention.figures import gauge

from .counting import day_start
from .models import CountedUpTo, SealedDay
from .sealing import GRACE, first_day


def looked_up() -> Iterator[Metric]:
    """Three queries at most."""
    yield from _counting()
    yield from _seals()


def _counting() -> Iterator[Metric]:
    until = GaugeMetricFamily(
        "privacy_counted_until_timestamp_seconds",
        "Up to when choices have been counted for the statistics. It moves as long as the scheduler runs.",
    )
    for moment in CountedUpTo.objects.values_list("moment", flat=True):
        until.add_metric([], moment.timestamp())
    yield until


def _seals() -> Iterator[Metric]:
    earlier = SealedDay.objects.filter(day__lt=OuterRef("day")).exclude(key="")
    newest = SealedDay.objects.annotate(was_signed=Exists(earlier)).values("day", "key", "was_signed").first()
    until = GaugeMetricFamily(
        "privacy_sealed_until_timestamp_seconds",
        "The end of the last sealed day: whatever arrived before is sealed.",
    )
    day = newest["day"] + timedelta(days=1) if newest else first_day()
    if newest and day:
        until.add_metric([], day_start(day).timestamp())
    yield until
    over = timezone.localdate(timezone.now() - GRACE)
    yield gauge(
        "privacy_seal_days_waiting",
        "Days that have been over for an hour and are not sealed.",
        max((over - day).days, 0) if day else 0,
    )
    yield gauge(
        "privacy_seal_key_missing",
        "1 where earlier days were signed and the last one is not: the scheduler has lost its SEAL_SIGNING_KEY.",
        bool(newest and newest["was_signed"] and not newest["key"]),
    )
