"""The path of the compliance officer: from one period that is wrong to visitors who read the right one.

With ``SCREENSHOTS=directory`` each step leaves a picture there.
"""

import os
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from policies.models import ProcessingPurpose, Proposal
from retention.models import RetentionRule

from .test_admin import sign_in

RULE = "position-filled-6w"
TEXTS = {
    "en": "We keep your application for four weeks after the position has been filled.",
    "nl": "We bewaren je sollicitatie vier weken nadat de functie is vervuld.",
}
PERIODS = {"en": "At most 4 weeks after the position is filled", "nl": "Maximaal 4 weken nadat de functie is vervuld"}


def picture(page, name):
    if directory := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(directory) / f"officer-{name}.png")


@pytest.fixture
def people(chromium):
    """A window of its own for each: ``people()`` → a page."""
    contexts = []

    def come():
        contexts.append(chromium.new_context(locale="en-GB", viewport={"width": 1280, "height": 900}))
        contexts[-1].set_default_timeout(20_000)
        return contexts[-1].new_page()

    yield come
    for context in contexts:
        context.close()


def test_a_period_is_corrected_approved_by_another_scheduled_and_read_in_both_languages(site, published, people, staff):
    staff("editor", name="eva")
    staff("publisher", name="petra")
    eva, petra, visitor = people(), people(), people()
    rule = RetentionRule.objects.get(slug=RULE)
    purpose = ProcessingPurpose.objects.get(retention__rule=rule)

    # An editor corrects the period, which is one field, and a text, which is a pair.
    sign_in(eva, site, "eva")
    eva.goto(site + reverse("admin:retention_retentionrule_change", args=[rule.pk]))
    eva.fill("#id_period", "P4W")
    picture(eva, "1-period")
    eva.click("[name=_save]")
    eva.goto(site + reverse("admin:policies_processingpurpose_change", args=[purpose.pk]))
    for language, text in TEXTS.items():
        eva.fill(f"#id_description_{language}", text)
    picture(eva, "2-text")
    eva.locator("[name=_save]").first.click()

    # She reads what the review says of it, looks at what changes, and hands it in.
    eva.goto(site + reverse("admin:policies_statementversion_review"))
    expect(eva.get_by_role("heading", name="Errors")).to_have_count(0)
    picture(eva, "3-review")
    eva.goto(site + reverse("admin:policies_statementversion_publish"))
    for language, text in TEXTS.items():
        expect(eva.frame_locator(f"iframe[src*='/{language}/statement/']").get_by_text(text).first).to_be_attached()
    picture(eva, "4-draft")
    eva.fill("#id_change_summary_en", "Applications are kept for four weeks instead of six.")
    eva.fill("#id_change_summary_nl", "Sollicitaties worden vier weken bewaard in plaats van zes.")
    eva.get_by_role("button", name="Submit for approval").click()
    expect(eva.get_by_text("A publisher has to approve this.")).to_be_visible()
    expect(eva.get_by_role("button", name="Approve")).to_have_count(0)
    picture(eva, "5-submitted")

    # Somebody else compares both languages, approves, and sets the moment.
    sign_in(petra, site, "petra")
    petra.goto(site + reverse("admin:policies_proposal_changelist"))
    picture(petra, "6-waiting")
    petra.locator("#result_list tbody th a").click()
    for words in ("weeks after the position is filled", "weken nadat de functie is vervuld"):
        expect(petra.locator("section[aria-labelledby=comparison]")).to_contain_text(words)
    picture(petra, "7-compare")
    petra.get_by_role("button", name="Approve").click()
    moment = (timezone.localtime() + timedelta(days=1)).replace(hour=9, minute=30, second=0, microsecond=0)
    petra.fill("#id_effective_at_0", f"{moment:%Y-%m-%d}")
    petra.fill("#id_effective_at_1", f"{moment:%H:%M}")
    picture(petra, "8-approved")
    petra.get_by_role("button", name="Publish at this moment").click()
    expect(petra.get_by_text("It comes into force by itself.")).to_be_visible()
    picture(petra, "9-scheduled")

    # Until then visitors read the old period; after it, without anybody's doing, the new one.
    pages = {"en": "/en/statement/", "nl": "/nl/verklaring/"}
    for language, address in pages.items():
        visitor.goto(site + address)
        expect(visitor.get_by_text(PERIODS[language]).first).not_to_be_attached()
    with time_machine.travel(moment + timedelta(seconds=20), tick=True):
        call_command("run_due")
        for language, address in pages.items():
            visitor.goto(site + address)
            expect(visitor.get_by_text(PERIODS[language]).first).to_be_attached()
            expect(visitor.get_by_text(TEXTS[language]).first).to_be_attached()
            visitor.get_by_text(PERIODS[language]).first.scroll_into_view_if_needed()
            picture(visitor, f"10-in-force-{language}")

    proposal = Proposal.objects.get()
    assert proposal.state == "published"
    assert proposal.version.effective_at == moment
    assert (proposal.submitted_by, proposal.approved_by) == ("eva", "petra")
