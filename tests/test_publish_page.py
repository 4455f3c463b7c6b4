"""The page of the draft: what it tells, what it shows, how it goes on, and what it refuses."""

import json
import re
from datetime import datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from policies import workflow
from policies.models import (
    CookieVendor,
    DataCategory,
    ProcessingPurpose,
    Proposal,
    Section,
    StatementVersion,
    Waiver,
    Website,
)
from policies.publishing import look_at_draft

PAGE = "admin:policies_statementversion_publish"
LINK = "admin:policies_statementversion_link"
REVIEW = "admin:policies_statementversion_review"
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


def handed_in(by="eva"):
    return workflow.submit(by=by, change_summary={"en": "Phones.", "nl": "Telefoons."})


@pytest.fixture
def one_pair_of_eyes(settings):
    settings.FOUR_EYES = False


# -- Who ----------------------------------------------------------------------------------------


def test_who_only_looks_reaches_neither_the_page_nor_the_preview_nor_the_buttons(client, staff, edited):
    client.force_login(staff("auditor"))

    assert client.get(reverse(PAGE)).status_code == 403
    assert client.post(reverse(PAGE), SUMMARY).status_code == 403
    assert client.post(reverse(LINK), {"days": "1"}).status_code == 403
    assert client.get(preview_of()).status_code == 403
    assert reverse(PAGE) not in client.get(reverse("admin:policies_statementversion_changelist")).text
    assert reverse(PAGE) not in client.get(reverse(REVIEW)).text
    assert not Proposal.objects.exists()


@pytest.mark.parametrize("group", ["editor", "publisher"])
def test_who_edits_finds_the_page_from_the_list_of_versions_and_from_the_review(client, staff, edited, group):
    client.force_login(staff(group))

    for start in ("admin:policies_statementversion_changelist", REVIEW):
        assert f'href="{reverse(PAGE)}"' in client.get(reverse(start)).text
    assert client.get(reverse(PAGE)).status_code == 200
    assert client.get(preview_of()).status_code == 200


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


def test_it_says_what_stands_in_the_way_and_where_and_offers_no_button(publisher, edited):
    edited.explanation_en = "In English alone."
    edited.save()

    page = publisher.get(reverse(PAGE)).text

    in_the_way = page.split('id="problems"')[1].split("</section>")[0]
    for finding in look_at_draft().blocking:
        assert str(finding).replace("'", "&#x27;") in in_the_way
    url = reverse("admin:policies_datacategory_change", args=[edited.pk])
    assert f'href="{url}#id_explanation_en"' in in_the_way
    assert 'id="publish_form"' not in page


def test_it_says_how_much_the_review_found_that_the_version_before_did_not_have(publisher, edited):
    assert "New findings</dt>\n<dd>None</dd>" in publisher.get(reverse(PAGE)).text
    edited.name_nl = ""
    edited.save()

    page = publisher.get(reverse(PAGE)).text

    assert f'<a href="{reverse(REVIEW)}?new=on">1 finding that the version before did not have</a>' in page


def test_it_shows_what_changes_for_visitors_in_both_languages(publisher, edited):
    compared = publisher.get(reverse(PAGE)).text.split('id="comparison"')[1].split("</section>")[0]

    assert ", mobile or fixed" in compared
    assert "Telefoonnummer, mobiel of vast" in compared


def test_it_shows_what_was_handed_in_and_whether_that_is_this_draft(publisher, edited):
    assert 'id="proposal"' not in publisher.get(reverse(PAGE)).text
    proposal = handed_in()

    page = publisher.get(reverse(PAGE)).text
    assert reverse("admin:policies_proposal_change", args=[proposal.pk]) in page
    assert "Submitted by eva," in page
    assert "It is this draft, unchanged." in page

    edited.name_en = "Telephone"
    edited.save()

    page = publisher.get(reverse(PAGE)).text
    assert "was changed after this was submitted" in page
    assert "It is this draft, unchanged." not in page


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


def test_the_first_publication_has_a_page_too(publisher, content, one_pair_of_eyes):
    page = publisher.get(reverse(PAGE)).text
    assert "Publish version 1" in page
    assert 'id="comparison"' not in page

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
@pytest.mark.parametrize(("language", "marked"), [("en", "Draft, not published"), ("nl", 'class="draft-ribbon"')])
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


@pytest.mark.parametrize("page", ["statement", "summary"])
def test_a_preview_leads_to_pages_of_the_same_draft_and_to_no_page_of_ours_that_visitors_read(publisher, edited, page):
    found = publisher.get(preview_of("en", page)).text

    assert f'href="{preview_of("en", "summary")}"' in found
    assert f'href="{preview_of("nl", page)}"' in found
    ours = [path for path in re.findall(r'href="(/[^"]*)"', found) if not path.startswith("/static/")]
    assert {path for path in ours if not path.startswith("/admin/policies/statementversion/publish/preview/")} == set()


def test_a_preview_claims_no_number_no_date_and_no_fingerprint(publisher, edited):
    found = publisher.get(preview_of("en")).text

    assert "in force from" not in found
    assert "Version 2" not in found
    assert "SHA-256" not in found


