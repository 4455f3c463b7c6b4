"""Links with which a colleague without an account sees a draft: what opens them, what closes them."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.core.signing import Signer
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from policies import previewing, workflow
from policies.models import Controller, DataCategory, Proposal

SUMMARY = {"en": "Phones are explained.", "nl": "Telefoons worden uitgelegd."}
OF_DRAFT = "admin:policies_statementversion_link"


@pytest.fixture
def edited(published):
    row = DataCategory.objects.get(slug="phone")
    row.name_en, row.name_nl = "Phone number, mobile or fixed", "Telefoonnummer, mobiel of vast"
    row.save()
    return row


@pytest.fixture
def proposal(edited):
    return workflow.submit(by="eva", change_summary=SUMMARY)


@pytest.fixture
def eva(staff):
    return staff("editor", name="eva")


@pytest.fixture
def editor(client, eva):
    client.force_login(eva)
    return client


@pytest.fixture
def colleague():
    return Client()


def page_of(token, language="en", page="statement"):
    with override(language):
        return reverse(f"draft_{page}", args=[token])


def link(user, days=1, now=None, proposal=None):
    return previewing.make_link(by=user.pk, days=days, now=now or timezone.now(), proposal=proposal)


# -- Making one ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "said"), [(1, "1 day"), (7, "7 days"), (30, "30 days")])
def test_a_link_to_the_draft_is_made_on_its_page_for_a_number_of_days(editor, edited, colleague, days, said):
    start = reverse("admin:policies_statementversion_publish")
    form = editor.get(start).text.split(f'action="{reverse(OF_DRAFT)}"')[1].split("</form>")[0]
    assert f'<option value="{days}">{said}</option>' in re.sub(" selected", "", form)

    made = editor.post(reverse(OF_DRAFT), {"days": days})

    assert "no-store" in made["Cache-Control"]
    english, dutch = re.findall(rf">{settings.PUBLIC_URL}([^<]+)</textarea>", made.text)
    assert edited.name_en in colleague.get(english).text
    assert edited.name_nl in colleague.get(dutch).text
    token = re.search("/draft/([^/]+)/", english)[1]
    left = previewing.read_link(token, now=timezone.now()).until - timezone.now()
    assert timedelta(days=days) - timedelta(minutes=1) < left <= timedelta(days=days)


def test_a_link_to_a_proposal_is_made_on_its_page_and_stands_in_its_history(editor, proposal, colleague, edited):
    url = reverse("admin:policies_proposal_link", args=[proposal.pk])
    page = reverse("admin:policies_proposal_change", args=[proposal.pk])
    assert f'action="{url}"' in editor.get(page).text

    made = editor.post(url, {"days": 7})

    english = re.search(rf">{settings.PUBLIC_URL}([^<]+)</textarea>", made.text)[1]
    edited.name_en = "Bakelite telephone"
    edited.save()
    assert "Phone number, mobile or fixed" in colleague.get(english).text
    assert "Bakelite" not in colleague.get(english).text
    assert LogEntry.objects.get().get_change_message() == "Made a link to the preview."


@pytest.mark.parametrize("days", ["0", "365", "", "for ever"])
def test_no_other_number_of_days_is_given(editor, proposal, days):
    of_proposal = reverse("admin:policies_proposal_link", args=[proposal.pk])

    for url in (reverse(OF_DRAFT), of_proposal):
        assert "No link was made" in editor.post(url, {"days": days}, follow=True).text


def test_no_link_is_made_to_a_proposal_that_is_closed(editor, proposal):
    workflow.withdraw(proposal, by="eva")
    url = reverse("admin:policies_proposal_link", args=[proposal.pk])

    assert f'action="{url}"' not in editor.get(reverse("admin:policies_proposal_change", args=[proposal.pk])).text
    assert "No link was made" in editor.post(url, {"days": 1}, follow=True).text


def test_who_only_looks_makes_no_links(client, staff, proposal):
    client.force_login(staff("auditor"))

    for url in (reverse(OF_DRAFT), reverse("admin:policies_proposal_link", args=[proposal.pk])):
        assert client.post(url, {"days": 1}).status_code == 403
    assert "Make a link" not in client.get(reverse("admin:policies_proposal_change", args=[proposal.pk])).text


# -- What it opens --------------------------------------------------------------------------------


def test_a_link_opens_both_pages_in_both_languages_and_leads_nowhere_else(colleague, eva, edited):
    token = link(eva)
    all_pages = {page_of(token, language, page) for language in ("en", "nl") for page in ("statement", "summary")}

    for page in all_pages:
        response = colleague.get(page)
        assert response.status_code == 200
        ours = [path for path in re.findall(r'href="(/[^"]*)"', response.text) if not path.startswith("/static/")]
        assert ours
        assert set(ours) < all_pages


def test_the_switch_of_language_keeps_the_link_and_the_page(colleague, eva, edited):
    token = link(eva)

    for language, other in (("en", "nl"), ("nl", "en")):
        for page in ("statement", "summary"):
            response = colleague.get(page_of(token, language, page))
            assert response["Content-Language"] == language
            assert f'<html lang="{language}">' in response.text
            assert f'href="{page_of(token, other, page)}" hreflang="{other}"' in response.text


def test_a_link_to_the_draft_shows_it_as_it_is_when_somebody_looks(colleague, eva, edited):
    token = link(eva)
    edited.name_en = "Telephone"
    edited.save()

    assert "Telephone" in colleague.get(page_of(token)).text


@pytest.mark.parametrize("page", ["statement", "summary"])
@pytest.mark.parametrize("language", ["en", "nl"])
def test_every_page_is_marked_kept_by_nobody_and_found_by_nobody(colleague, eva, edited, language, page):
    response = colleague.get(page_of(link(eva), language, page))

    words = {"en": "Draft, not published", "nl": "Concept, niet gepubliceerd"}[language]
    assert f'<p class="draft-ribbon">{words}</p>' in response.text
    assert f'<div class="draft-mark" aria-hidden="true"><span>{words}</span></div>' in response.text
    assert f"<title>{words}: " in response.text
    assert response["X-Robots-Tag"] == "noindex, nofollow"
    assert '<meta name="robots" content="noindex, nofollow">' in response.text
    assert response["Cache-Control"] == "no-store"
    assert response["Referrer-Policy"] == "no-referrer"
    assert 'rel="canonical"' not in response.text
    assert "/embed/" not in response.text
    assert response["X-Frame-Options"] == "DENY"


def test_no_cookie_is_set_and_none_of_the_desk_is_needed(colleague, eva, edited):
    response = colleague.get(page_of(link(eva)))

    assert not response.cookies
    assert "Cookie" not in response.get("Vary", "")


def test_nothing_on_the_page_and_in_the_link_says_who_made_it(colleague, staff, edited):
    maker = staff("editor", name="Wilhelmina")
    maker.first_name, maker.email = "Wilhelmina", "wilhelmina@company.example"
    maker.save()
    token = link(maker)

    assert "wilhelmina" not in colleague.get(page_of(token)).text.lower()
    assert "wilhelmina" not in str(Signer(salt="policies.previewing", sep=".").unsign_object(token)).lower()


def test_robots_are_asked_to_stay_away_from_drafts_in_both_languages(client, published):
    lines = client.get("/robots.txt").text.splitlines()

    for language in ("en", "nl"):
        assert f"Disallow: {page_of('x', language, 'summary').removesuffix('x/')}" in lines
    assert not [line for line in lines if line.startswith("Disallow") and "x/" in line]
    assert "draft" not in client.get("/sitemap.xml").text


def test_a_link_is_looked_at_and_nothing_else(colleague, eva, edited):
    assert colleague.post(page_of(link(eva))).status_code == 405


# -- What closes it ---------------------------------------------------------------------------------


def test_a_link_expires_at_its_moment(colleague, eva, edited):
    made = timezone.now() - timedelta(days=7)

    assert colleague.get(page_of(link(eva, days=7, now=made + timedelta(minutes=1)))).status_code == 200
    response = colleague.get(page_of(link(eva, days=7, now=made)))
    assert response.status_code == 410
    assert "This link has expired. Ask whoever sent it for a new one." in response.text
    assert edited.name_en not in response.text
    assert response["X-Robots-Tag"] == "noindex, nofollow"
    assert response["Cache-Control"] == "no-store"
    assert not response.cookies


@pytest.mark.parametrize(
    "change", [{"is_active": False}, {"is_staff": False}, {"groups": []}, {"groups": ["auditor"]}, None]
)
def test_a_link_is_worth_as_much_as_who_made_it(colleague, eva, edited, change, django_user_model):
    from django.contrib.auth.models import Group

    token = link(eva)
    assert colleague.get(page_of(token)).status_code == 200

    if change is None:
        eva.delete()
    elif "groups" in change:
        eva.groups.set(Group.objects.filter(name__in=change["groups"]))
    else:
        django_user_model.objects.filter(pk=eva.pk).update(**change)

    response = colleague.get(page_of(token))
    assert response.status_code == 410
    assert "This link is no longer valid." in response.text
    assert edited.name_en not in response.text


@pytest.mark.parametrize("how", ["withdrawn", "published", "replaced", "deleted"])
def test_a_link_to_a_proposal_ends_with_it(colleague, eva, proposal, how, settings):
    token = link(eva, proposal=proposal)
    assert colleague.get(page_of(token)).status_code == 200

    if how == "withdrawn":
        workflow.withdraw(proposal, by="eva")
    elif how == "published":
        settings.FOUR_EYES = False
        workflow.publish_proposal(proposal, by="petra")
    elif how == "replaced":
        workflow.submit(by="eva", change_summary=SUMMARY)
    else:
        Proposal.objects.all().delete()

    response = colleague.get(page_of(token))
    assert response.status_code == 410
    assert "has been published, or is no longer proposed" in response.text


def test_a_link_to_a_proposal_outlives_its_approval(colleague, eva, proposal):
    token = link(eva, proposal=proposal)

    workflow.approve(proposal, by="petra")

    assert colleague.get(page_of(token)).status_code == 200


def test_a_link_that_we_did_not_make_opens_nothing_and_asks_the_database_nothing(
    colleague, eva, proposal, django_assert_num_queries
):
    good = link(eva)
    payload, signature = good.split(".")
    of_another = link(eva, proposal=proposal).split(".")[0]
    until = int((timezone.now() + timedelta(days=1)).timestamp())
    forged = [
        payload,
        f"{payload}.",
        f"{payload}.{signature[:-1]}",
        f"{of_another}.{signature}",
        Signer(salt="consent.preview", sep=".").sign_object([None, eva.pk, until]),
        Signer(salt="policies.previewing", sep=".", key="another key").sign_object([None, eva.pk, until]),
        "x",
        ".",
        "é.è",
    ]
    colleague.get(page_of(good))

    for token in forged:
        with django_assert_num_queries(0):
            response = colleague.get(page_of(token))
        assert response.status_code == 404, token
        assert "Check that you copied it as a whole." in response.text
        assert response["X-Robots-Tag"] == "noindex, nofollow"


def test_an_expired_link_asks_the_database_nothing(colleague, eva, edited, django_assert_num_queries):
    token = link(eva, now=timezone.now() - timedelta(days=2))

    with django_assert_num_queries(0):
        assert colleague.get(page_of(token)).status_code == 410


def test_the_refusal_is_in_the_language_of_the_address(colleague, eva, published):
    response = colleague.get(page_of(link(eva, now=timezone.now() - timedelta(days=2)), "nl"))

    assert '<html lang="nl">' in response.text
    assert response["Content-Language"] == "nl"


def test_where_there_is_nothing_to_show_yet_it_says_so(colleague, eva, content):
    Controller.objects.all().delete()

    assert colleague.get(page_of(link(eva))).status_code == 404
