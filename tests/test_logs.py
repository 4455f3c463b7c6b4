"""What the processes write, and about whom they do not. A full run with real processes is in test_processes."""

import io
import json
import logging
import re
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.test import Client

from policies import rendering
from privacy_site.logs import FORMATS

from .test_pages import Away

RECEIPT = "019aad0c-8f80-7000-8000-000000000001"


@pytest.fixture
def written():
    """What was written meanwhile, as objects: ``written()``."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(FORMATS["json"]())
    loggers = [logging.getLogger(name) for name in ("", "django")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    for logger, level in zip(loggers, before, strict=True):
        logger.removeHandler(handler)
        logger.setLevel(level)


def say(form, message, *values, name="consent.recording", level=logging.INFO, error=None):
    """One record as it is written."""
    info = (type(error), error, error.__traceback__) if error else None
    return FORMATS[form]().format(logging.LogRecord(name, level, "", 0, message, values, info))


def thrown(make):
    try:
        make()
    except Exception as error:
        return error


# -- The two forms ---------------------------------------------------------------------------------


def test_json_is_one_object_in_one_line():
    error = thrown(lambda: 1 / 0)

    line = say("json", "Erased %s “rows”\nof %s", 3, "mailbox", error=error)

    assert "\n" not in line
    told = json.loads(line)
    assert datetime.fromisoformat(told["time"]).tzinfo == UTC
    assert told["time"].endswith("Z")
    assert (told["level"], told["logger"]) == ("INFO", "consent.recording")
    assert told["message"] == "Erased 3 “rows”\nof mailbox"
    assert told["exception"].endswith("ZeroDivisionError: division by zero")


def test_a_line_is_for_people():
    line = say("line", "Sealed %s days", 3)

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO consent\.recording Sealed 3 days", line)


# -- Which request ---------------------------------------------------------------------------------


def test_lines_about_a_request_have_its_id_and_the_name_of_its_address(published, written):
    answer = Client().get(f"/consent/{RECEIPT}/", {"download": "anna@example.nl"})

    [line] = [line for line in written() if line["logger"] == "django.request"]
    assert answer.status_code == 404
    assert line["message"] == "Not Found"
    assert line["route"] == "receipt"
    assert line["request_id"] == answer["X-Request-ID"]


def test_what_happens_while_a_request_is_answered_has_its_id_too(published, written):
    Client().get("/nl/cookies/")
    form = urlencode({"banner": "0" * 64, "language": "nl", "action": "reject_all"})
    with connection.execute_wrapper(Away()):
        answer = Client().post(
            "/consent/",
            form,
            content_type="application/x-www-form-urlencoded",
            headers={"origin": "http://localhost"},
        )

    [line] = [line for line in written() if "could not be stored" in line["message"]]
    assert (line["request_id"], line["route"]) == (answer["X-Request-ID"], "record")


def test_lines_outside_a_request_have_none():
    assert not {"request_id", "route"} & json.loads(say("json", "Sealed")).keys()


def test_an_id_is_taken_from_our_own_proxy_alone(published, settings):
    from ipaddress import ip_network

    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]

    def answered(given, peer):
        return Client().get("/healthz", headers={"x-request-id": given}, REMOTE_ADDR=peer)["X-Request-ID"]

    assert answered("abcdef-0123456789", "10.0.0.1") == "abcdef-0123456789"
    assert answered("abcdef-0123456789", "203.0.113.77") != "abcdef-0123456789"
    for strange in ("short", "a" * 65, "anna@example.nl", "with a space", '"}{', "ab\tcd-0123456"):
        assert re.fullmatch(r"[0-9a-f]{16}", answered(strange, "10.0.0.1"))


def test_an_answer_that_a_cache_may_keep_has_no_id(published):
    client = Client()

    for _ in range(2):  # the second from memory
        assert "X-Request-ID" not in client.get("/nl/verklaring/")
    assert "X-Request-ID" not in client.get("/embed/website.js")
    assert "X-Request-ID" in client.get("/nowhere")


def test_every_request_has_another_id(db):
    assert len({Client().get("/healthz")["X-Request-ID"] for _ in range(20)}) == 20


# -- Of nobody -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/nl/concept/eyJ0b2tlbiI:1abc:s3cret-token/", 404),
        ("get", "/nowhere/anna@example.nl/?token=s3cret-token", 404),
        ("get", "/embed/preview/eyJ0.1abc.s3cret-token.js", 404),
        ("get", f"/consent/{RECEIPT}/?s3cret-token", 404),
        ("post", "/admin/policies/purpose/s3cret-token/change/", 403),
    ],
)
def test_no_address_of_a_page_is_written(published, written, method, path, status):
    answer = getattr(Client(enforce_csrf_checks=True), method)(path, headers={"referer": "https://x.nl/s3cret-token"})

    assert answer.status_code == status
    text = json.dumps(written())
    assert text != "[]"
    for secret in ("s3cret", "anna", "example", RECEIPT, "https://"):
        assert secret not in text


def test_a_forged_host_is_noticed_and_not_repeated(published, written):
    assert Client().get("/nl/verklaring/", headers={"host": "forged.example"}).status_code == 400

    text = json.dumps(written())
    assert "Asked for a host that is not in ALLOWED_HOSTS" in text
    assert "forged" not in text


def test_an_exception_is_told_by_its_kind_and_place_without_what_it_quotes(db, written, monkeypatch):
    """The database names the row: “Key (username)=(anna@example.nl) already exists.”"""
    person = get_user_model().objects.create(username="anna@example.nl", email="anna@example.nl")

    def fail(*args, **kwargs):
        with transaction.atomic():
            get_user_model().objects.create(username=person.username)

    monkeypatch.setattr(rendering, "current", fail)
    Client(raise_request_exception=False).get("/statement.json")

    [line] = [line for line in written() if line["level"] == "ERROR"]
    assert (line["message"], line["route"]) == ("Internal Server Error", "statement_json")
    assert "django.db.utils.IntegrityError" in line["exception"]
    assert "in fail" in line["exception"]
    assert "23505: auth_user_username_key" in line["exception"] or "SQLITE_CONSTRAINT_UNIQUE" in line["exception"]
    assert "anna" not in json.dumps(written())


def test_what_led_to_an_exception_is_told_alike():
    def fail():
        try:
            int("anna@example.nl")
        except ValueError as error:
            raise KeyError("anna@example.nl") from error

    said = json.loads(say("json", "Broke off", error=thrown(fail)))["exception"]

    assert said.index("ValueError") < said.index("KeyError")
    assert "anna" not in said.replace('int("anna@example.nl")', "").replace('KeyError("anna@example.nl")', "")


def test_what_is_wrong_with_the_code_or_the_settings_is_told_in_full():
    for error in (ImproperlyConfigured("Set PUBLIC_URL."), ModuleNotFoundError("No module named 'x'")):
        assert str(error) in say("line", "Stopped", error=error)


@pytest.mark.parametrize(
    ("name", "message", "values", "written_as"),
    [
        ("gunicorn.error", "Invalid request from ip=203.0.113.77: Invalid Header: 'Anna'", (), "Invalid request"),
        ("gunicorn.error", "Error handling request %s", ("/consent/1/",), "Error handling request …"),
        ("gunicorn.error", "Listening at: %s (%s)", ("127.0.0.1:8000", 7), "Listening at: 127.0.0.1:8000 (7)"),
        ("gunicorn.error", "WORKER TIMEOUT (pid:%s)", (7,), "WORKER TIMEOUT (pid:7)"),
        ("django.db.backends", "(%.3f) %s; args=%s", (0.1, "SELECT 1", ("anna",)), "(0.1) …; args=…"),
        ("allauth.account", "No mail for anna@example.nl from 203.0.113.77", (), "No mail for … from …"),
        ("somebody", "%(user)s knocked", ({"user": "anna"},), "… knocked"),
        ("somebody", "From 2001:db8::1 for " + RECEIPT, (), "From … for …"),
        ("somebody", "100 % of it", (), "100 % of it"),
        ("psycopg.pool", "error connecting in %r: %s", ("pool-1", "refused"), "error connecting in 'pool-1': refused"),
        ("django.security.SuspiciousFileOperation", "/srv/anna is outside", (), "Refused a request"),
    ],
)  # fmt: skip
def test_of_the_sentences_of_libraries_stays_what_they_say_and_goes_what_they_quote(name, message, values, written_as):
    assert json.loads(say("json", message, *values, name=name))["message"] == written_as
