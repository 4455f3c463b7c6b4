"""What a database says about one of its tables: columns, keys, indexes, and who refers to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext as _

from .fragments import Sql, name
from .targets import NotEnforceable

TEXT, INTEGER, DECIMAL, FLOAT, BOOLEAN, DATE, LOCAL, MOMENT, UUID, BINARY, OTHER = (
    "text", "integer", "decimal", "float", "boolean", "date", "moment without zone", "moment", "uuid", "binary", "other"
)  # fmt: skip
NUMBERS = {INTEGER, DECIMAL, FLOAT}
DATES = {DATE, LOCAL, MOMENT}

POSTGRESQL_KINDS = {
    "text": TEXT, "varchar": TEXT, "bpchar": TEXT, "citext": TEXT,
    "int2": INTEGER, "int4": INTEGER, "int8": INTEGER, "numeric": DECIMAL, "float4": FLOAT, "float8": FLOAT,
    "bool": BOOLEAN, "date": DATE, "timestamp": LOCAL, "timestamptz": MOMENT, "uuid": UUID, "bytea": BINARY,
}  # fmt: skip
MYSQL_KINDS = {
    "char": TEXT, "varchar": TEXT, "tinytext": TEXT, "text": TEXT, "mediumtext": TEXT, "longtext": TEXT,
    "tinyint": INTEGER, "smallint": INTEGER, "mediumint": INTEGER, "int": INTEGER, "bigint": INTEGER,
    "decimal": DECIMAL, "float": FLOAT, "double": FLOAT, "date": DATE, "datetime": LOCAL, "timestamp": MOMENT,
    "uuid": UUID, "binary": BINARY, "varbinary": BINARY, "tinyblob": BINARY, "blob": BINARY, "mediumblob": BINARY,
    "longblob": BINARY,
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column as its database has it. ``declared`` is its type as SQL writes it, ``length`` that of its longest
    text; ``is_unique`` by itself, without a condition; ``is_indexed`` first in an index over all rows."""

    name: str
    kind: str
    declared: str = ""
    is_nullable: bool = True
    length: int | None = None
    is_unique: bool = False
    is_indexed: bool = False
    is_generated: bool = False


@dataclass(frozen=True)
class Table:
    """A table with its columns by name. ``referred_to_by`` has other tables, and what they do when a row goes."""

    schema: str
    name: str
    columns: Mapping[str, Column]
    referred_to_by: Mapping[str, str] = field(default_factory=dict)

    def sql(self, vendor: str) -> Sql:
        return name(vendor, self.schema, self.name) if self.schema else name(vendor, self.name)

    def column(self, wanted: str) -> Column:
        """Raises NotEnforceable where there is none of that name."""
        if wanted not in self.columns:
            raise NotEnforceable(
                _("The table %(table)s has no column %(column)s.") % {"table": self.name, "column": wanted}
                + _nearest(wanted, self.columns)
            )
        return self.columns[wanted]


def describe(connection: BaseDatabaseWrapper, wanted: str) -> Table:
    """The table ``wanted``, by its name alone or as ``schema.table``; a name may hold a full stop itself.

    Raises NotEnforceable where there is none, and what the database raises.
    """
    find = {"postgresql": _in_postgresql, "mysql": _in_mysql, "sqlite": _in_sqlite}[connection.vendor]
    schema, _dot, rest = wanted.partition(".")
    with connection.cursor() as cursor:
        found = find(cursor, "", wanted) or (find(cursor, schema, rest) if schema and rest else None)
        if found is None:
            raise NotEnforceable(
                _("There is no table %(table)s in the database “%(connection)s”.")
                % {"table": wanted, "connection": connection.alias}
                + _nearest(wanted, connection.introspection.table_names(cursor))
            )
    return found


def _nearest(wanted: str, names: Any) -> str:
    nearest = get_close_matches(wanted, list(names), n=1)
    return " " + _("Is it %(name)s?") % {"name": nearest[0]} if nearest else ""


def _rows(cursor: Any, statement: str, *params: Any) -> list[tuple[Any, ...]]:
    cursor.execute(statement, params)
    return list(cursor.fetchall())


def _in_postgresql(cursor: Any, schema: str, table: str) -> Table | None:
    found = _rows(
        cursor,
        """
        SELECT c.oid, n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = %s AND c.relkind IN ('r', 'p', 'f')
        AND CASE WHEN %s = '' THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname = %s END
        """,
        table, schema, schema,
    )  # fmt: skip
    if not found:
        return None
    oid, schema = found[0]
    indexed = _rows(
        cursor,
        """
        SELECT a.attname, bool_or(i.indisunique AND i.indnkeyatts = 1)
        FROM pg_catalog.pg_index i
        JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = %s AND i.indisvalid AND i.indpred IS NULL GROUP BY a.attname
        """,
        oid,
    )
    unique = dict(indexed)
    columns = _rows(
        cursor,
        """
        SELECT a.attname, COALESCE(b.typname, t.typname), pg_catalog.format_type(a.atttypid, a.atttypmod),
        NOT (a.attnotnull OR t.typnotnull), COALESCE(NULLIF(t.typtypmod, -1), a.atttypmod),
        a.attgenerated <> '' OR a.attidentity = 'a'
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
        WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
        """,
        oid,
    )
    referring = _rows(
        cursor,
        """
        SELECT conrelid::pg_catalog.regclass::text, CASE confdeltype
        WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' ELSE 'RESTRICT' END
        FROM pg_catalog.pg_constraint WHERE confrelid = %s AND contype = 'f' AND conrelid <> confrelid ORDER BY 1
        """,
        oid,
    )
    return Table(
        schema,
        table,
        {
            column: Column(
                name=column,
                kind=POSTGRESQL_KINDS.get(kind, OTHER),
                declared=declared,
                is_nullable=nullable,
                # The catalogue counts four bytes of its own with the length.
                length=modifier - 4 if kind in {"varchar", "bpchar"} and modifier > 4 else None,
                is_unique=unique.get(column, False),
                is_indexed=column in unique,
                is_generated=generated,
            )
            for column, kind, declared, nullable, modifier, generated in columns
        },
        dict(referring),
    )


