"""``/metrics``: every figure, for whom it is, and what a scrape costs."""

import contextlib
import re
import runpy
import shutil
import stat
import subprocess
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from consent.counting import count
from consent.models import ConsentRecord
from consent.sealing import seal_closed_days
from policies.models import Proposal
from privacy_site import VERSION
from privacy_site.urls import urlpatterns
from retention.models import Result

from .arriving import MONDAY, TUESDAY, arrive, at, once_closed
from .test_coverage import SESSIONS, run
from .test_pages import Away
from .test_recording import banner, choice, refusal_all, send  # noqa: F401 - fixtures
from .test_settings import home, start  # noqa: F401 - a fixture, and how settings are tried

ROOT = Path(__file__).resolve().parent.parent
TOKEN = "bYz3-oneOnlyScrapersHave_4711_Qx9Lw2"


def scrape(**headers):
    """All figures: ``{(name, (label, value), …): number}``."""
    answer = Client().get("/metrics", headers=headers)
    assert answer.status_code == 200
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def requests(route, method="GET", status=200):
    labels = [("method", method), ("route", route), ("status", str(status))]
    return scrape().get(("privacy_requests_total", *labels), 0)


def recorded(action):
    return scrape().get(("privacy_choices_total", ("action", action), ("website", "website")), 0)


# -- Requests --------------------------------------------------------------------------------------


def test_requests_are_counted_by_the_name_of_their_address(published, client):
    before = requests("statement"), requests("version")

    # The second is answered from memory, before addresses are resolved.
    for _ in range(2):
        client.get("/nl/verklaring/")
    client.get("/en/statement/versions/1/")

    assert requests("statement") == before[0] + 2
    assert requests("version") == before[1] + 1


def test_what_a_visitor_makes_up_makes_no_figure(published, client):
    before = requests("none", status=404), requests("statement", "other", 405)

    client.get("/nl/anna@example.nl/")
    client.generic("BREW", "/en/statement/")

    assert requests("none", status=404) == before[0] + 1
    assert requests("statement", "other", 405) == before[1] + 1
    assert "anna" not in Client().get("/metrics").text


def test_the_desk_is_one_route_whatever_staff_open(staff, client):
    client.force_login(staff("auditor"))
    paths = ["/admin/", "/admin/policies/purpose/1/change/", "/admin/account/login/"]

    for path in paths:
        client.get(path)

    routes = {label[1] for name, *labels in scrape() if name == "privacy_requests_total" for label in labels}
    assert "desk" in routes
    assert not [route for route in routes if route.startswith(("admin", "account"))]


def test_latency_is_told_by_route(published, client):
    def answered(most):
        return scrape().get(("privacy_request_duration_seconds_bucket", ("le", most), ("route", "statement_json")), 0)

    before = answered("+Inf")
    client.get("/statement.json")
    assert answered("+Inf") == before + 1
    assert answered("0.001") <= answered("5.0") <= answered("+Inf")


# -- Choices ---------------------------------------------------------------------------------------


def test_a_choice_is_counted_by_web_site_and_action_and_a_retry_once(send, choice):  # noqa: F811
    before = recorded("save"), recorded("reject_all")
    data = choice()

    assert [send(data).status_code, send(data).status_code, send(choice(**refusal_all())).status_code] == [
        201,
        200,
        201,
    ]

    assert (recorded("save"), recorded("reject_all")) == (before[0] + 1, before[1] + 1)


def test_refused_choices_are_counted_by_status(send, choice, settings):  # noqa: F811
    before = [requests("record", "POST", status) for status in (400, 403, 429)]

    send("{")
    send(choice(), origin="https://elsewhere.example")
    settings.CONSENT_RATE_LIMIT = 0
    send(choice())

    assert [requests("record", "POST", status) for status in (400, 403, 429)] == [number + 1 for number in before]


# -- What is looked up -------------------------------------------------------------------------------


def test_the_version_in_force_is_told_with_its_age_and_what_this_process_serves(published, client):
    client.get("/en/statement/")

    found = scrape()

    assert found[("privacy_version_in_force",)] == found[("privacy_version_served",)] == 1
    assert found[("privacy_version_in_force_timestamp_seconds",)] == pytest.approx(published.effective_at.timestamp())


def test_publications_are_told_that_wait_and_that_are_late(published):
    now = timezone.now()
    facts = {
        "state": "scheduled", "digest": "0" * 64, "content": "{}", "review": "[]", "change_summary_en": "A.",
        "change_summary_nl": "A.", "submitted_by": "anna", "published_by": "anna", "approved_by": "bob",
        "approved_at": now,
    }  # fmt: skip
    proposal = Proposal.objects.create(effective_at=now + timedelta(days=1), **facts)
    waiting = [scrape()[(f"privacy_publications_{name}",)] for name in ("scheduled", "late")]

    Proposal.objects.filter(pk=proposal.pk).update(effective_at=now - timedelta(seconds=1))
    late = [scrape()[(f"privacy_publications_{name}",)] for name in ("scheduled", "late")]

    assert (waiting, late) == ([1, 0], [1, 1])


