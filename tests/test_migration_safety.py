"""Migrations on a running system: none locks for long what visitors use, or breaks the release before.

Between two releases old and new processes serve side by side, and choices are recorded all the while.
"""

import io
import re
import threading

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations import RunPython, RunSQL
from django.db.migrations.loader import MigrationLoader
from django.db.models.signals import pre_migrate
from django.test.utils import CaptureQueriesContext

from retention import append_only
from retention.management.commands import migrate

postgresql = pytest.mark.skipif(
    not settings.DATABASES["default"]["ENGINE"].endswith("postgresql"), reason="about PostgreSQL's locks"
)

OURS = {"retention", "policies", "consent"}
# What grows with the number of visitors: reading all of it takes minutes, and a lock that lasts as long is an outage.
LARGE = {"consent_consentrecord", "consent_sealleaves", "consent_dailycount"}
# What a page view or a choice reads or writes, in the release before as well.
USED = LARGE | {"consent_banner", "policies_statementversion", "policies_statementpdf"}

# Of 0.1 and before; they stay as they are. What they cost with ten million records is in docs/operator.md.
KNOWN = {
    "consent.0003_once_and_second_layer": {
        "adds a constraint to consent_consentrecord that reads the table": "some seconds per ten million records",
        "builds an index on consent_consentrecord and keeps writers waiting": "some seconds per million records",
    },
    "consent.0004_counts_and_seals": {
        "builds an index on consent_consentrecord and keeps writers waiting": "a block range index: one reading",
    },
    "policies.0004_the_desk": {
        "demands a value in policies_statementversion that the release before does not give": "nobody publishes "
        "from when it has run until the new processes have started",
    },
}
# What no SQL says beforehand, read by a person.
READ = {
    "consent.0005_partitions": "each step is short, gives way after half a second, and can be repeated",
    "policies.0003_banner_and_catalogue": "fills a column of websites, of which there are few",
    "policies.0006_sign_in_counter": "creates a table",
}


def faults(statement, created=frozenset()):
    """What is wrong with ``statement`` on tables that may be large or in use; ``created`` are new in this migration."""
    found = re.match(
        r'(?:ALTER TABLE|CREATE .*?INDEX.*? ON|UPDATE|DELETE FROM|DROP TABLE)(?: IF EXISTS)? "?(\w+)', statement
    )
    table = found[1] if found else ""
    if table in created:
        return []
    return [
        f"{fault} {table}{rest}"
        for tables, pattern, fault, rest in RULES
        if any(table == name or table.startswith(f"{name}_p") for name in tables) and re.search(pattern, statement)
    ]


VOLATILE = r"random|gen_random_uuid|uuid_generate|clock_timestamp|timeofday|nextval"
RULES = [
    (LARGE, r"^CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)", "builds an index on", " and keeps writers waiting"),
    (LARGE, r"(CHECK|FOREIGN KEY|REFERENCES)(?!.*NOT VALID)", "adds a constraint to", " that reads the table"),
    (LARGE, r"ADD CONSTRAINT .*(UNIQUE|PRIMARY KEY|EXCLUDE)(?!.*USING INDEX)", "builds an index on", " under a lock"),
    (LARGE, r"SET NOT NULL", "forbids NULL in", ", which reads the table"),
    (LARGE, r"ALTER COLUMN \S+ TYPE", "changes a type in", ", which may copy the table"),
    (LARGE, rf"ADD COLUMN .*(DEFAULT .*({VOLATILE})|GENERATED|serial)", "adds a column to", " that copies the table"),
    (LARGE, r"^(UPDATE|DELETE)", "changes rows of", " in one transaction"),
    (USED, r"RENAME ", "renames in", " what the release before uses"),
    (USED, r"DROP COLUMN|^DROP TABLE", "drops from", " what the release before uses"),
    (USED, r"ALTER COLUMN \S+ DROP DEFAULT", "demands a value in", " that the release before does not give"),
    (USED, r"ADD COLUMN (?!.*DEFAULT).*NOT NULL", "demands a value in", " that the release before does not give"),
]


def collected():
    """``{name: (statements, tables that it creates, whether there is code in it)}`` of our own migrations, in order."""
    loader = MigrationLoader(connection, replace_migrations=False)
    plan, state = [], loader.project_state((), at_end=False)
    for leaf in sorted(loader.graph.leaf_nodes()):
        plan += [key for key in loader.graph.forwards_plan(leaf) if key not in plan]
    found = {}
    for app, name in plan:
        migration = loader.graph.nodes[app, name]
        # A first migration makes tables that nobody uses yet.
        if app not in OURS or migration.initial:
            state = migration.mutate_state(state)
            continue
        with connection.schema_editor(collect_sql=True, atomic=migration.atomic) as editor:
            state = migration.apply(state, editor, collect_sql=True)
        statements = [line for line in editor.collected_sql if not line.startswith("--")]
        created = {match[1] for line in statements if (match := re.match(r'CREATE TABLE "(\w+)"', line))}
        found[f"{app}.{name}"] = statements, created, any(is_code(operation) for operation in migration.operations)
    return found


def is_code(operation):
    """Whether it does what nobody can read here: triggers of evidence are made by one function, and lock briefly."""
    if isinstance(operation, RunPython):
        return operation.code.__module__ != append_only.__name__
    return isinstance(operation, RunSQL)


# -- Ours --------------------------------------------------------------------------------------------


