"""The cookies page as a plain form: end to end without a script."""

import json
import re
from urllib.parse import quote, unquote

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test import Client

from consent.models import Banner, ConsentRecord
from policies import rendering
from policies.models import CookieVendor, Website
from policies.rendering import sha256_of

PAGES = {"en": "/en/cookies/", "nl": "/nl/cookies/"}
ORIGIN = {"origin": "http://localhost"}


@pytest.fixture
def form(published, client):
    """What a browser would send from the page: ``form("nl", action="save")``."""

    def fill(language="nl", **pressed):
        page = client.get(PAGES[language]).text
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
        assert hidden["language"] == language
        return hidden | pressed

    return fill


def submit(client, data, headers=ORIGIN, **extra):
    return client.post("/consent/", data, content_type="application/x-www-form-urlencoded", headers=headers, **extra)


@pytest.fixture
def choose(client, form):
    from urllib.parse import urlencode

    def act(language="nl", headers=ORIGIN, **pressed):
        return submit(client, urlencode(form(language, **pressed), doseq=True), headers)

    return act


def ticked(page):
    return re.findall(r'<input[^>]*name="([\w-]+)"[^>]*\schecked', page)


def kept(client):
    return json.loads(unquote(client.cookies["privacy_consent"].value))


@pytest.mark.parametrize("language", ["en", "nl"])
def test_nothing_is_ticked_and_nothing_stored_before_a_choice(published, client, language):
    response = client.get(PAGES[language])

    assert re.findall(r'<input type="checkbox"[^>]*name="([\w-]+)"', response.text) == [
        "allow-analytical",
        "allow-marketing",
    ]
    assert not re.search(r"<input[^>]*\schecked", response.text)
    assert not response.cookies


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize(
    ("action", "allow", "choices"),
    [
        ("accept_all", [], {"analytical": True, "marketing": True}),
        ("reject_all", [], {"analytical": False, "marketing": False}),
        ("reject_all", ["allow-analytical"], {"analytical": False, "marketing": False}),
        ("save", ["allow-analytical"], {"analytical": True, "marketing": False}),
        ("save", [], {"analytical": False, "marketing": False}),
    ],
)
def test_each_button_is_recorded_and_kept_and_leads_back_to_the_page(client, choose, language, action, allow, choices):
    response = choose(language, action=action, **dict.fromkeys(allow, "yes"))

    record = ConsentRecord.objects.get()
    assert response.status_code == 303
    assert response["Location"] == f"{PAGES[language]}?receipt={record.pk}#preferences"
    assert (record.choices, record.language, record.version_id) == (choices, language, 1)
    assert kept(client)["c"] == choices
    assert ("s" in kept(client)) is any(choices.values())


def test_the_cookie_lives_182_days_for_yes_and_no_alike(client, choose):
    for action in ("accept_all", "reject_all"):
        cookie = choose(action=action).cookies["privacy_consent"]
        assert cookie["max-age"] == 182 * 86_400
        assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "")


def test_the_cookie_lives_as_long_as_the_web_site_says(client, choose, publish):
    Website.objects.filter(hosts_statement=True).update(consent_months=9)
    publish()
    rendering.look_again()

    assert choose(action="reject_all").cookies["privacy_consent"]["max-age"] == 273 * 86_400


def test_an_older_choice_of_the_same_name_does_not_come_back(client, choose):
    """The host and its parent domain may both have one; the browser sends both."""
    choose(action="accept_all")
    older = client.cookies["privacy_consent"].value
    choose("nl", action="save", **{"allow-marketing": "yes"})
    newer = json.loads(unquote(client.cookies["privacy_consent"].value))
    newer = quote(json.dumps(newer | {"t": newer["t"] + 60}))

    del client.cookies["privacy_consent"]
    for first, last in ((older, newer), (newer, older)):
        page = client.get("/nl/cookies/", headers={"cookie": f"privacy_consent={first}; privacy_consent={last}"})
        assert ticked(page.text) == ["allow-marketing"]