@pytest.mark.parametrize("args", [["fr", "statement"], ["en", "cookies"]])
def test_there_is_no_preview_of_what_does_not_exist(publisher, edited, args):
    assert publisher.get(preview_of(*args)).status_code == 404


def test_a_draft_with_faults_can_still_be_looked_at(publisher, published):
    ProcessingPurpose.objects.update(title_nl="", description_nl=None)

    assert publisher.get(preview_of("nl")).status_code == 200


# -- The next step ---------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["editor", "publisher"])
def test_where_four_eyes_are_asked_for_the_draft_is_submitted_by_whoever_edits(client, staff, edited, group):
    client.force_login(staff(group, name="eva"))
    page = client.get(reverse(PAGE)).text
    assert 'value="Submit for approval"' in page
    assert 'name="effective_at_0"' not in page

    response = sign(client)

    proposal = Proposal.objects.get()
    assert response.url == reverse("admin:policies_proposal_change", args=[proposal.pk])
    assert (proposal.state, proposal.submitted_by, proposal.digest) == ("submitted", "eva", look_at_draft().digest)
    assert (proposal.change_summary_en, proposal.change_summary_nl) == tuple(SUMMARY.values())
    assert "Submitted: proposal" in client.get(response.url).text
    assert LogEntry.objects.get().get_change_message() == "Submitted."
    assert StatementVersion.objects.count() == 1


def test_a_newer_proposal_takes_the_place_of_the_one_that_waits(publisher, edited):
    old = handed_in()
    edited.name_en = "Telephone"
    edited.save()
    assert "It takes the place of what was handed in already." in publisher.get(reverse(PAGE)).text

    sign(publisher)

    assert [proposal.state for proposal in Proposal.objects.all()] == ["submitted", "withdrawn"]
    assert Proposal.objects.last() == old


def test_while_a_version_is_scheduled_nothing_is_submitted(publisher, edited):
    proposal = handed_in()
    workflow.approve(proposal, by="quint")
    workflow.publish_proposal(proposal, by="quint", effective_at=timezone.now() + timedelta(days=2))
    edited.name_en = "Telephone"
    edited.save()

    assert "A version is scheduled already." in sign(publisher).text
    assert Proposal.objects.count() == 1


def test_where_two_eyes_are_enough_a_publisher_publishes_at_once(publisher, edited, one_pair_of_eyes):
    response = sign(publisher)

    version = StatementVersion.objects.first()
    assert version.number == 2
    assert (version.published_by, version.submitted_by, version.approved_by) == ("petra", "petra", "")
    assert (version.change_summary_en, version.change_summary_nl) == tuple(SUMMARY.values())
    assert response.url == reverse("admin:policies_statementversion_change", args=[version.pk])
    message = publisher.get(response.url).text
    assert "Published: version 2." in message
    assert 'href="/en/statement/"' in message
    assert edited.name_en in publisher.get("/en/statement/").text
    assert LogEntry.objects.get().get_change_message() == "Published."


def test_where_two_eyes_are_enough_an_editor_still_only_submits(client, staff, edited, one_pair_of_eyes):
    client.force_login(staff("editor"))
    assert 'name="effective_at_0"' not in client.get(reverse(PAGE)).text

    sign(client)

    assert Proposal.objects.get().state == "submitted"
    assert StatementVersion.objects.count() == 1


def test_a_version_may_wait_for_its_moment(publisher, edited, one_pair_of_eyes):
    moment = timezone.make_aware(datetime(2031, 3, 1, 9, 30))

    response = sign(publisher, effective_at_0="2031-03-01", effective_at_1="09:30")

    assert (Proposal.objects.get().state, Proposal.objects.get().effective_at) == ("scheduled", moment)
    assert "from the moment that you chose" in publisher.get(response.url).text
    assert edited.name_en not in publisher.get("/en/statement/").text


def test_what_was_typed_stays_where_publishing_is_refused(publisher, edited, one_pair_of_eyes):
    response = sign(publisher, effective_at_0="2019-01-01", effective_at_1="09:30")

    assert StatementVersion.objects.count() == 1
    assert "This moment has passed." in response.text
    for typed in (*SUMMARY.values(), 'value="2019-01-01"', 'value="09:30"'):
        assert typed in response.text


def test_what_is_refused_when_published_at_once_is_not_handed_in_either(publisher, publish, edited, one_pair_of_eyes):
    publish(effective_at=timezone.now() + timedelta(days=30))
    edited.name_en = "Telephone"
    edited.save()

    response = sign(publisher)

    assert "cannot be in force before version 2" in response.text
    assert not Proposal.objects.exists()


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

    page = publisher.get(reverse("admin:policies_proposal_change", args=[Proposal.objects.get().pk])).text
    assert "<strong>Company website</strong>: Analytical, Marketing" in page
    assert "<strong>Prostream application</strong>: Analytical" in page


def test_a_version_may_be_published_only_to_ask_again(publisher, published, one_pair_of_eyes):
    assert sign(publisher, ask_also=["website/marketing"]).status_code == 302

    assert StatementVersion.objects.first().asks_again == {"website": ["marketing"]}


