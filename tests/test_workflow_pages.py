"""The pages of a proposal: who sees which button, what each does, and what is refused."""

import threading
from datetime import datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from policies import workflow
from policies.models import CookieVendor, DataCategory, ProcessingPurpose, Proposal, StatementVersion
from policies.publishing import look_at_draft

SUMMARY = {"en": "Phones are explained.", "nl": "Telefoons worden uitgelegd."}
LATER = {"effective_at_0": "2031-03-01", "effective_at_1": "09:30"}
DATA = {"send_back": {"comment": "Say which phones."}, "schedule": LATER}
BUTTONS = ["approve", "send_back", "withdraw", "publish", "schedule", "cancel"]


@pytest.fixture
def edited(published):
    row = DataCategory.objects.get(slug="phone")
    row.name_en, row.name_nl = "Phone number, mobile or fixed", "Telefoonnummer, mobiel of vast"
    row.save()
    return row


@pytest.fixture
def submitted(edited):
    return workflow.submit(by="eva", change_summary=SUMMARY)


@pytest.fixture
def approved(submitted):
    workflow.approve(submitted, by="petra")
    return now(submitted)


@pytest.fixture
def scheduled(approved):
    workflow.publish_proposal(approved, by="petra", effective_at=timezone.now() + timedelta(days=2))
    return now(approved)


@pytest.fixture
def publisher(client, staff):
    client.force_login(staff("publisher", name="petra"))
    return client


def now(proposal):
    return Proposal.objects.get(pk=proposal.pk)


def address(proposal, page="change", *args):
    return reverse(f"admin:policies_proposal_{page}", args=[proposal.pk, *args])


def press(client, proposal, act, **data):
    """Press the button ``act`` and read the page that follows."""
    return client.post(address(proposal, act), DATA.get(act, {}) | data, follow=True)


def buttons(client, proposal):
    page = client.get(address(proposal)).text
    return {act for act in BUTTONS if f'action="{address(proposal, act)}"' in page}


# -- Who may do what ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "group", "shown"),
    [
        ("eva", "editor", {"submitted": {"withdraw"}, "approved": {"withdraw"}, "scheduled": set()}),
        ("emil", "editor", {"submitted": set(), "approved": set(), "scheduled": set()}),
        (
            "petra",
            "publisher",
            {
                "submitted": {"approve", "send_back"},
                "approved": {"publish", "schedule", "send_back"},
                "scheduled": {"cancel"},
            },
        ),
        # A publisher who submitted: somebody else approves, after which they may publish.
        (
            "eva",
            "publisher",
            {"submitted": {"withdraw"}, "approved": {"publish", "schedule", "withdraw"}, "scheduled": {"cancel"}},
        ),
        ("otto", "auditor", {"submitted": set(), "approved": set(), "scheduled": set()}),
    ],
)
def test_everybody_sees_the_buttons_that_they_may_press_now(client, staff, submitted, user, group, shown):
    client.force_login(staff(group, name=user))
    assert buttons(client, submitted) == shown["submitted"]
    workflow.approve(submitted, by="petra")
    assert buttons(client, submitted) == shown["approved"]
    workflow.publish_proposal(now(submitted), by="petra", effective_at=timezone.now() + timedelta(days=2))
    assert buttons(client, submitted) == shown["scheduled"]


@pytest.mark.parametrize(
    ("group", "allowed"),
    [
        ("editor", {"link"}),
        ("publisher", {"approve", "send_back", "publish", "schedule", "cancel", "link"}),
        ("auditor", set()),
    ],
)
@pytest.mark.parametrize("act", [*BUTTONS, "link"])
def test_each_act_asks_for_its_permission_also_of_who_sends_it_without_a_button(
    client, staff, submitted, group, allowed, act
):
    client.force_login(staff(group, name="somebody-else"))

    response = client.post(address(submitted, act), DATA.get(act, {}))

    assert (response.status_code != 403) is (act in allowed)


def test_nobody_withdraws_what_another_submitted(publisher, submitted):
    assert publisher.post(address(submitted, "withdraw")).status_code == 403
    assert now(submitted).state == "submitted"


@pytest.mark.parametrize("act", [*BUTTONS, "link"])
def test_nothing_is_done_by_following_a_link_or_from_another_site(client, staff, submitted, act):
    user = staff("publisher", name="petra")
    client.force_login(user)
    assert client.get(address(submitted, act)).status_code == 405

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    assert strict.post(address(submitted, act), DATA.get(act, {})).status_code == 403
    assert now(submitted).state == "submitted"


