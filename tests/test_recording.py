"""``POST /consent/``: what is stored, once, and each answer that it gives."""

import hashlib
import json
import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from consent.models import Banner, ConsentRecord
from consent.recording import new_id, uuid7_moment
from policies import rendering
from policies.models import CookieVendor, Section, Website, WebsiteOrigin
from policies.publishing import publish_statement
from retention.append_only import AppendOnly

from .factories import WebsiteFactory

ORIGIN = "https://www.pro4all.nl"
SUBJECT = "5f0c7f0e-4b7f-4d7e-9d3c-0a4a2c1b9e11"


@pytest.fixture
def banner(published, client):
    """The digest of the banner of the company's web site, as served."""
    client.get("/embed/website.js")
    return Banner.objects.get(website="website", kind="script").digest


@pytest.fixture
def choice(banner):
    """A choice that would be recorded, with changes: ``choice(action="withdraw", …)``."""

    def make(**changes):
        data = {
            "id": str(new_id(timezone.now())),
            "subject": SUBJECT,
            "website": "website",
            "version": 1,
            "banner": banner,
            "language": "nl",
            "gpc": False,
            "action": "save",
            "choices": {"analytical": True, "marketing": False},
            "decided_at": timezone.now().isoformat(),
        } | changes
        return {name: value for name, value in data.items() if value is not ...}

    return make


@pytest.fixture
def send(client):
    """Send JSON as the banner does: ``send(data, origin=…)`` → the response."""

    def post(data, origin=ORIGIN, headers=None, **extra):
        body = data if isinstance(data, str | bytes) else json.dumps(data)
        headers = (headers or {}) | ({"origin": origin} if origin else {})
        return client.post("/consent/", body, content_type="application/json", headers=headers, **extra)

    return post


def refusal_all(**more):
    return {"subject": ..., "action": "reject_all", "choices": {"analytical": False, "marketing": False}} | more


# -- What is stored --------------------------------------------------------------------------


def test_a_choice_is_stored_beside_the_version_and_the_banner_that_were_shown(send, choice, banner):
    data = choice()
    response = send(data)

    stored = ConsentRecord.objects.get()
    assert response.status_code == 201
    assert str(stored.id) == data["id"]
    assert (stored.version_id, stored.banner_id, stored.language, stored.website) == (1, banner, "nl", "website")
    assert (stored.action, stored.choices, stored.vendors) == ("save", {"analytical": True, "marketing": False}, {})
    assert str(stored.subject) == SUBJECT
    assert abs(stored.recorded_at - timezone.now()) < timedelta(seconds=10)


def test_the_answer_is_the_receipt_and_the_receipt_can_be_fetched(send, choice, client, published):
    data = choice()
    response = send(data)

    receipt = response.json()
    assert receipt.items() <= client.get(response["Location"]).json().items()
    assert receipt["id"] == data["id"]
    assert receipt["statement"] == published.digest
    assert receipt["choices"] == data["choices"]
    assert datetime.fromisoformat(receipt["recorded_at"]) == ConsentRecord.objects.get().recorded_at
    assert "subject" not in receipt


def test_nothing_that_names_a_person_is_stored(send, choice):
    send(choice(), headers={"user-agent": "Mozilla/5.0 (Tell-Tale)"}, REMOTE_ADDR="203.0.113.77")

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM consent_consentrecord")
        row = str(cursor.fetchall())
    assert "203.0.113.77" not in row
    assert "Tell-Tale" not in row
    assert {field.name for field in ConsentRecord._meta.get_fields()} == {
        "id", "subject", "website", "version", "banner", "language", "gpc", "action", "choices", "vendors",
        "is_once", "decided_at", "recorded_at",
    }  # fmt: skip


def test_a_refusal_is_stored_without_an_identifier(send, choice):
    assert send(choice(**refusal_all())).status_code == 201
    assert ConsentRecord.objects.get().subject is None


def test_a_withdrawal_is_a_new_record_linked_to_what_it_withdraws(send, choice):
    send(choice())
    response = send(choice(action="withdraw", choices={"analytical": False, "marketing": False}))

    assert response.status_code == 201
    assert [str(record.subject) for record in ConsentRecord.objects.all()] == [SUBJECT, SUBJECT]
    assert {record.action for record in ConsentRecord.objects.all()} == {"save", "withdraw"}


