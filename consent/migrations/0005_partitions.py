"""The consent records by month, on PostgreSQL; on SQLite nothing changes.

A table that is filled is neither copied nor locked for long: it becomes the first partition. Each step is a
transaction of its own and can be repeated, so whoever was killed in the middle just migrates again.
"""

import time
from datetime import UTC, datetime, timedelta

from django.db import OperationalError, migrations, transaction
from django.utils import timezone

from consent.partitions import DEFAULT, TABLE, add, after, bound, guard_from_truncate, make_ahead, month_of
from consent.recording import NEWEST

# What is recorded while this runs, or before somebody runs it again, still has to fit into the old table.
RESERVE = timedelta(days=31)
CHECK = f"{TABLE}_is_before"
ATTEMPTS = 30
PATIENCE = "500ms"  # while it waits for a lock, visitors wait behind it


def forwards(apps, schema_editor):
    connection = schema_editor.connection
    if connection.vendor != "postgresql" or _is_partitioned(connection):
        return
    if _is_empty(connection):
        _patiently(connection, lambda cursor: _partition(connection, cursor))
    else:
        before = after(month_of(_latest(connection) + NEWEST + RESERVE))
        try:
            _check_end(connection, before)
            _patiently(connection, lambda cursor: _partition(connection, cursor, before))
        except BaseException:
            # Whoever stays with the former release must not find in some weeks that nothing fits any more.
            _patiently(connection, _forget_end)
            raise
    make_ahead(timezone.now())


