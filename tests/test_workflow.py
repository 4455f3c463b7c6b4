"""From a draft to a version: four eyes, digests, a moment in the future, two at once."""

import threading
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from policies import rendering, workflow
from policies.first_install import install_example
from policies.models import (
    CookieVendor,
    DataSubjectRight,
    ProcessingPurpose,
    Proposal,
    PurposeLegalBasis,
    Section,
    StatementVersion,
    Waiver,
)
from policies.publishing import NotPublishable, look_at_draft, publish_statement
from retention.models import RetentionRule

SUMMARY = {"en": "A shorter period.", "nl": "Een kortere termijn."}
State = Proposal.State


@pytest.fixture
def edited(published):
    """The draft differs from version 1 in one retention period."""
    RetentionRule.objects.filter(slug="position-filled-6w").update(period="P4W")


@pytest.fixture
def submitted(edited):
    return workflow.submit(by="anna", change_summary=SUMMARY)


@pytest.fixture
def approved(submitted):
    workflow.approve(submitted, by="berta")
    return Proposal.objects.get(pk=submitted.pk)


def edit_again():
    Section.objects.filter(slug="rights").update(heading_en="Your own rights")


def refusal(act, *args, **kwargs):
    with pytest.raises(NotPublishable) as refused:
        act(*args, **kwargs)
    return " ".join(refused.value.problems)


# -- Submitting


def test_a_proposal_holds_exactly_the_draft_that_was_submitted(submitted):
    draft = look_at_draft()

    assert submitted.digest == draft.digest
    assert rendering.parse(submitted.content) == draft.content
    assert rendering.parse(submitted.review)["findings"]


def test_nothing_is_submitted_where_nothing_has_changed(published):
    assert "Nothing has changed" in refusal(workflow.submit, by="anna", change_summary=SUMMARY)


def test_nothing_is_submitted_without_a_summary_in_both_languages(edited):
    assert "in Dutch" in refusal(workflow.submit, by="anna", change_summary={"en": "Something.", "nl": " "})


def test_nothing_is_submitted_that_was_not_seen(edited):
    seen = look_at_draft().digest
    edit_again()

    assert "Look at it again" in refusal(workflow.submit, by="anna", change_summary=SUMMARY, expected_digest=seen)


def test_an_error_that_nobody_waived_keeps_the_draft_from_being_submitted(edited):
    Section.objects.filter(slug="rights").update(heading_nl="")

    assert "Dutch text is missing" in refusal(workflow.submit, by="anna", change_summary=SUMMARY)


def test_a_newer_proposal_takes_the_place_of_one_that_waits(submitted):
    edit_again()
    newer = workflow.submit(by="carla", change_summary=SUMMARY)
    submitted.refresh_from_db()

    assert (submitted.state, submitted.closed_by) == (State.WITHDRAWN, "carla")
    assert newer.state == State.SUBMITTED


# -- Approving


def test_who_submits_cannot_approve(submitted):
    assert "cannot approve" in refusal(workflow.approve, submitted, by="anna")


def test_the_database_refuses_too_that_one_person_submits_and_approves(submitted):
    with pytest.raises(IntegrityError), transaction.atomic():
        Proposal.objects.filter(pk=submitted.pk).update(
            state=State.APPROVED, approved_by="anna", approved_at=timezone.now()
        )


def test_who_is_renamed_meanwhile_still_cannot_approve_their_own(edited, django_user_model):
    anna = django_user_model.objects.create_user("anna")
    proposal = workflow.submit(by="anna", change_summary=SUMMARY)
    anna.username = "anna2"
    anna.save()

    assert "cannot approve" in refusal(workflow.approve, proposal, by="anna2")


def test_an_error_that_appears_outside_the_content_voids_an_approval(edited):
    PurposeLegalBasis.objects.filter(basis="legitimate-interests").update(balancing_test="In the file, 2026-01-01.")
    Waiver.objects.filter(code="A5").delete()
    proposal = workflow.submit(by="anna", change_summary=SUMMARY)
    workflow.approve(proposal, by="berta")

    PurposeLegalBasis.objects.filter(basis="legitimate-interests").update(balancing_test="")

    assert "finds an error" in refusal(workflow.publish_proposal, proposal, by="berta")


def test_an_edit_voids_a_proposal_visibly_and_taking_it_back_makes_it_stand_again(submitted):
    assert workflow.standing(submitted, look_at_draft()) == ""

    edit_again()
    assert "was changed" in workflow.standing(submitted, look_at_draft())
    assert "was changed" in refusal(workflow.approve, submitted, by="berta")

    Section.objects.filter(slug="rights").update(heading_en="Your rights")
    assert workflow.standing(submitted, look_at_draft()) == ""


