"""Sites of two real gunicorn processes on a database of their own, which can be taken away."""

import os
import socket
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2
# Says which process answered, and has an address that fails; everything else is the application itself.
NAMED = """
import os
from django.urls import path
from privacy_site.wsgi import application as site
from privacy_site import urls  # when the apps are ready

def fail(request, name):
    raise LookupError(f"DETAIL: Key (email)=({name}) is not there")

urls.urlpatterns.append(path("fails/<str:name>/", fail, name="fails"))

def application(environ, start_response):
    def start(status, headers, *rest):
        return start_response(status, [*headers, ("X-Worker", str(os.getpid()))], *rest)
    return site(environ, start)
"""


# -- A database that can be taken away -----------------------------------------------------------


class SqliteFile:
    """A database in a file, which goes away by being moved and replaced by a directory."""

    def __init__(self, directory):
        self.path = directory / "site.sqlite3"
        self.url = f"sqlite:///{self.path}"

    def take_away(self):
        for path in self.path.parent.glob("site.sqlite3*"):
            path.rename(path.with_name(f"away-{path.name}"))
        self.path.mkdir()

    def bring_back(self):
        self.path.rmdir()
        for path in self.path.parent.glob("away-*"):
            path.rename(path.with_name(path.name.removeprefix("away-")))

    def drop(self):
        pass  # pytest keeps the directories of the last runs


class PostgresDatabase:
    """A database on the server of the tests, which goes away by refusing everybody."""

    def __init__(self, server):
        self.name = f"privacy_processes_{uuid.uuid4().hex[:12]}"
        self.server = {key: server[key.upper()] for key in ("host", "port", "user", "password")}
        self._sql(f'CREATE DATABASE "{self.name}"')
        user, password = (quote(str(self.server[key]), safe="") for key in ("user", "password"))
        self.url = f"postgres://{user}:{password}@{self.server['host']}:{self.server['port']}/{self.name}"

    def _sql(self, statement):
        with psycopg.connect(dbname="postgres", autocommit=True, **self.server) as connection:
            connection.execute(statement)

    def take_away(self):
        self._sql(f'ALTER DATABASE "{self.name}" ALLOW_CONNECTIONS false')
        self._sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.name}'")

    def bring_back(self):
        self._sql(f'ALTER DATABASE "{self.name}" ALLOW_CONNECTIONS true')

    def drop(self):
        self._sql(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')


# -- A site of two processes ---------------------------------------------------------------------


@dataclass
class Answer:
    status: int
    worker: str
    headers: dict
    body: bytes


@dataclass
class Site:
    """The site on a port of its own, and the ways to ask it."""

    environment: dict
    database: object
    process: subprocess.Popen | None = None
    log: Path | None = None
    workers: set = field(default_factory=set)

    @property
    def url(self):
        return self.environment["PUBLIC_URL"]

    def manage(self, *arguments):
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, path, method="GET", body=None, headers=None):
        """One request on a connection of its own, so that either process may take it."""
        address = urlsplit(self.url)
        connection = HTTPConnection(address.hostname, address.port, timeout=15)
        try:
            connection.request(method, path, body=body, headers={"Connection": "close", **(headers or {})})
            response = connection.getresponse()
            answer_headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, answer_headers.pop("x-worker", ""), answer_headers, response.read())
        finally:
            connection.close()

    def every_worker(self, *request, holds, within, **more):
        """Ask until each process has given an answer that ``holds``; those answers."""
        deadline = time.monotonic() + within
        good, last = {}, {}
        with ThreadPoolExecutor(4) as pool:
            while True:
                for answer in pool.map(lambda _: self.ask(*request, **more), range(4)):
                    last[answer.worker] = answer.status, answer.body[:200]
                    if holds(answer):
                        good[answer.worker] = answer
                if len(good) >= WORKERS and good.keys() >= self.workers:
                    return list(good.values())
                assert time.monotonic() < deadline, f"after {within} s only {sorted(good)} of {last}"
                time.sleep(0.05)

    def until(self, holds, within=20):
        deadline = time.monotonic() + within
        while not holds():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def logged(self, sentence, times, within):
        deadline = time.monotonic() + within
        while self.log.read_text().count(sentence) < times:
            assert time.monotonic() < deadline, self.log.read_text()[-2000:]
            time.sleep(0.05)


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """A migrated database with the example content published, and collected static files."""
    directory = tmp_path_factory.mktemp("site")
    server = settings.DATABASES["default"]
    is_postgres = server["ENGINE"].endswith("postgresql")
    database = PostgresDatabase(server) if is_postgres else SqliteFile(directory)
    try:
        environment = os.environ | {
            "FOUR_EYES": "false",  # the command publishes by itself
            "DATABASE_URL": database.url,
            "STATIC_ROOT": str(directory / "static"),
            "ALLOWED_HOSTS": "127.0.0.1",
            "LOG_LEVEL": "INFO",
            "LOG_FORMAT": "json",
            "CONSENT_RATE_LIMIT": "10000",
            "WEB_CONCURRENCY": str(WORKERS),
            "WEB_THREADS": "4",
            "PYTHONPATH": str(directory),
        }
        # As an operator gets it who sets nothing.
        del environment["PUBLICATION_POLL_SECONDS"]
        (directory / "named.py").write_text(NAMED)
        site = Site(environment | {"PUBLIC_URL": "http://127.0.0.1"}, database)
        site.manage("migrate", "--no-input", "--verbosity=0")
        site.manage("collectstatic", "--no-input", "--verbosity=0")
        site.manage("first_install")
        yield environment, database
    finally:
        database.drop()


def answers(site):
    try:
        return site.ask("/healthz").status == 200
    except (OSError, HTTPException):
        return False


@contextmanager
def running(installed, directory, application, **more):
    """The installed site as ``application`` under gunicorn, on a port of its own; ``more`` for its environment."""
    environment, database = installed
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    environment = environment | {"PUBLIC_URL": f"http://{address}", "BIND": address} | more
    log = directory / "log"
    command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", application]
    with log.open("w") as file:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT)
    site = Site(environment, database, process, log)
    try:
        deadline = time.monotonic() + 30
        while not answers(site):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield site
    finally:
        process.terminate()
        process.wait(timeout=20)