@postgresql
@pytest.mark.django_db
def test_no_migration_locks_for_long_or_breaks_the_release_before():
    migrations = collected()
    found = {
        name: {fault for statement in statements for fault in faults(statement, created)}
        for name, (statements, created, _code) in migrations.items()
    }

    assert len(found) >= 12
    # Also none is excused that does no harm.
    assert {name: there for name, there in found.items() if there} == {name: set(them) for name, them in KNOWN.items()}
    assert {name for name, (_statements, _created, code) in migrations.items() if code} == READ.keys()


# -- That the reading finds them -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ('CREATE INDEX "i" ON "consent_consentrecord" ("website")', "builds an index"),
        ('CREATE UNIQUE INDEX "i" ON "consent_dailycount" ("day")', "builds an index"),
        ('CREATE INDEX "i" ON "consent_consentrecord_p2026_11" ("website")', "builds an index"),
        ('ALTER TABLE "consent_consentrecord" ADD CONSTRAINT "c" CHECK ("language" <> \'\')', "adds a constraint"),
        (
            'ALTER TABLE "consent_consentrecord" ADD COLUMN "x" integer NULL CONSTRAINT "c" REFERENCES "y" ("id")',
            "adds a",
        ),
        ('ALTER TABLE "consent_sealleaves" ADD CONSTRAINT "c" UNIQUE ("part")', "builds an index"),
        ('ALTER TABLE "consent_consentrecord" ALTER COLUMN "subject" SET NOT NULL', "forbids NULL"),
        ('ALTER TABLE "consent_consentrecord" ALTER COLUMN "website" TYPE text', "changes a type"),
        (
            'ALTER TABLE "consent_consentrecord" ADD COLUMN "x" uuid DEFAULT gen_random_uuid() NOT NULL',
            "copies the table",
        ),
        ('UPDATE "consent_consentrecord" SET "x" = 1', "in one transaction"),
        ('ALTER TABLE "consent_banner" RENAME COLUMN "kind" TO "sort"', "renames"),
        ('ALTER TABLE "policies_statementversion" DROP COLUMN "review" CASCADE', "drops"),
        ('DROP TABLE "consent_banner" CASCADE', "drops"),
        ('ALTER TABLE "consent_banner" ADD COLUMN "x" integer NOT NULL', "demands a value"),
        ('ALTER TABLE "consent_consentrecord" ALTER COLUMN "x" DROP DEFAULT', "demands a value"),
    ],
)
def test_what_would_harm_is_found(statement, words):
    assert any(words in fault for fault in faults(statement))


@pytest.mark.parametrize(
    "statement",
    [
        'CREATE INDEX CONCURRENTLY "i" ON "consent_consentrecord" ("website")',
        'ALTER TABLE "consent_consentrecord" ADD CONSTRAINT "c" CHECK ("language" <> \'\') NOT VALID',
        'ALTER TABLE "consent_consentrecord" VALIDATE CONSTRAINT "c"',
        'ALTER TABLE "consent_consentrecord" ADD COLUMN "x" varchar(20) NULL',
        'ALTER TABLE "consent_consentrecord" ADD COLUMN "x" boolean DEFAULT false NOT NULL',
        'ALTER TABLE "consent_consentrecord" DROP CONSTRAINT "c"',
        # Tables of the desk: a few hundred rows, locked for milliseconds.
        'CREATE INDEX "i" ON "policies_cookievendor" ("name")',
        'ALTER TABLE "policies_website" ALTER COLUMN "name" SET NOT NULL',
    ],
)
def test_what_does_no_harm_is_left_alone(statement):
    assert faults(statement) == []


def test_a_table_that_the_migration_makes_itself_is_used_by_nobody():
    assert faults('CREATE INDEX "i" ON "consent_dailycount" ("day")', created={"consent_dailycount"}) == []


# -- While they run ------------------------------------------------------------------------------------


@postgresql
@pytest.mark.django_db
def test_a_migration_waits_a_second_for_a_lock_and_no_longer():
    with CaptureQueriesContext(connection) as queries:
        call_command("migrate", verbosity=0)

    asked = [query["sql"] for query in queries]
    assert asked[0] == "SET lock_timeout = '1s'"
    assert asked[-1] == "SET lock_timeout = DEFAULT"


@postgresql
def test_a_migration_gives_way_to_who_reads_the_records_and_is_tried_again(transactional_db, monkeypatch):
    is_reading, gave_way = threading.Event(), threading.Event()

    def read():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM consent_consentrecord")
            is_reading.set()
            assert gave_way.wait(timeout=20)
        connection.close()

    def alter(**kwargs):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE consent_consentrecord IN ACCESS EXCLUSIVE MODE")
        altered.append(kwargs["app_config"].name)

    def pause(seconds):
        gave_way.set()
        reader.join(timeout=20)

    altered = []
    monkeypatch.setattr(migrate, "PATIENCE", "100ms")
    monkeypatch.setattr(migrate.time, "sleep", pause)
    reader = threading.Thread(target=read)
    reader.start()
    assert is_reading.wait(timeout=20)
    pre_migrate.connect(alter, sender=apps.get_app_config("consent"))
    said = io.StringIO()
    try:
        call_command("migrate", verbosity=0, stderr=said)
    finally:
        pre_migrate.disconnect(alter, sender=apps.get_app_config("consent"))
        gave_way.set()
        reader.join(timeout=20)

    assert "gives way and is tried again" in said.getvalue()
    assert altered == ["consent"]