def test_an_edit_after_the_approval_voids_the_approval(approved):
    edit_again()

    assert "was changed" in refusal(workflow.publish_proposal, approved, by="berta")


def test_a_waiver_given_or_taken_after_submission_voids_it_as_well(submitted):
    Waiver.objects.filter(pk=Waiver.objects.first().pk).update(reason_en="Something else.")

    assert "waiver was changed" in workflow.standing(submitted, look_at_draft())


def test_an_edit_for_the_register_alone_voids_nothing(submitted):
    ProcessingPurpose.objects.update(owner="Legal")

    assert workflow.standing(submitted, look_at_draft()) == ""


def test_a_version_published_meanwhile_voids_a_proposal(submitted):
    publish_statement(by="operator", change_summary=SUMMARY)
    submitted.refresh_from_db()

    assert submitted.state == State.LAPSED


def test_only_the_first_of_two_approvers_counts(approved):
    assert "approved" in refusal(workflow.approve, approved, by="carla")
    approved.refresh_from_db()
    assert approved.approved_by == "berta"


# -- Sending back, withdrawing


def test_who_sends_back_says_why(submitted):
    assert "Say what" in refusal(workflow.send_back, submitted, by="berta", comment=" ")
    workflow.send_back(submitted, by="berta", comment="Six weeks, as agreed.")
    submitted.refresh_from_db()

    assert (submitted.state, submitted.comment) == (State.RETURNED, "Six weeks, as agreed.")
    assert "can no longer" in refusal(workflow.approve, submitted, by="berta")


def test_a_proposal_that_was_withdrawn_leaves_room_for_another(submitted):
    workflow.withdraw(submitted, by="anna")

    assert workflow.submit(by="anna", change_summary=SUMMARY).state == State.SUBMITTED


# -- Publishing


def test_nothing_is_published_that_nobody_approved(submitted):
    assert "submitted" in refusal(workflow.publish_proposal, submitted, by="berta")


def test_with_four_eyes_switched_off_one_person_submits_and_publishes(submitted, settings):
    settings.FOUR_EYES = False

    version = workflow.publish_proposal(submitted, by="anna")

    assert (version.submitted_by, version.approved_by, version.published_by) == ("anna", "", "anna")


def test_the_version_says_who_submitted_approved_and_published(approved):
    version = workflow.publish_proposal(approved, by="carla")
    approved.refresh_from_db()

    assert (version.submitted_by, version.approved_by, version.published_by) == ("anna", "berta", "carla")
    assert version.approved_at == approved.approved_at
    assert (approved.state, approved.version) == (State.PUBLISHED, version)


def test_findings_and_waivers_are_frozen_under_the_digest_of_the_version(approved):
    version = workflow.publish_proposal(approved, by="berta")
    document = rendering.parse(version.document)

    assert document["review"] == rendering.sha256_of(version.review.encode())
    frozen = rendering.parse(version.review)["findings"]
    assert any(finding["waiver"] and finding["waiver"]["reason"]["nl"] for finding in frozen)
    Waiver.objects.all().delete()
    assert rendering.parse(StatementVersion.objects.get(number=2).review)["findings"] == frozen


# -- A moment in the future


def test_a_scheduled_version_is_in_force_from_its_moment_and_not_before(approved):
    now = timezone.now()
    moment = (now + timedelta(days=1)).replace(microsecond=0)

    assert workflow.publish_proposal(approved, by="berta", effective_at=moment, now=now) is None
    assert workflow.publish_due(moment - timedelta(seconds=1)) == ""
    assert workflow.publish_due(moment + timedelta(seconds=20)) == "published version 2"

    version = StatementVersion.objects.get(number=2)
    assert (version.effective_at, version.published_by) == (moment, "berta")
    assert workflow.publish_due(moment + timedelta(seconds=40)) == ""


def test_what_is_scheduled_is_what_was_approved_whatever_is_edited_after(approved):
    moment = timezone.now() + timedelta(days=1)
    workflow.publish_proposal(approved, by="berta", effective_at=moment)
    edit_again()

    assert workflow.standing(Proposal.objects.get(pk=approved.pk), look_at_draft()) == ""
    workflow.publish_due(moment)
    content = rendering.parse(StatementVersion.objects.get(number=2).document)["content"]
    headings = {section["heading"]["en"] for section in content["pages"]["statement"]}
    assert "Your rights" in headings
    assert "Your own rights" not in headings