def _in_mysql(cursor: Any, schema: str, table: str) -> Table | None:
    found = _rows(
        cursor,
        """
        SELECT table_schema, table_name FROM information_schema.tables
        WHERE table_schema = COALESCE(NULLIF(%s, ''), DATABASE()) AND table_name = %s AND table_type = 'BASE TABLE'
        """,
        schema, table,
    )  # fmt: skip
    if not found:
        return None
    schema, table = found[0]
    indexes: dict[str, list[tuple[str, int, Any]]] = {}
    for index, not_unique, column, part in _rows(
        cursor,
        """
        SELECT index_name, non_unique, column_name, sub_part FROM information_schema.statistics
        WHERE table_schema = %s AND table_name = %s ORDER BY index_name, seq_in_index
        """,
        schema, table,
    ):  # fmt: skip
        indexes.setdefault(index, []).append((column, not_unique, part))
    first = {columns[0][0] for columns in indexes.values()}
    unique = {c[0][0] for c in indexes.values() if len(c) == 1 and not int(c[0][1]) and c[0][2] is None}
    columns = _rows(
        cursor,
        """
        SELECT column_name, data_type, column_type, is_nullable, character_maximum_length, extra
        FROM information_schema.columns WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position
        """,
        schema, table,
    )  # fmt: skip
    referring = _rows(
        cursor,
        """
        SELECT CONCAT(constraint_schema, '.', table_name), delete_rule
        FROM information_schema.referential_constraints
        WHERE unique_constraint_schema = %s AND referenced_table_name = %s
        AND NOT (constraint_schema = %s AND table_name = %s) ORDER BY 1
        """,
        schema, table, schema, table,
    )  # fmt: skip
    return Table(
        schema,
        table,
        {
            column: Column(
                name=column,
                kind=BOOLEAN if declared == "tinyint(1)" else MYSQL_KINDS.get(kind, OTHER),
                declared=declared,
                is_nullable=nullable == "YES",
                length=int(length) if length is not None else None,
                is_unique=column in unique,
                is_indexed=column in first,
                is_generated="GENERATED" in extra.upper().replace("DEFAULT_GENERATED", ""),
            )
            for column, kind, declared, nullable, length, extra in columns
        },
        dict(referring),
    )


def _in_sqlite(cursor: Any, schema: str, table: str) -> Table | None:
    if schema not in {"", "main"}:
        return None
    found = _rows(cursor, "SELECT name FROM sqlite_master WHERE type = 'table' AND lower(name) = lower(%s)", table)
    if not found:
        return None
    table = found[0][0]
    columns = _rows(cursor, """SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(%s)""", table)
    keys = [column for column, _type, _not_null, position, _hidden in columns if position]
    first, unique = set(keys[:1]), set(keys if len(keys) == 1 else [])
    for index, is_unique in _rows(
        cursor, """SELECT name, "unique" FROM pragma_index_list(%s) WHERE NOT partial""", table
    ):
        names = [column for (column,) in _rows(cursor, "SELECT name FROM pragma_index_info(%s) ORDER BY seqno", index)]
        first.add(names[0])
        if is_unique and len(names) == 1:
            unique.add(names[0])
    referring = _rows(
        cursor,
        """
        SELECT m.name, f.on_delete FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f
        WHERE m.type = 'table' AND lower(f."table") = lower(%s) AND m.name <> %s ORDER BY 1
        """,
        table, table,
    )  # fmt: skip
    return Table(
        "",
        table,
        {
            column: Column(
                name=column,
                kind=_kind_in_sqlite(declared.upper()),
                declared=declared,
                is_nullable=not (not_null or (position and len(keys) == 1)),
                is_unique=column in unique,
                is_indexed=column in first,
                is_generated=hidden in {2, 3},
            )
            for column, declared, not_null, position, hidden in columns
            if hidden != 1
        },
        dict(referring),
    )


def _kind_in_sqlite(declared: str) -> str:
    """What values a column is meant for; SQLite itself holds to little of it."""
    for kind, words in {
        BOOLEAN: ["BOOL"],
        LOCAL: ["DATETIME", "TIMESTAMP"],
        DATE: ["DATE"],
        INTEGER: ["INT"],
        TEXT: ["CHAR", "CLOB", "TEXT"],
        UUID: ["UUID"],
        BINARY: ["BLOB"],
        FLOAT: ["REAL", "FLOA", "DOUB"],
        DECIMAL: ["DEC", "NUM"],
    }.items():
        if any(word in declared for word in words):
            return kind
    return OTHER
