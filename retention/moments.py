"""Dates and moments as the databases of others keep them, compared with a moment of ours.

A date stands for the beginning of its day in Amsterdam. Moments without a zone are in that of the
target. SQLite has no dates, only texts: those of ISO 8601 are read, as a date, a moment without a
zone, or one with. What is no date, and what lies before the year 1000 (MySQL's 0000-00-00,
PostgreSQL's -infinity), counts as no date at all, so that it never is due.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from .fragments import Sql, sql, value
from .tables import DATE, DATES, LOCAL, MOMENT, TEXT, Column

FIRST = date(1000, 1, 1)
# In SQLite, what begins like a date; anything else its functions would read as something of their own.
LIKE_A_DATE = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*"
HAS_ZONE = "({0} GLOB '*Z' OR {0} GLOB '*[+-][0-9][0-9]:[0-9][0-9]')"
IN_UTC = "strftime('%%Y-%%m-%%d %%H:%%M:%%S', {0})"


def can_say_when(vendor: str, column: Column) -> bool:
    """Whether ``column`` is of a type that is read as a date."""
    return column.kind in DATES or (vendor == "sqlite" and column.kind == TEXT)


def begins(day: date) -> datetime:
    """The first moment of a day in Amsterdam."""
    return datetime.combine(day, time(), timezone.get_default_timezone())


def is_dated(vendor: str, kind: str, column: Sql) -> Sql:
    """Condition, never NULL: there is a date in ``column``."""
    if vendor == "sqlite":
        of_text = "typeof({0}) = 'text' AND {0} >= '1000-01-01' AND {0} GLOB '" + LIKE_A_DATE + "'"
        return sql("(" + of_text + " AND " + IN_UTC + " IS NOT NULL)", column)
    first = value(FIRST if kind == DATE else _as_kept(vendor, kind, begins(FIRST), ZoneInfo("UTC")))
    if vendor == "mysql":
        # Also of 2020-00-00, which it lets stand, nobody can say when it is.
        return sql("COALESCE({0} >= {1} AND MONTH({0}) > 0 AND DAYOFMONTH({0}) > 0, FALSE)", column, first)
    return sql("COALESCE({} >= {}, FALSE)", column, first)


def is_before(vendor: str, kind: str, column: Sql, moment: datetime, zone: ZoneInfo) -> Sql:
    """Condition: what ``column`` says, where it is dated, began before ``moment``."""
    if vendor == "sqlite":
        return _is_before_in_sqlite(column, moment, zone)
    return sql("{} < {}", column, value(_as_kept(vendor, kind, moment, zone)))


def readable(vendor: str, column: Sql) -> Sql:
    """A dated ``column`` in the one form that ``read`` takes."""
    if vendor != "sqlite":
        return column
    return sql("(CASE WHEN " + HAS_ZONE + " THEN " + IN_UTC + " || '+00:00' ELSE " + IN_UTC + " END)", column)


def read(vendor: str, kind: str, found: Any, zone: ZoneInfo) -> datetime:
    """What ``readable`` found, as a moment."""
    if vendor == "sqlite":
        found = datetime.fromisoformat(found)
    if not isinstance(found, datetime):
        return begins(found)
    if found.tzinfo is not None:
        return found
    return found.replace(tzinfo=UTC if kind == MOMENT and vendor == "mysql" else zone)


def _as_kept(vendor: str, kind: str, moment: datetime, zone: ZoneInfo) -> date | datetime:
    """``moment`` as something to compare a column of ``kind`` with."""
    if kind == DATE:
        return _day_after(moment)
    if kind == LOCAL:
        return moment.astimezone(zone).replace(tzinfo=None)
    # MySQL's TIMESTAMP comes in the zone of the session, which settings.py makes UTC.
    return moment.astimezone(UTC).replace(tzinfo=None) if vendor == "mysql" else moment


def _day_after(moment: datetime) -> date:
    """The first day that does not begin before ``moment``."""
    local = moment.astimezone(timezone.get_default_timezone())
    return local.date() if begins(local.date()) >= moment else local.date() + timedelta(days=1)


def _is_before_in_sqlite(column: Sql, moment: datetime, zone: ZoneInfo) -> Sql:
    # Whole seconds: ".5" and ".500000" are the same moment and not the same text.
    whole = moment.replace(microsecond=0)
    day = _day_after(moment)
    in_utc = whole.astimezone(UTC).replace(tzinfo=None)
    local = whole.astimezone(zone).replace(tzinfo=None)
    # Looser than the rest, but a comparison of the column itself, which an index can help with.
    beyond = max(day, in_utc.date(), local.date()) + timedelta(days=2)
    return sql(
        "({0} < {1} AND CASE WHEN length({0}) = 10 THEN {0} < {2} "
        "WHEN " + HAS_ZONE + " THEN " + IN_UTC + " < {3} ELSE " + IN_UTC + " < {4} END)",
        column,
        *(Sql(f"'{text}'") for text in (beyond, day, in_utc, local)),
    )