@pytest.mark.parametrize("group", ["editor", "publisher", "auditor"])
def test_everybody_of_the_desk_reads_proposals_and_nobody_edits_them(client, staff, submitted, group):
    client.force_login(staff(group))

    for page in (reverse("admin:policies_proposal_changelist"), address(submitted), address(submitted, "history")):
        assert client.get(page).status_code == 200
    assert client.get(address(submitted, "preview", "nl", "statement")).status_code == 200
    assert client.post(address(submitted), {"state": "approved"}).status_code == 403
    assert client.post(address(submitted, "delete"), {"post": "yes"}).status_code == 403
    assert client.get(reverse("admin:policies_proposal_add")).status_code == 403
    assert now(submitted).state == "submitted"


def test_visitors_are_asked_to_sign_in(client, submitted):
    for url in (address(submitted), address(submitted, "preview", "en", "statement")):
        assert client.get(url).url.startswith(reverse("admin:login"))


def test_who_submitted_reads_why_there_is_no_button_to_approve(client, staff, submitted):
    client.force_login(staff("publisher", name="eva"))

    assert "You submitted this yourself, so somebody else has to approve it." in client.get(address(submitted)).text


def test_who_submitted_is_known_also_under_another_name(client, staff, edited):
    eva = staff("publisher", name="eva")
    proposal = workflow.submit(by="eva", change_summary=SUMMARY)
    eva.username = "eva-jansen"
    eva.save()
    client.force_login(eva)

    assert buttons(client, proposal) == {"withdraw"}
    assert "Who submits cannot approve." in press(client, proposal, "approve").text


def test_an_editor_reads_whom_it_waits_for(client, staff, submitted):
    client.force_login(staff("editor", name="eva"))
    assert "A publisher has to approve this." in client.get(address(submitted)).text

    workflow.approve(submitted, by="petra")

    assert "A publisher has to publish this." in client.get(address(submitted)).text


def test_where_two_eyes_are_enough_there_is_nothing_to_approve(client, staff, submitted, settings):
    settings.FOUR_EYES = False
    client.force_login(staff("publisher", name="eva"))

    assert buttons(client, submitted) == {"publish", "schedule", "withdraw"}


# -- What the page shows --------------------------------------------------------------------------


def test_the_page_shows_exactly_what_was_handed_in(publisher, submitted, edited):
    edited.name_en = "Telephone"
    edited.save()

    page = publisher.get(address(submitted)).text

    assert submitted.digest in page
    assert all(text in page for text in SUMMARY.values())
    compared = page.split('id="comparison"')[1].split('id="review"')[0]
    assert ", mobile or fixed" in compared
    assert "Telephone" not in compared
    for language, name in (("en", "Phone number, mobile or fixed"), ("nl", "Telefoonnummer, mobiel of vast")):
        preview = publisher.get(address(submitted, "preview", language, "statement"))
        assert name in preview.text
        assert 'class="draft-mark"' in preview.text
        assert preview["X-Frame-Options"] == "SAMEORIGIN"
        assert "no-store" in preview["Cache-Control"]


@pytest.mark.parametrize("args", [["fr", "statement"], ["en", "cookies"]])
def test_there_is_no_preview_of_what_does_not_exist(publisher, submitted, args):
    assert publisher.get(address(submitted, "preview", *args)).status_code == 404


def test_the_page_shows_what_the_review_had_found_and_what_was_waived_and_why(publisher, submitted):
    waiver = next(found.waiver for found in look_at_draft().findings if found.waiver)
    reason = waiver.reason_nl
    waiver.delete()

    page = publisher.get(address(submitted)).text

    assert reason in page.split('id="review"')[1]


def test_a_finding_that_the_version_before_did_not_have_is_told(publisher, edited):
    ProcessingPurpose.objects.get(slug="contact").data_subjects.clear()
    finding = next(found for found in look_at_draft().findings if found.blocks)
    workflow.waive(finding, by="petra", reason={"en": "On its way.", "nl": ""})
    proposal = workflow.submit(by="eva", change_summary=SUMMARY)

    page = publisher.get(address(proposal)).text.split('id="review"')[1]

    assert "<dt>New</dt><dd>1</dd>" in page
    assert f'<th scope="row">{finding.code} <strong class="desk-tag">new</strong>' in page


def test_the_page_says_whom_it_asks_again(publisher, published):
    CookieVendor.objects.filter(slug="hotjar").update(country="US")
    proposal = workflow.submit(by="eva", change_summary=SUMMARY, ask_also={"website": ["marketing"]})

    page = publisher.get(address(proposal)).text

    assert "<strong>Company website</strong>: Analytical, Marketing" in page