def test_a_version_published_too_late_does_not_claim_to_have_been_in_force(approved):
    now = timezone.now()
    moment = now + timedelta(days=1)
    workflow.publish_proposal(approved, by="berta", effective_at=moment, now=now)
    late = moment + timedelta(days=3)

    workflow.publish_due(late)

    assert StatementVersion.objects.get(number=2).effective_at == late.replace(microsecond=0)


def test_a_schedule_can_be_called_off_and_the_approval_remains(approved):
    workflow.publish_proposal(approved, by="berta", effective_at=timezone.now() + timedelta(days=1))
    workflow.cancel_schedule(Proposal.objects.get(pk=approved.pk), by="berta")
    approved.refresh_from_db()

    assert (approved.state, approved.approved_by, approved.effective_at) == (State.APPROVED, "berta", None)
    assert workflow.publish_due(timezone.now() + timedelta(days=2)) == ""


def test_nothing_is_submitted_while_a_version_is_scheduled(approved):
    workflow.publish_proposal(approved, by="berta", effective_at=timezone.now() + timedelta(days=1))
    edit_again()

    assert "scheduled already" in refusal(workflow.submit, by="anna", change_summary=SUMMARY)


def test_an_urgent_version_in_between_makes_a_scheduled_one_lapse(approved):
    moment = timezone.now() + timedelta(days=1)
    workflow.publish_proposal(approved, by="berta", effective_at=moment)
    publish_statement(by="operator", change_summary=SUMMARY)

    assert workflow.publish_due(moment) == ""
    approved.refresh_from_db()
    assert approved.state == State.LAPSED


def test_the_command_for_the_scheduler_publishes_what_is_due(approved, capsys):
    workflow.publish_proposal(approved, by="berta", effective_at=timezone.now() + timedelta(hours=1))
    Proposal.objects.update(effective_at=timezone.now() - timedelta(seconds=5))

    call_command("run_due")

    assert "publication: published version 2" in capsys.readouterr().out


def test_of_two_schedulers_at_once_one_publishes(transactional_db):
    install_example()
    RetentionRule.objects.filter(slug="position-filled-6w").update(period="P4W")
    proposal = workflow.submit(by="anna", change_summary=SUMMARY)
    workflow.approve(proposal, by="berta")
    moment = timezone.now() + timedelta(seconds=1)
    workflow.publish_proposal(proposal, by="berta", effective_at=moment)
    start, said, failures = threading.Barrier(2), [], []

    def run():
        try:
            start.wait(10)
            said.append(workflow.publish_due(moment))
        except Exception as error:  # whatever it is, the test has to show it
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert sorted(said) == ["", "published version 2"]
    assert StatementVersion.objects.count() == 2


# -- Waiving


def gap():
    return next(finding for finding in look_at_draft().findings if finding.is_waivable)


def test_a_waiver_needs_a_reason_in_one_language(content):
    assert "reason" in refusal(workflow.waive, gap(), by="berta", reason={"en": " ", "nl": ""})
    assert workflow.waive(gap(), by="berta", reason={"en": "", "nl": "Wordt in maart aangevuld."}).waived_by == "berta"


def test_what_lacks_a_language_cannot_be_waived(content):
    Section.objects.filter(slug="rights").update(heading_nl="")
    lacking = next(finding for finding in look_at_draft().findings if finding.code == "S2")

    assert "repaired" in refusal(workflow.waive, lacking, by="berta", reason={"en": "Never mind.", "nl": ""})


def test_a_waiver_does_not_hold_for_more_than_was_waived(content):
    DataSubjectRight.objects.filter(article="15").delete()
    (one,) = [finding for finding in look_at_draft().blocking if finding.code == "A9"]
    workflow.waive(one, by="berta", reason={"en": "Added next week.", "nl": ""})
    assert "A9" not in {finding.code for finding in look_at_draft().blocking}

    DataSubjectRight.objects.filter(article="16").delete()

    assert "A9" in {finding.code for finding in look_at_draft().blocking}


def test_an_error_blocks_until_it_is_waived_and_again_when_the_waiver_is_withdrawn(content):
    CookieVendor.objects.filter(slug="hotjar").update(privacy_url="")
    Waiver.objects.filter(code="A19", place__contains="hotjar").delete()
    (error,) = [f for f in look_at_draft().blocking if f.place[:2] == ("cookie_vendors", "hotjar")]

    waiver = workflow.waive(error, by="berta", reason={"en": "Asked for.", "nl": ""})
    assert error.path not in {finding.path for finding in look_at_draft().blocking}

    workflow.withdraw_waiver(waiver)
    assert error.path in {finding.path for finding in look_at_draft().blocking}
