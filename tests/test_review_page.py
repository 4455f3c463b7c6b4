"""The page of the review: what it shows to whom, and how a finding is waived."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from policies.content_file import load
from policies.models import Controller, DataCategory, ProcessingPurpose, Section, Waiver
from policies.promising import promises_of
from policies.publishing import look_at_draft
from policies.review import places
from policies.snapshot import compose

from .conftest import CONTENT
from .target_database import declare, to_declare

EXAMPLE = CONTENT.with_name("example.yaml")  # complete, unlike that of the first customer
PAGE = "admin:policies_statementversion_review"
WAIVE = "admin:policies_statementversion_waive"


@pytest.fixture
def publisher(client, staff):
    client.force_login(staff("publisher", name="petra"))
    return client


@pytest.fixture
def incomplete(published):
    """A draft in which one name lacks its Dutch: an error that cannot be waived."""
    row = DataCategory.objects.get(slug="phone")
    row.name_nl = ""
    row.save()
    return row


@pytest.fixture
def wanting(published):
    """A draft with an error that can be waived, which version 1 does not have; that finding."""
    purpose = ProcessingPurpose.objects.get(slug="contact")
    purpose.data_subjects.clear()
    return next(
        found for found in look_at_draft().findings if found.place[:2] == ("purposes", "contact") and found.blocks
    )


def sought(finding):
    return {"code": finding.code, "place": finding.path, "about": finding.about}


def withdrawing(waiver):
    return reverse("admin:policies_statementversion_withdraw_waiver", args=[waiver.pk])


def waiver_used():
    """A waiver of the example content that answers for a finding."""
    return next(found.waiver for found in look_at_draft().findings if found.waiver)


# -- Who ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("group", "waives"), [("editor", False), ("publisher", True), ("auditor", False)])
def test_everybody_of_the_desk_reads_the_review_and_only_a_publisher_waives(client, staff, wanting, group, waives):
    client.force_login(staff(group))
    waiver = waiver_used()

    page = client.get(reverse(PAGE))

    assert page.status_code == 200
    assert (f'action="{withdrawing(waiver)}"' in page.text) is waives
    assert (reverse(WAIVE) in page.text) is waives
    data = sought(wanting) | {"reason_en": "Known, and on its way."}
    assert client.get(reverse(WAIVE, query=sought(wanting))).status_code == (200 if waives else 403)
    assert client.post(reverse(WAIVE), data).status_code == (302 if waives else 403)
    assert client.post(withdrawing(waiver)).status_code == (302 if waives else 403)
    assert Waiver.objects.filter(pk=waiver.pk).exists() is not waives


def test_visitors_are_asked_to_sign_in(client, published):
    for url in (reverse(PAGE), reverse(WAIVE)):
        assert client.get(url).url.startswith(reverse("admin:login"))


def test_a_waiver_is_not_withdrawn_by_following_a_link(publisher, published):
    waiver = waiver_used()

    assert publisher.get(withdrawing(waiver)).status_code == 405
    assert Waiver.objects.filter(pk=waiver.pk).exists()


# -- What it shows ----------------------------------------------------------------------------


def test_each_finding_has_its_code_its_source_its_place_and_what_to_do(publisher, incomplete):
    page = publisher.get(reverse(PAGE)).text

    url = reverse("admin:policies_datacategory_change", args=[incomplete.pk])
    row = page.split('<th scope="row">S2 ')[1].split("</tr>")[0]
    assert "Art. 12(1) GDPR" in row
    assert f'<a href="{url}#id_name_en">Data categories › Phone number › name</a>' in row
    assert "The Dutch text is missing. Write it, next to the English." in row
    assert "Cannot be waived" in row
    assert page.index('id="severity-1">Errors (1)') < page.index(">Warnings (")


def test_findings_of_the_controller_lead_to_its_page(publisher, published):
    Controller.objects.update(statement_title_nl="")

    page = publisher.get(reverse(PAGE, query={"list": "controller"})).text

    url = reverse("admin:policies_controller_change", args=[Controller.objects.get().pk])
    assert f'href="{url}#id_statement_title_en"' in page


def test_a_list_without_rows_is_where_a_missing_row_is_added(publisher, content):
    Section.objects.filter(page="summary").delete()

    page = publisher.get(reverse(PAGE)).text

    assert f'<a href="{reverse("admin:policies_section_changelist")}">' in page


@pytest.mark.parametrize(
    ("place", "route"), [(("purposes",), "policies_processingpurpose"), (("websites",), "policies_website")]
)
def test_what_is_wrong_with_a_list_is_repaired_in_the_list(content, place, route):
    assert places.address(place) == reverse(f"admin:{route}_changelist")


def test_findings_are_chosen_by_severity_code_and_list(publisher, incomplete):
    def codes(**query):
        page = publisher.get(reverse(PAGE, query=query)).text
        return set(re.findall(r'<th scope="row">([A-Z]+\d+[a-z]?)', page))

    everything = codes()
    assert {"S2", "A13"} < everything
    assert codes(severity="error", code="S2") == {"S2"}
    assert codes(code="A13") == {"A13"}
    assert codes(list="data_categories") == {"S2"}
    assert codes(code="A13", list="data_categories") == set()
    assert codes(code="A999", severity="mild") == everything


def test_it_says_what_the_version_before_did_not_have(publisher, incomplete):
    page = publisher.get(reverse(PAGE)).text
    assert page.count('<strong class="desk-tag">new</strong>') == 1

    alone = publisher.get(reverse(PAGE, query={"new": "on"})).text

    assert alone.count('<th scope="row">') == 1
    assert '<th scope="row">S2 ' in alone


def test_before_the_first_version_nothing_is_new(publisher, content):
    page = publisher.get(reverse(PAGE)).text

    assert "desk-tag" not in page
    assert 'name="new"' not in page


def test_what_was_waived_stands_by_itself_with_its_reason_who_and_when(publisher, published):
    Waiver.objects.update(waived_by="quint")
    waiver = waiver_used()

    page = publisher.get(reverse(PAGE)).text

    waived = page.split('id="waived"')[1]
    assert waiver.reason_nl in waived
    assert "quint" in waived
    assert str(waiver.waived_at.year) in waived
    assert "Nothing is published until" not in page


def test_a_draft_without_faults_is_told_as_such(publisher, db):
    load(EXAMPLE.read_text(encoding="utf-8"))
    for promise in to_declare(promises_of(compose(), version=1)):
        declare(promise, connection="elsewhere")

    assert "The review finds nothing." in publisher.get(reverse(PAGE)).text


def test_a_promise_that_nothing_keeps_leads_to_where_a_target_is_added_for_it(publisher, content):
    page = publisher.get(reverse(PAGE)).text

    [found] = [one for one in look_at_draft().findings if (one.code, one.place[1]) == ("K1", "contact")]
    assert "Processing purposes › Contact › retention › until-contact-satisfied › target" in page
    assert f"nothing keeps “{found.fault.words['wording']['en']}”" in page
    address = reverse(
        "admin:retention_declaredtarget_add", query={"purpose": "contact", "rule": "until-contact-satisfied"}
    )
    assert address.replace("&", "&amp;") in page


def test_a_target_without_promise_leads_to_its_own_page(publisher, content):
    [promise] = [one for one in promises_of(compose(), version=1) if one.purpose == "contact"]
    target = declare(promise, connection="elsewhere", purpose="gone")

    page = publisher.get(reverse(PAGE)).text

    assert "Nothing would be erased in “Contact”" in page
    assert reverse("admin:retention_declaredtarget_change", args=[target.pk]) in page


def test_a_choice_that_matches_nothing_says_so(publisher, published):
    page = publisher.get(reverse(PAGE, query={"severity": "warning", "code": waiver_used().code, "new": "on"})).text

    assert "Nothing was found of the kind that you chose." in page


def test_an_empty_desk_has_a_review_too(publisher, db):
    assert "Fill in the controller" in publisher.get(reverse(PAGE)).text


def test_the_page_costs_the_same_queries_whatever_is_found(publisher, incomplete, django_assert_num_queries):
    publisher.get(reverse(PAGE))
    with CaptureQueriesContext(connection) as before:
        publisher.get(reverse(PAGE))
    DataCategory.objects.update(name_nl="")

    with django_assert_num_queries(len(before)):
        publisher.get(reverse(PAGE))


# -- Waiving --------------------------------------------------------------------------------------


def test_a_finding_is_waived_with_a_reason_and_then_no_longer_blocks(publisher, wanting):
    page = publisher.get(reverse(WAIVE, query=sought(wanting))).text
    assert str(wanting) in page.replace("&#x27;", "'")

    response = publisher.post(reverse(WAIVE), sought(wanting) | {"reason_nl": "Wordt deze maand aangevuld."})

    assert response.url == reverse(PAGE)
    assert look_at_draft().blocking == []
    waiver = Waiver.objects.get(code=wanting.code, place=wanting.path)
    assert (waiver.waived_by, waiver.reason_nl) == ("petra", "Wordt deze maand aangevuld.")
    assert LogEntry.objects.get().get_change_message() == "Waived."
    assert waiver.history.first().history_user.username == "petra"


def test_without_a_reason_nothing_is_waived(publisher, wanting):
    response = publisher.post(reverse(WAIVE), sought(wanting) | {"reason_en": "  "})

    assert "Give the reason, in English or in Dutch." in response.text
    assert look_at_draft().blocking


def test_what_cannot_be_waived_has_no_form_and_is_refused(publisher, incomplete):
    finding = next(iter(look_at_draft().blocking))
    assert 'id="waive_form"' not in publisher.get(reverse(WAIVE, query=sought(finding))).text

    response = publisher.post(reverse(WAIVE), sought(finding) | {"reason_en": "Never mind."})

    assert "cannot be waived" in response.text
    assert not Waiver.objects.filter(code="S2").exists()


def test_what_was_repaired_or_rewritten_meanwhile_is_not_waived_unread(publisher, wanting):
    for changes in ({"place": "purposes/contact/title"}, {"about": "0" * 16}, {"code": "S1"}):
        response = publisher.post(reverse(WAIVE), sought(wanting) | changes | {"reason_en": "Known."}, follow=True)
        assert "Look at the list again." in response.text

    assert not LogEntry.objects.exists()


def test_a_warning_may_be_waived_as_well(publisher, published):
    warning = next(found for found in look_at_draft().findings if found.severity == "warning" and not found.waiver)

    publisher.post(reverse(WAIVE), sought(warning) | {"reason_en": "It is as it should be."})

    assert next(found for found in look_at_draft().findings if sought(found) == sought(warning)).waiver


def test_a_waiver_that_is_withdrawn_counts_no_more_and_leaves_a_trace(publisher, published):
    waiver = waiver_used()

    response = publisher.post(withdrawing(waiver), follow=True)

    assert "counts again" in response.text
    assert not Waiver.objects.filter(pk=waiver.pk).exists()
    assert LogEntry.objects.get().object_repr == str(waiver)
    assert Waiver.history.filter(id=waiver.pk, history_type="-").get().history_user.username == "petra"
    assert publisher.post(withdrawing(waiver)).status_code == 404


def test_a_waiver_of_what_is_no_longer_found_is_shown_as_such(publisher, published):
    Waiver.objects.create(code="A3", place="data_categories/phone/name", reason_en="No longer true.", waived_by="quint")

    page = publisher.get(reverse(PAGE)).text

    unused = page.split('id="unused"')[1]
    assert "Data categories › Phone number › name" in unused
    assert "No longer true." in unused
    assert withdrawing(Waiver.objects.get(code="A3", place="data_categories/phone/name")) in unused


# -- On the page of a row -------------------------------------------------------------------------


def test_the_page_of_a_row_begins_with_what_the_review_says_of_it(publisher, incomplete):
    page = publisher.get(reverse("admin:policies_datacategory_change", args=[incomplete.pk])).text
    other = DataCategory.objects.exclude(pk=incomplete.pk).first()

    said = page.split('id="findings"')[1].split("</section>")[0]
    assert "<strong>Error</strong>" in said
    assert "The Dutch text is missing." in said
    assert said.count("<li>") == 1
    assert 'id="findings"' not in publisher.get(reverse("admin:policies_datacategory_change", args=[other.pk])).text
    assert 'id="findings"' not in publisher.get(reverse("admin:policies_datacategory_add")).text


def test_it_says_so_of_the_parts_of_a_row_and_of_the_controller(publisher, published):
    purpose = ProcessingPurpose.objects.filter(legal_bases__basis="legitimate-interests").first()
    purpose.legal_bases.filter(basis="legitimate-interests").update(explanation_nl="Hetzelfde 12345.")
    Controller.objects.update(summary_title_nl="")

    page = publisher.get(reverse("admin:policies_processingpurpose_change", args=[purpose.pk])).text
    controller = publisher.get(reverse("admin:policies_controller_change", args=[Controller.objects.get().pk])).text

    assert "legal bas" in page.split('id="findings"')[1].split("</section>")[0].lower()
    assert "#id_summary_title_en" in controller.split('id="findings"')[1].split("</section>")[0]
