"""Two real gunicorn processes on a database of their own, and what happens to that database."""

import json
import os
import re
import signal
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
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, build_opener

import psycopg
import pytest
import yaml
from django.conf import settings
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from consent.recording import new_id

pytestmark = pytest.mark.processes

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2
PAGES = [
    "/en/",
    "/nl/",
    "/en/statement/",
    "/nl/verklaring/",
    "/en/cookies/",
    "/nl/cookies/",
    "/en/statement/versions/",
    "/statement.json",
    "/embed/website.js",
]
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


@pytest.fixture(scope="module")
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


@pytest.fixture
def site(installed, tmp_path):
    """The installed site, running, and which its processes are."""
    with running(installed, tmp_path, "named:application") as site:
        alive = site.every_worker("/healthz", holds=lambda answer: answer.status == 200, within=30)
        site.workers = {answer.worker for answer in alive}
        yield site


def answers(site):
    try:
        return site.ask("/healthz").status == 200
    except (OSError, HTTPException):
        return False


@contextmanager
def away(database):
    database.take_away()
    try:
        yield
    finally:
        database.bring_back()


def is_page(answer):
    return answer.status == 200


def refusal(site):
    """The request in which the banner delivers "reject all"."""
    script = site.ask("/embed/website.js").body.decode()
    document = json.loads(site.ask("/statement.json").body)
    website = next(entry for entry in document["document"]["content"]["websites"] if entry["slug"] == "website")
    now = timezone.now()
    choice = {
        "id": str(new_id(now)),
        "website": "website",
        "version": document["number"],
        # The banner names its own digest, last.
        "banner": re.findall(r"[0-9a-f]{64}", script)[-1],
        "language": "nl",
        "gpc": False,
        "action": "reject_all",
        "choices": {category["slug"]: False for category in website["categories"] if category["needs_consent"]},
        "decided_at": now.isoformat(),
    }
    headers = {"Content-Type": "application/json", "Origin": site.url}
    return {"method": "POST", "body": json.dumps(choice), "headers": headers}


# -- What must hold ------------------------------------------------------------------------------


def test_every_process_serves_a_new_version_within_five_seconds(site, tmp_path):
    before = json.loads(site.ask("/statement.json").body)["number"]
    site.every_worker("/nl/verklaring/", holds=is_page, within=10)
    content = yaml.safe_load(site.manage("dump_policy"))
    content["controller"]["phone"] = f"+31 88 555 01 {uuid.uuid4().int % 100:02}"
    file = tmp_path / "changed.yaml"
    file.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False))
    site.manage("load_policy", str(file))

    site.manage(
        "publish_statement", "--by=anna", "--summary-en=A telephone number.", "--summary-nl=Een telefoonnummer."
    )

    phone = content["controller"]["phone"].encode()
    for answer in site.every_worker(
        "/statement.json", holds=lambda answer: json.loads(answer.body)["number"] > before, within=5
    ):
        assert json.loads(answer.body)["number"] == before + 1
        assert phone in answer.body
    # Nor does any process go back to the version before.
    pages = site.every_worker("/nl/verklaring/", holds=lambda answer: phone in answer.body, within=1)
    assert {page.status for page in pages} == {200}


def test_while_the_database_is_away_pages_stand_and_choices_are_not_acknowledged(site):
    before = {path: site.every_worker(path, holds=is_page, within=20)[0].body for path in PAGES}
    choice = refusal(site)
    form = {
        "method": "POST",
        "body": urlencode({"banner": "0" * 64, "language": "nl", "action": "reject_all"}),
        "headers": {"Content-Type": "application/x-www-form-urlencoded", "Origin": site.url},
    }

    with away(site.database):
        for sent in (choice, form):
            for answer in site.every_worker("/consent/", holds=lambda answer: answer.status == 503, within=20, **sent):
                assert int(answer.headers["retry-after"]) > 0
        # Every process has noticed, and has nothing but its memory now.
        site.logged("The database is away", times=WORKERS, within=20)
        for path, body in before.items():
            for answer in site.every_worker(path, holds=is_page, within=10):
                assert answer.body == body, path
        assert site.ask("/healthz").status == 200
        assert site.ask("/readyz").status == 503

    # What the browser kept is taken as soon as the database is back, and once.
    taken = site.every_worker("/consent/", holds=lambda answer: answer.status in {200, 201}, within=20, **choice)
    assert len({json.loads(answer.body)["recorded_at"] for answer in taken}) == 1
    site.every_worker("/readyz", holds=lambda answer: answer.status == 200, within=20)


def test_a_process_that_no_visitor_has_asked_stands_without_the_database_too(site):
    site.logged("Serving version", times=WORKERS, within=20)

    with away(site.database):
        site.logged("The database is away", times=WORKERS, within=20)
        for path in ("/nl/verklaring/", "/en/", "/statement.json"):
            site.every_worker(path, holds=is_page, within=10)


def test_it_stops_within_ten_seconds_when_asked(site):
    site.every_worker("/en/statement/", holds=is_page, within=10)
    begun = time.monotonic()

    site.process.send_signal(signal.SIGTERM)

    assert site.process.wait(timeout=10) == 0
    assert time.monotonic() - begun < 10
    assert "Traceback" not in site.log.read_text()


