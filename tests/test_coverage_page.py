"""The desk's page on which promises are kept: for whom, in which words, and what to do."""

import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone

from retention.models import DeclaredTarget

from .target_database import declare
from .test_coverage import SESSIONS, promise, run

pytestmark = pytest.mark.django_db

PAGE = "/admin/retention/coverage/"


def row_of(page, words):
    """The row of the table in which ``words`` stand, its markup left out."""
    [row] = [row for row in re.findall(r"<tr>.*?</tr>", page.text, re.DOTALL) if words in row]
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", row))


def visit(client, user):
    client.force_login(user)
    return client.get(PAGE)


@pytest.mark.parametrize("group", ["editor", "publisher", "auditor"])
def test_each_group_may_see_what_is_kept(published, client, staff, group):
    assert visit(client, staff(group)).status_code == 200


def test_who_may_not_see_what_was_erased_may_not_see_this(published, client, staff):
    somebody = staff("editor")
    somebody.groups.clear()

    assert visit(client, somebody).status_code == 403


def test_it_is_listed_on_the_first_page_of_the_desk(published, client, staff):
    client.force_login(staff("publisher"))

    assert f'href="{PAGE}"' in client.get("/admin/").text


def test_each_promise_stands_in_words_with_what_keeps_it_and_how_it_stands(published, client, staff):
    Session.objects.create(session_key="a", session_data="", expire_date=timezone.now() - timedelta(days=3))

    page = visit(client, staff("publisher"))

    row = row_of(page, "Until the session ends")
    assert "Administration of this website" in row
    assert "Sessions of staff" in row
    assert "Overdue" in row
    assert " 1 " in row
    assert page.text.count('<th scope="row"><span') == len(page.context["lines"]) == 24


def test_the_promise_is_told_in_the_language_of_the_desk(published, client, staff, settings):
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "nl"

    page = visit(client, staff("publisher"))

    assert "Tot de sessie is beëindigd, voor de sessie" in page.text
    assert "Beheer van deze website" in page.text


def test_a_publisher_is_led_to_where_a_target_is_added_with_its_promise_filled_in(published, client, staff):
    address = reverse(
        "admin:retention_declaredtarget_add", query={"purpose": "contact", "rule": "until-contact-satisfied"}
    )

    page = visit(client, staff("publisher"))

    assert address.replace("&", "&amp;") in page.text
    assert "Nothing keeps it" in row_of(page, "Until your request is settled")


def test_who_may_only_look_is_told_what_to_do_without_a_link_that_would_refuse(published, client, staff):
    page = visit(client, staff("auditor"))

    assert "Say in which table this data is." in page.text
    assert "/declaredtarget/add/" not in page.text


def test_a_target_that_is_not_active_is_to_be_switched_on(published, client, staff):
    target = declare(promise("contact", "until-contact-satisfied"), connection="nowhere", is_active=False)

    page = visit(client, staff("publisher"))

    assert f"Switch on “{target.slug}”." in page.text
    assert reverse("admin:retention_declaredtarget_change", args=[target.pk]) in page.text


def test_a_run_that_failed_leads_to_what_it_says(published, client, staff):
    failed = run(SESSIONS, result="failed", error="No disk.")

    row = visit(client, staff("publisher"))

    assert reverse("admin:retention_retentionrun_change", args=[failed.pk]) in row.text
    assert "No disk." in row_of(row, "Until the session ends")


def test_a_target_out_of_reach_says_so_and_the_rest_stands(published, client, staff):
    declare(promise("contact", "until-contact-satisfied"), connection="nowhere")

    page = visit(client, staff("publisher"))

    assert "unknown" in row_of(page, "Until your request is settled")
    assert "Not enforced yet" in row_of(page, "Until the session ends")


def test_a_target_without_promise_stands_apart(published, client, staff):
    DeclaredTarget.objects.create(
        slug="old", name="<Old> archive", purpose="club", rule="gone", connection="nowhere", table="old",
        key_column="id", trigger_column="day", is_active=True,
    )  # fmt: skip

    page = visit(client, staff("publisher"))

    assert "&lt;Old&gt; archive</a> (club, gone)" in page.text


def test_before_the_first_publication_it_says_that_nothing_is_promised(db, client, staff):
    assert "nothing is promised and nothing is erased" in visit(client, staff("publisher")).text
