"""The page on which somebody publishes: what it tells, what it shows, and what it refuses."""

import re
from datetime import datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from policies.models import CookieVendor, DataCategory, ProcessingPurpose, Section, StatementVersion, Website
from policies.publishing import look_at_draft

PAGE = "admin:policies_statementversion_publish"
SUMMARY = {"change_summary_en": "Phones are explained.", "change_summary_nl": "Telefoons worden uitgelegd."}


def preview_of(language="en", page="statement"):
    return reverse("admin:policies_statementversion_preview", args=[language, page])


@pytest.fixture
def publisher(client, staff):
    client.force_login(staff("publisher", name="petra"))
    return client


@pytest.fixture
def edited(published):
    """A draft that differs from version 1 and has no faults."""
    row = DataCategory.objects.get(slug="phone")
    row.name_en, row.name_nl = "Phone number, mobile or fixed", "Telefoonnummer, mobiel of vast"
    row.save()
    return row


def sign(client, **changes):
    """Press the button under the preview that is on the page now."""
    digest = re.search(r'name="expected_digest" value="([0-9a-f]{64})"', client.get(reverse(PAGE)).text)[1]
    return client.post(reverse(PAGE), SUMMARY | {"expected_digest": digest} | changes)


# -- Who ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["editor", "auditor"])
def test_only_who_may_publish_reaches_the_page_the_preview_and_the_buttons(client, staff, edited, group):
    client.force_login(staff(group))

    assert client.get(reverse(PAGE)).status_code == 403
    assert client.post(reverse(PAGE), SUMMARY).status_code == 403
    assert client.get(preview_of()).status_code == 403
    assert reverse(PAGE) not in client.get(reverse("admin:index")).text
    assert reverse(PAGE) not in client.get(reverse("admin:policies_statementversion_changelist")).text
    assert StatementVersion.objects.count() == 1


def test_a_publisher_finds_the_page_from_the_index_and_from_the_list_of_versions(publisher, edited):
    for start in ("admin:index", "admin:policies_statementversion_changelist"):
        assert f'href="{reverse(PAGE)}"' in publisher.get(reverse(start)).text
    assert publisher.get(reverse(PAGE)).status_code == 200


def test_visitors_are_asked_to_sign_in(client, edited):
    for url in (reverse(PAGE), preview_of()):
        response = client.get(url)
        assert response.status_code == 302
        assert response.url.startswith(reverse("admin:login"))


# -- What it tells ---------------------------------------------------------------------------------


def test_it_says_that_nothing_changed_and_offers_only_to_ask_again(publisher, published):
    page = publisher.get(reverse(PAGE)).text

    assert "Nothing has changed since version 1." in page
    assert "You can still publish a version that only asks visitors again." in page
    assert 'id="publish_form"' in page


def test_it_offers_no_button_where_nothing_changed_and_there_is_nobody_to_ask(publisher, published, publish):
    CookieVendor.objects.filter(category__needs_consent=True).delete()
    publish()

    page = publisher.get(reverse(PAGE)).text

    assert "Nothing has changed since version 2." in page
    assert "only asks visitors again" not in page
    assert 'id="publish_form"' not in page


def test_it_says_what_stands_in_the_way_and_offers_no_button(publisher, edited):
    edited.explanation_en = "In English alone."
    edited.save()

    page = publisher.get(reverse(PAGE)).text

    for problem in look_at_draft().problems:
        assert problem.replace("'", "&#x27;") in page
    assert "is missing" in page
    assert 'id="publish_form"' not in page


def test_it_leads_to_the_rows_that_changed(publisher, edited):
    page = publisher.get(reverse(PAGE)).text

    link = reverse("admin:policies_datacategory_changelist", query={"changed": "yes"})
    assert f'<a class="desk-line" href="{link}">Data categories (1)</a>' in page
    assert page.count('class="desk-line" href=') == 1
    assert edited.name_en in publisher.get(link).text


def test_it_says_which_categories_are_asked_about_again_on_which_web_site_and_why(publisher, published):
    assert "No: what they chose stays in force." in publisher.get(reverse(PAGE)).text
    hotjar(lifetime="P9Y")

    page = publisher.get(reverse(PAGE)).text

    again = look_at_draft().asks_again
    assert len(again) == 2
    assert page.count("</strong>: Analytical</span>") == len(again)
    assert page.count("Hotjar is kept longer: 9 years; before: 1 year.") == len(again)


