"""The desk in a real browser: under its strict policy, from its own address, with and without scripts."""

import re
import uuid
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from consent.models import Banner, ConsentRecord, DailyCount, RecordPurge, SealedDay, SealPurge
from consent.sealing import seal_closed_days
from policies import workflow
from policies.models import (
    Controller,
    CookieVendor,
    DataCategory,
    ProcessingPurpose,
    Proposal,
    StatementVersion,
    Website,
)
from policies.publishing import look_at_draft
from retention.models import DeclaredTarget, LegalHold, RetentionRun, RunUnderWay
from tests.arriving import MONDAY, arrive, at, once_closed

from .banner_page import wait_until
from .screens import QUICKLY

PASSWORD = "a long password"
# On the pages of users and groups: boxes for date and time, and the filter above a list of permissions.
OF_DJANGO = {"label", "aria-prohibited-attr"}
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]} | QUICKLY
# A walk past all pages takes minutes; in shares the workers walk at the same time.
SHARES = 6
# A form to add has the fields of the form to change, histories and questions before deleting differ by a name: axe
# looks at those of purposes.
LIKE_ANOTHER = re.compile(r"/admin/\w+/(?!processingpurpose/)\w+/(?:add/$|[^/]+/(?:history|delete)/)")
EVIDENCE = {
    StatementVersion, Proposal, Banner, ConsentRecord, RecordPurge, SealedDay, SealPurge, RetentionRun, RunUnderWay
}  # fmt: skip


class Watcher:
    """What the browser refused, and what it asked of others, on all pages of a context."""

    def __init__(self, context, origin):
        self.violations = []
        self.strangers = []
        self.seen = 0
        self.origin = origin
        context.expose_binding(
            "reportViolation", lambda source, what: self.violations.append((source["page"].url, what))
        )
        context.add_init_script(
            "document.addEventListener('securitypolicyviolation', event => "
            "window.reportViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`))"
        )
        context.on("console", self._listen)
        context.on("request", self._note)

    def _listen(self, message):
        if message.type == "error":
            self.violations.append((message.page.url if message.page else "", message.text))

    def _note(self, request):
        self.seen += 1
        if not request.url.startswith((self.origin + "/", "data:", "blob:")):
            self.strangers.append(request.url)


@pytest.fixture
def signed_in(site, published, browser_context, django_user_model):
    """A superuser at the desk: ``(page, watcher)``."""
    django_user_model.objects.create_superuser("anna", password=PASSWORD)
    watcher = Watcher(browser_context, site)
    page = browser_context.new_page()
    sign_in(page, site, "anna")
    return page, watcher


def sign_in(page, site, name):
    page.goto(site + reverse("admin:index"))
    page.fill("#id_username", name)
    page.fill("#id_password", PASSWORD)
    page.click("#login-form [type=submit]")
    page.wait_for_url(site + reverse("admin:index"))


def add_record(version):
    banner = Banner.objects.create(digest="0" * 64, kind="script", website="website", version=version, body=b"/**/")
    moment = timezone.now()
    ConsentRecord.objects.create(
        id=uuid.UUID(int=(int(moment.timestamp() * 1000) << 80) | (7 << 76) | (8 << 60)),
        subject=None,
        website="website",
        version=version,
        banner=banner,
        language="nl",
        gpc=False,
        action="reject_all",
        choices={"analytical": False},
        decided_at=moment,
    )
    DailyCount.objects.create(
        day=timezone.localdate(moment), website="website", language="nl", category="analytical", gpc=False, asked=1,
        refused=1,
    )  # fmt: skip
    arrive(at(MONDAY))
    seal_closed_days(once_closed(MONDAY))
    RecordPurge.objects.create(
        rule="proof-of-choice", wording="at most 5 years", cut_off=moment - timedelta(days=1), decided_by="anna",
        decided_at=moment,
    )  # fmt: skip


def add_keeping():
    """A table of another database, which is away, with a hold, a run that goes on and one that failed."""
    DeclaredTarget.objects.create(
        slug="ats", name="Applicants", purpose="job-applications", rule="position-filled-6w", connection="hr",
        table="applicants", key_column="id", trigger_column="filled_on", is_active=True,
    )  # fmt: skip
    LegalHold.objects.create(target="ats", key="7", reason="A claim.", placed_by="anna")
    now = timezone.now() - timedelta(minutes=1)
    run = {"target": "ats", "rule": "position-filled-6w", "cut_off": now, "run_by": "run_due", "started_at": now}
    RunUnderWay.objects.create(**run)
    RetentionRun.objects.create(**run, is_dry=False, result="failed", error="The database is away.")
    SealPurge.objects.create(
        rule="sealed-days", wording="10 years", up_to=MONDAY - timedelta(days=1), cut_off=at(MONDAY, 0),
        last_digest="0" * 64, seals=1, decided_by="run_due", decided_at=at(MONDAY),
    )  # fmt: skip


