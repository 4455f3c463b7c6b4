"""Cookies of providers that are not allowed: removed by the server where it can, listed where not."""

import json
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from consent import removal
from consent.models import Banner, ConsentRecord
from consent.recording import new_id
from policies import rendering
from policies.models import Cookie, CookieVendor, Website

ORIGIN = "http://localhost"
SUBJECT = "5f0c7f0e-4b7f-4d7e-9d3c-0a4a2c1b9e11"
HOST = "privacy.pro4all.nl"


@pytest.fixture
def declare(published, publish):
    """Publish cookies of providers: ``declare(hotjar=["_hj*"])``; a row may be a mapping."""

    def act(**names):
        for vendor, cookies in names.items():
            row = CookieVendor.objects.get(slug=vendor.replace("_", "-"))
            for cookie in cookies:
                fields = cookie if isinstance(cookie, dict) else {"name": cookie}
                Cookie.objects.create(vendor=row, **({"lifetime": "P1M"} | fields))
        publish()
        rendering.look_again()

    return act


@pytest.fixture
def choose(client, settings):
    """Press a button of the form, the browser sending some cookies: ``choose("reject_all", ["_ga"])``."""
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, HOST]

    def act(action, names=(), host=HOST, **changes):
        client.get("/en/cookies/")
        banner = Banner.objects.filter(kind="form", language="en").latest("version_id").digest
        for name in names:
            client.cookies[name] = "1"
        body = urlencode({"action": action, "banner": banner, "language": "en"} | changes)
        return client.post(
            "/consent/",
            body,
            content_type="application/x-www-form-urlencoded",
            headers={"origin": ORIGIN, "host": host},
        )

    return act


def removed(response):
    """What the answer makes the browser forget: pairs of name and domain."""
    return {
        (line.key, line["domain"])
        for line in response.cookies.values()
        if line["max-age"] == 0 and line.key != "privacy_consent"
    }


def names_removed(response):
    return {name for name, _domain in removed(response)}


def cookie(**changes):
    return {"name": "id", "storage": "cookie", "party": "first", "http_only": False} | changes


def only(*cookies, answer=False):
    """A record, a web site and content with one provider, which was refused or allowed."""
    return (
        SimpleNamespace(vendors={}, choices={"marketing": answer}),
        {"categories": [{"slug": "marketing", "needs_consent": True, "vendors": ["ads"]}]},
        {"cookie_vendors": [{"slug": "ads", "cookies": list(cookies)}]},
    )


# -- By the server ---------------------------------------------------------------------------


def test_a_refusal_removes_what_the_provider_declared_and_nothing_else(declare, choose):
    declare(google_analytics=["_ga", "_ga_*"], hotjar=["_hjSession_*"])

    response = choose("reject_all", ["_ga", "_ga_1A2B", "_hjSession_7", "_gat", "basket", "x_ga"], host="localhost")

    assert removed(response) == {("_ga", ""), ("_ga_1A2B", ""), ("_hjSession_7", "")}
    for line in response.cookies.values():
        if line.key != "privacy_consent":
            assert (line.value, line["path"], line["max-age"]) == ("", "/", 0)


def test_it_is_removed_from_the_host_and_the_domains_above_it(declare, choose):
    """Measuring scripts leave their cookies on the highest domain that takes them."""
    declare(google_analytics=["_ga"])

    response = choose("reject_all", ["_ga"])

    assert removed(response) == {("_ga", ""), ("_ga", HOST), ("_ga", "pro4all.nl")}


@pytest.mark.parametrize(
    ("host", "domains"),
    [
        ("privacy.example.nl", ["", "privacy.example.nl", "example.nl"]),
        ("example.nl", ["", "example.nl"]),
        ("localhost", [""]),
        ("127.0.0.1", [""]),
        ("::1", [""]),
    ],
)
def test_a_number_and_a_name_alone_have_no_domains(host, domains):
    assert removal.domains(host) == domains


def test_what_is_allowed_stays_and_what_is_withdrawn_goes(declare, choose):
    declare(google_analytics=["_ga"], linkedin_ads=["li_*"])

    assert removed(choose("accept_all", ["_ga", "li_ads"])) == set()
    assert names_removed(choose("save", **{"allow-marketing": "yes"})) == {"_ga"}
    assert names_removed(choose("withdraw")) == {"_ga", "li_ads"}
    assert [record.action for record in ConsentRecord.objects.order_by("recorded_at", "id")] == [
        "accept_all", "save", "withdraw",
    ]  # fmt: skip