def test_a_vendor_may_differ_from_its_category(send, choice):
    assert send(choice(vendors={"hotjar": False, "linkedin-ads": True})).status_code == 201
    assert ConsentRecord.objects.get().vendors == {"hotjar": False, "linkedin-ads": True}


def test_recording_takes_one_statement(send, choice, django_assert_num_queries):
    send(choice())

    with django_assert_num_queries(1):
        send(choice())


def test_the_banner_is_kept_to_the_byte(client, banner):
    served = client.get("/embed/website.js").content
    payload, last_line = served.rstrip(b"\n").rsplit(b"\n", 1)

    kept = bytes(Banner.objects.get(website="website", kind="script").body)
    assert served.startswith(kept)
    assert payload + b"\n" == kept
    assert banner.encode() in last_line


@pytest.fixture
def alike(published, publish):
    """Two web sites with the same providers, so that their banners have the same details."""
    for slug in ("shop", "blog"):
        WebsiteFactory(slug=slug)
    publish()
    rendering.look_again()


def details_of(website):
    return Banner.objects.filter(website=website, kind="script").latest("version_id").details_id


@pytest.mark.parametrize("later", ["at once", "not in memory any more", "after another publication"])
def test_details_that_web_sites_have_in_common_are_found_for_each(alike, client, publish, later):
    served = {website: client.get(f"/embed/{website}.js") for website in ("shop", "blog")}
    digest = details_of("shop")
    assert details_of("blog") == digest
    if later == "after another publication":
        CookieVendor.objects.filter(slug="hotjar").update(purpose_en="Otherwise.", purpose_nl="Anders.")
        publish()
    if later != "at once":
        rendering.forget()

    for website in served:
        response = client.get(f"/embed/{website}.{digest}.js")
        assert response.status_code == 200
        assert hashlib.sha256(response.content).hexdigest() == digest


def test_the_first_file_of_a_banner_is_found_for_its_own_web_site_alone(alike, client):
    client.get("/embed/blog.js")
    client.get("/embed/shop.js")
    digest = Banner.objects.get(website="shop", kind="script").digest

    assert client.get(f"/embed/shop.{digest}.js").status_code == 200
    for _memory in range(2):
        assert client.get(f"/embed/blog.{digest}.js").status_code == 404
        rendering.forget()


def test_the_form_is_no_file_of_a_banner(published, client):
    client.get("/en/cookies/")
    form = Banner.objects.get(kind="form", language="en")

    assert client.get(f"/embed/{form.website}.{form.digest}.js").status_code == 404


# -- Once ------------------------------------------------------------------------------------


def test_a_retry_is_no_second_record(send, choice):
    data = choice()
    first, second = send(data), send(data)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert ConsentRecord.objects.count() == 1


def test_another_choice_under_the_same_id_is_a_conflict(send, choice):
    data = choice()
    send(data)
    response = send(data | {"choices": {"analytical": True, "marketing": True}})

    assert response.status_code == 409
    assert ConsentRecord.objects.get().choices == data["choices"]


def test_the_same_choice_sent_by_two_at_once_is_stored_once(transactional_db):
    from policies.first_install import install_example

    install_example()
    Client().get("/embed/website.js")
    data = {
        "id": str(new_id(timezone.now())), "subject": SUBJECT, "website": "website", "version": 1,
        "banner": Banner.objects.get(website="website", kind="script").digest, "language": "en", "gpc": False,
        "action": "accept_all",
        "choices": {"analytical": True, "marketing": True}, "decided_at": timezone.now().isoformat(),
    }  # fmt: skip
    statuses, together = [], threading.Barrier(4, timeout=20)

    def browser():
        together.wait()
        try:
            response = Client().post(
                "/consent/", json.dumps(data), content_type="application/json", headers={"origin": ORIGIN}
            )
            statuses.append(response.status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=browser) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200, 200, 200, 201]
    assert ConsentRecord.objects.count() == 1