def test_it_says_where_a_choice_will_hold_less_long(publisher, published):
    Website.objects.filter(slug="prostream").update(consent_months=1)

    page = publisher.get(reverse(PAGE)).text

    sentence = "A choice holds for 30 days instead of 182: visitors who chose longer ago are asked again."
    assert page.count(f"</strong>: {sentence}</span>") == 1
    assert page.count(f"<p>{sentence}</p>") == 1
    assert "No: what they chose stays in force." not in page
    assert "<strong>Website</strong>: " not in page


def test_the_first_publication_has_a_page_too(publisher, content):
    page = publisher.get(reverse(PAGE)).text
    assert "Publish version 1" in page

    assert sign(publisher).status_code == 302

    assert StatementVersion.objects.get().number == 1


def test_an_empty_desk_says_what_to_fill_in(publisher, db):
    page = publisher.get(reverse(PAGE))

    assert page.status_code == 200
    assert "Fill in the controller" in page.text
    assert publisher.get(preview_of()).status_code == 404


# -- The preview -------------------------------------------------------------------------------------


def test_the_preview_shows_the_draft_in_both_languages_and_visitors_still_read_the_version(publisher, edited):
    assert edited.name_en in publisher.get(preview_of("en")).text
    assert edited.name_nl in publisher.get(preview_of("nl")).text

    assert edited.name_en not in publisher.get("/en/statement/").text


def test_the_summary_has_a_preview_as_well(publisher, published):
    section = Section.objects.filter(page="summary").first()
    section.heading_en, section.heading_nl = "How we go about it", "Zo pakken we het aan"
    section.save()

    assert "How we go about it" in publisher.get(preview_of("en", "summary")).text
    assert "Zo pakken we het aan" in publisher.get(preview_of("nl", "summary")).text


@pytest.mark.parametrize("page", ["statement", "summary"])
@pytest.mark.parametrize(("language", "marked"), [("en", "Draft, not published"), ("nl", 'class="desk-ribbon"')])
def test_a_preview_is_marked_runs_no_banner_and_is_neither_kept_nor_indexed(publisher, edited, language, marked, page):
    live = publisher.get({"en": "/en/statement/", "nl": "/nl/verklaring/"}[language]).text
    assert "/embed/" in live
    assert marked not in live

    response = publisher.get(preview_of(language, page))

    assert marked in response.text
    assert "/embed/" not in response.text
    assert 'rel="canonical"' not in response.text
    assert "no-store" in response["Cache-Control"]
    assert "noindex" in response["X-Robots-Tag"]
    assert response["Content-Language"] == language