def test_where_nothing_changed_and_nothing_is_ticked_nothing_is_published(publisher, published):
    response = sign(publisher)

    assert StatementVersion.objects.count() == 1
    assert '<li class="error">Nothing has changed since version 1.</li>' in response.text


@pytest.mark.parametrize("mistake", [{"change_summary_nl": ""}, {"effective_at_0": "2019-01-01"}])
def test_what_was_ticked_stays_ticked_where_publishing_is_refused(publisher, edited, mistake, one_pair_of_eyes):
    response = sign(publisher, effective_at_1="09:30", ask_also=["prostream/marketing"], **mistake)

    assert StatementVersion.objects.count() == 1
    assert [name for name, is_ticked in boxes(response.text).items() if is_ticked] == ["prostream/marketing"]


def test_what_was_found_meanwhile_needs_no_box_any_more(publisher, edited):
    seen = look_at_draft().digest
    hotjar(country="US")

    data = SUMMARY | {"expected_digest": seen, "ask_also": ["website/analytical", "website/marketing"]}
    refused = publisher.post(reverse(PAGE), data)

    assert "changed after you opened this page" in refused.text
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


def test_nothing_is_submitted_that_was_not_seen(publisher, edited):
    seen = look_at_draft().digest
    edited.name_en = "Telephone"
    edited.save()

    refused = publisher.post(reverse(PAGE), SUMMARY | {"expected_digest": seen})

    assert not Proposal.objects.exists()
    assert "changed after you opened this page" in refused.text
    # The page shows the new draft, so the next press of the button agrees to that.
    digest = re.search(r'name="expected_digest" value="([0-9a-f]{64})"', refused.text)[1]
    assert digest == look_at_draft().digest
    assert publisher.post(reverse(PAGE), SUMMARY | {"expected_digest": digest}).status_code == 302


def test_a_form_without_the_digest_of_what_was_seen_submits_nothing(publisher, edited):
    response = publisher.post(reverse(PAGE), SUMMARY)

    assert response.status_code == 200
    assert not Proposal.objects.exists()


def test_of_two_publishers_the_second_is_told(publisher, staff, edited, one_pair_of_eyes):
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


# -- What a version keeps of its review ----------------------------------------------------------


def page_of(version):
    return reverse("admin:policies_statementversion_change", args=[version.pk])


def found_in(client, version):
    return client.get(page_of(version)).text.split('id="review"')[1].split("</section>")[0]


@pytest.mark.parametrize("group", ["editor", "publisher", "auditor"])
def test_a_version_says_what_was_found_and_what_was_waived_why_and_by_whom(client, staff, published, group):
    waived = [kept for kept in json.loads(published.review)["findings"] if kept["waiver"]]
    Waiver.objects.all().delete()  # as published, whatever has become of it since
    client.force_login(staff(group))

    said = found_in(client, published)

    assert waived
    assert f"<dt>Waived</dt><dd>{len(waived)}</dd>" in said
    for kept in waived:
        assert escape(kept["waiver"]["reason"]["en"]) in said
        assert escape(kept["waiver"]["by"]) in said
        assert escape(kept["sentence"]["en"]) in said


def test_a_version_marks_what_the_version_before_did_not_have(publisher, edited, publish):
    ProcessingPurpose.objects.get(slug="contact").data_subjects.clear()
    finding = look_at_draft().blocking[0]
    second = publish()

    said = found_in(publisher, second)

    assert "<dt>New</dt><dd>1</dd>" in said
    assert f'<th scope="row">{finding.code} <strong class="desk-tag">new</strong>' in said


def test_a_version_leads_to_the_proposal_that_it_was(publisher, edited):
    proposal = handed_in()
    workflow.approve(proposal, by="petra")
    version = workflow.publish_proposal(proposal, by="petra")

    assert f'href="{reverse("admin:policies_proposal_change", args=[proposal.pk])}"' in found_in(publisher, version)


def test_a_version_that_was_published_by_a_command_leads_to_no_proposal(publisher, published):
    assert "/proposal/" not in found_in(publisher, published)


def test_who_may_not_see_proposals_gets_no_link_to_one(client, edited, django_user_model):
    proposal = handed_in()
    workflow.approve(proposal, by="petra")
    version = workflow.publish_proposal(proposal, by="petra")
    sam = django_user_model.objects.create_user("sam", is_staff=True)
    sam.user_permissions.add(Permission.objects.get(codename="view_statementversion"))
    client.force_login(sam)

    assert "/proposal/" not in found_in(client, version)


def test_a_version_of_an_earlier_release_says_that_no_review_was_kept(publisher, published):
    older = StatementVersion.objects.create(
        number=2, document=published.document, digest="0" * 64, previous_digest=published.digest,
        published_by="anna", change_summary_en="Old.", change_summary_nl="Oud.", asks_again={},
        effective_at=timezone.now(),
    )  # fmt: skip

    said = found_in(publisher, older)

    assert "No review was kept with this version." in said
    assert "<dt>" not in said
