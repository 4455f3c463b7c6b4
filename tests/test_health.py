"""``/healthz`` and ``/readyz``: whether the process lives, and what it lacks to serve."""

import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test.utils import CaptureQueriesContext

from policies import rendering
from privacy_site import health

from .test_pages import Away


def missing(client):
    """What is missing now, whatever was answered a moment ago."""
    caches["memory"].clear()
    answer = client.get("/readyz")
    assert answer.status_code == (503 if answer.json()["missing"] else 200)
    return answer.json()["missing"]


def test_the_process_is_alive_without_a_database(client):
    with connection.execute_wrapper(Away()):
        assert client.get("/healthz").json() == {"status": "alive"}


def test_the_site_is_ready_with_a_database_and_a_statement_in_force(published, client):
    assert client.get("/readyz").json() == {"status": "ready", "missing": []}


def test_the_site_is_not_ready_without_a_statement_or_a_database(db, client):
    assert missing(client) == ["no statement is in force"]

    with connection.execute_wrapper(Away()):
        assert missing(client) == ["the database does not answer"]


def test_a_migration_that_is_missing_is_noticed(published, client):
    newest = max(name for app, name in health.last_migrations() if app == "consent")
    MigrationRecorder.Migration.objects.filter(app="consent", name=newest).delete()

    assert missing(client) == ["migrations are not applied"]


def test_translations_that_are_not_compiled_are_noticed(published, client, settings, tmp_path):
    settings.LOCALE_PATHS = [tmp_path]

    assert missing(client) == ["translations are not compiled"]


def test_static_files_that_are_not_collected_are_noticed(published, client, settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    }

    assert missing(client) == ["static files are not collected"]


def test_who_asks_often_asks_the_database_seldom(published, client):
    with CaptureQueriesContext(connection) as first:
        client.get("/readyz")
    with CaptureQueriesContext(connection) as second:
        client.get("/readyz")

    assert len(first) <= 5
    assert len(second) == 0


def test_nobody_waits_for_a_database_that_is_known_to_be_away(published, client, monkeypatch):
    monkeypatch.setattr(rendering._shelf, "database_is_away", True)

    with CaptureQueriesContext(connection) as asked:
        assert missing(client) == ["the database does not answer"]
    assert len(asked) == 0


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_both_are_read_only_kept_by_no_cache_and_asked_without_tls(published, client, path):
    answer = client.head(path)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert not answer.cookies
    assert client.post(path).status_code == 405
    assert f"^{path[1:]}$" in settings.SECURE_REDIRECT_EXEMPT


def test_what_the_database_said_is_not_repeated(db, client):
    class Talkative(Away):
        def __call__(self, *args):
            raise OperationalError('password authentication failed for user "privacy"')

    with connection.execute_wrapper(Talkative()):
        caches["memory"].clear()
        assert "privacy" not in client.get("/readyz").text