# -- Refusals, each with its reason ----------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": ...}, "id"),
        ({"id": SUBJECT}, "id"),
        ({"id": "x"}, "id"),
        ({"id": 7}, "id"),
        ({"id": "{" + str(uuid.UUID(int=0)) + "}"}, "id"),
        ({"subject": ...}, "subject"),
        ({"subject": "me@example.nl"}, "subject"),
        ({"subject": "0f9a1e3c-c0de-11ee-8000-0242ac120002"}, "subject"),
        ({"website": "elsewhere"}, "website"),
        ({"website": "prostream"}, "website"),
        ({"website": "w" * 81}, "website"),
        ({"version": 2}, "version"),
        ({"version": "1"}, "version"),
        ({"version": True}, "version"),
        ({"version": 10**20}, "version"),
        ({"banner": "0" * 64}, "banner"),
        ({"banner": "Z" * 64}, "banner"),
        ({"language": "de"}, "language"),
        ({"gpc": "false"}, "gpc"),
        ({"action": "perhaps"}, "action"),
        ({"action": ["save"]}, "action"),
        ({"action": "accept_all"}, "action"),
        ({"action": "reject_all"}, "action"),
        ({"action": "withdraw"}, "action"),
        ({"choices": {"analytical": True}}, "choices"),
        ({"choices": {"analytical": True, "marketing": False, "functional": True}}, "choices"),
        ({"choices": {"analytical": 1, "marketing": 0}}, "choices"),
        ({"choices": []}, "choices"),
        ({"choices": None}, "choices"),
        ({"vendors": {"hotjar": True}}, "vendors"),
        ({"vendors": {"unknown": True}}, "vendors"),
        ({"vendors": {"datadog": False}}, "vendors"),
        ({"vendors": "hotjar"}, "vendors"),
        ({"decided_at": "yesterday"}, "decided_at"),
        ({"decided_at": "2026-11-22T12:00:00"}, "decided_at"),
        ({"decided_at": "0001-01-01T00:00:00+23:59"}, "decided_at"),
        ({"decided_at": "2026-02-30T12:00:00Z"}, "decided_at"),
        ({"email": "me@example.nl"}, "email"),
        (refusal_all(subject=SUBJECT), "subject"),
        (refusal_all(subject=SUBJECT, action="save"), "subject"),
        (refusal_all(action="withdraw"), "subject"),
        (refusal_all(vendors={"hotjar": True}), "action"),
    ],
)
def test_what_cannot_be_evidence_is_refused_with_the_field(send, choice, changes, field):
    response = send(choice(**changes))

    assert response.status_code == 400
    assert list(response.json()["errors"]) == [field]
    assert all(response.json()["errors"].values())
    assert not ConsentRecord.objects.exists()


@pytest.mark.parametrize(
    "body", [" ", "{", "[]", "null", "7", '"text"', "[" * 5000, b"\xff\xfe", '{"id": NaN}', b'{"id": "\xc3"}']
)
def test_what_is_no_json_object_is_refused(published, send, body):
    response = send(body)

    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["body"]


@pytest.mark.parametrize("off", [timedelta(days=-7, minutes=-1), timedelta(days=1, minutes=1)])
def test_a_clock_that_is_far_off_is_told_the_right_time(send, choice, off):
    response = send(choice(id=str(new_id(timezone.now() + off))))

    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["id"]
    assert abs(datetime.fromisoformat(response.json()["server_time"]) - timezone.now()) < timedelta(seconds=10)


@pytest.mark.parametrize("off", [timedelta(days=-6, hours=-23), timedelta(hours=23)])
def test_a_choice_that_waited_or_a_clock_that_is_a_little_off_is_taken(send, choice, off):
    assert send(choice(id=str(new_id(timezone.now() + off)))).status_code == 201


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "https://evil.example",
        "https://www.pro4all.nl.evil.example",
        "http://www.pro4all.nl",
        "https://www.pro4all.nl:444",
    ],
)
def test_a_page_of_another_site_cannot_record(send, choice, origin):
    response = send(choice(), origin=origin)

    assert response.status_code == 403
    assert response["Access-Control-Allow-Origin"] == "*"  # so that its banner can tell this from an outage
    assert not ConsentRecord.objects.exists()


@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost", "http://127.0.0.1:8001"])
def test_registered_origins_may_record_and_read_the_answer(send, choice, origin):
    response = send(choice(), origin=origin)

    assert response.status_code == 201
    assert response["Access-Control-Allow-Origin"] == origin
    assert "Origin" in response["Vary"]
    assert "Access-Control-Allow-Credentials" not in response


