"""Signing in by the company's identity provider, against a real provider that runs as a process of its own."""

import json
import re
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

import pytest
from allauth.account.authentication import get_authentication_records
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.socialaccount.models import SocialAccount, SocialLogin, SocialToken
from django.contrib.auth import get_user_model
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.cache import caches
from django.test import Client
from django.urls import reverse

from privacy_site import sign_in, sign_in_guard

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

START = "/admin/account/company/"
DESK = "/admin/"
PASSWORD = "a long password"
ANNA = {"email": "anna@example.nl", "email_verified": True, "preferred_username": "anna", "given_name": "Anna"}


class Provider:
    """A provider of OpenID Connect, and the people it knows."""

    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.issuer = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(self.port), "--token-max-age", "3600"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ask(self, method, path, body=None, kind="application/x-www-form-urlencoded"):
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body=body, headers={"Content-Type": kind})
            response = connection.getresponse()
            response.read()
            return response
        finally:
            connection.close()

    def wait(self):
        deadline = time.monotonic() + 30
        while True:
            try:
                assert self.ask("GET", "/.well-known/openid-configuration").status == 200
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, "the provider did not start"
                time.sleep(0.05)
            else:
                return

    def know(self, subject, **claims):
        answer = self.ask("PUT", f"/users/{quote(subject)}", json.dumps(claims), "application/json")
        assert answer.status < 300, answer.status

    def sign_in(self, address, subject, action=None):
        """What a person does at the provider's page; the address to which they are sent back."""
        parts = urlsplit(address)
        assert address.startswith(self.issuer)
        form = {"action": action} if action else {"sub": subject}
        answer = self.ask("POST", f"{parts.path}?{parts.query}", urlencode(form))
        return answer.headers["Location"]


@pytest.fixture(scope="module")
def process():
    provider = Provider()
    try:
        provider.wait()
        yield provider
    finally:
        provider.process.terminate()
        provider.process.wait(timeout=10)


@pytest.fixture
def provider(process, settings):
    settings.OIDC_ISSUER = process.issuer
    settings.OIDC_NAME = "Prostream"
    app = {
        "provider_id": "company",
        "name": "Prostream",
        "client_id": "privacy-desk",
        "secret": "kept between the two",
        "settings": {"server_url": process.issuer},
    }
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
    return process


@pytest.fixture
def anna(django_user_model):
    return django_user_model.objects.create_superuser("anna", email="Anna@example.nl", password=PASSWORD)


def come(client, provider, subject, next_url="", **more):
    """All the way: to the provider, and back with what it says; our answer."""
    left = client.get(START, {"next": next_url} if next_url else {})
    back = provider.sign_in(left.url, subject, **more)
    return client.get(back.removeprefix("http://testserver"))


def is_refused(response):
    return response.status_code == 302 and response.url == reverse("account_login")


def is_in(client):
    return client.get(reverse("admin:auth_group_changelist")).status_code != 302


# -- The way there and back ------------------------------------------------------------------------------


def test_staff_whom_the_provider_vouches_for_come_in_and_go_where_they_wanted(client, provider, anna):
    provider.know("sub-1", **ANNA)
    page = client.get(reverse("account_login"), {"next": "/admin/auth/user/"})
    link = re.search(r'href="(/admin/account/company/[^"]+)"', page.text)[1]
    assert "Sign in with Prostream" in page.text

    left = client.get(link)
    asked = parse_qs(urlsplit(left.url).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) >= 16
    assert asked["redirect_uri"] == ["http://testserver/admin/account/company/callback/"]
    response = client.get(provider.sign_in(left.url, "sub-1").removeprefix("http://testserver"))

    assert response.url == "/admin/auth/user/"
    assert is_in(client)
    connected = SocialAccount.objects.get()
    assert (connected.user, connected.provider, connected.uid) == (anna, "company", "sub-1")


def test_neither_tokens_nor_what_the_provider_says_of_a_person_are_kept(client, provider, anna):
    provider.know("sub-1", **ANNA)

    for _time in range(2):
        come(Client(), provider, "sub-1")

    assert SocialAccount.objects.get().extra_data == {}
    assert not SocialToken.objects.exists()


