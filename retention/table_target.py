"""A table of another database as a target: plain SQL over the connection that it was declared with.

Read only, but for ``enforce``, which is one statement that asks again whether each row is due: what
changed since it was found stays. Rows are found in the order of the date and then of the key, for
each way in which they become due, so that an index on the date serves and no row is read twice.
"""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, Error, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext as _

from .fragments import Sql, all_of, any_of, name, sql, validate_expression, validate_query, value, values, written
from .masking import masked, masked_key
from .models import Action, ColumnTreatment, DeclaredTarget, EarlyEnd
from .moments import begins, can_say_when, is_before, is_dated, readable
from .moments import read as read_moment
from .tables import BINARY, BOOLEAN, DATE, INTEGER, LOCAL, MOMENT, OTHER, TEXT, UUID, Column, Table, describe
from .targets import Census, Due, Enforced, NotEnforceable
from .treatments import Treated, Unfit, treat

# No question takes longer: an index is missing then.
PATIENCE = timedelta(seconds=30)
# How long a portion waits for rows that somebody else is changing.
LOCK_PATIENCE = timedelta(seconds=10)
DAYS_AT_ONCE = 31
# SQLite takes 32 766 values in a statement, and a portion may be named in it twice.
KEYS_IN_SQLITE = 10_000
EXAMPLE_COLUMNS = 12
MARK, KEY, MOMENT_OF_KEY = "retention_q", "retention_key", "retention_moment"

TEXTS = {"postgresql": "{}::text", "mysql": "CAST({} AS CHAR)", "sqlite": "CAST({} AS TEXT)"}
KINDS_OF_CODES = {
    "postgresql": {1082: DATE, 1114: LOCAL, 1184: MOMENT},
    "mysql": {10: DATE, 12: LOCAL, 7: MOMENT},
}
# Codes of faults that do not pass by themselves: SQLSTATE, numbers of MySQL and MariaDB, names of SQLite.
DENIED = {"42501", 1044, 1045, 1142, 1143, 1227, 1370}
CANCELLED = {"57014", 1969, 3024}
UNWRITABLE = {"25006", 1290, 1792, 1836, "SQLITE_READONLY"}
WRONG = {"3F000", "0A000", 1049, 1054, 1064, 1093, 1111, 1146, 1221, 1241, 1305, "SQLITE_ERROR"}


@dataclass(frozen=True)
class Trigger:
    """Where the date of a row is: in ``column``, or, where ``query`` finds it, in what was joined."""

    column: Sql
    kind: str
    query: Sql | None = None


@dataclass(frozen=True)
class Way:
    """A way of becoming due: what ``trigger`` says began before ``before``."""

    trigger: Trigger
    before: datetime