def test_seals_that_lie_behind_are_told(published, time_machine):
    time_machine.move_to(once_closed(TUESDAY), tick=False)
    assert scrape()[("privacy_seal_days_waiting",)] == 0
    arrive(at(MONDAY))
    assert scrape()[("privacy_seal_days_waiting",)] == 2
    assert ("privacy_sealed_until_timestamp_seconds",) not in scrape()

    seal_closed_days(once_closed(MONDAY))

    found = scrape()
    assert found[("privacy_seal_days_waiting",)] == 1
    assert found[("privacy_sealed_until_timestamp_seconds",)] == at(TUESDAY, 0).timestamp()


def test_a_scheduler_that_lost_its_key_is_told(published, settings):
    arrive(at(MONDAY))
    settings.SEAL_SIGNING_KEY = bytes(range(32))
    seal_closed_days(once_closed(MONDAY))
    signed = scrape()[("privacy_seal_key_missing",)]

    settings.SEAL_SIGNING_KEY = None
    seal_closed_days(once_closed(TUESDAY))

    assert (signed, scrape()[("privacy_seal_key_missing",)]) == (0, 1)


def test_seals_that_were_never_signed_miss_no_key(published):
    arrive(at(MONDAY))
    seal_closed_days(once_closed(MONDAY))

    assert scrape()[("privacy_seal_key_missing",)] == 0


def test_counting_is_the_pulse_of_the_scheduler(published):
    assert ("privacy_counted_until_timestamp_seconds",) not in scrape()

    arrive(timezone.now() - timedelta(minutes=1))
    count(timezone.now())

    age = timezone.now().timestamp() - scrape()[("privacy_counted_until_timestamp_seconds",)]
    assert 0 <= age < 60


def test_runs_of_retention_are_told_by_target(published):
    kept, target = "privacy_retention_last_success_timestamp_seconds", ("target", "staff-sessions")
    assert (kept, target) not in scrape()
    done = run(SESSIONS)
    run(SESSIONS, result=Result.FAILED, error="No disk.")
    run(SESSIONS, is_dry=True, result=Result.FAILED, error="No disk.")

    found = scrape()

    assert found[(kept, target)] == pytest.approx(done.finished_at.timestamp())
    assert found[("privacy_retention_runs_failed_total", ("result", "failed"), target)] == 1


def test_a_target_that_is_gone_is_missed_by_nobody(published):
    run(("jobs", "applicants"))

    assert not [key for key in scrape() if ("target", "applicants") in key]


def test_a_scrape_asks_the_database_little_however_much_there_is(published):
    scrape()
    with CaptureQueriesContext(connection) as few:
        scrape()
    arrive(at(MONDAY), number=20)
    for _ in range(5):
        run(SESSIONS)
    seal_closed_days(once_closed(TUESDAY))
    with CaptureQueriesContext(connection) as many:
        scrape()

    assert len(many) <= len(few) <= 12
    assert ConsentRecord.objects.count() == 20


def test_while_the_database_is_away_the_figures_of_the_processes_are_told(published, client):
    client.get("/en/statement/")
    with connection.execute_wrapper(Away()):
        found = scrape()

    assert found[("privacy_database_up",)] == 0
    assert found[("privacy_version_served",)] == 1
    assert ("privacy_version_in_force",) not in found
    assert scrape()[("privacy_database_up",)] == 1


def test_the_release_is_told_and_is_the_same_everywhere(db):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert scrape()[("privacy_build_info", ("version", VERSION))] == 1
    assert project == VERSION
    assert f"softwareVersion: {VERSION}\n" in (ROOT / "publiccode.yml").read_text()


def test_a_process_starts_also_where_somebody_tidied_the_figures_away(tmp_path, monkeypatch):
    directory = tmp_path / "privacy-figures"
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(directory))
    before_a_process = runpy.run_path(str(ROOT / "gunicorn.conf.py"))["pre_fork"]

    for _process in range(2):
        before_a_process(None, None)

    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


# -- For whom --------------------------------------------------------------------------------------


def test_a_scraper_on_this_machine_needs_no_token(db, client):
    answer = client.get("/metrics")

    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert not answer.cookies


def test_nobody_else_learns_that_there_is_something(db, client):
    answer = client.get("/metrics", REMOTE_ADDR="198.51.100.4")

    assert answer.status_code == 404
    assert answer.text == client.get("/nothing", REMOTE_ADDR="198.51.100.4").text


