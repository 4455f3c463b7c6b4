"""Two real gunicorn processes on a database of their own, and what happens to that database."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from . import arriving
from .sites import ROOT, WORKERS, running

pytestmark = pytest.mark.processes

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


@pytest.fixture
def site(installed, tmp_path):
    """The installed site, running, and which its processes are."""
    with running(installed, tmp_path, "named:application") as site:
        alive = site.every_worker("/healthz", holds=lambda answer: answer.status == 200, within=30)
        site.workers = {answer.worker for answer in alive}
        yield site


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
    choice = arriving.refusal(
        re.findall(r"[0-9a-f]{64}", script)[-1],  # the banner names its own digest, last
        version=document["number"],
        choices={category["slug"]: False for category in website["categories"] if category["needs_consent"]},
    )
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