def add_proposal():
    """What was handed in and approved, so that its page has the most to press."""
    row = DataCategory.objects.get(slug="phone")
    row.name_en, row.name_nl = "Telephone", "Telefoon"
    row.save()
    proposal = workflow.submit(by="eva", change_summary={"en": "Phones.", "nl": "Telefoons."})
    workflow.approve(proposal, by="petra")


def all_pages():
    """Every page of the desk that opens with a click."""
    yield reverse("admin:index")
    yield reverse("admin:password_change")
    yield reverse("admin:policies_statementversion_publish")
    yield reverse("admin:policies_statementversion_review")
    finding = next(found for found in look_at_draft().findings if found.is_waivable)
    sought = {"code": finding.code, "place": finding.path, "about": finding.about}
    yield reverse("admin:policies_statementversion_waive", query=sought)
    yield reverse("admin:policies_cookievendor_catalogue")
    yield reverse("admin:policies_cookievendor_add", query={"catalogue": "hotjar"})
    vendor, website = CookieVendor.objects.get(slug="hotjar"), Website.objects.first()
    yield reverse("admin:policies_cookievendor_change", args=[vendor.pk], query={"catalogue": "hotjar"})
    yield reverse("admin:policies_website_preview", args=[website.pk])
    yield reverse("admin:policies_statementversion_register")
    yield reverse("admin:policies_statementversion_history")
    yield reverse("admin:policies_content_then")
    yield reverse("admin:consent_sealedday_verify")
    yield reverse("admin:consent_statistics")
    yield reverse("admin:consent_statistics", query={"days": 365, "category": "analytical"})
    yield reverse("admin:retention_coverage")
    yield reverse("admin:retention_calendar")
    yield reverse("admin:retention_calculator")
    sought = {"promise": "talent-pool/talent-pool-1y", "on-position-filled": "2026-03-03"}
    yield reverse("admin:retention_calculator", query=sought)
    yield reverse("admin:retention_declaredtarget_try", args=[DeclaredTarget.objects.get().pk])
    for label in ("retention", "policies", "consent", "auth"):
        yield reverse("admin:app_list", args=[label])
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        row = model._default_manager.first()
        yield reverse(f"{name}_changelist")
        yield reverse(f"{name}_change", args=[row.pk])
        yield reverse(f"{name}_history", args=[row.pk])
        if model not in EVIDENCE | {Controller}:
            yield reverse(f"{name}_add")
        if model not in EVIDENCE | {Controller, LegalHold}:
            yield reverse(f"{name}_delete", args=[row.pk])
        if hasattr(model, "history"):
            yield reverse(f"{name}_simple_history", args=[row.pk, row.history.first().pk])


@pytest.fixture
def walk(signed_in, site, published):
    """Past a share of all pages of the desk, in Dutch: ``walk(0)`` → address after address.

    None may break the policy or ask anything of others. That each opens in English too is tested without a browser.
    """
    page, watcher = signed_in
    add_record(published)
    add_keeping()
    add_proposal()

    def go(share):
        page.click(".desk-language button[value=nl]")
        page.wait_for_load_state()
        pages = list(all_pages())
        assert len(pages) > 120
        for url in pages[share::SHARES]:
            response = page.goto(site + url, wait_until="load")
            assert response.status == 200, url
            assert page.locator("html").get_attribute("lang") == "nl", url
            yield url

        assert watcher.seen > len(pages[share::SHARES])
        assert watcher.violations == []
        assert watcher.strangers == []

    return go


@pytest.mark.any_database
@pytest.mark.parametrize("share", range(SHARES))
def test_no_page_of_the_desk_breaks_its_policy_or_asks_anything_of_others_and_axe_finds_nothing(signed_in, walk, share):
    page, _watcher = signed_in

    found = []
    for url in walk(share):
        if LIKE_ANOTHER.search(url):
            continue
        for rule in Axe().run(page, options=WCAG).response["violations"]:
            if not (url.startswith(reverse("admin:app_list", args=["auth"])) and rule["id"] in OF_DJANGO):
                found.append(f"{url} {rule['id']}: {rule['nodes'][0]['html']}")

    assert found == []


