"""Signing in to the desk: by whom, with what, how long it holds, and what has to be shown once more."""

import hashlib
import json
import re
import time
from datetime import timedelta
from urllib.parse import unquote

import pytest
import time_machine
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from allauth.socialaccount.models import SocialAccount
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings as project_settings
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core.cache import cache, caches
from django.db import connection
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode

from policies import workflow
from policies.models import DataCategory, Proposal
from privacy_site import sign_in, sign_in_guard, sign_in_urls

pytestmark = pytest.mark.django_db

PASSWORD = "a long password"
DESK = "/admin/"
LOGIN = "/admin/account/login/"


@pytest.fixture
def compulsory(settings):
    settings.SECOND_FACTOR = True


@pytest.fixture
def anna(django_user_model):
    return django_user_model.objects.create_superuser("anna", email="anna@example.nl", password=PASSWORD)


def sign_in_as(client, name="anna", password=PASSWORD, **more):
    return client.post(LOGIN, {"login": name, "password": password} | more)


def is_in(client):
    """By a page that takes little to make."""
    return client.get(reverse("admin:auth_group_changelist")).status_code != 302


def code_now(secret, steps=0):
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


@pytest.fixture
def app_of():
    """Give somebody an app: ``app_of(user)`` → its secret."""

    def give(user):
        secret = generate_totp_secret()
        TOTP.activate(user, secret)
        RecoveryCodes.activate(user)
        return secret

    return give


def words(page):
    """What a person reads, without the token that differs each time."""
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"|nonce="[^"]+"', "", page.text)


# -- By name and password --------------------------------------------------------------------------


def test_staff_come_in_by_name_and_password_and_go_where_they_wanted(client, anna):
    wanted = reverse("admin:auth_user_changelist") + "?q=a"
    asked = client.get(wanted, follow=True)
    assert asked.redirect_chain[-1][0].startswith(LOGIN)
    assert 'value="/admin/auth/user/?q=a"' in asked.text

    response = sign_in_as(client, next=wanted)

    assert response.url == wanted
    assert is_in(client)


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "javascript:alert(1)",
        "https://localhost@evil.example/",
    ],
)
def test_nobody_is_led_to_another_site(client, anna, elsewhere):
    page = client.get(reverse("admin:login"), {"next": elsewhere}, follow=True)
    assert 'name="next"' not in page.text.split('id="login-form"')[1]

    assert sign_in_as(client, next=elsewhere).url == DESK


def test_who_does_not_get_in_learns_nothing_about_which_accounts_there_are(client, anna, django_user_model):
    users = django_user_model.objects
    users.create_user("closed", password=PASSWORD, is_staff=True, is_active=False)
    users.create_user("customer", password=PASSWORD)
    attempts = [
        ("nobody", PASSWORD),
        ("anna", "wrong"),
        ("closed", PASSWORD),
        ("closed", "wrong"),
        ("customer", PASSWORD),
    ]

    answers = set()
    for name, password in attempts:
        response = sign_in_as(Client(), name, password)
        answers.add((response.status_code, words(response).replace(name, "NAME")))

    assert len(answers) == 1
    assert str(sign_in.REFUSED) in words(response)


def test_one_password_is_hashed_whoever_tries(client, anna, django_user_model, monkeypatch):
    """A hash is what takes time, so an unknown name takes as long as a wrong password."""
    from django.contrib.auth.hashers import MD5PasswordHasher

    django_user_model.objects.create_user("closed", password=PASSWORD, is_staff=True, is_active=False)
    hashed = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda *args: hashed.append(1) or encode(*args))

    counts = []
    for name in ("nobody", "anna", "closed"):
        hashed.clear()
        sign_in_as(client, name, "wrong")
        counts.append(len(hashed))

    assert counts == [1, 1, 1]


def test_an_account_is_not_guessed_at_more_than_five_times_in_five_minutes(client, anna):
    for _attempt in range(5):
        assert str(sign_in.REFUSED) in sign_in_as(client, "anna", "wrong").text

    refused = sign_in_as(client)  # with the right password
    assert "Wait five minutes" in refused.text
    for_nobody = [sign_in_as(Client(REMOTE_ADDR="192.0.2.9"), "nobody", "wrong") for _attempt in range(6)][-1]
    assert "Wait five minutes" in for_nobody.text

    with time_machine.travel(timezone.now() + timedelta(minutes=5, seconds=1)):
        assert sign_in_as(client).url == DESK