def test_a_session_that_was_there_before_gets_a_new_key(client, provider, anna):
    provider.know("sub-1", **ANNA)
    client.get(START)
    before = client.session.session_key

    come(client, provider, "sub-1")

    assert client.session.session_key != before


def test_an_answer_holds_once_and_only_for_who_asked(client, provider, anna):
    provider.know("sub-1", **ANNA)
    back = provider.sign_in(client.get(START).url, "sub-1").removeprefix("http://testserver")

    assert is_refused(Client().get(back))
    assert client.get(back).url == DESK
    client.logout()
    assert is_refused(client.get(back))


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/"])
def test_nobody_is_led_to_another_site(client, provider, anna, elsewhere):
    provider.know("sub-1", **ANNA)

    assert come(client, provider, "sub-1", elsewhere).url == DESK


def test_another_site_cannot_start_it(client, provider):
    response = client.get(START, headers={"Sec-Fetch-Site": "cross-site"})

    assert response.url == reverse("account_login")


def test_whoever_cancels_is_back_at_the_page_for_signing_in(client, provider):
    response = come(client, provider, "sub-1", action="deny")

    assert is_refused(response)
    assert str(sign_in.REFUSED) in client.get(response.url).text


def test_a_provider_that_is_away_is_told_of_in_a_sentence(client, provider, anna, settings):
    app = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]
    app["settings"] = {"server_url": "http://127.0.0.1:9"}

    response = client.get(START, follow=True)

    assert "cannot be reached" in response.text
    assert response.redirect_chain == [(reverse("account_login"), 302)]