def test_a_cookie_out_of_reach_of_scripts_is_removed_and_comes_first(declare, choose, settings):
    declare(hotjar=[{"name": "z_secret", "http_only": True}, *(f"hj_{n}" for n in range(60))])

    response = choose("reject_all", ["z_secret", *(f"hj_{n}" for n in range(60))])

    lines = [line for line in response.cookies.values() if line.key != "privacy_consent"]
    assert lines[0].key == "z_secret"
    # A proxy has 4 kB for all headers.
    assert 30 < len(lines) < 61 * len(removal.domains(HOST))
    assert sum(len(line.output()) + 2 for line in lines) <= removal.MOST_BYTES


def test_names_that_somebody_made_long_do_not_keep_a_choice_from_being_stored_and_others_removed(declare, choose):
    """A host next to ours may set cookies of any name for the domain above us both."""
    declare(google_analytics=["_ga*"], hotjar=["_hj"])
    long = [f"_ga_{n}{'x' * 180}" for n in range(40)]

    response = choose("reject_all", [*long, "_ga" + "x" * 3500, "_hj"])

    lines = [line for line in response.cookies.values() if line.key != "privacy_consent"]
    assert sum(len(line.output()) + 2 for line in lines) <= removal.MOST_BYTES
    assert "_hj" in names_removed(response)
    assert response.cookies["privacy_consent"]["max-age"] > 0


def test_a_provider_that_was_refused_or_allowed_apart_is_treated_apart(declare, client, settings):
    declare(google_analytics=["_ga"], hotjar=["_hj"], linkedin_ads=["li"], facebook_connect=["fb"])
    for name in ("_ga", "_hj", "li", "fb"):
        client.cookies[name] = "1"

    answers = {"analytical": True, "marketing": False}
    response = send(client, choices=answers, vendors={"hotjar": False, "facebook-connect": True})

    assert names_removed(response) == {"_hj", "li"}


def test_what_an_allowed_provider_declared_too_stays(declare, choose):
    declare(google_analytics=["_g*"], google_doubleclick=["_gcl"], hubspot_forms=["_gform"])

    assert names_removed(choose("reject_all", ["_gcl", "_gform", "_ga"])) == {"_gcl", "_ga"}
    response = choose("save", **{"allow-marketing": "yes"})
    assert names_removed(response) == {"_ga"}


@pytest.mark.parametrize("pattern", ["*", "**", "privacy_consent", "privacy*", "se*", "cs*", "django_*", "mess*"])
def test_a_cookie_of_our_own_is_never_removed(settings, pattern):
    own = ["privacy_consent", "session", "csrf", "messages", "django_language"]

    assert removal.unwanted(own, *only(cookie(name=pattern))) == []


def test_staff_who_refuse_stay_signed_in(declare, choose, client, admin_user):
    client.force_login(admin_user)
    declare(hotjar=["s*"])

    response = choose("reject_all", ["shop"])

    assert names_removed(response) == {"shop"}
    assert response.cookies["privacy_consent"].value
    assert client.get("/admin/").status_code == 200


def test_only_cookies_of_the_site_itself_are_removed(declare, choose):
    """What lies on a domain of the provider is not sent here; one of the same name is somebody else's."""
    declare(hotjar=[{"name": "id", "party": "third"}, {"name": "local", "storage": "local"}])

    assert removed(choose("reject_all", ["id", "local"])) == set()


def test_providers_of_other_web_sites_are_none_of_ours(declare, choose):
    CookieVendor.objects.get(slug="hotjar").websites.set(Website.objects.filter(slug="prostream"))
    declare(hotjar=["_hj"])

    assert removed(choose("reject_all", ["_hj"])) == set()


@pytest.mark.parametrize("changes", [{"banner": "0" * 64}, {"action": "perhaps"}])
def test_without_a_record_nothing_is_removed(declare, choose, changes):
    declare(hotjar=["_hj"])

    response = choose(**({"action": "reject_all", "names": ["_hj"]} | changes))

    assert response.status_code == 400
    assert not response.cookies


def test_a_name_that_no_header_may_set_is_no_fault(declare, choose, client):
    declare(hotjar=["_hj*"])

    assert names_removed(choose("reject_all", ["_hj1"])) == {"_hj1"}
    response = HttpResponse()
    removal.expire(response, "_hj[1]")
    removal.expire(response, "path")
    assert not response.cookies


def test_over_tls_the_removal_is_itself_secure(settings):
    """A browser lets no insecure line replace a cookie that is marked Secure."""
    settings.HTTPS = True
    response = HttpResponse()
    removal.expire(response, "__Secure-id", "example.nl")

    assert (
        response.cookies["__Secure-id"].OutputString() == "__Secure-id=; Domain=example.nl; Max-Age=0; Path=/; Secure"
    )


# -- From the banner on our own pages --------------------------------------------------------


