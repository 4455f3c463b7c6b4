"""``manage.py publish_statement``: what somebody approved, or the draft where nobody has to."""

from datetime import datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from policies import workflow
from policies.models import DataCategory, Proposal, StatementVersion

SUMMARY = {"en": "Phones are explained.", "nl": "Telefoons worden uitgelegd."}
TEXTS = {"by": "anna", "summary_en": "a", "summary_nl": "b"}


@pytest.fixture
def edited(published):
    DataCategory.objects.filter(slug="phone").update(name_en="Phone", name_nl="Telefoon")


@pytest.fixture
def submitted(edited):
    return workflow.submit(by="anna", change_summary=SUMMARY)


@pytest.fixture
def approved(submitted):
    workflow.approve(submitted, by="berta")
    return submitted


@pytest.fixture
def one_pair_of_eyes(settings):
    settings.FOUR_EYES = False


def refusal(**options):
    with pytest.raises(CommandError) as refused:
        call_command("publish_statement", **({"by": "carla"} | options))
    return str(refused.value)


# -- With four eyes ---------------------------------------------------------------------------


def test_what_was_approved_is_published_with_its_own_summary(approved, capsys):
    call_command("publish_statement", by="carla")

    version = StatementVersion.objects.first()
    assert (version.number, version.published_by) == (2, "carla")
    assert (version.submitted_by, version.approved_by) == ("anna", "berta")
    assert version.change_summary_en == SUMMARY["en"]
    assert version.digest in capsys.readouterr().out


def test_what_was_approved_may_be_scheduled(approved, capsys):
    tomorrow = (timezone.localtime() + timedelta(days=1)).replace(microsecond=0)

    call_command("publish_statement", by="carla", effective=tomorrow.isoformat())

    proposal = Proposal.objects.get()
    assert (proposal.state, proposal.effective_at) == ("scheduled", tomorrow)
    assert "run_due" in capsys.readouterr().out
    assert StatementVersion.objects.count() == 1
    assert "is scheduled for" in refusal()


def test_a_day_begins_at_midnight_in_amsterdam(approved):
    call_command("publish_statement", by="carla", effective="2031-07-01")

    assert Proposal.objects.get().effective_at == timezone.make_aware(datetime(2031, 7, 1))


def test_nothing_is_published_that_nobody_handed_in(edited):
    assert "Submit the draft at the desk" in refusal(**TEXTS)


def test_nothing_is_published_that_nobody_approved(submitted):
    assert "submitted by anna, waits for somebody else" in refusal()
    assert StatementVersion.objects.count() == 1


def test_nothing_is_published_that_was_edited_after_it_was_approved(approved):
    DataCategory.objects.filter(slug="phone").update(name_en="Telephone")

    assert "was changed after this was submitted" in refusal()
    assert StatementVersion.objects.count() == 1


def test_what_was_approved_is_not_published_under_another_summary_or_for_other_categories(approved):
    assert "another summary" in refusal(summary_en="Something else.")
    assert "other categories" in refusal(ask_also=["website/marketing"])
    assert StatementVersion.objects.count() == 1

    call_command("publish_statement", by="carla", summary_en=SUMMARY["en"], summary_nl=SUMMARY["nl"])

    assert StatementVersion.objects.count() == 2


# -- Without ------------------------------------------------------------------------------------


def test_without_four_eyes_the_draft_is_published_at_once(one_pair_of_eyes, edited, capsys):
    call_command("publish_statement", **TEXTS)

    version = StatementVersion.objects.first()
    assert (version.number, version.published_by, version.approved_by) == (2, "anna", "")
    assert version.digest in capsys.readouterr().out


def test_without_four_eyes_the_draft_may_be_scheduled(one_pair_of_eyes, edited):
    call_command("publish_statement", effective="2031-07-01T09:30", **TEXTS)

    assert Proposal.objects.get().effective_at == timezone.make_aware(datetime(2031, 7, 1, 9, 30))
    assert StatementVersion.objects.count() == 1


def test_it_says_who_is_asked_again_and_adds_what_it_is_given(one_pair_of_eyes, published, capsys):
    call_command("publish_statement", ask_also=["website/marketing", "website/analytical"], **TEXTS)

    assert StatementVersion.objects.first().asks_again == {"website": ["analytical", "marketing"]}
    assert "Visitors of website are asked again: analytical, marketing." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("analytical", "analytical is not a category of a web site. Write website/category."),
        ("shop/analytical", "There is no web site “shop”."),
    ],
)
def test_it_refuses_to_ask_again_for_what_does_not_exist(one_pair_of_eyes, published, name, sentence):
    assert sentence in refusal(summary_en="a", summary_nl="b", ask_also=[name])

    assert StatementVersion.objects.count() == 1


def test_it_says_why_it_did_not_publish_and_hands_nothing_in(one_pair_of_eyes, published):
    assert "Nothing has changed since version 1" in refusal(**TEXTS)
    assert "Say in English and in Dutch what changed." in refusal(summary_en="a")

    assert not Proposal.objects.exists()


# -- Either way ---------------------------------------------------------------------------------


@pytest.mark.parametrize("effective", ["tomorrow", "2021-13-01", "08-11-2021"])
def test_it_refuses_what_is_no_moment(content, effective):
    assert "not a moment" in refusal(effective=effective)


def test_it_refuses_a_moment_that_has_passed(approved):
    assert "has passed" in refusal(effective="2021-11-08")
    assert StatementVersion.objects.count() == 1