def test_an_address_is_limited_whichever_names_it_tries(client, anna):
    for number in range(10):
        sign_in_as(client, f"name {number}", "wrong")

    assert "Wait five minutes" in sign_in_as(client).text
    assert sign_in_as(Client(REMOTE_ADDR="192.0.2.9")).url == DESK


def test_whoever_floods_the_page_is_asked_to_wait(client, anna):
    answers = [client.post(LOGIN, {}).status_code for _attempt in range(31)]

    assert answers == [200] * 30 + [429]
    page = client.post(LOGIN, {})
    assert "Too many attempts" in page.text


def test_the_counters_are_shared_hold_no_name_and_no_address_and_go(client, anna):
    """They are in the database, for all processes and machines; nothing of visitors is."""
    sign_in_as(Client(REMOTE_ADDR="192.0.2.9"), "anna", "wrong")

    def rows():
        with connection.cursor() as cursor:
            cursor.execute("SELECT cache_key, value FROM sign_in_counter")
            return cursor.fetchall()

    kept = rows()
    assert len(kept) >= 3
    assert all(re.fullmatch(r"[0-9a-f]{64}", key) for key, _value in kept)
    assert not any("192.0.2.9" in value or "anna" in value for _key, value in kept)
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        cache.set("another", 1, 60)
        assert len(rows()) == 1
    assert "locmem" in type(caches["memory"]).__module__


def test_nobody_signs_up_and_no_mail_is_sent(client):
    for name in (
        "account_signup",
        "account_email",
        "account_reset_password",
        "account_set_password",
        "socialaccount_signup",
    ):
        with pytest.raises(NoReverseMatch):
            reverse(name)
    assert client.get("/admin/account/signup/").status_code in {302, 404}
    assert "No mail is sent: ask an administrator" in client.get(LOGIN).text


def test_every_page_of_signing_in_is_below_the_desk_and_known_to_the_guard():
    names = {pattern.name for pattern in sign_in_urls.urlpatterns}

    assert names == sign_in_guard.SIGN_IN
    assert reverse("account_login").startswith(sign_in_guard.DESK)


# -- How long it holds --------------------------------------------------------------------------------


