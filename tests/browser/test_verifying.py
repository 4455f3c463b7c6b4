"""The page on which the evidence is verified, in a real browser."""

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse

from consent.sealing import seal_closed_days

from ..arriving import MONDAY, TUESDAY, WEDNESDAY, arrive, at, once_closed
from .screens import QUICKLY, on_each_screen
from .test_admin import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def desk(site, published, browser_context, staff):
    """A page on which an auditor is signed in; three days are sealed, and one record came later."""
    arrive(at(MONDAY), number=3)
    arrive(at(TUESDAY), number=2)
    seal_closed_days(once_closed(WEDNESDAY))
    arrive(at(MONDAY, 13))
    staff("auditor")
    page = browser_context.new_page()
    sign_in(page, site, "auditor")
    return page


@pytest.mark.any_database
@on_each_screen
def test_axe_finds_nothing_before_and_after_in_either_language(site, desk, width, scheme):
    desk.set_viewport_size({"width": width, "height": 900})
    desk.emulate_media(color_scheme=scheme)
    pictures = os.environ.get("SCREENSHOTS")

    for language in ("en", "nl"):
        desk.goto(site + reverse("admin:consent_sealedday_changelist"))
        desk.click(f".desk-language button[value={language}]")
        desk.goto(site + reverse("admin:consent_sealedday_verify"))
        for state in ("form", "intact", "faults"):
            if state != "form":
                desk.fill("#id_since", (TUESDAY if state == "intact" else MONDAY).isoformat())
                desk.click("#verify_form [type=submit]")
                desk.wait_for_load_state()
                desk.locator(".desk-verdict li").nth(3).wait_for()
            found = Axe().run(desk, context={"include": ["#content"]}, options=QUICKLY)
            assert found.response["violations"] == [], found.generate_report()
            assert desk.evaluate("document.documentElement.scrollWidth") <= width
            if pictures:
                desk.screenshot(path=Path(pictures) / f"verify-{state}-{language}-{width}-{scheme}.png", full_page=True)