def send(client, origin=ORIGIN, **changes):
    client.get("/embed/website.js")
    banner = Banner.objects.filter(website="website", kind="script").latest("version_id")
    data = {
        "id": str(new_id(timezone.now())),
        "subject": SUBJECT,
        "website": "website",
        "version": banner.version_id,
        "banner": banner.digest,
        "language": "en",
        "gpc": False,
        "action": "save",
        "choices": {"analytical": True, "marketing": False},
        "decided_at": timezone.now().isoformat(),
    } | changes
    data = {name: value for name, value in data.items() if value is not ...}
    return client.post("/consent/", json.dumps(data), content_type="application/json", headers={"origin": origin})


REFUSAL = {"action": "reject_all", "subject": ..., "choices": {"analytical": False, "marketing": False}}


def test_a_refusal_in_the_banner_on_our_own_page_removes_them_too(declare, client):
    declare(google_analytics=["_ga"])
    client.cookies["_ga"] = "1"

    response = send(client, **REFUSAL)

    assert response.status_code == 201
    assert names_removed(response) == {"_ga"}


def test_a_retry_removes_them_again(declare, client):
    declare(google_analytics=["_ga"])
    client.cookies["_ga"] = "1"
    data = REFUSAL | {"id": str(new_id(timezone.now())), "decided_at": "2026-11-22T10:15:00+01:00"}

    assert [send(client, **data).status_code, send(client, **data).status_code] == [201, 200]
    assert names_removed(send(client, **data)) == {"_ga"}


def test_a_choice_for_another_web_site_removes_nothing_here(declare, client):
    declare(google_analytics=["_ga"])
    client.cookies["_ga"] = "1"

    response = send(client, origin="https://www.pro4all.nl", **REFUSAL)

    assert response.status_code == 201
    assert not response.cookies


def test_a_choice_that_is_refused_removes_nothing(declare, client):
    declare(google_analytics=["_ga"])
    client.cookies["_ga"] = "1"

    response = send(client, **REFUSAL | {"version": 99})

    assert response.status_code == 400
    assert not response.cookies


def test_allowing_one_element_once_removes_nothing(declare, client):
    declare(google_analytics=["_ga"])
    client.cookies["_ga"] = "1"

    response = send(client, subject=..., choices={}, vendors={"facebook-connect": True}, once=True)

    assert response.status_code == 201
    assert not response.cookies


# -- Names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("_ga", "_ga", True),
        ("_ga_1", "_ga", False),
        ("_ga_1", "_ga_*", True),
        ("_ga_", "_ga_*", True),
        ("_GA", "_ga", False),
        ("id_7_x", "id_*_x", True),
        ("a", "?", False),
        ("?", "?", True),
        ("a", "[a]", False),
        ("[a]", "[a]", True),
        ("anything", "*", False),
        ("", "*", False),
    ],
)
def test_only_the_asterisk_stands_for_other_text(name, pattern, expected):
    assert removal.matches(name, pattern) is expected


@given(st.text(max_size=30), st.text("ab*[]?\\", max_size=12))
def test_a_name_made_after_a_pattern_matches_it(filling, pattern):
    assert removal.matches(pattern.replace("*", filling), pattern) is bool(pattern.strip("*"))


def test_a_hostile_name_costs_no_time():
    assert removal.matches("a" * 8000, "*a*a*a*a*a*a*a*a*b") is False


# -- What stays ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (cookie(), False),
        (cookie(storage="local"), False),
        (cookie(storage="session"), False),
        (cookie(party="third"), True),
        (cookie(http_only=True), True),
        (cookie(storage="pixel"), True),
        (cookie(storage="indexed-db"), True),
    ],
)
def test_what_neither_script_nor_server_can_remove_stays(declared, expected):
    assert removal.stays({"cookies": [declared]}) == ([declared] if expected else [])


def test_the_cookies_page_says_what_refusing_does_not_remove(declare, client):
    declare(
        hotjar=[{"name": "hj_own"}, {"name": "hj_third", "party": "third", "lifetime": "P13M"}],
        hubspot_forms=[{"name": "hs_third", "party": "third"}],
    )
    english, dutch = client.get("/en/cookies/").text, client.get("/nl/cookies/").text

    said = english[english.index("Refusing stops these") :]
    said = " ".join(said[: said.index("</ul>")].split())
    assert "<code>hj_third</code>: Hotjar Ltd. keeps it on a domain of its own, 13 months" in said
    assert "hj_own" not in said
    # What needs no consent cannot be refused.
    assert english.count("Refusing stops these") == 1
    assert dutch.count("hj_third") == 2


def test_without_declared_cookies_the_page_claims_nothing(published, client):
    assert "Refusing stops these" not in client.get("/en/cookies/").text


def test_the_record_alone_decides_what_is_unwanted():
    names = ["b", "a", "z", "other"]
    declared = [cookie(name="b"), cookie(name="a"), cookie(name="z", http_only=True)]

    assert removal.unwanted(names, *only(*declared)) == ["z", "a", "b"]
    assert removal.unwanted(names, *only(*declared, answer=True)) == []