def _is_partitioned(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT relkind FROM pg_class WHERE oid = to_regclass(%s)", [TABLE])
        return cursor.fetchone()[0] == "p"


def _is_empty(connection):
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT NOT EXISTS (SELECT FROM "{TABLE}")')  # noqa: S608 - our own table
        return cursor.fetchone()[0]


def _latest(connection):
    """The later of now and what the last record bears."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT id FROM "{TABLE}" ORDER BY id DESC LIMIT 1')  # noqa: S608
        (last,) = cursor.fetchone()
        cursor.execute("SELECT CURRENT_TIMESTAMP")
        (now,) = cursor.fetchone()
    return max(now, datetime.fromtimestamp((last.int >> 80) / 1000, tz=UTC))


def _check_end(connection, before):
    """Let the old table say where it ends, so that it need not be read once more to become a partition."""

    def say(cursor):
        _forget_end(cursor)
        cursor.execute(f'ALTER TABLE "{TABLE}" ADD CONSTRAINT "{CHECK}" CHECK (id < \'{bound(before)}\') NOT VALID')

    _patiently(connection, say)
    with transaction.atomic(connection.alias), connection.cursor() as cursor:
        # Reads the table, and keeps nobody from recording.
        cursor.execute(f'ALTER TABLE "{TABLE}" VALIDATE CONSTRAINT "{CHECK}"')


def _forget_end(cursor):
    cursor.execute(f'ALTER TABLE "{TABLE}" DROP CONSTRAINT IF EXISTS "{CHECK}"')


def _partition(connection, cursor, before=None):
    """Put a partitioned table in the place of the plain one, which becomes its first partition; or goes, if empty."""
    cursor.execute(f'LOCK TABLE "{TABLE}" IN ACCESS EXCLUSIVE MODE')
    if before is None and not _is_empty(connection):
        raise OperationalError("the first record has just come: migrate again")
    parts = _parts(cursor)
    old = f"{TABLE}_before_{before:%Y_%m}" if before else f"{TABLE}_empty"
    _rename(cursor, old)
    cursor.execute(f'CREATE TABLE "{TABLE}" (LIKE "{old}" INCLUDING ALL EXCLUDING INDEXES) PARTITION BY RANGE (id)')
    _forget_end(cursor)
    _grant_the_same(cursor, old)
    if before:
        # It gets the trigger on rows from its table, and gives its own to that.
        cursor.execute(f'DROP TRIGGER "{TABLE}_no_change" ON "{old}"')
        cursor.execute(f'DROP TRIGGER "{TABLE}_no_truncate" ON "{old}"')
        guard_from_truncate(cursor, old)
    else:
        cursor.execute(f'DROP TABLE "{old}"')
    for statement in parts:
        cursor.execute(statement)
    if before:
        cursor.execute(
            f'ALTER TABLE "{TABLE}" ATTACH PARTITION "{old}" FOR VALUES FROM (MINVALUE) TO (\'{bound(before)}\')'
        )
        cursor.execute(f'ALTER TABLE "{old}" DROP CONSTRAINT "{CHECK}"')
    add(cursor, DEFAULT)


def backwards(apps, schema_editor):
    """One table again, into which all records are copied. Nobody can record while that lasts."""
    connection = schema_editor.connection
    if connection.vendor != "postgresql" or not _is_partitioned(connection):
        return
    with transaction.atomic(connection.alias), connection.cursor() as cursor:
        cursor.execute(f'LOCK TABLE "{TABLE}" IN ACCESS EXCLUSIVE MODE')
        parts, aside = _parts(cursor), f"{TABLE}_by_month"
        _rename(cursor, aside)
        cursor.execute(f'CREATE TABLE "{TABLE}" (LIKE "{aside}" INCLUDING ALL EXCLUDING INDEXES)')
        _grant_the_same(cursor, aside)
        cursor.execute(f'INSERT INTO "{TABLE}" SELECT * FROM "{aside}"')  # noqa: S608
        cursor.execute(f'DROP TABLE "{aside}"')
        for statement in parts:
            cursor.execute(statement)


# -- The parts of a table ----------------------------------------------------------------------------


def _parts(cursor):
    """What makes up the table beside its columns, as statements that name it and its parts as they are named now."""
    cursor.execute(
        """
        SELECT format('ALTER TABLE %%I ADD CONSTRAINT %%I %%s', relname, conname, pg_get_constraintdef(con.oid))
        FROM pg_constraint con JOIN pg_class tab ON tab.oid = conrelid
        WHERE conrelid = to_regclass(%(table)s) AND contype IN ('p', 'f') AND conparentid = 0
        UNION ALL
        SELECT pg_get_indexdef(indexrelid) FROM pg_index
        WHERE indrelid = to_regclass(%(table)s) AND NOT indisprimary
        UNION ALL
        SELECT pg_get_triggerdef(oid) FROM pg_trigger
        WHERE tgrelid = to_regclass(%(table)s) AND NOT tgisinternal
        """,
        {"table": TABLE},
    )
    # A partitioned table says ONLY of its own indexes: there are others below it.
    return [statement.replace(" ON ONLY ", " ON ", 1) for (statement,) in cursor.fetchall()]


def _rename(cursor, name):
    """Let the table have another ``name``, and its indexes too: their names are those that Django knows."""
    cursor.execute(
        "SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = to_regclass(%s)",
        [TABLE],
    )
    for (index,) in cursor.fetchall():
        cursor.execute(f'ALTER INDEX "{index}" RENAME TO "{name}_{index.removeprefix(TABLE + "_")}"')
    cursor.execute(f'ALTER TABLE "{TABLE}" RENAME TO "{name}"')


def _grant_the_same(cursor, other):
    """Who may read ``other``, such as an auditor with a login of their own, may read the table."""
    cursor.execute(
        """
        SELECT format('GRANT %%s ON %%I TO %%s', privilege_type, %s,
            CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
        FROM pg_class, aclexplode(relacl) WHERE pg_class.oid = to_regclass(%s) AND grantee <> relowner
        """,
        [TABLE, other],
    )
    for (statement,) in cursor.fetchall():
        cursor.execute(statement)


def _patiently(connection, act):
    """Do ``act`` in a transaction that waits for its locks no longer than visitors should; again, if it had to give way."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic(connection.alias), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
                return act(cursor)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) not in {"55P03", "40P01"} or attempt == ATTEMPTS:
                raise
        time.sleep(1)


class Migration(migrations.Migration):
    # Each step is a transaction of its own: reading a large table must not hold the lock of the next.
    atomic = False

    dependencies = [("consent", "0004_counts_and_seals")]

    operations = [migrations.RunPython(forwards, backwards)]
