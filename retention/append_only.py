"""Tables whose rows are evidence: written once, changed never.

The ORM and the admin refuse too, but a promise that only Python keeps does not hold for
whoever has a database shell. Triggers refuse there, on both engines.
"""

from django.db import connections, migrations, models

MESSAGE = "rows of {table} are evidence and are never changed or deleted"


class AppendOnly(Exception):
    """Somebody tried to change or delete evidence."""


class AppendOnlyQuerySet(models.QuerySet):
    """Reads and inserts; refuses what would change a row."""

    def _refuse(self, *args, **kwargs):
        raise AppendOnly(MESSAGE.format(table=self.model._meta.db_table))

    update = delete = bulk_update = update_or_create = _refuse
    # Django's own calls while saving and deleting.
    _update = _raw_delete = _refuse


class AppendOnlyModel(models.Model):
    """A model that can be added and read, and nothing else."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args, **kwargs):
        if not self._state.adding:
            raise AppendOnly(MESSAGE.format(table=self._meta.db_table))
        kwargs["force_insert"] = True
        super().save(*args, **kwargs)

    def delete(self, *args, **kwargs):
        raise AppendOnly(MESSAGE.format(table=self._meta.db_table))


def trigger_statements(table, vendor, unique, repeatable=False, erasable=""):
    """SQL statements that make ``table`` append-only on ``vendor``.

    ``erasable`` is a condition in SQL on the row ``OLD`` under which it may be deleted all the
    same, such as a row of another append-only table that says by which rule. ``unique`` are its
    unique columns. SQLite's INSERT OR REPLACE deletes the row in its way without a word to the
    triggers on DELETE, so a row with a value that is there already is refused; or, where the same
    row may be sent again (``repeatable``), left aside, which is what ON CONFLICT DO NOTHING does.
    """
    message = MESSAGE.format(table=table)
    if vendor == "sqlite":
        taken = " OR ".join(f'"{column}" = NEW."{column}"' for column in unique)
        refusal = "RAISE(IGNORE)" if repeatable else f"RAISE(ABORT, '{message}')"
        when = f"WHEN NOT ({erasable}) " if erasable else ""
        return [
            f'CREATE TRIGGER "{table}_no_update" BEFORE UPDATE ON "{table}" '
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END",
            f'CREATE TRIGGER "{table}_no_delete" BEFORE DELETE ON "{table}" {when}'
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END",
            f'CREATE TRIGGER "{table}_no_replace" BEFORE INSERT ON "{table}" '
            f'WHEN EXISTS (SELECT 1 FROM "{table}" WHERE {taken}) '
            f"BEGIN SELECT {refusal}; END",
        ]
    if vendor == "postgresql":
        function = f'"{table}_refuse"'
        # A trigger on TRUNCATE has no OLD, and one that is not reached does not ask for it.
        allowed = f"IF TG_OP = 'DELETE' THEN IF {erasable} THEN RETURN OLD; END IF; END IF; " if erasable else ""
        return [
            f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {allowed}RAISE EXCEPTION '{message}' USING ERRCODE = 'restrict_violation'; END $$",
            f'CREATE TRIGGER "{table}_no_change" BEFORE UPDATE OR DELETE ON "{table}" '
            f"FOR EACH ROW EXECUTE FUNCTION {function}()",
            f'CREATE TRIGGER "{table}_no_truncate" BEFORE TRUNCATE ON "{table}" '
            f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()",
        ]
    raise NotImplementedError(f"no append-only triggers for {vendor}")


def removal_statements(table, vendor):
    """SQL statements that undo ``trigger_statements``."""
    if vendor == "sqlite":
        return [f'DROP TRIGGER IF EXISTS "{table}_no_{event}"' for event in ("update", "delete", "replace")]
    return [
        f'DROP TRIGGER IF EXISTS "{table}_no_change" ON "{table}"',
        f'DROP TRIGGER IF EXISTS "{table}_no_truncate" ON "{table}"',
        f'DROP FUNCTION IF EXISTS "{table}_refuse"()',
    ]


def execute(statements, using):
    with connections[using].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def make_append_only(table, unique, repeatable=False, erasable=""):
    """A migration's operation that lets ``table`` be added to and read, nothing else."""

    def forwards(apps, schema_editor):
        statements = trigger_statements(table, schema_editor.connection.vendor, unique, repeatable, erasable)
        execute(statements, schema_editor.connection.alias)

    def backwards(apps, schema_editor):
        execute(removal_statements(table, schema_editor.connection.vendor), schema_editor.connection.alias)

    return migrations.RunPython(forwards, backwards)


def make_append_only_again(table, unique, repeatable=False, erasable=""):
    """The last operation of a migration that alters ``table``, or on which condition its rows may go.

    SQLite alters by copying into a new table, which leaves the triggers behind.
    """

    def renew(condition):
        def act(apps, schema_editor):
            alias, vendor = schema_editor.connection.alias, schema_editor.connection.vendor
            execute(removal_statements(table, vendor), alias)
            execute(trigger_statements(table, vendor, unique, repeatable, condition), alias)

        return act

    return migrations.RunPython(renew(erasable), renew(""))