def test_the_watcher_of_these_tests_does_see_a_violation_and_a_stranger(signed_in):
    page, watcher = signed_in

    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')")
    page.evaluate("fetch('http://127.0.0.2:1/').catch(() => 0)")

    wait_until(page, lambda: any("style-src" in what for _url, what in watcher.violations), True)
    assert watcher.strangers or [what for _url, what in watcher.violations if "connect-src" in what]


def test_the_page_for_signing_in_keeps_to_the_policy_too(site, published, browser_context):
    watcher = Watcher(browser_context, site)
    page = browser_context.new_page()

    for _language in ("en", "nl"):
        page.goto(site + reverse("admin:login"))
        page.click(".desk-language button:not([aria-current])")
        page.wait_for_load_state()

    assert watcher.seen > 4
    assert watcher.violations == []
    assert watcher.strangers == []


def test_both_languages_stand_beside_each_other_and_on_a_narrow_screen_below(signed_in, site):
    page, _watcher = signed_in
    purpose = ProcessingPurpose.objects.first()
    page.goto(site + reverse("admin:policies_processingpurpose_change", args=[purpose.pk]))

    for field in ("title", "description"):
        english, dutch = (page.locator(f"#id_{field}_{code}").bounding_box() for code in ("en", "nl"))
        assert abs(english["y"] - dutch["y"]) < 2
        assert english["x"] + english["width"] < dutch["x"]
        assert abs(english["width"] - dutch["width"]) < 2
        assert english["width"] > 300

    page.set_viewport_size({"width": 600, "height": 800})
    english, dutch = (page.locator(f"#id_description_{code}").bounding_box() for code in ("en", "nl"))
    assert english["y"] + english["height"] < dutch["y"]
    assert abs(english["x"] - dutch["x"]) < 2


def test_rows_of_a_purpose_are_added_on_its_page(signed_in, site):
    page, watcher = signed_in
    purpose = ProcessingPurpose.objects.first()
    before = purpose.recipients.count()
    page.goto(site + reverse("admin:policies_processingpurpose_change", args=[purpose.pk]))

    page.click("#recipients-group .add-row a")
    page.locator(f"#id_recipients-{before}-recipient").select_option(index=1)
    page.locator("[name=_save]").last.click()
    page.wait_for_load_state()

    assert purpose.recipients.count() == before + 1
    assert watcher.violations == []


def test_the_language_of_the_desk_is_chosen_without_scripts(site, published, chromium, django_user_model):
    django_user_model.objects.create_superuser("anna", password=PASSWORD)
    context = chromium.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    sign_in(page, site, "anna")
    address = site + reverse("admin:policies_section_changelist")
    page.goto(address)

    page.click(".desk-language button[value=nl]")

    expect(page).to_have_url(address)
    expect(page.locator("html")).to_have_attribute("lang", "nl")
    context.close()


def test_a_publisher_edits_looks_publishes_and_visitors_read_it(site, published, browser_context, staff, settings):
    settings.FOUR_EYES = False
    staff("publisher", name="petra")
    watcher = Watcher(browser_context, site)
    page = browser_context.new_page()
    sign_in(page, site, "petra")
    category = DataCategory.objects.get(slug="phone")

    page.goto(site + reverse("admin:policies_datacategory_change", args=[category.pk]))
    page.fill("#id_name_en", "Phone number, mobile or fixed")
    page.fill("#id_name_nl", "Telefoonnummer, mobiel of vast")
    page.click("[name=_save]")
    page.goto(site + reverse("admin:policies_statementversion_publish"))
    for language, words in (("en", "Phone number, mobile or fixed"), ("nl", "Telefoonnummer, mobiel of vast")):
        preview = page.frame_locator(f"iframe[src*='/{language}/statement/']")
        expect(preview.get_by_text(words).first).to_be_attached()
        expect(preview.locator(".draft-ribbon")).to_have_count(1)
    page.fill("#id_change_summary_en", "Phones are explained.")
    page.fill("#id_change_summary_nl", "Telefoons worden uitgelegd.")
    page.click("#publish_form [type=submit]")
    page.wait_for_url(re.compile(r"/statementversion/\d+/change/$"))
    page.click(".messagelist a")

    expect(page).to_have_url(f"{site}/en/statement/")
    expect(page.get_by_text("Phone number, mobile or fixed").first).to_be_attached()
    assert watcher.strangers == []
    assert [what for url, what in watcher.violations if "/admin/" in url] == []