def test_the_first_proposal_of_all_has_a_page_too(publisher, content):
    page = publisher.get(address(workflow.submit(by="eva", change_summary=SUMMARY))).text

    assert "There is nothing to compare it with." in page
    assert "Everybody is asked for the first time." in page


def test_an_edit_voids_it_visibly_and_says_who_changed_what_and_when(client, staff, submitted, edited):
    client.force_login(staff("publisher", name="petra"))
    assert 'id="void"' not in client.get(address(submitted)).text
    editor = Client()
    editor.force_login(staff("editor", name="emil"))
    url = reverse("admin:policies_datacategory_change", args=[edited.pk])
    editor.post(url, {"name_en": "Telephone", "name_nl": "Telefoon", "order": "4"})

    void = client.get(address(submitted)).text.split('id="void"')[1].split("</section>")[0]

    assert "was changed after this was submitted" in void
    assert "<td>emil</td>" in void
    history = reverse("admin:policies_datacategory_history", args=[edited.pk])
    assert f'Data category: <a href="{history}">Telephone</a>' in void
    assert buttons(client, submitted) == {"send_back"}


def test_an_edit_of_a_part_is_told_as_one_of_the_row_to_which_it_belongs_also_when_that_is_gone(publisher, submitted):
    purpose = ProcessingPurpose.objects.get(slug="contact")
    purpose.data.first().delete()

    assert (
        f'Processing purpose: <a href="{history_of(purpose)}">{purpose.title_en}</a>'
        in publisher.get(address(submitted)).text
    )

    gone = history_of(purpose)
    purpose.delete()

    assert f'<a href="{gone}">number' in publisher.get(address(submitted)).text


def history_of(row):
    return reverse(f"admin:policies_{row._meta.model_name}_history", args=[row.pk])


def test_what_was_published_meanwhile_closes_it(publisher, submitted, publish, edited):
    edited.name_en = "Telephone"
    edited.save()
    publish()

    page = press(publisher, submitted, "approve").text

    assert "This proposal is lapsed; that can no longer be done." in page
    assert buttons(publisher, submitted) == set()


def test_the_list_says_of_each_how_far_it_is(publisher, scheduled):
    page = publisher.get(reverse("admin:policies_proposal_changelist")).text

    assert '<td class="field-state">scheduled</td>' in page
    assert '<td class="field-submitted_by">eva</td>' in page


def test_the_list_costs_the_same_queries_for_one_row_and_for_three_and_reads_no_content(publisher, submitted):
    def read():
        with CaptureQueriesContext(connection) as queries:
            assert publisher.get(reverse("admin:policies_proposal_changelist")).status_code == 200
        return [query["sql"] for query in queries]

    read()
    one = read()
    for _number in range(2):
        workflow.submit(by="eva", change_summary=SUMMARY)

    three = read()
    assert Proposal.objects.count() == 3
    assert len(three) == len(one)
    assert not [sql for sql in three if '"policies_proposal"."content"' in sql]


def test_the_page_costs_the_same_queries_whatever_the_number_of_rows(publisher, submitted, django_assert_num_queries):
    publisher.get(address(submitted))
    with CaptureQueriesContext(connection) as before:
        publisher.get(address(submitted))
    rows = [DataCategory(slug=f"new-{number}", name_en="New", name_nl="Nieuw") for number in range(3)]
    workflow.withdraw(submitted, by="eva")
    DataCategory.objects.bulk_create(rows)
    larger = workflow.submit(by="eva", change_summary=SUMMARY)

    with django_assert_num_queries(len(before)):
        publisher.get(address(larger))


# -- The acts ---------------------------------------------------------------------------------------


def test_it_is_approved_and_published_and_visitors_read_it(publisher, submitted, edited):
    assert "Approved." in press(publisher, submitted, "approve").text

    page = press(publisher, submitted, "publish").text

    version = StatementVersion.objects.first()
    assert "Published: version 2." in page
    assert (version.submitted_by, version.approved_by, version.published_by) == ("eva", "petra", "petra")
    assert reverse("admin:policies_statementversion_change", args=[version.pk]) in page
    assert edited.name_en in publisher.get("/en/statement/").text
    assert buttons(publisher, submitted) == set()


def test_each_act_stands_in_the_history_of_the_proposal(publisher, submitted):
    for act in ("approve", "schedule", "cancel", "send_back"):
        press(publisher, submitted, act)

    history = publisher.get(address(submitted, "history")).text
    for words in ("Approved.", "Scheduled: in force from 1 March 2031, 09:30.", "was called off", "Sent back."):
        assert words in history
    assert LogEntry.objects.count() == 4


