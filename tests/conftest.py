"""Fixtures that several files share. Each says what it leaves in the database."""

import functools
import gc
import os
import shutil
import tempfile
import threading
from pathlib import Path
from unittest.mock import patch

import brotli
import pytest
import typst
from django.apps import apps
from django.conf import settings
from django.core.cache import cache, caches
from django.core.management.color import no_style
from django.core.signals import request_finished, request_started
from django.db import connection, transaction
from django.db.models.signals import post_migrate
from django.db.models.sql import InsertQuery
from django.test import Client
from django.utils import translation

from consent import throttling
from consent.partitions import partitions
from policies import rendering
from retention.append_only import AppendOnlyModel, execute

from .foreign import foreign, mariadb_url  # noqa: F401 - fixtures
from .sites import installed  # noqa: F401 - a fixture

CONTENT = Path(__file__).parent.parent / "content" / "pro4all.yaml"
PATIENCE = 20_000  # milliseconds: a busy machine is no fault of ours
CHROMIUM = os.environ.get("CHROME_PATH") or shutil.which("chromium") or shutil.which("google-chrome")


def pytest_configure():
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STATIC_ROOT = tempfile.mkdtemp(prefix="privacy-static-")
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Hundreds of tests look at the same pages, and the best compression is the slowest.
    brotli.compress = functools.lru_cache(maxsize=500)(brotli.compress)
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        # A file, as in production: WAL and locks behave otherwise in memory.
        directory = tempfile.mkdtemp(prefix="privacy-tests-")
        settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = f"{directory}/test.sqlite3"
        # Where this looks like memory, a live server would share one connection between threads.
        settings.DATABASES["default"]["NAME"] = f"{directory}/live.sqlite3"
        settings.DATABASES["default"]["OPTIONS"]["timeout"] = PATIENCE / 1000
    else:
        # A process of the tests is several: the test, its threads, and a live server that keeps what it had.
        settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"] = 10


# What happens in a browser, in pure functions, or behind what other files ask of each database: versions and
# content that are read whole, choices that are recorded. The suite runs these once, not once per database.
ANY_DATABASE = {
    "test_asking", "test_autonomous_tools", "test_banner_axe", "test_banner_bytes", "test_blocking",
    "test_bundle_verify", "test_catalogue", "test_changes", "test_changes_page", "test_choice", "test_clearing",
    "test_comparing", "test_docs", "test_facts", "test_failing_closed", "test_figures", "test_looks", "test_pdf",
    "test_periods", "test_preview_links", "test_reckoning", "test_recipes", "test_removal", "test_repository",
    "test_review_command", "test_review_faults", "test_review_language", "test_review_law", "test_sentences",
    "test_settings", "test_sharing", "test_signals", "test_translations", "test_website_desk", "test_wording",
    "test_abuse", "test_api", "test_headers", "test_hostile_text", "test_parsers", "test_slow_clients",
}  # fmt: skip


# Pages of the desk, on the database that serves in production alone: that each of them opens on SQLite too, and what
# lies behind them on both, is asked elsewhere.
PRODUCTION = {
    "test_dashboard", "test_history_page", "test_publish_page", "test_review_page", "test_workflow_pages",
}  # fmt: skip

# What publishes often and looks into no PDF: to set one takes longer than all else about a publication.
READS_NO_PDF = {
    "test_asking", "test_changes", "test_changes_page", "test_dashboard", "test_looks", "test_my_choice",
    "test_preferences", "test_preview_links", "test_publish_page", "test_receipts", "test_sharing", "test_signals",
    "test_website_desk", "test_workflow", "test_workflow_pages",
    "test_abuse", "test_api", "test_headers",
}  # fmt: skip
Typesetter = typst.Compiler


class BlankTypesetter:
    """In the place of Typst: the same two steps, and a document with nothing in it."""

    def __init__(self, template, **settings):
        pass

    def compile(self, **settings):
        return b"%PDF-1.7\n%%EOF\n"


@pytest.fixture(autouse=True)
def typesetting(request, monkeypatch):
    if request.path.stem in READS_NO_PDF:
        monkeypatch.setattr(typst, "Compiler", BlankTypesetter)


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.stem in ANY_DATABASE:
            item.add_marker(pytest.mark.any_database)
        if item.path.stem in PRODUCTION:
            item.add_marker(pytest.mark.production)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup):
    yield
    # A session that a thread left behind goes with the garbage, and the database not before it.
    gc.collect()


@pytest.fixture
def visitor_without(settings):
    """A client of a site that lacks one of its middlewares: ``visitor_without(name)``."""

    def make(missing, **more):
        client, usual = Client(**more), settings.MIDDLEWARE
        assert missing in usual
        settings.MIDDLEWARE = [name for name in usual if name != missing]
        client.get("/healthz")  # it takes its middleware with its first request
        settings.MIDDLEWARE = usual
        return client

    return make


class RequestsUnderWay:
    """How many requests the live server is answering; a flush would lock itself out with them."""

    def __init__(self):
        self.number, self.changed = 0, threading.Condition()
        request_started.connect(lambda **kwargs: self.change(1), weak=False)
        request_finished.connect(lambda **kwargs: self.change(-1), weak=False)

    def change(self, by):
        if threading.current_thread() is threading.main_thread():
            return  # a test's own client, which may leave an answer unread
        with self.changed:
            self.number += by
            self.changed.notify_all()

    def ended(self):
        """Wait until all are answered; False after too long."""
        with self.changed:
            return self.changed.wait_for(lambda: self.number <= 0, timeout=20)


