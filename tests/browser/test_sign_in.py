"""Signing in, as a person with a browser, a telephone and a finger does it."""

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import expect

from .screens import QUICKLY

PASSWORD = "a long password"
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]} | QUICKLY


@pytest.fixture
def anna(site, django_user_model, settings):
    settings.SECOND_FACTOR = True
    return django_user_model.objects.create_superuser("anna", password=PASSWORD)


@pytest.fixture
def finger(page):
    """A device that keeps passkeys, and whose owner agrees to everything."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def type_where_it_begins(page, text):
    """Into the field that has the focus by itself, once it has: a browser gives it a moment after the page."""
    expect(page.locator("[autofocus]")).to_be_focused()
    page.keyboard.type(text)


def sign_in(page, site):
    page.goto(site + reverse("admin:index"))
    type_where_it_begins(page, "anna")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")


def sign_out(page):
    page.locator("#logout-form button").click()
    page.wait_for_load_state()


def code_of(secret):
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def go_to(page, name):
    """Press the tabulator until the link or button of this name has the focus; then Enter."""
    for _press in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("(document.activeElement.value ?? document.activeElement.textContent).trim()") == name:
            page.keyboard.press("Enter")
            return
    pytest.fail(f"no key reaches {name}")


def test_a_passkey_is_set_up_and_then_takes_the_place_of_name_and_password(page, site, anna, finger):
    sign_in(page, site)
    expect(page).to_have_url(site + reverse("mfa_index"))
    expect(page.locator(".errornote")).to_contain_text("then every other page opens")

    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("Work laptop")
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes", level=1)).to_be_visible()
    expect(page.locator(".recovery-codes li")).to_have_count(10)
    page.get_by_role("link", name="On to the desk").click()
    expect(page).to_have_url(site + reverse("admin:index"))
    sign_out(page)

    page.goto(site + reverse("admin:auth_user_changelist"))
    page.get_by_role("button", name="Sign in with a passkey").click()

    expect(page).to_have_url(site + reverse("admin:auth_user_changelist"))
    assert Authenticator.objects.get(type="webauthn").last_used_at is not None

    # And beside the password, where one begins with that.
    sign_out(page)
    sign_in(page, site)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(site + reverse("admin:index"))


def test_whose_device_has_no_passkey_reads_what_to_do(page, site, anna, finger):
    page.goto(site + reverse("account_login"))
    expect(page.get_by_text("The passkey was not used.")).to_be_hidden()
    page.get_by_role("button", name="Sign in with a passkey").click()  # the device has none

    expect(page.get_by_role("alert")).to_contain_text("The passkey was not used.")
    expect(page.get_by_label("User name")).to_be_visible()


def test_an_app_is_set_up_with_the_keyboard_alone_and_a_recovery_code_helps_without_it(page, site, anna):
    sign_in(page, site)
    expect(page).to_have_url(site + reverse("mfa_index"))
    go_to(page, "Set up an app")
    expect(page.get_by_role("img", name="Picture for the app")).to_be_visible()
    secret = page.locator("#totp-key").text_content()
    type_where_it_begins(page, code_of(secret))
    page.keyboard.press("Enter")
    expect(page.locator(".recovery-codes li")).to_have_count(10)
    codes = page.locator(".recovery-codes li").all_text_contents()
    go_to(page, "Skip to main content")
    go_to(page, "On to the desk")
    expect(page).to_have_url(site + reverse("admin:index"))
    sign_out(page)

    sign_in(page, site)
    expect(page).to_have_url(site + reverse("mfa_authenticate"))
    type_where_it_begins(page, "000000")
    page.keyboard.press("Enter")
    expect(page.locator(".errorlist")).to_contain_text("This code is not right")
    page.get_by_label("Code").fill(codes[3])
    page.keyboard.press("Enter")

    expect(page).to_have_url(site + reverse("admin:index"))


def test_every_page_of_signing_in_can_be_used_by_everybody_on_a_telephone_too(page, site, anna):
    """In both languages, light and dark, 360 pixels wide."""
    page.set_viewport_size({"width": 360, "height": 740})
    names = ["mfa_index", "account_change_password", "mfa_activate_totp", "mfa_add_webauthn", "mfa_list_webauthn"]
    after_app = ["mfa_index", "mfa_deactivate_totp", "account_reauthenticate", "mfa_reauthenticate"]

    for language, scheme in (("en", "light"), ("nl", "dark")):
        page.emulate_media(color_scheme=scheme)
        page.goto(site + reverse("account_login"))
        page.locator(f".desk-language button[value={language}]").click()
        look_at(page, language)
        sign_in(page, site)
        expect(page).to_have_url(site + reverse("mfa_index"))
        for name in names:
            page.goto(site + reverse(name))
            look_at(page, language)
        TOTP.activate(anna, secret := generate_totp_secret())
        page.goto(site + reverse("admin:index"))
        page.get_by_role("textbox").fill(code_of(secret))
        page.keyboard.press("Enter")
        expect(page).to_have_url(site + reverse("admin:index"))
        for name in after_app:
            page.goto(site + reverse(name))
            look_at(page, language)
        page.goto(site + reverse("mfa_index"))
        sign_out(page)
        sign_in(page, site)
        expect(page).to_have_url(site + reverse("mfa_authenticate"))
        look_at(page, language)
        Authenticator.objects.all().delete()
        page.context.clear_cookies()


def look_at(page, language):
    address = page.url
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.locator("h1").last).to_be_visible()
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{address} is {wide} pixels too wide"
    violations = Axe().run(page, options=WCAG).response["violations"]
    assert [(address, rule["id"], rule["nodes"][0]["html"]) for rule in violations] == []