def test_the_page_shows_the_present_choice_and_the_receipt(client, choose):
    response = choose("nl", action="save", **{"allow-analytical": "yes"})

    page = client.get(response["Location"]).text
    assert ticked(page) == ["allow-analytical"]
    assert f'href="/consent/{ConsentRecord.objects.get().pk}/"' in page


def test_the_page_with_a_choice_is_private_and_varies_by_cookie(client, choose):
    choose(action="accept_all")
    response = client.get("/nl/cookies/")

    assert response["Cache-Control"].startswith("private")
    assert "Cookie" in response["Vary"]


def test_withdrawing_is_linked_to_the_consent_and_takes_the_number_away(client, choose):
    choose(action="accept_all")
    subject = kept(client)["s"]

    choose(action="reject_all")

    records = list(ConsentRecord.objects.order_by("recorded_at", "id"))
    assert [(record.action, str(record.subject)) for record in records] == [
        ("accept_all", subject),
        ("withdraw", subject),
    ]
    assert "s" not in kept(client)


def test_a_vendor_that_was_answered_apart_is_shown_and_stays_so(client, choose, published):
    choose(action="accept_all")
    own = kept(client) | {"n": {"hotjar": False}}
    client.cookies["privacy_consent"] = quote(json.dumps(own))

    page = client.get("/en/cookies/").text
    assert page.count("Refused by you") == 1
    choose("en", action="save", **{"allow-analytical": "yes"})

    record = ConsentRecord.objects.latest("recorded_at")
    assert (record.choices, record.vendors) == ({"analytical": True, "marketing": False}, {"hotjar": False})
    assert kept(client)["n"] == {"hotjar": False}


def test_a_vendor_that_was_answered_apart_follows_a_new_answer_for_its_category(client, choose, published):
    choose(action="accept_all")
    client.cookies["privacy_consent"] = quote(json.dumps(kept(client) | {"n": {"hotjar": False}}))

    choose(action="save")

    assert kept(client)["c"] == {"analytical": False, "marketing": False}
    assert "n" not in kept(client)


def test_the_receipt_of_an_earlier_choice_is_not_taken_for_that_of_the_present_one(client, choose):
    with time_machine.travel("2026-11-22T10:15:00+01:00", tick=False):
        earlier = choose("en", action="accept_all")["Location"]
    with time_machine.travel("2026-11-22T10:16:00+01:00", tick=False):
        choose("en", action="reject_all")
        page = client.get(earlier).text

    assert "You made your choice on 22 November 2026 at 10:16." in page
    assert "Your choice has been saved" not in page


def test_a_browser_without_a_choice_is_not_told_that_its_choice_is_saved(client, choose):
    response = choose("en", action="accept_all")

    page = Client().get(response["Location"]).text
    assert "You have not made a choice yet." in page
    assert "Your choice has been saved" not in page


def test_a_receipt_that_nobody_has_is_not_claimed(published, client):
    page = client.get("/en/cookies/?receipt=5f0c7f0e-4b7f-4d7e-9d3c-0a4a2c1b9e11").text

    assert "Your choice has been saved" not in page


def test_what_was_asked_is_kept_to_the_byte(client, choose):
    choose("nl", action="reject_all")

    evidence = ConsentRecord.objects.get().banner
    assert (evidence.kind, evidence.language) == ("form", "nl")
    assert sha256_of(bytes(evidence.body)) == evidence.digest
    assert bytes(evidence.body).decode() in client.get("/nl/cookies/").text


def test_a_category_that_changed_materially_is_no_longer_ticked(client, choose, publish):
    choose(action="accept_all")
    CookieVendor.objects.filter(slug="hotjar").update(lifetime="P3Y")
    publish()

    assert ticked(client.get("/nl/cookies/").text) == ["allow-marketing"]


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"origin": "null"}, {"referer": "https://evil.example/x"}, {}]
)
def test_a_form_on_another_site_changes_nothing(client, choose, headers):
    response = choose("nl", headers, action="accept_all")

    assert response.status_code == 403
    assert "privacy_consent" not in client.cookies
    assert not ConsentRecord.objects.exists()
    assert 'role="alert"' in response.text
    assert '<html lang="nl"' in response.text