def test_it_is_sent_back_with_words_for_who_submitted_it(publisher, submitted):
    assert "Say what has to be changed." in press(publisher, submitted, "send_back", comment=" ").text
    assert now(submitted).state == "submitted"

    page = press(publisher, submitted, "send_back").text

    assert now(submitted).state == "returned"
    assert "Say which phones." in page
    assert not LogEntry.objects.filter(change_message="").exists()


@pytest.mark.parametrize(
    ("comment", "sentence"),
    [
        ("Say which\0phones.", "Null characters are not allowed."),
        ("x" * 5001, "Ensure this value has at most 5000 characters (it has 5001)."),
    ],
)
def test_words_that_cannot_be_kept_are_refused_and_it_stays_where_it_was(publisher, submitted, comment, sentence):
    assert sentence in press(publisher, submitted, "send_back", comment=comment).text
    assert (now(submitted).state, now(submitted).comment) == ("submitted", "")

    press(publisher, submitted, "send_back", comment="x" * 5000)

    assert (now(submitted).state, now(submitted).comment) == ("returned", "x" * 5000)


def test_who_submitted_takes_it_back(client, staff, submitted):
    client.force_login(staff("editor", name="eva"))

    assert "Withdrawn." in press(client, submitted, "withdraw").text
    assert (now(submitted).state, now(submitted).closed_by) == ("withdrawn", "eva")


def test_it_is_scheduled_for_a_moment_in_amsterdam_and_called_off(publisher, approved):
    page = press(publisher, approved, "schedule").text

    assert "Scheduled: in force from 1 March 2031, 09:30." in page
    assert "It comes into force by itself." in page
    assert now(approved).effective_at == timezone.make_aware(datetime(2031, 3, 1, 9, 30))

    press(publisher, approved, "cancel")

    assert (now(approved).state, now(approved).effective_at) == ("approved", None)


@pytest.mark.parametrize(
    ("moment", "sentence"),
    [
        ({"effective_at_0": "2019-01-01"}, "This moment has passed."),
        ({"effective_at_0": "2031-03-30", "effective_at_1": "02:30"}, "couldn’t be interpreted in time zone"),
        ({"effective_at_0": "soon"}, "Enter a valid date."),
        ({"effective_at_0": "", "effective_at_1": ""}, "This field is required."),
    ],
)
def test_a_moment_that_is_none_is_refused_and_stays_as_it_was_typed(publisher, approved, moment, sentence):
    page = press(publisher, approved, "schedule", **moment).text

    assert sentence in page
    assert f'value="{moment["effective_at_0"]}"' in page or not moment["effective_at_0"]
    assert now(approved).state == "approved"


def test_approval_lapses_with_an_edit(publisher, approved, edited):
    edited.name_en = "Telephone"
    edited.save()

    for act in ("publish", "schedule"):
        assert "was changed after this was submitted" in press(publisher, approved, act).text

    assert StatementVersion.objects.count() == 1


def test_what_is_scheduled_no_longer_follows_the_draft(publisher, scheduled, edited):
    edited.name_en = "Telephone"
    edited.save()

    assert 'id="void"' not in publisher.get(address(scheduled)).text
    assert buttons(publisher, scheduled) == {"cancel"}


def test_of_two_who_press_a_button_the_second_is_told(publisher, submitted, staff):
    second = Client()
    second.force_login(staff("publisher", name="quint"))
    press(publisher, submitted, "approve")

    assert "This proposal is approved; that can no longer be done." in press(second, submitted, "approve").text
    assert "Published: version 2." in press(second, submitted, "publish").text
    assert "This proposal is published; that can no longer be done." in press(publisher, submitted, "publish").text
    assert now(submitted).approved_by == "petra"


def test_of_two_who_publish_at_once_one_does(transactional_db, approved, staff):
    clients = []
    for name in ("quint", "rosa"):
        clients.append(Client())
        clients[-1].force_login(staff("publisher", name=name))
    start, pages = threading.Barrier(2), []

    def publish(client):
        start.wait()
        pages.append(press(client, approved, "publish").text)
        connection.close()

    threads = [threading.Thread(target=publish, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert StatementVersion.objects.count() == 2
    assert sorted("Published: version 2." in page for page in pages) == [False, True]
    assert sum("that can no longer be done." in page for page in pages) == 1


@pytest.mark.parametrize("act", [*BUTTONS, "link"])
def test_there_are_no_buttons_on_what_does_not_exist(publisher, submitted, act):
    missing = Proposal(pk=submitted.pk + 1)

    assert publisher.post(address(missing, act), DATA.get(act, {})).status_code == 404
    assert publisher.get(address(missing)).status_code == 302