def test_a_provider_that_is_away_is_not_asked_again_at_once(client, provider, settings):
    """Whoever is not signed in makes us ask, and a thread waits for the answer."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        nobody.listen(8)
        nobody.setblocking(False)
        app = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]
        issuer = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        app["settings"] = {"server_url": issuer}
        caches["memory"].set(f"discovery:{issuer}/.well-known/openid-configuration", "Timeout", 20)

        assert is_refused(client.get(START))

        with pytest.raises(BlockingIOError):
            nobody.accept()


def test_what_the_provider_says_of_itself_is_asked_once(client, provider, anna, settings):
    assert client.get(START).url.startswith(provider.issuer)
    address = f"{provider.issuer}/.well-known/openid-configuration"

    assert caches["memory"].get(f"discovery:{address}")["issuer"] == provider.issuer


def test_a_provider_that_calls_itself_otherwise_is_not_believed(client, provider, anna, settings):
    settings.OIDC_ISSUER = "https://login.example.nl"

    assert is_refused(client.get(START))


def test_an_address_leads_off_to_the_provider_thirty_times_in_a_minute(client, provider):
    answers = [client.get(START).status_code for _time in range(31)]

    assert answers == [302] * 30 + [429]


def test_without_a_provider_there_is_nothing_of_it(client):
    assert client.get(START).status_code == 404
    assert client.get("/admin/account/company/callback/").status_code == 404
    assert START not in client.get(reverse("account_login")).text


# -- Whose account -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said", [{"email_verified": False}, {"email_verified": "true"}, {"email": "", "email_verified": True}]
)
def test_an_address_that_the_provider_has_not_verified_opens_no_account(client, provider, anna, said):
    provider.know("sub-2", **ANNA | said)

    assert is_refused(come(client, provider, "sub-2"))
    assert not is_in(client)
    assert not SocialAccount.objects.exists()


def test_an_address_that_was_given_to_somebody_else_does_not_open_the_account_of_the_one_before(client, provider, anna):
    provider.know("sub-1", **ANNA)
    provider.know("successor", **ANNA)
    come(Client(), provider, "sub-1")

    assert is_refused(come(client, provider, "successor"))


def test_whoever_has_been_connected_comes_in_under_a_new_address_too(client, provider, anna):
    provider.know("sub-1", **ANNA)
    come(Client(), provider, "sub-1")
    provider.know("sub-1", email="married@example.nl")

    assert come(client, provider, "sub-1").url == DESK


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
@pytest.mark.parametrize("was_connected", [True, False])
def test_whoever_left_the_staff_does_not_come_in(client, provider, anna, change, was_connected):
    provider.know("sub-1", **ANNA)
    if was_connected:
        come(Client(), provider, "sub-1")
    get_user_model().objects.update(**change)

    assert is_refused(come(client, provider, "sub-1"))
    assert not is_in(client)


def test_an_address_that_two_accounts_have_opens_neither(client, provider, anna, django_user_model):
    django_user_model.objects.create_user("anna2", email=anna.email, is_staff=True)
    provider.know("sub-1", **ANNA)

    assert is_refused(come(client, provider, "sub-1"))


@pytest.mark.parametrize("address", ["ann\u0131e@example.nl", "\u017fam@example.nl"])
def test_an_address_that_a_database_takes_for_another_opens_no_account(client, provider, django_user_model, address):
    for plain in ("anna@example.nl", "annie@example.nl", "sam@example.nl"):
        django_user_model.objects.create_user(plain, email=plain, is_staff=True)
    provider.know("sub-1", email=address, email_verified=True)

    assert is_refused(come(client, provider, "sub-1"))


def test_by_setting_the_user_name_decides(client, provider, anna, settings):
    provider.know("sub-1", preferred_username="anna")
    assert is_refused(come(client, provider, "sub-1"))

    settings.OIDC_MATCH = "username"

    assert come(client, provider, "sub-1").url == DESK


def test_nobody_connects_another_identity_to_an_open_session(client, provider, anna, staff):
    """Whoever finds a session open shows the provider who they are, and that is somebody else."""
    provider.know("mallory", email="mallory@example.nl", email_verified=True)
    client.force_login(anna)

    response = come(client, provider, "mallory")

    assert is_refused(response)
    assert not SocialAccount.objects.exists()


# -- Groups of the provider -----------------------------------------------------------------------------------


@pytest.fixture
def groups(settings):
    settings.OIDC_GROUPS = {"Privacy editors": "editor", "DPO": "publisher"}


def test_members_of_the_groups_get_an_account_and_the_rights_that_go_with_it(client, provider, groups):
    provider.know("sub-3", **ANNA, groups=["Everybody", "Privacy editors"])

    assert come(client, provider, "sub-3").url == DESK

    user = get_user_model().objects.get()
    assert (user.username, user.email, user.first_name) == ("anna", "anna@example.nl", "Anna")
    assert (user.is_staff, user.is_superuser, user.has_usable_password()) == (True, False, False)
    assert [group.name for group in user.groups.all()] == ["editor"]


def test_rights_follow_the_groups_and_end_with_them(client, provider, groups):
    provider.know("sub-3", **ANNA, groups=["Privacy editors"])
    come(Client(), provider, "sub-3")
    user = get_user_model().objects.get()

    provider.know("sub-3", **ANNA, groups=["DPO"])
    come(Client(), provider, "sub-3")
    assert [group.name for group in user.groups.all()] == ["publisher"]

    provider.know("sub-3", **ANNA, groups=["Everybody"])
    assert is_refused(come(client, provider, "sub-3"))


def test_outside_the_groups_nobody_gets_an_account(client, provider, groups):
    provider.know("sub-4", email="bob@example.nl", email_verified=True, preferred_username="bob", groups=["Everybody"])

    assert is_refused(come(client, provider, "sub-4"))
    assert not get_user_model().objects.exists()


@pytest.mark.parametrize("said", ["DPO", {"DPO": 1}, [["DPO"], {"DPO": 1}, 7, None], 7])
def test_groups_that_are_no_list_of_names_are_none(client, provider, groups, said):
    provider.know("sub-3", **ANNA, groups=said)

    assert is_refused(come(client, provider, "sub-3"))
    assert not get_user_model().objects.exists()


@pytest.mark.parametrize("said", [7, ["anna"], {"anna": 1}, "an\x00na"])
def test_names_that_are_no_names_make_no_account(client, provider, groups, settings, said):
    settings.OIDC_MATCH = "username"
    provider.know("sub-3", preferred_username=said, given_name=["Anna"], groups=["DPO"])

    assert is_refused(come(client, provider, "sub-3"))


def test_a_new_account_never_takes_a_name_that_is_somebodys(client, provider, groups, django_user_model):
    django_user_model.objects.create_superuser("Anna", email="other@example.nl")
    provider.know("sub-3", **ANNA, groups=["Privacy editors"])

    assert is_refused(come(client, provider, "sub-3"))


# -- The second factor, and once more ------------------------------------------------------------------------------


@pytest.mark.parametrize("provider_answers", [True, False])
def test_for_the_second_factor_the_provider_answers_unless_the_setting_says_otherwise(
    client, provider, anna, settings, provider_answers
):
    settings.SECOND_FACTOR, settings.OIDC_SECOND_FACTOR = True, provider_answers
    provider.know("sub-1", **ANNA)

    come(client, provider, "sub-1")

    assert is_in(client) is provider_answers


def test_whoever_has_a_factor_here_is_asked_for_it_after_the_provider_too(client, provider, anna):
    TOTP.activate(anna, generate_totp_secret())
    provider.know("sub-1", **ANNA)

    assert come(client, provider, "sub-1").url == reverse("mfa_authenticate")
    assert not is_in(client)
    assert Authenticator.objects.get().last_used_at is None


def test_who_has_no_password_shows_the_provider_again_who_they_are(client, provider, groups):
    """Before something that counts; then what was about to be done waits for one press."""
    provider.know("sub-3", **ANNA, groups=["DPO"])
    provider.know("mallory", email="mallory@example.nl", email_verified=True, groups=["DPO"])
    come(client, provider, "sub-3")
    a_while_ago(client)
    act = reverse("admin:policies_proposal_approve", args=[1])
    asked = client.post(act, {"comment": "Fine."})
    onward = unquote(asked.url.removeprefix(f"{START}?next="))
    assert onward.startswith("/admin/account/continue/?form=")
    left = client.get(asked.url)
    question = parse_qs(urlsplit(left.url).query)
    assert (question["prompt"], question["max_age"]) == (["login"], ["900"])

    somebody_else = provider.sign_in(left.url, "mallory").removeprefix("http://testserver")
    assert is_refused(client.get(somebody_else))
    assert client.post(act, {"comment": "Fine."}).url.startswith(START)

    response = come(client, provider, "sub-3", onward)
    assert response.url == onward
    assert f'action="{act}"' in client.get(response.url).text
    assert client.post(act, {"comment": "Fine."}).status_code == 404  # there is no proposal: the guard let it by


@pytest.mark.parametrize("said", [None, "now", True, float("nan"), 0, 1_000_000_000])
def test_a_provider_that_does_not_say_when_it_asked_confirms_nothing(client, rf, anna, said):
    """Who sits at an open session can take prompt=login out of the address, and the provider asks nothing."""
    client.force_login(anna)
    request = rf.get("/admin/account/company/callback/")
    request.user, request.session, request._messages = anna, client.session, CookieStorage(request)
    login = SocialLogin(user=anna, account=SocialAccount(extra_data={}))

    def confirm(moment):
        person = {"sub": "sub-1", "iss": "the provider"}
        # What the second answer says of it counts for nothing.
        login.account.extra_data = {
            "id_token": person | {"auth_time": moment},
            "userinfo": {"sub": "sub-1", "auth_time": time.time()},
        }
        login.state = {"process": "redirect"}
        sign_in.ProviderAdapter(request).pre_social_login(request, login)

    with pytest.raises(ImmediateHttpResponse):
        confirm(said)
    assert not get_authentication_records(request, anna)
    confirm(int(time.time()) - 60)
    assert get_authentication_records(request, anna)


def a_while_ago(client):
    """Put back the moments of the session. The clock of the provider cannot be moved along with ours."""
    session = client.session
    session[sign_in_guard.SIGNED_IN_AT] -= 16 * 60
    session["account_authentication_methods"] = [
        record | {"at": record["at"] - 16 * 60} for record in session["account_authentication_methods"]
    ]
    session.save()


def test_passwords_can_be_switched_off_beside_a_provider(client, provider, anna, settings):
    settings.PASSWORD_SIGN_IN = False

    page = client.get(reverse("account_login")).text
    assert 'type="password"' not in page
    response = client.post(reverse("account_login"), {"login": "anna", "password": PASSWORD})

    assert response.status_code == 200
    assert not is_in(client)