@dataclass
class TableTarget:
    """The table that ``declared`` names, as a Target. Looks at the database when first asked, and remembers."""

    declared: DeclaredTarget
    early_ends: list[EarlyEnd] = field(default_factory=list)
    column_treatments: list[ColumnTreatment] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.slug = self.declared.slug
        self.name: str | LazyText = str(self.declared)
        self.purpose, self.rule = self.declared.purpose, self.declared.rule
        self.exception = self.declared.exception
        self.database = self.declared.connection
        self.max_share = self.declared.max_share / 100
        self.batch_size = self.declared.batch_size

    # -- What a target can do

    def check(self, due: Due) -> None:
        """Raises NotEnforceable with the first reason why ``due`` cannot be enforced; touches nothing."""
        if due.action not in Action:
            raise NotEnforceable(_("Its rule does not say whether data is erased or anonymised."))
        if due.action == Action.ANONYMISE and not self.column_treatments:
            raise NotEnforceable(_("Its rule says anonymise, and no column has a treatment."))
        if due.action != Action.ANONYMISE and self.column_treatments:
            raise NotEnforceable(_("Its rule says erase, and columns have a treatment."))
        if unknown := due.early.keys() - {each.trigger for each in self.early_ends}:
            raise NotEnforceable(
                _("The period also ends on “%(trigger)s”, and the target does not say where to read that.")
                % {"trigger": min(unknown)}
            )
        if not all(_can_be_key(self.key, held) for held in due.held):
            raise NotEnforceable(_("A legal hold names a row by what cannot be its key."))
        self.try_condition()
        # Asks whether this account may do it at all; nothing is done by explaining it.
        with self.explaining(), transaction.atomic(using=self.database), self.connection.cursor() as cursor:
            self.run(cursor, sql("EXPLAIN {}", self._statement(Sql("NULL"), due)))

    def census(self, due: Due) -> Census:
        trigger = self.trigger
        is_due, is_held = self.is_due(due), self.is_held(due.held)
        tomorrow = begins(due.today + timedelta(days=1))
        is_future = sql("({} AND NOT {})", self.is_dated(trigger), self.is_before(trigger, tomorrow))
        counted = sql(
            "SELECT COUNT(*), {}, {}, {}, {}, MIN(CASE WHEN {} THEN {} END) {} WHERE {}",
            _number(sql("{} AND NOT {}", is_due, is_held)),
            _number(sql("{} AND {}", is_due, is_held)),
            _number(sql("NOT {}", self.is_dated(trigger))),
            _number(is_future),
            sql("{} AND NOT {} AND {}", is_due, is_held, self.is_dated(trigger)),
            readable(self.vendor, trigger.column),
            self.source,
            self.is_selected,
        )
        with self.explaining(), self.reading() as cursor:
            total, number, held, undated, future, oldest = self.run(cursor, counted)[0]
        return Census(
            total=int(total),
            due=int(number),
            held=int(held),
            undated=int(undated),
            future=int(future),
            oldest=None if oldest is None else read_moment(self.vendor, trigger.kind, oldest, self.zone),
        )

    def examples(self, due: Due, number: int) -> list[dict[str, str]]:
        columns = self._columns_of_examples()
        shown = sql(
            "SELECT {} {} WHERE {} AND {} AND NOT {} ORDER BY {} LIMIT {}",
            _listed(self._as_text(column) for column in columns),
            self.source,
            self.is_selected,
            self.is_due(due),
            self.is_held(due.held),
            self.trigger.column,
            value(number),
        )
        with self.explaining(), self.reading() as cursor:
            rows = self.run(cursor, shown)
        key = self.declared.key_column
        return [
            {
                column.name: (masked_key if column.name == key else masked)(column.kind, text)
                for column, text in zip(columns, row, strict=True)
            }
            for row in rows
        ]

    def calendar(self, first: date, last: date) -> dict[date, int]:
        found: dict[date, int] = {}
        with self.explaining(), self.reading() as cursor:
            while first <= last:
                until = min(last, first + timedelta(days=DAYS_AT_ONCE - 1))
                found |= self._days(cursor, first, until)
                first = until + timedelta(days=1)
        return found

    def batches(self, due: Due, size: int) -> Iterator[list[Any]]:
        if self.vendor == "sqlite":
            size = min(size, KEYS_IN_SQLITE)
        for way in self._ways(due):
            position: tuple[Any, Any] | None = None
            while True:
                with self.reading() as cursor:
                    rows = self.run(cursor, self._portion(way, due, position, size))
                if rows:
                    yield [key for _moment, key in rows]
                if len(rows) < size:
                    break
                position = rows[-1]

    def enforce(self, batch: list[Any], due: Due) -> Enforced:
        with self.connection.cursor() as cursor:
            for setting in _to_write(self.connection):
                cursor.execute(setting)
            statement = self._statement(values(batch), due)
            cursor.execute(statement.text, statement.params)
            number = cursor.rowcount
        return Enforced(anonymised=number) if due.action == Action.ANONYMISE else Enforced(erased=number)

    # -- The table

    @property
    def connection(self) -> BaseDatabaseWrapper:
        """Raises NotEnforceable where the environment names no such connection."""
        if self.database == DEFAULT_DB_ALIAS or self.database not in connections:
            raise NotEnforceable(
                _("There is no connection “%(name)s”: set DATABASE_URL_%(variable)s in the environment.")
                % {"name": self.database, "variable": self.database.upper()}
            )
        return connections[self.database]

    @property
    def vendor(self) -> str:
        return self.connection.vendor

    @cached_property
    def table(self) -> Table:
        """Raises NotEnforceable where it is not there."""
        with self.explaining():
            return describe(self.connection, self.declared.table)

    @cached_property
    def zone(self) -> ZoneInfo:
        """Raises NotEnforceable where there is no such time zone."""
        try:
            return ZoneInfo(self.declared.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise NotEnforceable(_("There is no time zone %(zone)s.") % {"zone": self.declared.time_zone}) from None

    def column(self, wanted: str) -> Sql:
        return name(self.vendor, self.table.column(wanted).name)

    @cached_property
    def key(self) -> Column:
        """Raises NotEnforceable where the key does not name one row."""
        column = self.table.column(self.declared.key_column)
        if not column.is_unique or column.is_nullable:
            raise NotEnforceable(
                _("The column %(column)s does not name one row: it needs a primary key, or to be unique and NOT NULL.")
                % {"column": column.name}
            )
        return column

    @cached_property
    def trigger(self) -> Trigger:
        """Raises NotEnforceable where the date cannot be had."""
        if self.declared.trigger_query:
            return self._found_by_query()
        return self.date_in(self.declared.trigger_column)

    def date_in(self, wanted: str) -> Trigger:
        """The date in a column of the table. Raises NotEnforceable where it holds none."""
        column = self.table.column(wanted)
        if not can_say_when(self.vendor, column):
            raise NotEnforceable(
                _("The column %(column)s is of the type %(type)s, which is read as no date.")
                % {"column": column.name, "type": column.declared}
            )
        return Trigger(name(self.vendor, column.name), column.kind)

    def _found_by_query(self) -> Trigger:
        """The query as a table: a row per key, with the latest of its dates; NULL as soon as one of them is."""
        text = self.declared.trigger_query
        try:
            validate_query(text, self.vendor)
        except ValidationError as error:
            raise NotEnforceable(" ".join(error.messages)) from None
        mark = name(self.vendor, MARK)
        with self.reading() as cursor:
            self.run(cursor, sql("SELECT * FROM {} AS {} LIMIT 0", written(text), mark))
            found = [(part[0], part[1]) for part in cursor.description]
        if len({given for given, _code in found}) != 2 or len(found) != 2:
            raise NotEnforceable(_("The query gives two columns with names of their own: the key and the date."))
        (key, _key_type), (moment, code) = found
        kind = KINDS_OF_CODES[self.vendor].get(code, OTHER) if self.vendor != "sqlite" else TEXT
        if kind == OTHER:
            raise NotEnforceable(_("The second column of the query is no date."))
        query = sql(
            "(SELECT {0} AS {1}, CASE WHEN COUNT(*) = COUNT({2}) THEN MAX({2}) END AS {3} "
            "FROM {4} AS {5} GROUP BY {0})",
            *(name(self.vendor, each) for each in (key, KEY, moment, MOMENT_OF_KEY)),
            written(text),
            mark,
        )
        return Trigger(name(self.vendor, MOMENT_OF_KEY), kind, query)

    @cached_property
    def treated(self) -> list[Treated]:
        """Raises NotEnforceable where a treatment does not suit its column."""
        return [self.treatment_of(each) for each in self.column_treatments]

    def treatment_of(self, given: ColumnTreatment) -> Treated:
        """Raises NotEnforceable where it does not suit its column."""
        column = self.table.column(given.column)
        if column.name in {self.declared.key_column, self.declared.hold_column}:
            raise NotEnforceable(_("The key, and the column of a legal hold, stay as they are."))
        if column.name in self._dates() and given.treatment != "year":
            raise NotEnforceable(_("The rule counts from this column: of its date, the year stays."))
        try:
            return treat(column, given.treatment, given.detail, self.vendor, self.declared.time_zone)
        except Unfit as error:
            raise NotEnforceable(f"{column.name}: {error}") from None

    def _dates(self) -> set[str]:
        return {self.declared.trigger_column, *(early.column for early in self.early_ends)}

    # -- Which rows

    @cached_property
    def source(self) -> Sql:
        """FROM, with the dates beside the rows where a query finds them."""
        table = self.table.sql(self.vendor)
        if self.trigger.query is None:
            return sql("FROM {}", table)
        return sql(
            "FROM {0} LEFT JOIN {1} AS {2} ON {2}.{3} = {0}.{4}",
            table,
            self.trigger.query,
            name(self.vendor, MARK),
            name(self.vendor, KEY),
            self.column(self.declared.key_column),
        )

    @cached_property
    def is_selected(self) -> Sql:
        """Condition: a row is one of this target at all. Raises NotEnforceable where it is not one condition."""
        if not self.declared.condition:
            return Sql("TRUE")
        try:
            validate_expression(self.declared.condition, self.vendor)
        except ValidationError as error:
            raise NotEnforceable(" ".join(error.messages)) from None
        return sql("({} IS TRUE)", written(self.declared.condition))

    def is_held(self, held: Iterable[str]) -> Sql:
        """Condition, never NULL: somebody holds the row. Rather too much than too little: keys are compared
        without their hyphens and capitals, as people copy them."""
        conditions = []
        if keys := [_plain(key) for key in held]:
            key = name(self.vendor, self.key.name)
            if self.key.kind == BINARY:
                text = sql("encode({}, 'hex')" if self.vendor == "postgresql" else "HEX({})", key)
            else:
                text = sql(TEXTS[self.vendor], key)
            conditions.append(sql("REPLACE(LOWER(TRIM({})), '-', '') IN ({})", text, values(keys)))
        if self.declared.hold_column:
            conditions.append(self._says_held())
        return any_of(conditions) if conditions else Sql("FALSE")

    def _says_held(self) -> Sql:
        column = self.table.column(self.declared.hold_column)
        quoted = name(self.vendor, column.name)
        if column.kind not in {BOOLEAN, INTEGER}:
            raise NotEnforceable(
                _("The column %(column)s is of the type %(type)s, which is neither true nor false.")
                % {"column": column.name, "type": column.declared}
            )
        if self.vendor == "sqlite":
            nothing = "'0', '', '0.0', 'false', 'f', 'no', 'n'"
            return sql("(COALESCE(LOWER(CAST({} AS TEXT)), '0') NOT IN (" + nothing + "))", quoted)
        if self.vendor == "postgresql" and column.kind == INTEGER:
            return sql("(COALESCE({}, 0) <> 0)", quoted)
        return sql("(COALESCE({}, FALSE) <> FALSE)", quoted)

    def is_dated(self, trigger: Trigger) -> Sql:
        return is_dated(self.vendor, trigger.kind, trigger.column)

    def is_before(self, trigger: Trigger, moment: datetime) -> Sql:
        return is_before(self.vendor, trigger.kind, trigger.column, moment, self.zone)

    def _ways(self, due: Due) -> list[Way]:
        early = [
            Way(self.date_in(each.column), due.early[each.trigger])
            for each in self.early_ends
            if each.trigger in due.early
        ]
        return [Way(self.trigger, due.before), *early]

    def _has_ended(self, way: Way) -> Sql:
        return all_of([self.is_dated(way.trigger), self.is_before(way.trigger, way.before)])

    def is_due(self, due: Due) -> Sql:
        """Condition on a row of ``source``: it has ended, in one way or another, and is not done yet."""
        return all_of([any_of(map(self._has_ended, self._ways(due))), *self._is_left(due)])

    def _is_left(self, due: Due) -> list[Sql]:
        if due.action != Action.ANONYMISE:
            return []
        return [sql("NOT {}", all_of(each.is_done for each in self.treated))]

    # -- Statements

    def _portion(self, way: Way, due: Due, position: tuple[Any, Any] | None, size: int) -> Sql:
        moment, key = way.trigger.column, self.column(self.key.name)
        conditions = [self.is_selected, self._has_ended(way), *self._is_left(due)]
        conditions.append(sql("NOT {}", self.is_held(due.held)))
        if position is not None:
            then, last = map(value, position)
            # The first of the two says nothing new, but is what an index can begin at.
            conditions.append(sql("{0} >= {1} AND ({0} > {1} OR {2} > {3})", moment, then, key, last))
        return sql(
            "SELECT {}, {} {} WHERE {} ORDER BY {}, {} LIMIT {}",
            self._as_it_is(moment),
            self._as_it_is(key),
            self.source,
            all_of(conditions),
            moment,
            key,
            value(size),
        )

    def _as_it_is(self, column: Sql) -> Sql:
        """What SQLite has stored: of a bare column, Django would read a date, and stumble over what is none."""
        return sql("+{}", column) if self.vendor == "sqlite" else column

    def _statement(self, keys: Sql, due: Due) -> Sql:
        """What is done to those of ``keys`` that are due."""
        ways = [self._has_ended_in_table(way, keys) for way in self._ways(due)]
        conditions = [
            sql("{} IN ({})", self.column(self.key.name), keys),
            self.is_selected,
            any_of(ways),
            sql("NOT {}", self.is_held(due.held)),
            *self._is_left(due),
        ]
        table = self.table.sql(self.vendor)
        if due.action != Action.ANONYMISE:
            return sql("DELETE FROM {} WHERE {}", table, all_of(conditions))
        changes = _listed(sql("{} = {}", each.column, each.becomes) for each in self.treated)
        return sql("UPDATE {} SET {} WHERE {}", table, changes, all_of(conditions))

    def _has_ended_in_table(self, way: Way, keys: Sql) -> Sql:
        """The same without a join, which not every database allows in DELETE."""
        query = way.trigger.query
        if query is None:
            return self._has_ended(way)
        return sql(
            "{0} IN (SELECT {1} FROM {2} AS {3} WHERE {1} IN ({4}) AND {5})",
            self.column(self.key.name),
            name(self.vendor, KEY),
            query,
            name(self.vendor, MARK),
            keys,
            self._has_ended(way),
        )

    def _days(self, cursor: Any, first: date, last: date) -> dict[date, int]:
        """``calendar`` for a few days: those who begin before the second midnight, and so on."""
        days = [first + timedelta(days=number) for number in range((last - first).days + 2)]
        steps = [
            sql("WHEN {} THEN {}", self.is_before(self.trigger, begins(after)), Sql(str(number)))
            for number, (_day, after) in enumerate(pairwise(days))
        ]
        not_done = sql("NOT {}", all_of(each.is_done for each in self.treated)) if self.treated else Sql("TRUE")
        counted = sql(
            "SELECT day, COUNT(*) FROM (SELECT CASE {} END AS day {} WHERE {}) AS days GROUP BY day",
            sql(" ".join(["{}"] * len(steps)), *steps),
            self.source,
            all_of(
                [
                    self.is_selected,
                    self.is_dated(self.trigger),
                    self.is_before(self.trigger, begins(days[-1])),
                    sql("NOT {}", self.is_before(self.trigger, begins(first))),
                    sql("NOT {}", self.is_held([])),
                    not_done,
                ]
            ),
        )
        return {days[int(number)]: int(rows) for number, rows in self.run(cursor, counted)}

    def _columns_of_examples(self) -> list[Column]:
        """The key, what is dated and what is treated first, then the others, as many as can be read."""
        first = [self.key.name, *sorted(self._dates()), *(each.column for each in self.column_treatments)]
        names = list(dict.fromkeys([*filter(None, first), *self.table.columns]))
        return [self.table.column(each) for each in names[:EXAMPLE_COLUMNS]]

    def _as_text(self, column: Column) -> Sql:
        """The beginning of a value: no more of it leaves its database than masking needs."""
        table = self.table.sql(self.vendor)
        text = sql(TEXTS[self.vendor], sql("{}.{}", table, name(self.vendor, column.name)))
        if column.kind == BINARY:
            return sql("CASE WHEN {}.{} IS NULL THEN NULL ELSE 'x' END", table, name(self.vendor, column.name))
        return sql("substr({}, 1, 101)", text)

    # -- Trying, on no rows

    def try_trigger(self) -> None:
        """Raises NotEnforceable where the date cannot be had."""
        with self.explaining(), self.reading() as cursor:
            self.run(cursor, sql("SELECT 1 {} WHERE {} LIMIT 0", self.source, self.is_dated(self.trigger)))

    def try_condition(self) -> None:
        """Raises NotEnforceable where the rows cannot be told by it."""
        with self.explaining(), self.reading() as cursor:
            selected = sql("{} AND NOT {}", self.is_selected, self.is_held([]))
            self.run(cursor, sql("SELECT 1 {} WHERE {} LIMIT 0", self.source, selected))

    def try_out(self, action: str) -> None:
        """Raises NotEnforceable where ``action`` cannot be carried out, whatever is due."""
        long_ago = begins(date(1000, 1, 2))
        early = {each.trigger: long_ago for each in self.early_ends}
        self.check(Due(date(1000, 1, 2), long_ago, early, action))

    # -- Asking

    def run(self, cursor: Any, statement: Sql) -> list[tuple[Any, ...]]:
        cursor.execute(statement.text, statement.params)
        return list(cursor.fetchall())

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """A cursor in a transaction that can change nothing, and where no question takes too long."""
        connection = self.connection
        is_outermost = not connection.in_atomic_block
        with transaction.atomic(using=self.database), connection.cursor() as cursor:
            for statement in _to_read(connection) if is_outermost else []:
                cursor.execute(statement)
            yield cursor

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Turns what a database refuses for good into a sentence, which quotes no row; raises the rest as it is."""
        try:
            yield
        except Error as error:
            if (sentence := why(error, self.declared.table)) is None:
                raise
            raise NotEnforceable(sentence) from None


def why(error: Error, table: str) -> str | None:
    """What a lasting fault says, in words; None where the database is away, or something else is wrong."""
    code = code_of(error)
    if code in CANCELLED:
        return _(
            "The database took longer than %(seconds)s seconds over the table %(table)s. An index on the date helps."
        ) % {"seconds": PATIENCE.seconds, "table": table}
    if code in DENIED:
        return _("This account may not read and change the table %(table)s as its rule needs.") % {"table": table}
    if code in UNWRITABLE:
        return _("The database can only be read: nothing can be erased in it.")
    if isinstance(code, str) and code.startswith("22"):
        # Not its words, which quote the value.
        return _("A value cannot be read as the condition or the date asks (%(code)s).") % {"code": code}
    if code in WRONG or (isinstance(code, str) and code.startswith("42")):
        words = str(error.args[-1] if error.args else error).splitlines()[0]
        return _("The database does not take it: %(words)s") % {"words": words}
    return None


def _can_be_key(key: Column, held: str) -> bool:
    """Whether a row can have the key ``held``: a hold on what no row has would keep nothing."""
    if key.kind == INTEGER:
        return held.strip().isascii() and held.strip() == str(_whole_number(held))
    if key.kind == UUID:
        try:
            uuid.UUID(held.strip())
        except ValueError:
            return False
    return True


def _whole_number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def code_of(error: Error) -> str | int | None:
    """By which the database itself knows a fault. Numbers first: MySQL's SQLSTATE is the same for many."""
    if error.args and isinstance(error.args[0], int):
        return error.args[0]
    cause = error.__cause__
    return getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)