def test_the_container_finds_itself_alive_and_notices_when_it_is_not(site):
    check = [sys.executable, "docker/healthcheck.py"]

    assert subprocess.run(check, cwd=ROOT, env=site.environment, timeout=10).returncode == 0

    site.process.terminate()
    site.process.wait(timeout=20)
    assert subprocess.run(check, cwd=ROOT, env=site.environment, capture_output=True, timeout=10).returncode == 1


class Person:
    """Somebody with a browser that keeps cookies, whose every trait would be recognised in a log."""

    def __init__(self, site):
        self.site = site
        self.browser = build_opener(HTTPCookieProcessor())
        self.browser.addheaders = [
            ("User-Agent", "Telltale/1.0"),
            ("X-Forwarded-For", "203.0.113.77"),
            ("Referer", f"{site.url}/from/telltale"),
        ]

    def ask(self, path, **form):
        """The status and text of the answer, redirects followed; a form is sent with the token of the page before."""
        body = urlencode(form).encode() if form else None
        try:
            with self.browser.open(self.site.url + path, body, timeout=15) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as answer:
            with answer:
                return answer.code, answer.read().decode()

    def sign_in(self, name, password):
        _status, page = self.ask("/admin/account/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
        return self.ask("/admin/account/login/", csrfmiddlewaretoken=token, login=name, password=password)


def test_the_log_of_a_full_run_is_about_nobody(site):
    name, mail, password = "telltale-annabel", "telltale@annabel.example", "telltale correct horse"
    account = {"USERNAME": name, "EMAIL": mail, "PASSWORD": password}
    site.environment |= {f"DJANGO_SUPERUSER_{key}": value for key, value in account.items()}
    site.manage("createsuperuser", "--no-input")
    person = Person(site)
    choice = refusal(site)
    receipt = json.loads(choice["body"])["id"]
    choice["headers"] |= dict(person.browser.addheaders)

    statuses = {
        "page": person.ask("/en/statement/?telltale")[0],
        "missing page": person.ask("/nowhere/telltale/")[0],
        "choice": site.ask("/consent/", **choice).status,
        "no choice": site.ask("/consent/", **choice | {"body": "{telltale"}).status,
        "receipt": person.ask(f"/consent/{receipt}/")[0],
        "no receipt": person.ask("/consent/019aad0c-8f80-7000-8000-7e117a1e7e11/")[0],
        "draft": person.ask("/nl/concept/telltale:1abc:telltale/")[0],
        "failure": person.ask(f"/fails/{mail}/")[0],
        "forged host": site.ask("/en/statement/", headers={"Host": "telltale.example"}).status,
        "forged form": person.ask("/admin/account/login/", login=name, password=password)[0],
        "bad header": site.ask("/en/", headers={"Telltale(1)": "telltale"}).status,
        "wrong password": person.sign_in(name, "telltale wrong")[0],
        "right password": person.sign_in(name, password)[0],
        "accounts": person.ask("/admin/auth/user/")[0],
        "no account": person.ask("/admin/auth/user/telltale/change/")[0],
    }
    scheduler = subprocess.run(
        [sys.executable, "manage.py", "run_due"], cwd=ROOT, env=site.environment, capture_output=True, text=True
    )
    site.process.terminate()
    site.process.wait(timeout=20)

    assert statuses == {
        "page": 200, "missing page": 404, "choice": 201, "no choice": 400, "receipt": 200, "no receipt": 404,
        "draft": 404, "failure": 500, "forged host": 400, "forged form": 403, "bad header": 400,
        "wrong password": 200, "right password": 200, "accounts": 200, "no account": 200,
    }  # fmt: skip
    log = site.log.read_text() + scheduler.stderr
    lines = [json.loads(line) for line in log.splitlines()]
    assert all(line.keys() >= {"time", "level", "logger", "message"} for line in lines)
    said = {line["message"] for line in lines}
    assert {"Not Found", "Internal Server Error"} <= said
    assert {"gunicorn.error", "django.request", "django.security.csrf", "retention.due"} <= {
        line["logger"] for line in lines
    }
    assert {"receipt", "fails"} <= {line.get("route") for line in lines}
    for trait in ("elltale", "203.0.113.77", receipt, "7e117a1e7e11", "/consent/"):
        assert trait not in log.replace(site.url, "") + scheduler.stdout, trait


def test_figures_are_of_all_processes_and_those_of_a_lost_one_stay(site):
    def scrape():
        answer = site.ask("/metrics")
        return [sample for family in text_string_to_metric_families(answer.body.decode()) for sample in family.samples]

    def asked_for_statement():
        return sum(
            sample.value
            for sample in scrape()
            if sample.name == "privacy_requests_total" and sample.labels["route"] == "statement"
        )

    def told_by(name):
        return {sample.labels["pid"]: sample.value for sample in scrape() if sample.name == name}

    site.logged("Serving version", times=WORKERS, within=20)
    for _ in range(2 * WORKERS):
        site.every_worker("/nl/verklaring/", holds=is_page, within=10)
    number = asked_for_statement()
    assert number >= 2 * WORKERS * WORKERS
    site.until(lambda: set(told_by("privacy_version_served")) == site.workers)
    assert site.ask("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status == 404

    lost = min(site.workers)
    os.kill(int(lost), signal.SIGKILL)

    site.until(lambda: lost not in told_by("privacy_process_memory_bytes"))
    assert asked_for_statement() == number
    site.until(lambda: len(told_by("privacy_version_served")) == WORKERS)