def test_a_preview_may_stand_in_a_frame_of_the_desk_and_nothing_else_may(publisher, edited):
    preview, desk = publisher.get(preview_of()), publisher.get(reverse(PAGE))

    assert preview["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in preview["Content-Security-Policy"]
    assert desk["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in desk["Content-Security-Policy"]
    without_frames = preview["Content-Security-Policy"].replace("frame-ancestors 'self'", "frame-ancestors 'none'")
    assert sorted(without_frames.split("; ")) == sorted(desk["Content-Security-Policy"].split("; "))


def test_links_in_a_preview_stay_in_it_or_open_beside_it(publisher, edited):
    page = publisher.get(preview_of("en")).text

    assert f'href="{preview_of("en", "summary")}"' in page
    assert f'href="{preview_of("nl")}"' in page
    for live in ("/en/cookies/", "/en/statement/versions/", "/en/statement.pdf"):
        assert f'href="{live}" target="_blank"' in page
        assert f'href="{live}">' not in page


@pytest.mark.parametrize("args", [["fr", "statement"], ["en", "cookies"]])
def test_there_is_no_preview_of_what_does_not_exist(publisher, edited, args):
    assert publisher.get(preview_of(*args)).status_code == 404


def test_a_draft_with_faults_can_still_be_looked_at(publisher, published):
    ProcessingPurpose.objects.update(title_nl="", description_nl=None)

    assert publisher.get(preview_of("nl")).status_code == 200


# -- Publishing ----------------------------------------------------------------------------------------


def test_publishing_makes_the_version_and_leads_to_where_visitors_read_it(publisher, edited):
    response = sign(publisher)

    version = StatementVersion.objects.first()
    assert version.number == 2
    assert version.published_by == "petra"
    assert (version.change_summary_en, version.change_summary_nl) == tuple(SUMMARY.values())
    assert response.url == reverse("admin:policies_statementversion_change", args=[version.pk])
    message = publisher.get(response.url).text
    assert "Published: version 2." in message
    assert 'href="/en/statement/"' in message
    assert edited.name_en in publisher.get("/en/statement/").text
    assert LogEntry.objects.get().get_change_message() == "Published."


def test_a_version_may_wait_for_its_moment(publisher, edited):
    moment = timezone.make_aware(datetime(2031, 3, 1, 9, 30))

    response = sign(publisher, effective_at_0="2031-03-01", effective_at_1="09:30")

    assert StatementVersion.objects.first().effective_at == moment
    assert "from the moment that you chose" in publisher.get(response.url).text
    assert edited.name_en not in publisher.get("/en/statement/").text


def test_what_was_typed_stays_where_publishing_is_refused(publisher, edited):
    response = sign(publisher, effective_at_0="2019-01-01", effective_at_1="09:30")

    assert StatementVersion.objects.count() == 1
    assert "cannot be in force before version 1" in response.text
    for typed in (*SUMMARY.values(), 'value="2019-01-01"', 'value="09:30"'):
        assert typed in response.text


# -- Asking again by choice ---------------------------------------------------------------------------


def hotjar(**changes):
    CookieVendor.objects.filter(slug="hotjar").update(**changes)


def boxes(page):
    """The boxes on ``page``: the category of each, and whether it is ticked."""
    tags = re.findall(r'<input type="checkbox" name="ask_also"[^>]*>', page)
    return {re.search(r'value="([^"]*)"', tag)[1]: " checked" in tag for tag in tags}


def test_every_category_that_needs_consent_has_a_box_unless_it_is_asked_again_anyway(publisher, edited):
    everything = {f"{site}/{slug}": False for site in ("website", "prostream") for slug in ("analytical", "marketing")}
    assert boxes(publisher.get(reverse(PAGE)).text) == everything
    hotjar(country="US")

    assert boxes(publisher.get(reverse(PAGE)).text) == {"website/marketing": False, "prostream/marketing": False}


def test_before_the_first_publication_there_is_nobody_to_ask_again(publisher, content):
    assert boxes(publisher.get(reverse(PAGE)).text) == {}


def test_what_is_ticked_is_asked_again_beside_what_the_software_found(publisher, edited):
    hotjar(country="US")

    assert sign(publisher, ask_also=["website/marketing"]).status_code == 302

    assert StatementVersion.objects.first().asks_again == {
        "website": ["analytical", "marketing"],
        "prostream": ["analytical"],
    }


def test_a_version_may_be_published_only_to_ask_again(publisher, published):
    assert sign(publisher, ask_also=["website/marketing"]).status_code == 302

    assert StatementVersion.objects.first().asks_again == {"website": ["marketing"]}


def test_where_nothing_changed_and_nothing_is_ticked_nothing_is_published(publisher, published):
    response = sign(publisher)

    assert StatementVersion.objects.count() == 1
    assert '<li class="error">Nothing has changed since version 1.</li>' in response.text


@pytest.mark.parametrize("mistake", [{"change_summary_nl": ""}, {"effective_at_0": "2019-01-01"}])
def test_what_was_ticked_stays_ticked_where_publishing_is_refused(publisher, edited, mistake):
    response = sign(publisher, effective_at_1="09:30", ask_also=["prostream/marketing"], **mistake)

    assert StatementVersion.objects.count() == 1
    assert [name for name, is_ticked in boxes(response.text).items() if is_ticked] == ["prostream/marketing"]


def test_what_was_found_meanwhile_needs_no_box_any_more(publisher, edited):
    seen = look_at_draft().digest
    hotjar(country="US")

    data = SUMMARY | {"expected_digest": seen, "ask_also": ["website/analytical", "website/marketing"]}
    refused = publisher.post(reverse(PAGE), data)

    assert "changed after you opened this preview" in refused.text
    assert boxes(refused.text) == {"website/marketing": True, "prostream/marketing": False}


@pytest.mark.parametrize("name", ["website/functional", "shop/analytical", "analytical", ""])
def test_nothing_else_can_be_asked_again(publisher, edited, name):
    response = sign(publisher, ask_also=[name])

    assert StatementVersion.objects.count() == 1
    assert f"“{name}” is no longer asked about. Look at the list again." in response.text


def test_a_reworded_text_stands_beside_the_box_in_both_readings(publisher, edited):
    assert publisher.get(reverse(PAGE)).text.count("None of its texts was reworded.") == 4
    hotjar(purpose_nl="Opnemen wat je doet")

    page = publisher.get(reverse(PAGE)).text

    assert page.count("The purpose of Hotjar was reworded.") == 2
    changed = (
        '<p class="desk-words" lang="nl"><del>Gebruikerservaring begrijpen</del> <ins>Opnemen wat je doet</ins></p>'
    )
    assert page.count(changed) == 2
    box = re.search(r'<input type="checkbox" name="ask_also" value="website/analytical"[^>]*>', page)[0]
    notes = re.search(r'aria-describedby="([^"]*)"', box)[1]
    assert "Hotjar" in re.search(rf'<div id="{notes}">(.*?)</div>', page, re.DOTALL)[1]


def test_a_draft_that_cannot_be_published_shows_whom_it_would_ask_without_boxes(publisher, edited):
    edited.explanation_en = "In English alone."
    edited.save()
    hotjar(country="US", purpose_en="Recording")

    page = publisher.get(reverse(PAGE)).text

    assert boxes(page) == {}
    assert page.count("Hotjar moves to another country: United States.") == 2
    assert "<strong>Marketing</strong>" in page


# -- What is refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", SUMMARY)
def test_what_changed_is_said_in_both_languages(publisher, edited, missing):
    response = sign(publisher, **{missing: " "})

    assert StatementVersion.objects.count() == 1
    assert "This field is required." in response.text
    assert next(text for name, text in SUMMARY.items() if name != missing) in response.text


def test_nothing_is_published_that_was_not_seen(publisher, edited):
    seen = look_at_draft().digest
    edited.name_en = "Telephone"
    edited.save()

    refused = publisher.post(reverse(PAGE), SUMMARY | {"expected_digest": seen})

    assert StatementVersion.objects.count() == 1
    assert "changed after you opened this preview" in refused.text
    # The page shows the new draft, so the next press of the button agrees to that.
    digest = re.search(r'name="expected_digest" value="([0-9a-f]{64})"', refused.text)[1]
    assert digest == look_at_draft().digest
    assert publisher.post(reverse(PAGE), SUMMARY | {"expected_digest": digest}).status_code == 302


def test_a_form_without_the_digest_of_what_was_seen_publishes_nothing(publisher, edited):
    response = publisher.post(reverse(PAGE), SUMMARY)

    assert response.status_code == 200
    assert StatementVersion.objects.count() == 1


def test_of_two_publishers_the_second_is_told(publisher, client, staff, edited):
    seen = look_at_draft().digest
    assert sign(publisher).status_code == 302
    publisher.force_login(staff("publisher", name="quint"))

    response = publisher.post(reverse(PAGE), SUMMARY | {"expected_digest": seen})

    assert [version.published_by for version in StatementVersion.objects.all()] == ["petra", "admin"]
    assert "Nothing has changed since version 2." in response.text
    assert SUMMARY["change_summary_nl"] in response.text


def test_the_page_costs_the_same_queries_whatever_the_number_of_rows(publisher, edited, django_assert_num_queries):
    publisher.get(reverse(PAGE))
    with CaptureQueriesContext(connection) as before:
        publisher.get(reverse(PAGE))
    for number in range(3):
        DataCategory.objects.create(slug=f"new-{number}", name_en="New", name_nl="Nieuw")

    with django_assert_num_queries(len(before)):
        publisher.get(reverse(PAGE))
