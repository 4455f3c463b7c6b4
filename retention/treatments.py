"""Anonymising a column: what becomes of a value, and whether that has been done, in the SQL of each database.

Doing it again changes nothing, so a row is anonymised when every treated column holds what
treating it would give: nothing has to be remembered beside the data.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from .fragments import Sql, name, sql, value
from .models import Treatment
from .tables import DATE, DATES, DECIMAL, INTEGER, MOMENT, NUMBERS, TEXT, Column

# How databases ask whether two values are the same where both may be NULL.
SAME = {"postgresql": "{} IS NOT DISTINCT FROM {}", "mysql": "{} <=> {}", "sqlite": "{} IS {}"}
# A text by its characters: collations take “Anna” and “anna”, or “x” and “x ”, for equal.
EXACT = {"postgresql": '({}::text COLLATE "C")', "mysql": "CAST(CONVERT({} USING utf8mb4) AS BINARY)", "sqlite": "{}"}
LARGEST_MULTIPLE = 10**15


class Unfit(ValueError):
    """The treatment does not suit the column; the message says why."""


@dataclass(frozen=True)
class Treated:
    """A column, the value that it gets and the condition, never NULL, that it has it."""

    column: Sql
    becomes: Sql
    is_done: Sql


def treat(column: Column, treatment: str, detail: str, vendor: str, zone: str = "Europe/Amsterdam") -> Treated:
    """How ``column`` is treated in a database of ``vendor``. ``zone`` is that in which years begin.

    Raises Unfit.
    """
    if column.is_generated:
        raise Unfit(_("The database computes this column itself: treat the columns that it is computed from."))
    if column.is_unique and not (treatment == Treatment.BLANK and column.is_nullable):
        raise Unfit(_("Values in this column are unique: it can only be left empty, and only where that is allowed."))
    act: Callable[[Column, Sql, str, str, str], Sql] = {
        Treatment.BLANK: _blank,
        Treatment.CONSTANT: _constant,
        Treatment.YEAR: _year,
        Treatment.PREFIX: _prefix,
        Treatment.ROUND: _round,
    }[Treatment(treatment)]
    quoted = name(vendor, column.name)
    becomes = act(column, quoted, detail, vendor, zone)
    return Treated(quoted, becomes, _is_same(column, quoted, becomes, vendor))


def _is_same(column: Column, quoted: Sql, becomes: Sql, vendor: str) -> Sql:
    exact = EXACT[vendor] if column.kind == TEXT else "{}"
    return sql("(" + SAME[vendor] + ")", sql(exact, quoted), sql(exact, becomes))


def _nothing(column: Column) -> Sql:
    """The empty value of a column."""
    if column.is_nullable:
        return Sql("NULL")
    if column.kind == TEXT:
        return Sql("''")
    raise Unfit(_("This column cannot be left empty: its database allows no NULL, and it is no text."))


def _blank(column: Column, quoted: Sql, detail: str, vendor: str, zone: str) -> Sql:
    return _nothing(column)


def _constant(column: Column, quoted: Sql, detail: str, vendor: str, zone: str) -> Sql:
    if column.kind != TEXT:
        raise Unfit(_("Only a text can be replaced by a text."))
    if column.length is not None and len(detail) > column.length:
        raise Unfit(_("At most %(number)s characters fit in this column.") % {"number": column.length})
    return value(detail)


def _year(column: Column, quoted: Sql, detail: str, vendor: str, zone: str) -> Sql:
    if vendor == "sqlite" and column.kind in DATES | {TEXT}:
        return _year_in_sqlite(column, quoted)
    if column.kind not in DATES:
        raise Unfit(_("Only a date has a year."))
    if vendor == "mysql":
        # Not MAKEDATE, which takes the year 0 for 2000.
        first = sql("CONCAT(LPAD(YEAR({}), 4, '0'), '-01-01')", quoted)
        if column.kind == DATE:
            return sql("CAST({} AS DATE)", first)
        moment = sql("CAST(CONCAT({}, ' 00:00:00') AS DATETIME)", first)
        # The first moment that the type TIMESTAMP can hold.
        return sql("GREATEST({}, CAST('1970-01-01 00:00:01' AS DATETIME))", moment) if column.kind == MOMENT else moment
    if column.kind == MOMENT:
        return sql("date_trunc('year', {0} AT TIME ZONE {1}) AT TIME ZONE {1}", quoted, value(zone))
    return sql("date_trunc('year', {0})::date" if column.kind == DATE else "date_trunc('year', {0})", quoted)


def _year_in_sqlite(column: Column, quoted: Sql) -> Sql:
    """In the form in which the date was; a text that is no date goes altogether."""
    return sql(
        "CASE WHEN {0} IS NULL THEN NULL "
        "WHEN typeof({0}) <> 'text' OR {0} NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' THEN {1} "
        "WHEN length({0}) = 10 THEN substr({0}, 1, 4) || '-01-01' "
        "WHEN {0} GLOB '*Z' OR {0} GLOB '*[+-][0-9][0-9]:[0-9][0-9]' THEN substr({0}, 1, 4) || '-01-01 00:00:00+00:00' "
        "ELSE substr({0}, 1, 4) || '-01-01 00:00:00' END",
        quoted,
        Sql("NULL") if column.is_nullable else Sql("''"),
    )


def _prefix(column: Column, quoted: Sql, detail: str, vendor: str, zone: str) -> Sql:
    if column.kind != TEXT:
        raise Unfit(_("Only a text has first characters."))
    number = _whole(detail, 1000)
    text = sql("CAST({} AS TEXT)" if vendor == "sqlite" else "{}", quoted)
    return sql("substr({}, 1, {})", text, value(number))


def _round(column: Column, quoted: Sql, detail: str, vendor: str, zone: str) -> Sql:
    """Towards zero, so that the smallest number which a column can hold stays within it."""
    if column.kind not in NUMBERS:
        raise Unfit(_("Only a number can be rounded."))
    multiple = value(_whole(detail, LARGEST_MULTIPLE))
    if vendor == "sqlite":
        return sql(
            "CASE typeof({0}) WHEN 'null' THEN NULL WHEN 'integer' THEN {0} - {0} % {1} "
            "WHEN 'real' THEN CAST({0} / {1} AS INTEGER) * {1} ELSE {2} END".replace("%", "%%"),
            quoted,
            multiple,
            Sql("NULL") if column.is_nullable else Sql("0"),
        )
    if vendor == "mysql":
        return sql("{0} - MOD({0}, {1})", quoted, multiple)
    if column.kind in {INTEGER, DECIMAL}:
        return sql("({0} - mod({0}::numeric, {1}::numeric))::{2}", quoted, multiple, Sql(column.declared))
    return sql("(trunc({0}::float8 / {1}::float8) * {1}::float8)::{2}", quoted, multiple, Sql(column.declared))


def _whole(detail: str, largest: int) -> int:
    """The number in ``detail``: whole, in plain digits, from 1."""
    number = int(detail) if detail.isascii() and detail.isdecimal() and len(detail) <= 16 else 0
    if not 1 <= number <= largest:
        raise Unfit(_("The detail is a whole number from 1 to %(largest)s.") % {"largest": largest})
    return number
