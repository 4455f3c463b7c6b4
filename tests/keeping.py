"""Throwaway data that a promise is about, for tests of what keeps promises."""

from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

from django.apps.registry import Apps
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.utils import timezone

from retention.model_target import ModelTarget
from retention.periods import Period
from retention.promises import Promise
from retention.terms import Event, Terms

TABLE = """
CREATE TABLE visits (
    id integer PRIMARY KEY, began_at {moment}, began_on date, left_at {moment}, name varchar(80), phone varchar(20),
    born_on date, amount integer, kind varchar(20) NOT NULL DEFAULT 'guest', is_disputed {boolean} NOT NULL
)
"""


class Visit(models.Model):
    """A row of a table that no migration knows."""

    id = models.IntegerField(primary_key=True)
    began_at = models.DateTimeField(null=True)
    began_on = models.DateField(null=True)
    left_at = models.DateTimeField(null=True)
    name = models.CharField(max_length=80, null=True)  # noqa: DJ001 - a table of somebody else
    phone = models.CharField(max_length=20, null=True)  # noqa: DJ001
    born_on = models.DateField(null=True)
    amount = models.IntegerField(null=True)
    kind = models.CharField(max_length=20, default="guest")
    is_disputed = models.BooleanField(default=False)

    class Meta:
        apps = Apps()
        app_label = "tests"
        db_table = "visits"

    def __str__(self):
        return f"visit {self.pk}"


def make_table(alias=DEFAULT_DB_ALIAS):
    types = {"postgresql": ("timestamptz", "boolean"), "sqlite": ("datetime", "bool")}
    moment, boolean = types[connections[alias].vendor]
    with connections[alias].cursor() as cursor:
        cursor.execute(TABLE.format(moment=moment, boolean=boolean))


def drop_table(alias=DEFAULT_DB_ALIAS):
    with connections[alias].cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS visits")


def visits(number, *, days_ago, first=1, alias=DEFAULT_DB_ALIAS, **more):
    """``number`` rows that began so many days ago, the first of them a minute before the next."""
    began = timezone.now() - timedelta(days=days_ago)
    rows = [
        Visit(**{"id": first + at, "began_at": began + timedelta(minutes=at), "name": f"Guest {first + at}"} | more)
        for at in range(number)
    ]
    return Visit.objects.using(alias).bulk_create(rows)


def ids(alias=DEFAULT_DB_ALIAS):
    return list(Visit.objects.using(alias).order_by("pk").values_list("pk", flat=True))


def target(**changes):
    facts = {
        "slug": "visits", "name": "Visits", "purpose": "reception", "rule": "visitors", "model": Visit,
        "trigger": "began_at", "max_share": 1.0, "batch_size": 3,
    }  # fmt: skip
    return ModelTarget(**facts | changes)


def event(slug):
    return Event(slug, {"en": slug, "nl": slug})


def terms(period="P30D", *, action="erase", early=(), slug="visitors"):
    return Terms(
        slug=slug,
        trigger=event("visit"),
        follows=None,
        period=Period.parse(period) if period else None,
        is_maximum=True,
        action=action,
        needs_consent=False,
        ends_early_on=tuple(event(each) for each in early),
        exceptions=(),
    )


def promise(period="P30D", *, version=7, purpose="reception", **more):
    return Promise(
        purpose=purpose,
        title={"en": "Reception", "nl": "Ontvangst"},
        terms=terms(period, **more),
        wording={"en": f"At most {period} after the visit", "nl": f"Maximaal {period} na het bezoek"},
        applies_when={"en": "", "nl": ""},
        version=version,
    )


def moment(day, hour=0, minute=0):
    """In Amsterdam."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=timezone.get_default_timezone()).astimezone(UTC)


MONDAY = date(2026, 5, 4)


@contextmanager
def connected(alias, name):
    """A connection ``alias`` to the SQLite file ``name``, as a database of somebody else."""
    told = {"default": {}, alias: {"ENGINE": "django.db.backends.sqlite3", "NAME": str(name)}}
    connections.settings[alias] = connections.configure_settings(told)[alias]
    wrapper = connections[alias]
    # Tests may open no connection that was not there when they began.
    wrapper.ensure_connection = lambda: connect_if_needed(wrapper)
    try:
        yield alias
    finally:
        wrapper.close()
        del connections[alias], connections.settings[alias]


def connect_if_needed(wrapper):
    if wrapper.connection is None:
        with wrapper.wrap_database_errors:
            wrapper.connect()
