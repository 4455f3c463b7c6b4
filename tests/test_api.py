"""The public API against its own description, with requests that nobody thought of.

schemathesis makes them from ``docs/openapi.yaml`` and asks the application without a socket; the same ones at
each run. It judges status, type, headers and schema of every answer.
"""

import inspect
import io
import json
import re
from pathlib import Path

import pytest
import requests
import schemathesis
import yaml
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.urls import URLPattern
from django.utils import timezone
from hypothesis import HealthCheck
from hypothesis import settings as limits
from requests.structures import CaseInsensitiveDict
from schemathesis import Response
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import positive_data_acceptance
from urllib3 import HTTPResponse

from consent import views
from consent.models import Banner
from consent.recording import new_id
from consent.throttling import WINDOW_SECONDS
from policies import rendering
from privacy_site import urls

FILE = Path(__file__).resolve().parent.parent / "docs" / "openapi.yaml"
DESCRIPTION = yaml.safe_load(FILE.read_text(encoding="utf-8"))
ORIGIN = "https://www.pro4all.nl"
# Of the operator and of the desk.
NOT_PUBLIC = {"metrics", "embed_preview"}
METHODS = {"get", "post", "options"}

load_all_checks()
schema = schemathesis.openapi.from_dict(DESCRIPTION, config=schemathesis.Config(seed=20_261_123))
schema.app = get_wsgi_application()


@pytest.fixture
def open_site(published, settings, client):
    """A site with a statement in force, whose patience nobody exhausts."""
    settings.CONSENT_RATE_LIMIT = 10**9
    settings.SECURITY_CONTACT = "mailto:security@example.nl"
    settings.ALLOWED_HOSTS = ["*"]
    client.get("/embed/website.js")
    # The connection is that of the test, and ends with it.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@schema.parametrize()
@limits(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
def test_every_answer_is_as_described(case, open_site):
    # What is taken depends on what was asked and on the clock, which no schema can say; see below.
    excluded = [positive_data_acceptance] if case.path == "/consent/" else []
    # Without a socket nobody unpacks what was compressed.
    case.call_and_validate(headers={"Accept-Encoding": "identity"}, excluded_checks=excluded)


# -- That the description is complete ------------------------------------------------------------


def described(path):
    return "/" + path.replace("<slug:website>", "{website}").replace("<uuid:record_id>", "{record_id}")


def test_every_public_address_for_machines_is_described_and_no_other():
    served = set()
    for pattern in urls.urlpatterns:
        if isinstance(pattern, URLPattern) and pattern.name not in NOT_PUBLIC and "admin/" not in str(pattern.pattern):
            route = str(pattern.pattern)
            if pattern.name == "embed_exact":
                route = "embed/{website}.{digest}.js"
            served.add(described(route))

    assert set(DESCRIPTION["paths"]) == served


def statuses(path, method):
    return set(DESCRIPTION["paths"][path][method]["responses"])


def given_by(module, *functions):
    """Every status that is written in the source of these functions."""
    source = "".join(inspect.getsource(getattr(module, name)) for name in functions)
    return set(re.findall(r"(?<![\w.])([2345]\d\d)(?![\w.])", source))


def test_every_status_that_recording_can_give_is_described():
    """What stands in the source; a status that is added there has to be described."""
    functions = [
        name for name in vars(views) if name.startswith(("_record", "_store", "_too", "_away", "_see", "_form_a"))
    ]
    given = given_by(views, "record", *functions)

    assert given == statuses("/consent/", "post") - {"405"}
    assert given_by(views, "_preflight") == statuses("/consent/", "options") - {"405"}


@pytest.fixture
def example(open_site):
    """The choice of the description, as it would be sent now."""
    body = DESCRIPTION["paths"]["/consent/"]["post"]["requestBody"]["content"]["application/json"]
    now = timezone.now()
    banner = Banner.objects.get(website="website", kind="script").digest
    return body["examples"]["refusal"]["value"] | {
        "id": str(new_id(now)),
        "banner": banner,
        "decided_at": now.isoformat(),
    }


def post(client, data, **more):
    body = data if isinstance(data, str | bytes) else json.dumps(data)
    headers = {"origin": ORIGIN} | more.pop("headers", {})
    return client.post("/consent/", body, **{"content_type": "application/json", "headers": headers} | more)


def test_each_status_of_recording_is_given_for_its_reason_and_is_as_described(example, client, settings, monkeypatch):
    """Those that need a state which random requests do not find."""
    operation = schema["/consent/"]["POST"]
    answers = {
        201: post(client, example),
        200: post(client, example),
        409: post(client, example | {"gpc": True}),
        400: post(client, example | {"id": "x"}),
        403: post(
            client, example | {"id": str(new_id(timezone.now()))}, headers={"origin": "https://elsewhere.example"}
        ),
        413: post(client, b" " * 16_385),
        415: post(client, b"x", content_type="text/plain"),
    }
    with monkeypatch.context() as patch:
        patch.setattr(rendering, "database_is_away", lambda: True)
        answers[503] = post(client, example | {"id": str(new_id(timezone.now()))})
    settings.CONSENT_RATE_LIMIT = 0
    answers[429] = post(client, example)

    assert {status: answer.status_code for status, answer in answers.items()} == {status: status for status in answers}
    for answer in answers.values():
        operation.validate_response(Response.from_any(as_requests(answer)))
    assert set(DESCRIPTION["paths"]["/consent/"]["post"]["responses"]) == {*map(str, answers), "303", "405"}
    assert 0 < int(answers[429]["Retry-After"]) <= WINDOW_SECONDS + 1
    assert int(answers[503]["Retry-After"]) > 0
    assert answers[201]["Location"] == f"/consent/{example['id']}/"
    for status in (200, 201, 400, 403, 409, 413, 415, 429, 503):
        assert "Origin" in answers[status]["Vary"]


def test_each_field_has_its_own_refusal(example, client):
    fields = DESCRIPTION["components"]["schemas"]["Choice"]["properties"]
    for name in fields:
        for wrong in ([], {"a": {}}, 1.5, "\x00", "x" * 5000):
            answer = post(client, example | {name: wrong})

            assert answer.status_code == 400, (name, wrong)
            assert list(answer.json()["errors"]) == [name], (name, wrong)


def test_the_guide_names_the_description():
    assert "(openapi.yaml)" in (FILE.parent / "developer.md").read_text(encoding="utf-8")


def as_requests(answer):
    """What Django's client got, as the library that schemathesis judges by."""
    response = requests.Response()
    response.status_code = answer.status_code
    response._content = answer.content
    response.headers = CaseInsensitiveDict(answer.headers)
    response.request = requests.Request("POST", "http://localhost/consent/").prepare()
    response.raw = HTTPResponse(io.BytesIO(answer.content), headers=dict(answer.headers), status=answer.status_code)
    return response