def test_an_origin_is_registered_by_publishing_it(send, choice, published, publish, client):
    WebsiteOrigin.objects.create(website=Website.objects.get(slug="website"), origin="https://shop.pro4all.nl")
    assert send(choice(), origin="https://shop.pro4all.nl").status_code == 403

    publish()

    assert send(choice(), origin="https://shop.pro4all.nl").status_code == 201


def test_a_choice_under_the_version_before_is_still_taken(send, choice, publish):
    before = choice()
    Section.objects.filter(slug="about").update(text_en="New.", text_nl="Nieuw.")
    publish()

    assert send(before).status_code == 201
    assert ConsentRecord.objects.get().version_id == 1


def test_a_process_that_has_not_noticed_the_new_version_takes_a_choice_made_under_it(send, choice, publish, client):
    send(choice())
    behind = rendering.in_memory()
    Section.objects.filter(slug="about").update(text_en="New.", text_nl="Nieuw.")
    publish()
    client.get("/embed/website.js")
    newest = Banner.objects.get(version_id=2, kind="script").digest
    rendering._shelf.current, rendering._shelf.is_stale = behind, False

    assert send(choice(version=2, banner=newest)).status_code == 201
    assert rendering.in_memory() is behind


def test_a_web_site_that_asks_for_nothing_has_nothing_recorded(send, choice, published, client):
    client.get("/embed/prostream.js")
    CookieVendor.objects.exclude(category__slug="functional").delete()
    CookieVendor.objects.filter(slug="datadog").update(lifetime="P1D")
    publish_statement(by="anna", change_summary={"en": "Less.", "nl": "Minder."})
    client.get("/embed/website.js")
    digest = Banner.objects.get(version_id=2, website="website", kind="script").digest

    response = send(choice(version=2, banner=digest, action="accept_all", choices={}))

    assert (response.status_code, list(response.json()["errors"])) == (400, ["choices"])


def test_a_database_that_is_known_to_be_away_is_not_waited_for(send, choice, monkeypatch, django_assert_num_queries):
    send(choice())
    monkeypatch.setattr(rendering._shelf, "database_is_away", True)

    with django_assert_num_queries(0):
        assert send(choice()).status_code == 503


def test_the_addresses_of_one_subscriber_count_together(send, choice, settings):
    settings.CONSENT_RATE_LIMIT = 1
    first = send(choice(), REMOTE_ADDR="2001:db8:1:2::1")
    neighbour = send(choice(), REMOTE_ADDR="2001:db8:1:2:ffff::9")
    stranger = send(choice(), REMOTE_ADDR="2001:db8:1:3::1")

    assert [first.status_code, neighbour.status_code, stranger.status_code] == [201, 429, 201]


def test_browsers_may_ask_first(published, client):
    response = client.options("/consent/", headers={"origin": ORIGIN, "access-control-request-method": "POST"})

    assert response.status_code == 204
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert response["Access-Control-Allow-Headers"] == "Content-Type"
    assert client.options("/consent/", headers={"origin": "https://evil.example"})["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x", ""])
def test_other_kinds_of_content_are_refused(published, client, kind):
    assert client.post("/consent/", "{}", content_type=kind, headers={"origin": ORIGIN}).status_code == 415


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_other_methods_are_refused(published, client, method):
    assert getattr(client, method)("/consent/").status_code == 405


def test_a_long_body_is_refused_unread(published, send):
    assert send("x" * (16 * 1024 + 1)).status_code == 413


def test_an_address_that_sends_too_many_has_to_wait(send, choice, settings):
    settings.CONSENT_RATE_LIMIT = 3
    statuses = [send(choice(), REMOTE_ADDR="203.0.113.1").status_code for _ in range(4)]
    response = send(choice(), REMOTE_ADDR="203.0.113.1")

    assert statuses[:3] == [201, 201, 201]
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 61
    assert send(choice(), REMOTE_ADDR="203.0.113.2").status_code == 201


def test_while_the_database_is_away_the_browser_is_asked_to_keep_the_choice(send, choice):
    send(choice())

    def away(execute, sql, params, many, context):
        raise OperationalError("gone")

    data = choice()
    with connection.execute_wrapper(away):
        response = send(data)
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert send(data).status_code == 201