requests_under_way = RequestsUnderWay()


def evidence_tables():
    """All that are there; of a partitioned one its partitions too, which have triggers of their own."""
    tables = [model._meta.db_table for model in apps.get_models() if issubclass(model, AppendOnlyModel)]
    there = connection.introspection.table_names()
    return [table for table in tables if table in there] + [partition.name for partition in partitions()]


set_aside = []  # SQLite's triggers while a flush is under way


@pytest.fixture(autouse=True)
def flushable_evidence(request):
    """Tests on real transactions end with a flush, which the triggers would refuse."""
    names = set(request.fixturenames)
    if not names & {"transactional_db", "live_server"}:
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    assert requests_under_way.ended(), "the server is still answering"
    cache.clear()  # its table belongs to no model, so a flush passes it by
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
        set_aside.extend(sql for _name, sql in triggers)
        execute([f'DROP TRIGGER "{name}"' for name, _sql in triggers], "default")
    else:
        execute([f'ALTER TABLE "{table}" DISABLE TRIGGER USER' for table in evidence_tables()], "default")


def guard_evidence_again(**kwargs):
    """After a flush, which ends with post_migrate like a migration."""
    if kwargs["app_config"].name != "consent":
        return
    if connection.vendor == "sqlite":
        execute(set_aside, "default")
        set_aside.clear()
    else:
        execute([f'ALTER TABLE "{table}" ENABLE TRIGGER USER' for table in evidence_tables()], "default")


post_migrate.connect(guard_evidence_again, dispatch_uid="tests")


@pytest.fixture(autouse=True)
def nothing_remembered():
    """No pages, counters, banners or language of the test before."""
    rendering.forget()
    caches["memory"].clear()
    throttling.forget()
    translation.activate("en")
    yield
    rendering.forget()


def insertions(model):
    """The SQL that stores the rows of ``model`` as they are now, keys included; ``(sql, parameters)``."""
    rows = list(model._base_manager.all())
    fields = model._meta.concrete_fields
    size = max(connection.ops.bulk_batch_size(fields, rows), 1)
    for start in range(0, len(rows), size):
        query = InsertQuery(model)
        query.insert_values(fields, rows[start : start + size])
        yield from query.get_compiler(connection=connection).as_sql()


def content_as_sql():
    """What stores every row of the two lower floors again: ready SQL, which takes longer to make than to run."""
    models = [
        model
        for app in ("retention", "policies")
        for model in apps.get_app_config(app).get_models(include_auto_created=True)
    ]
    rows = [statement for model in models for statement in insertions(model)]
    return rows + [(sql, None) for sql in connection.ops.sequence_reset_sql(no_style(), models)]


@pytest.fixture(scope="session")
def remembered():
    """What a fixture made the long way before, as SQL by its name: the next test gets copies."""
    return {}


def once(remembered, name, make):
    """Make the rows with ``make``, or lay down those that it made before; ``name`` is unique in its file."""
    name = (make.__module__, name)
    if name not in remembered:
        # The tests after this one get these rows too, and may look into the PDFs.
        with patch.object(typst, "Compiler", Typesetter):
            make()
        remembered[name] = content_as_sql()
        return
    # One transaction: foreign keys are checked at its end, whatever the order of the tables.
    with transaction.atomic(), connection.cursor() as cursor:
        for sql, parameters in remembered[name]:
            cursor.execute(sql, parameters)


@pytest.fixture
def content(db, remembered):
    """The example content as a draft; nothing is published."""
    from policies.content_file import load

    once(remembered, "content", lambda: load(CONTENT.read_text(encoding="utf-8")))


@pytest.fixture
def published(db, remembered):
    """The example content, published as version 1, which is returned."""
    from policies.first_install import install_example
    from policies.models import StatementVersion

    once(remembered, "published", install_example)
    return StatementVersion.objects.get()


@pytest.fixture
def publish():
    """Publish the draft as it is, whatever the review has to say: ``publish(effective_at=…)`` → the version."""
    from policies.publishing import NotPublishable, look_at_draft, publish_statement
    from policies.workflow import waive

    def act(**changes):
        texts = {"en": "A test of publishing.", "nl": "Een proef met publiceren."}
        changes = {"by": "anna", "change_summary": texts} | changes
        try:
            return publish_statement(**changes)
        except NotPublishable:
            findings = [finding for finding in look_at_draft().blocking if finding.is_waivable]
            if not findings:
                raise
        for finding in findings:
            waive(finding, by="anna", reason={"en": "Only a test.", "nl": ""})
        return publish_statement(**changes)

    return act


@pytest.fixture
def staff(db, django_user_model):
    """Somebody of the staff in a group: ``staff("editor")`` → the user."""
    from django.contrib.auth.models import Group

    def hire(group, name=None):
        user = django_user_model.objects.create_user(name or group, password="a long password", is_staff=True)
        user.groups.add(Group.objects.get(name=group))
        return user

    return hire


# -- The browser -----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def site(live_server, settings):
    """Address of the running site, which takes itself for the one that visitors type."""
    settings.PUBLIC_URL = live_server.url
    settings.CSRF_TRUSTED_ORIGINS = [live_server.url]
    return live_server.url


@pytest.fixture
def browser_context(chromium):
    context = chromium.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


@pytest.fixture
def browser_page(browser_context):
    return browser_context.new_page()