def test_signing_in_gives_the_session_a_new_key(client, anna):
    client.get(reverse("mfa_login_webauthn"), headers={"Accept": "application/json"})
    before = client.session.session_key

    sign_in_as(client)

    assert before
    assert client.session.session_key != before
    cookie = client.cookies[project_settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Lax"
    assert cookie["max-age"] == ""  # gone with the browser


def test_a_session_ends_when_nothing_is_asked_for_an_hour_and_lives_while_somebody_works(client, anna):
    start = timezone.now()
    sign_in_as(client)

    for minutes in (50, 100, 150):
        with time_machine.travel(start + timedelta(minutes=minutes)):
            assert is_in(client), minutes
    with time_machine.travel(start + timedelta(minutes=150 + 61)):
        assert not is_in(client)


def test_a_session_ends_after_ten_hours_however_busy(client, anna):
    start = timezone.now()
    sign_in_as(client)

    for minutes in range(50, 600, 50):
        with time_machine.travel(start + timedelta(minutes=minutes)):
            assert is_in(client), minutes
    with time_machine.travel(start + timedelta(minutes=601)):
        response = client.get(DESK, follow=True)
    assert response.redirect_chain[-1][0] == LOGIN + "?next=/admin/"
    assert "Your session has ended" in response.text


def test_a_session_is_not_written_at_every_click(client, anna, django_assert_num_queries):
    sign_in_as(client)
    client.get(DESK)

    with time_machine.travel(timezone.now() + timedelta(seconds=30)):
        before = Session.objects.get().expire_date
        client.get(DESK)
    assert Session.objects.get().expire_date == before
    with time_machine.travel(timezone.now() + timedelta(seconds=90)):
        client.get(DESK)
    assert Session.objects.get().expire_date > before


def test_a_new_password_ends_all_other_sessions(client, anna):
    elsewhere = Client()
    sign_in_as(client)
    sign_in_as(elsewhere)
    new = {"oldpassword": PASSWORD, "password1": "quite another one", "password2": "quite another one"}

    differs = client.post(reverse("account_change_password"), new | {"password2": "quite other"})
    assert "The two new passwords differ." in differs.text
    short = client.post(reverse("account_change_password"), new | {"password1": "short", "password2": "short"})
    assert "at least 12 characters" in short.text
    wrong = client.post(reverse("account_change_password"), new | {"oldpassword": "wrong"})
    assert "This password is not right." in wrong.text
    assert is_in(elsewhere)
    response = client.post(reverse("account_change_password"), new, follow=True)

    assert "Your password was changed" in response.text
    assert is_in(client)
    assert not is_in(elsewhere)


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
def test_whoever_leaves_has_no_session_any_more(client, anna, change):
    sign_in_as(client)
    assert is_in(client)

    get_user_model().objects.update(**change)

    assert not is_in(client)
    assert client.get(reverse("mfa_index")).url.startswith(LOGIN)


# -- The second factor ----------------------------------------------------------------------------------


@pytest.fixture
def enrol_app(transactional_db):
    """Set up an app as a person would: ``enrol_app(client)`` → its secret. Allauth tells of it after the commit."""

    def enrol(client):
        page = client.get(reverse("mfa_activate_totp"))
        secret = re.search(r'id="totp-key">(\w+)<', page.text)[1]
        done = client.post(reverse("mfa_activate_totp"), {"code": code_now(secret)})
        assert done.url == reverse("mfa_view_recovery_codes")
        return secret

    return enrol


def test_where_a_second_factor_is_compulsory_no_page_opens_before_there_is_one(client, compulsory, anna, enrol_app):
    sign_in_as(client)
    opened = set()
    for address in addresses_of_the_desk():
        response = client.get(address)
        if response.status_code == 302 and response.url == reverse("mfa_index"):
            continue
        opened.add(address)

    # Signing in and out and setting up a factor; the index of what waits leads on to those.
    assert opened == {"/admin/login/", "/admin/logout/", "/admin/jsi18n/", "/admin/password_change/"}
    assert client.post(reverse("admin:auth_user_add"), {}).url == reverse("mfa_index")
    assert client.get("/admin/no/such/page/").url == reverse("mfa_index")
    page = client.get(reverse("mfa_index"))
    assert "then every other page opens" in page.text

    enrol_app(client)

    assert is_in(client)


def addresses_of_the_desk():
    """Every address of the desk, with a 1 where it takes something."""
    for pattern in admin.site.urls[0]:
        yield from _below(pattern, "/admin/")


def _below(pattern, prefix):
    text = str(pattern.pattern)
    if "(?P" in text or text.startswith("^"):
        return
    address = prefix + re.sub(r"<\w+:\w+>|<\w+>", "1", text)
    if hasattr(pattern, "url_patterns"):
        for each in pattern.url_patterns:
            yield from _below(each, address)
    else:
        yield address


def test_where_it_is_not_compulsory_the_password_is_enough(client, anna):
    sign_in_as(client)

    assert is_in(client)
    assert "The desk asks for a second factor" not in client.get(reverse("mfa_index")).text


def test_an_app_is_set_up_and_asked_for_from_then_on(client, compulsory, anna, enrol_app):
    sign_in_as(client)
    secret = enrol_app(client)
    later = Client()

    asked = sign_in_as(later, next="/admin/auth/user/")
    assert asked.url == reverse("mfa_authenticate")
    assert not is_in(later)
    assert str(sign_in.INCORRECT_CODE) in later.post(asked.url, {"code": "000000"}).text
    with time_machine.travel(timezone.now() + timedelta(seconds=30)):
        done = later.post(asked.url, {"code": code_now(secret)})

    assert done.url == "/admin/auth/user/"
    assert is_in(later)


def test_a_code_holds_once(client, anna, app_of):
    secret = app_of(anna)
    code = code_now(secret)
    sign_in_as(client)
    assert client.post(reverse("mfa_authenticate"), {"code": code}).url == DESK
    second = Client()
    sign_in_as(second)

    assert str(sign_in.INCORRECT_CODE) in second.post(reverse("mfa_authenticate"), {"code": code}).text


def test_codes_cannot_be_guessed_at(client, anna, app_of):
    app_of(anna)
    sign_in_as(client)

    answers = [client.post(reverse("mfa_authenticate"), {"code": "000000"}).text for _attempt in range(6)]

    assert "Wait five minutes" in answers[-1]


def test_a_recovery_code_takes_the_place_of_the_app_once(client, compulsory, anna, app_of):
    app_of(anna)
    code = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()[0]
    sign_in_as(client)

    assert client.post(reverse("mfa_authenticate"), {"code": code}).url == DESK
    assert is_in(client)

    second = Client()
    sign_in_as(second)
    assert str(sign_in.INCORRECT_CODE) in second.post(reverse("mfa_authenticate"), {"code": code}).text
    assert "9 codes left" in client.get(reverse("mfa_index")).text


def test_whoever_knew_the_password_before_there_was_a_factor_has_to_show_it_too(client, compulsory, anna, enrol_app):
    intruder = Client()
    sign_in_as(intruder)
    sign_in_as(client)
    enrol_app(client)

    response = intruder.get(DESK)

    assert response.url.startswith(reverse("mfa_reauthenticate"))


def test_a_factor_that_somebody_else_gave_in_the_same_browser_does_not_count(
    client, compulsory, anna, app_of, django_user_model
):
    other = django_user_model.objects.create_user("bob", password=PASSWORD, is_staff=True)
    app_of(other)
    session = client.session
    session[sign_in_guard.FACTOR_OF] = anna.pk
    session.save()

    sign_in_as(client, "bob")

    assert not is_in(client)


def test_without_the_last_factor_the_desk_closes_again(client, compulsory, anna, enrol_app):
    sign_in_as(client)
    enrol_app(client)
    assert "compulsory here" in client.get(reverse("mfa_deactivate_totp")).text

    client.post(reverse("mfa_deactivate_totp"))

    assert not Authenticator.objects.exists()
    assert client.get(DESK).url == reverse("mfa_index")


def test_secrets_are_kept_encrypted_and_follow_a_new_key(client, anna, app_of, settings):
    secret = app_of(anna)
    kept = Authenticator.objects.get(type="totp").data["secret"]
    assert secret not in kept
    former, settings.SECRET_KEY = settings.SECRET_KEY, "another secret key of more than fifty characters, and so on"
    settings.SECRET_KEY_FALLBACKS = [former]
    sign_in_as(client)

    assert client.post(reverse("mfa_authenticate"), {"code": code_now(secret)}).url == DESK

    settings.SECRET_KEY_FALLBACKS = []
    assert sign_in.SecondFactorAdapter().decrypt(Authenticator.objects.get(type="totp").data["secret"]) == secret


def test_recovery_codes_follow_a_new_key_when_another_factor_is_used(client, anna, app_of, settings):
    secret = app_of(anna)
    before = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    former, settings.SECRET_KEY = settings.SECRET_KEY, "another secret key of more than fifty characters, and so on"
    settings.SECRET_KEY_FALLBACKS = [former]
    sign_in_as(client)
    client.post(reverse("mfa_authenticate"), {"code": code_now(secret)})

    settings.SECRET_KEY_FALLBACKS = []

    assert Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes() == before


def test_recovery_codes_of_a_key_that_is_lost_are_not_shown_but_made_anew(client, anna, app_of):
    secret = app_of(anna)
    row = Authenticator.objects.get(type="recovery_codes")
    row.data["seed"] = Fernet(Fernet.generate_key()).encrypt(b"seed").decode()
    row.save()
    sign_in_as(client)
    client.post(reverse("mfa_authenticate"), {"code": code_now(secret)})

    for page in (client.get(reverse("mfa_index")), client.get(reverse("mfa_view_recovery_codes"))):
        assert "no longer work" in page.text
        assert reverse("mfa_generate_recovery_codes") in page.text
        assert 'class="recovery-codes"' not in page.text


def test_with_a_key_that_is_lost_no_code_is_right(client, anna, app_of, settings):
    secret = app_of(anna)
    settings.SECRET_KEY = "another secret key of more than fifty characters, and so on"
    sign_in_as(client)

    assert str(sign_in.INCORRECT_CODE) in client.post(reverse("mfa_authenticate"), {"code": code_now(secret)}).text


# -- Passkeys ----------------------------------------------------------------------------------------------


class Passkey:
    """A security key on a table: it can be touched by anybody, and asks for a PIN where it is told to."""

    ID, HOST = b"one of a thousand", b"localhost"

    def __init__(self, owner):
        self.owner, self.key = owner, ec.generate_private_key(ec.SECP256R1())
        public = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        data = self.about(0x41) + bytes(16) + len(self.ID).to_bytes(2, "big") + self.ID + public
        made = {"fmt": "none", "attStmt": {}, "authData": data}
        answer = self.answer(
            clientDataJSON=self.said("webauthn.create", "eA"), attestationObject=websafe_encode(cbor.encode(made))
        )
        Authenticator.objects.create(user=owner, type="webauthn", data={"name": "Key", "credential": answer})

    def about(self, flags):
        return hashlib.sha256(self.HOST).digest() + bytes([flags, 0, 0, 0, 1])

    def said(self, kind, challenge):
        said = {"type": kind, "challenge": challenge, "origin": "https://localhost"}
        return websafe_encode(json.dumps(said).encode())

    def answer(self, **response):
        number = websafe_encode(self.ID)
        return {
            "id": number,
            "rawId": number,
            "type": "public-key",
            "clientExtensionResults": {},
            "response": response,
        }

    def sign(self, challenge, *, with_pin):
        about, said = self.about(0x05 if with_pin else 0x01), self.said("webauthn.get", challenge)
        signed = about + hashlib.sha256(websafe_decode(said)).digest()
        answer = self.answer(
            clientDataJSON=said,
            authenticatorData=websafe_encode(about),
            signature=websafe_encode(self.key.sign(signed, ec.ECDSA(hashes.SHA256()))),
            userHandle=websafe_encode(user_pk_to_url_str(self.owner).encode()),
        )
        return {"credential": json.dumps(answer)}


@pytest.fixture
def at_localhost(settings):
    settings.ALLOWED_HOSTS = ["localhost"]
    return Client(headers={"host": "localhost"})


def challenge_for_passkey(client):
    page = client.get(reverse("mfa_login_webauthn"), headers={"Accept": "application/json"})
    return page.json()["request_options"]["publicKey"]["challenge"]


@pytest.mark.parametrize("with_pin", [True, False])
def test_a_passkey_takes_the_place_of_the_password_only_when_it_asked_for_a_pin(at_localhost, anna, with_pin):
    passkey = Passkey(anna)

    answer = passkey.sign(challenge_for_passkey(at_localhost), with_pin=with_pin)
    at_localhost.post(reverse("mfa_login_webauthn"), answer)

    assert is_in(at_localhost) is with_pin


def test_a_challenge_that_was_made_beside_the_password_of_another_signs_nobody_in(
    at_localhost, anna, app_of, django_user_model
):
    """Allauth keeps one challenge of a session; the one beside a password asks for no PIN."""
    passkey = Passkey(anna)
    bob = django_user_model.objects.create_user("bob", password=PASSWORD, is_staff=True)
    app_of(bob)
    sign_in_as(at_localhost, "bob")
    at_localhost.get(reverse("mfa_authenticate"))
    challenge = at_localhost.session["mfa.webauthn.state"]["challenge"]

    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        at_localhost.get(LOGIN)
        at_localhost.post(reverse("mfa_login_webauthn"), passkey.sign(challenge, with_pin=False))

        assert not is_in(at_localhost)


def test_beside_the_password_a_touch_of_the_key_is_enough(at_localhost, anna):
    passkey = Passkey(anna)
    sign_in_as(at_localhost)
    at_localhost.get(reverse("mfa_authenticate"))
    challenge = at_localhost.session["mfa.webauthn.state"]["challenge"]

    at_localhost.post(reverse("mfa_authenticate"), passkey.sign(challenge, with_pin=False))

    assert is_in(at_localhost)


@pytest.mark.parametrize("sent", ["[" * 3000, '{"a":' * 3000, '"' + "a" * 20_000 + '"', "null", '["a"]'])
def test_what_no_passkey_answers_is_refused_in_a_sentence(client, sent):
    challenge_for_passkey(client)

    assert client.post(reverse("mfa_login_webauthn"), {"credential": sent}).url == LOGIN


def test_nobody_fills_the_table_of_sessions_by_asking_for_challenges(client):
    answers = [Client().get(reverse("mfa_login_webauthn")).status_code for _time in range(31)]

    assert answers == [302] * 30 + [429]


# -- Lost ------------------------------------------------------------------------------------------------


def test_an_administrator_takes_a_lost_factor_away_and_it_is_written_down(
    client, compulsory, anna, staff, app_of, enrol_app
):
    eva = staff("editor", "eva")
    app_of(eva)
    SocialAccount.objects.create(user=eva, provider="company", uid="1")
    theirs = Client()
    theirs.force_login(eva)
    sign_in_as(client)
    enrol_app(client)
    url = reverse("admin:auth_user_take_away_factor", args=[eva.pk])
    assert url in client.get(reverse("admin:auth_user_change", args=[eva.pk])).text
    assert "ring back" in client.get(url).text

    response = client.post(url, follow=True)

    assert "The second factor of eva is gone" in response.text
    assert not Authenticator.objects.filter(user=eva).exists()
    assert not SocialAccount.objects.exists()
    assert "_auth_user_id" not in theirs.session
    assert LogEntry.objects.get(object_id=str(eva.pk)).get_change_message() == "Took away the second factor."
    assert sign_in_as(theirs, "eva").url == DESK
    assert theirs.get(DESK).url == reverse("mfa_index")


def test_whoever_waits_for_a_factor_that_is_taken_away_signs_in_anew(client, anna, app_of):
    app_of(anna)
    waiting = sign_in_as(client).url
    Authenticator.objects.all().delete()

    assert client.get(waiting).url == LOGIN
    assert client.get(LOGIN).status_code == 200
    assert sign_in_as(client).url == DESK


def test_to_sign_somebody_out_everywhere_ends_what_waits_for_a_factor_too(client, django_user_model, app_of):
    bob = django_user_model.objects.create_user("bob", pk=4711, password=PASSWORD, is_staff=True)
    app_of(bob)
    sign_in_as(client, "bob")

    sign_in_guard.end_sessions(bob)

    assert not Session.objects.exists()


def test_nobody_takes_away_their_own_and_no_editor_that_of_others(client, anna, staff, app_of):
    app_of(anna)
    client.force_login(anna)
    assert client.post(reverse("admin:auth_user_take_away_factor", args=[anna.pk])).status_code == 403
    client.force_login(staff("publisher"))

    assert client.post(reverse("admin:auth_user_take_away_factor", args=[anna.pk])).status_code == 403
    assert Authenticator.objects.filter(user=anna, type="totp").exists()


def test_the_list_of_users_says_who_has_a_second_factor(client, anna, staff, app_of, django_assert_max_num_queries):
    app_of(anna)
    staff("editor")
    client.force_login(anna)

    rows = client.get(reverse("admin:auth_user_changelist")).text.split("<tbody>")[1].split("</tr>")

    has = [re.search(r'field-has_factor.*?alt="(\w+)"', row)[1] for row in rows if "field-has_factor" in row]
    assert has == ["True", "False"]


def test_what_allauth_keeps_is_on_no_list_and_goes_with_the_account(client, anna, app_of):
    app_of(anna)
    SocialAccount.objects.create(user=anna, provider="company", uid="1")
    assert not [model for model in admin.site._registry if model.__module__.startswith("allauth")]

    anna.delete()

    assert not Authenticator.objects.exists()
    assert not SocialAccount.objects.exists()


# -- Once more, before what counts ---------------------------------------------------------------------


@pytest.fixture
def proposal(published):
    row = DataCategory.objects.get(slug="phone")
    row.name_en, row.name_nl = "Telephone", "Telefoon"
    row.save()
    return workflow.submit(by="eva", change_summary={"en": "Phones.", "nl": "Telefoons."})


def test_approving_asks_for_the_password_that_was_given_a_quarter_of_an_hour_ago(client, anna, proposal):
    """And what was about to be done waits for one press."""
    sign_in_as(client)
    url = reverse("admin:policies_proposal_approve", args=[proposal.pk])
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        asked = client.post(url, {"comment": "Fine, “really”."})
        onward = unquote(asked.url.removeprefix(f"{reverse('account_reauthenticate')}?next="))
        assert onward.startswith(f"{reverse('sign_in_continue')}?form=")
        assert "What you typed is kept." in client.get(asked.url).text
        proposal.refresh_from_db()
        assert proposal.state == Proposal.State.SUBMITTED
        assert "This password is not right." in client.post(asked.url, {"password": "wrong"}).text

        page = client.post(asked.url, {"password": PASSWORD, "next": onward}, follow=True)
        form = page.text.split("<form")[-2]
        assert f'action="{url}"' in form
        assert f"<dt>Approve a proposal</dt><dd>{proposal}</dd>" in page.text
        assert 'name="comment" value="Fine, “really”."' in form
        client.post(url, {"comment": "Fine, “really”."})

    proposal.refresh_from_db()
    assert proposal.state == Proposal.State.APPROVED
    assert sign_in_guard.SUSPENDED not in client.session


def test_within_a_quarter_of_an_hour_nothing_is_asked_again(client, anna, proposal):
    sign_in_as(client)

    with time_machine.travel(timezone.now() + timedelta(minutes=14)):
        client.post(reverse("admin:policies_proposal_approve", args=[proposal.pk]))

    proposal.refresh_from_db()
    assert proposal.state == Proposal.State.APPROVED


@pytest.mark.parametrize("name", sorted(name for name in sign_in_guard.STEP_UP if name.endswith("_delete")))
def test_what_asks_again_to_delete_one_asks_again_to_delete_those_that_were_ticked(name):
    assert name.replace("_delete", "_changelist") in sign_in_guard.STEP_UP


@pytest.mark.parametrize("name", sorted({*sign_in_guard.STEP_UP} - {sign_in_guard.DRAFT}))
def test_nothing_that_counts_is_done_by_whoever_finds_an_open_session(client, anna, name):
    sign_in_as(client)

    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        without_row = name.endswith(("_add", "_changelist", "_waive"))
        response = client.post(reverse(name, args=[] if without_row else [1]))

    assert response.url.startswith(reverse("account_reauthenticate"))


@pytest.mark.parametrize(("four_eyes", "asks"), [(True, False), (False, True)])
def test_handing_in_asks_nothing_and_publishing_at_once_does(client, anna, published, settings, four_eyes, asks):
    settings.FOUR_EYES = four_eyes
    sign_in_as(client)

    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert client.get(reverse(sign_in_guard.DRAFT)).status_code == 200
        response = client.post(reverse(sign_in_guard.DRAFT), {})

    assert (response.status_code == 302) is asks


@pytest.mark.parametrize("name", sorted(sign_in_guard.ASK_FIRST))
def test_security_is_changed_only_after_showing_who_one_is_and_no_secret_waits_in_a_session(client, anna, name):
    sign_in_as(client)
    arguments = [1] if name in {"mfa_remove_webauthn", "admin:auth_user_password_change"} else []

    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        before = client.get(reverse(name, args=arguments))
        after = client.post(reverse(name, args=arguments), {"password1": "a secret"})

    assert before.url == after.url == f"{reverse('account_reauthenticate')}?next={reverse(name, args=arguments)}"
    assert sign_in_guard.SUSPENDED not in client.session


@pytest.mark.parametrize("name", sorted(sign_in_guard.BEHIND_FACTOR))
def test_whoever_has_the_password_alone_changes_nothing_that_one_signs_in_with(client, anna, app_of, name):
    """Not even in a session that began before there was a factor, nor where none is compulsory."""
    sign_in_as(client)
    app_of(anna)

    response = client.post(reverse(name, args=[1] if name == "mfa_remove_webauthn" else []), {"code": "000000"})

    assert response.url.startswith(reverse("mfa_reauthenticate"))


def test_of_two_forms_that_wait_each_is_sent_from_its_own_page(client, anna):
    sign_in_as(client)
    acts = [reverse("admin:policies_proposal_approve", args=[1]), reverse("admin:auth_group_delete", args=[2])]
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        asked = [client.post(act, {"number": act}).url for act in acts]
        assert "What you typed is kept." not in client.get(reverse("mfa_activate_totp"), follow=True).text
        onward = [unquote(url.split("?next=")[1]) for url in asked]
        client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
        pages = [client.get(url).text for url in onward]

        for page, act, words_of_it in zip(pages, acts, ("Approve a proposal", "Delete a group"), strict=True):
            assert f'action="{act}"' in page
            assert f"<dt>{words_of_it}</dt>" in page

        assert client.post(onward[0]).url == DESK  # left
    assert [form["path"] for form in client.session[sign_in_guard.SUSPENDED].values()] == acts[1:]


def test_no_more_than_five_forms_wait(client, anna):
    sign_in_as(client)
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        for number in range(7):
            client.post(reverse("admin:auth_group_change", args=[number]), {"name": number})

    waiting = client.session[sign_in_guard.SUSPENDED].values()
    assert [form["typed"] for form in waiting] == [[["name", str(number)]] for number in range(2, 7)]


def test_the_page_for_going_on_names_nothing_that_one_may_not_see(client, staff, published, anna):
    eva = staff("editor", "eva")
    eva.set_password(PASSWORD)
    eva.save()
    sign_in_as(client, "eva")
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        asked = client.post(reverse("admin:auth_user_change", args=[anna.pk]), {"username": "x"})
        onward = unquote(asked.url.split("?next=")[1])
        page = client.post(reverse("account_reauthenticate"), {"password": PASSWORD, "next": onward}, follow=True)

    assert "<dt>Change an account</dt></dl>" in page.text


@pytest.mark.parametrize(
    ("came_from", "leads_to"),
    [
        ("http://testserver/admin/policies/proposal/1/change/?a=b", "/admin/policies/proposal/1/change/%3Fa%3Db"),
        ("https://evil.example/admin/", DESK),
        ("http://testserver/en/", DESK),
        ("", DESK),
    ],
)
def test_a_button_that_is_pressed_after_the_session_ended_leads_back_to_its_page(client, anna, came_from, leads_to):
    """Its own address takes no GET, and would be an empty page."""
    sign_in_as(client)
    act = reverse("admin:policies_proposal_approve", args=[1])

    for hours in (11, 2):  # the session is ended now, and then there is none
        with time_machine.travel(timezone.now() + timedelta(hours=hours)):
            asked = client.post(act, {"comment": "Fine."}, headers={"Referer": came_from} if came_from else {})
            assert asked.url in {f"{LOGIN}?next={leads_to}", f"{LOGIN}?next={unquote(leads_to)}"}
            assert "so nothing was done" in client.get(asked.url).text


def test_a_button_that_is_pressed_before_the_factor_was_shown_leads_back_to_its_page_too(
    client, compulsory, anna, app_of
):
    sign_in_as(client)
    app_of(anna)
    act = reverse("admin:policies_proposal_approve", args=[1])

    asked = client.post(act, headers={"Referer": "http://testserver/admin/policies/proposal/1/change/"})

    assert asked.url == f"{reverse('mfa_reauthenticate')}?next=/admin/policies/proposal/1/change/"
    assert "Nothing was done." in client.get(asked.url).text


def test_without_anything_that_waits_going_on_leads_to_the_desk(client, anna):
    assert client.get(reverse("sign_in_continue")).url == DESK
    sign_in_as(client)

    assert client.get(reverse("sign_in_continue")).url == DESK


def test_the_secret_of_a_new_app_does_not_leave_with_the_page(client, anna):
    sign_in_as(client)

    page = client.get(reverse("mfa_activate_totp"))

    assert "no-store" in page["Cache-Control"]
    assert "<svg" in page.text
    assert "data:" not in page.text
    assert "style=" not in page.text.split('id="content-main"')[1]


# -- In both languages -------------------------------------------------------------------------------------


def test_the_language_is_chosen_on_the_page_for_signing_in(client):
    client.post(reverse("set_language"), {"language": "nl", "next": LOGIN})

    assert '<html lang="nl"' in client.get(LOGIN).text


def test_the_desk_leads_to_the_security_of_ones_account(client, anna):
    client.force_login(anna)

    assert f'href="{reverse("mfa_index")}"' in client.get(DESK).text


# -- What is logged ----------------------------------------------------------------------------------------


def test_logs_tell_what_happened_and_name_nobody(client, anna, caplog, enrol_app):
    caplog.set_level("INFO", logger="privacy_site")
    sign_in_as(client, "anna", "wrong")
    sign_in_as(client)
    enrol_app(client)

    logged = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("privacy_site"))

    assert f"User {anna.pk} signed in" in logged
    assert f"User {anna.pk} set up a second factor (totp)" in logged
    assert "anna" not in logged