@pytest.fixture
def changes_nothing(client, choose):
    """What a visitor allowed stays whatever is sent: ``changes_nothing(403, action="forget", …)``."""
    choose(action="save", **{"allow-analytical": "yes"})
    before = client.cookies["privacy_consent"].value

    def act(status, **sent):
        response = choose("en", **sent)

        assert response.status_code == status
        assert 'role="alert"' in response.text
        assert not response.cookies
        assert client.cookies["privacy_consent"].value == before
        assert ConsentRecord.objects.count() == 1

    return act


@pytest.mark.parametrize("action", ["accept_all", "reject_all", "save", "withdraw", "forget"])
def test_a_web_site_that_asks_for_itself_cannot_answer_our_form(changes_nothing, action):
    changes_nothing(403, action=action, headers={"origin": "https://www.pro4all.nl"})


@pytest.mark.parametrize("kind", ["script", "details"])
@pytest.mark.parametrize("website", ["website", "prostream"])
@pytest.mark.parametrize("action", ["accept_all", "reject_all", "withdraw", "forget"])
def test_the_form_takes_no_answer_to_what_a_banner_asked(changes_nothing, client, website, kind, action):
    client.get(f"/embed/{website}.js")
    script = Banner.objects.get(kind="script", website=website)
    digest = {"script": script.digest, "details": script.details_id}[kind]

    changes_nothing(400, action=action, banner=digest)


def test_the_form_of_a_web_site_that_held_the_statement_before_is_not_taken(changes_nothing, form, publish):
    before = form("en")["banner"]
    Website.objects.filter(slug="website").update(hosts_statement=False)
    Website.objects.filter(slug="prostream").update(hosts_statement=True)
    publish()
    rendering.look_again()

    changes_nothing(400, action="accept_all", banner=before)


def test_a_browser_that_names_only_the_page_may_record(choose):
    assert choose(headers={"referer": "http://localhost/nl/cookies/"}, action="reject_all").status_code == 303


@pytest.mark.parametrize("changes", [{"action": "perhaps"}, {"banner": "0" * 64}, {"banner": ""}])
def test_a_form_that_does_not_fit_is_shown_again_with_a_reason(client, choose, changes):
    response = choose("en", **({"action": "save"} | changes))

    assert response.status_code == 400
    assert "Look at it and choose again." in response.text
    assert not ConsentRecord.objects.exists()


def test_while_the_database_is_away_nothing_changes_and_the_visitor_is_told(client, choose, form):
    choose(action="reject_all")
    before = client.cookies["privacy_consent"].value
    data = form("en", action="accept_all")

    def away(execute, sql, params, many, context):
        raise OperationalError("gone")

    with connection.execute_wrapper(away):
        response = submit(client, "&".join(f"{key}={value}" for key, value in data.items()))
    assert response.status_code == 503
    assert "could not be stored just now" in response.text
    assert client.cookies["privacy_consent"].value == before


@pytest.mark.parametrize("value", ["x", "%7B%7D", "a" * 5000])
def test_a_spoilt_cookie_is_no_choice_and_no_fault(published, client, value):
    client.cookies["privacy_consent"] = value

    assert client.get("/nl/cookies/").status_code == 200


def test_a_made_up_receipt_in_the_address_is_harmless(published, client):
    page = client.get("/en/cookies/?receipt=<script>alert(1)</script>")

    assert page.status_code == 200
    assert "<script>alert" not in page.text


def test_global_privacy_control_is_recorded(choose):
    choose(headers=ORIGIN | {"sec-gpc": "1"}, action="accept_all")

    assert ConsentRecord.objects.get().gpc is True
    assert Banner.objects.filter(kind="form").count() == 1