@pytest.mark.parametrize("number", ["5f0c7f0e-4b7f-4d7e-9d3c-0a4a2c1b9e11", "0190a5c4-0000-7000-8000-000000000000"])
def test_an_unknown_receipt_is_not_found(published, client, number):
    assert client.get(f"/consent/{number}/").status_code == 404


# -- Hostile input ---------------------------------------------------------------------------

anything = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=20)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=12), inner, max_size=3)),
    max_leaves=6,
)
NAMES = [
    "id",
    "subject",
    "website",
    "version",
    "banner",
    "language",
    "gpc",
    "action",
    "choices",
    "vendors",
    "decided_at",
]


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(changes=st.dictionaries(st.sampled_from([*NAMES, "more", "\x00"]), anything, min_size=1, max_size=4))
def test_no_input_is_ever_a_fault_of_the_server(send, choice, settings, changes):
    settings.CONSENT_RATE_LIMIT = 10**9

    assert send(choice(**changes)).status_code in {200, 201, 400, 409}


@given(st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1)))
def test_an_identifier_carries_its_moment_to_the_millisecond(moment):
    moment = moment.replace(tzinfo=UTC)
    identifier = new_id(moment)

    assert identifier.version == 7
    assert identifier.variant == uuid.RFC_4122
    assert timedelta(0) <= moment - uuid7_moment(identifier) < timedelta(milliseconds=1, microseconds=1)


def test_identifiers_of_one_moment_differ():
    now = timezone.now()

    assert len({new_id(now) for _ in range(1000)}) == 1000


# -- Append-only -----------------------------------------------------------------------------


def test_a_record_cannot_be_changed_or_deleted_through_the_orm(send, choice):
    send(choice())
    record = ConsentRecord.objects.get()
    for act in (
        record.save,
        record.delete,
        ConsentRecord.objects.all().delete,
        lambda: ConsentRecord.objects.update(gpc=True),
    ):
        with pytest.raises(AppendOnly):
            act()


@pytest.mark.parametrize("table", ["consent_consentrecord", "consent_banner"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET language = language", "DELETE FROM {}"])
def test_a_record_cannot_be_changed_or_deleted_by_sql(send, choice, table, statement):
    send(choice())

    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        connection.cursor().execute(statement.format(table))
    assert ConsentRecord.objects.count() == 1


def test_a_record_cannot_be_replaced_by_sql(send, choice):
    send(choice())
    columns = ", ".join(f.column for f in ConsentRecord._meta.concrete_fields)
    forged = columns.replace("gpc", "NOT gpc").replace("decided_at", "recorded_at")
    copy = f"INTO consent_consentrecord ({columns}) SELECT {forged} FROM consent_consentrecord"
    before = ConsentRecord.objects.values().get()

    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"INSERT OR REPLACE {copy}")
        else:
            with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
                cursor.execute(f"INSERT {copy} ON CONFLICT (id) DO UPDATE SET gpc = EXCLUDED.gpc")

    assert ConsentRecord.objects.values().get() == before


def test_no_deleted_row_of_content_takes_a_record_along(send, choice):
    send(choice())

    Website.objects.all().delete()
    Section.objects.all().delete()

    assert ConsentRecord.objects.get().website == "website"


@pytest.mark.parametrize(("action", "subject"), [("reject_all", SUBJECT), ("accept_all", None)])
def test_the_database_itself_keeps_refusals_anonymous_and_grants_linked(banner, action, subject):
    with pytest.raises(DatabaseError, match=r"consent_(refusal|acceptance)"), transaction.atomic():
        ConsentRecord.objects.create(
            id=new_id(timezone.now()), subject=subject, website="website", version_id=1, banner_id=banner,
            language="en", gpc=False, action=action, choices={}, decided_at=timezone.now(),
        )  # fmt: skip


def test_an_acknowledged_choice_survives_a_crash(db):
    """SQLite: written ahead, and synced before a commit is reported, as PostgreSQL does by default."""
    if connection.vendor != "sqlite":
        assert "synchronous_commit" not in str(connection.settings_dict["OPTIONS"])
        return
    with connection.cursor() as cursor:
        modes = [cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert modes == ["wal", 2]