def test_a_network_may_be_named(db, client, settings):
    from ipaddress import ip_network

    settings.METRICS_NETWORKS = [ip_network("198.51.100.0/24")]

    assert client.get("/metrics", REMOTE_ADDR="198.51.100.4").status_code == 200
    assert client.get("/metrics").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-for": "127.0.0.1"},
        {"x-forwarded-for": "203.0.113.77"},
        {"x-forwarded-proto": "https"},
        {"x-real-ip": "127.0.0.1"},
        {"forwarded": "for=127.0.0.1"},
        {"via": "1.1 proxy"},
    ],
)
def test_who_comes_by_a_proxy_does_not_pass_by_the_address_of_the_proxy(db, client, headers):
    assert client.get("/metrics", headers=headers).status_code == 404


def test_nor_who_asks_by_the_name_that_visitors_type(db, client, settings):
    """A proxy on this machine that says nothing about the visitor at least passes the name on."""
    settings.PUBLIC_URL, settings.HTTPS = "https://testserver", True

    assert client.get("/metrics").status_code == 404


def test_the_token_opens_it_from_anywhere(db, client, settings):
    settings.METRICS_TOKEN = TOKEN
    far = {"REMOTE_ADDR": "203.0.113.77"}

    assert client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"}, **far).status_code == 200
    for wrong in (f"Bearer {TOKEN}x", "Bearer ", "Bearer é", TOKEN, ""):
        assert client.get("/metrics", headers={"authorization": wrong}, **far).status_code == 404


def test_without_a_token_an_empty_one_opens_nothing(db, client, settings):
    settings.METRICS_TOKEN = ""

    answer = client.get("/metrics", headers={"authorization": "Bearer "}, REMOTE_ADDR="203.0.113.77")

    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("METRICS_TOKEN", "short", "METRICS_TOKEN has at least 32 random characters"),
        ("METRICS_TOKEN", "ab" * 20, "METRICS_TOKEN has at least 32 random characters"),
        ("METRICS_NETWORKS", "everywhere", "METRICS_NETWORKS holds addresses or networks"),
        ("LOG_FORMAT", "xml", "LOG_FORMAT is line or json"),
    ],
)
def test_what_is_weak_or_unknown_stops_the_start(home, variable, value, sentence):  # noqa: F811
    done = start(home, {"PUBLIC_URL": "https://a.example", "SECRET_KEY": TOKEN * 2, variable: value})

    assert done.returncode != 0
    assert sentence in done.stderr
    assert (
        start(home, {"PUBLIC_URL": "https://a.example", "SECRET_KEY": TOKEN * 2, "METRICS_TOKEN": TOKEN}).returncode
        == 0
    )


# -- Alerts and documents --------------------------------------------------------------------------

NAME = re.compile(r"\bprivacy_[a-z_]+[a-z]\b")
PARTS = ("_bucket", "_count", "_sum")


def rules():
    groups = yaml.safe_load((ROOT / "docs" / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def exposed(capsys):
    """Names of all figures: those of a scrape and those of the census."""
    names = {line.split()[2] for line in Client().get("/metrics").text.splitlines() if line.startswith("# TYPE")}
    capsys.readouterr()
    with contextlib.suppress(SystemExit):
        call_command("retention_coverage", format="prometheus")
    names |= {line.split()[2] for line in capsys.readouterr().out.splitlines() if line.startswith("# TYPE")}
    return names | {"privacy_consent_records_without_month"}  # PostgreSQL alone has partitions


def test_what_alerts_and_documents_speak_of_is_exposed_and_the_other_way_round(published, capsys):
    arrive(at(MONDAY))
    named = {name for rule in rules() for name in NAME.findall(rule["expr"])}
    named = {name.removesuffix(part) for name in named for part in PARTS if name.endswith(part)} | {
        name for name in named if not name.endswith(PARTS)
    }
    manual = (ROOT / "docs" / "operator.md").read_text()
    documented = set(re.findall(r"^\| `(privacy_[a-z_]+)", manual, re.MULTILINE))

    assert named <= exposed(capsys)
    assert documented == exposed(capsys)


def test_every_alert_says_why_it_is_there_and_what_to_do():
    for rule in rules():
        assert rule["annotations"].keys() == {"summary", "why", "action"}, rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_the_routes_that_alerts_name_are_there():
    names = {name for rule in rules() for name in re.findall(r'route\W?[=~!]+"([^"]+)"', rule["expr"])}

    for name in {route for names_ in names for route in names_.split("|")} - {"desk"}:
        assert name in {getattr(pattern, "name", None) for pattern in urlpatterns}, name


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool comes with Prometheus")
def test_alerts_fire_at_what_they_are_for_and_at_nothing_else():
    done = subprocess.run(
        ["promtool", "test", "rules", "alerts.test.yml"], cwd=ROOT / "tests", capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert {rule["alert"] for rule in rules()} <= set(
        re.findall(r"Privacy\w+", (ROOT / "tests" / "alerts.test.yml").read_text())
    )