def _to_read(connection: BaseDatabaseWrapper) -> list[str]:
    milliseconds = PATIENCE // timedelta(milliseconds=1)
    if connection.vendor == "postgresql":
        return ["SET TRANSACTION READ ONLY", f"SET LOCAL statement_timeout = {milliseconds}"]
    if connection.vendor == "mysql":
        return [_timeout_in_mysql(connection, milliseconds), "SET TRANSACTION READ ONLY"]
    return ["PRAGMA query_only = ON"]


def _to_write(connection: BaseDatabaseWrapper) -> list[str]:
    """What reading had set for the session is taken back."""
    milliseconds = LOCK_PATIENCE // timedelta(milliseconds=1)
    if connection.vendor == "postgresql":
        return [f"SET LOCAL lock_timeout = {milliseconds}"]
    if connection.vendor == "mysql":
        lock = f"SET SESSION innodb_lock_wait_timeout = {LOCK_PATIENCE.seconds}"
        return [_timeout_in_mysql(connection, 0), lock]
    return ["PRAGMA query_only = OFF"]


def _timeout_in_mysql(connection: Any, milliseconds: int) -> str:
    if connection.mysql_is_mariadb:
        return f"SET SESSION max_statement_time = {milliseconds / 1000}"
    return f"SET SESSION max_execution_time = {milliseconds}"


def _number(condition: Sql) -> Sql:
    """How many rows meet it."""
    return sql("COALESCE(SUM(CASE WHEN {} THEN 1 ELSE 0 END), 0)", condition)


def _listed(parts: Iterable[Sql]) -> Sql:
    given = list(parts)
    return sql(", ".join(["{}"] * len(given)), *given)


def _plain(key: str) -> str:
    return key.strip().lower().replace("-", "")
