"""The sealed days at the desk, and the page on which they are verified."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import gettext, override

from consent import verifying_views
from consent.models import RecordPurge, SealedDay
from consent.purging import purge
from consent.sealing import seal_closed_days

from .arriving import MONDAY, TUESDAY, WEDNESDAY, arrive, at, once_closed

NOW = once_closed(WEDNESDAY)
UNDER = {"rule": "proof-of-choice", "wording": "at most 5 years after the choice", "by": "run_due", "now": NOW}
LIST, VERIFY = "admin:consent_sealedday_changelist", "admin:consent_sealedday_verify"


@pytest.fixture
def sealed(published):
    arrive(at(MONDAY), number=2)
    arrive(at(TUESDAY), number=3)
    seal_closed_days(NOW)


@pytest.fixture
def auditor(client, staff):
    client.force_login(staff("auditor"))
    return client


def text_of(response):
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def verify(client, since=MONDAY, until=WEDNESDAY, expect="", **headers):
    data = {"since": since.isoformat(), "until": until.isoformat(), "expect": expect}
    return text_of(client.post(reverse(VERIFY), data, **headers))


# -- The list -------------------------------------------------------------------------------------


def test_the_list_says_of_each_day_how_many_records_it_had(auditor, sealed):
    text = text_of(auditor.get(reverse(LIST)))

    assert "4 May 2026" in text
    assert '<td class="field-count">2</td>' in text
    assert SealedDay.objects.get(day=MONDAY).digest[:12] in text
    assert reverse(VERIFY) in text


def test_the_list_says_under_which_rule_a_day_was_erased(auditor, sealed):
    purge(cut_off=at(TUESDAY, 0), **UNDER)
    purge(cut_off=at(WEDNESDAY, 0), **UNDER | {"rule": "shorter"})

    text = text_of(auditor.get(reverse(LIST)))

    # The newest first; a day that had no records has nothing that was erased.
    rules = [part.split("<")[0] for part in text.split('<td class="field-erased">')[1:]]
    assert rules == ["–", "shorter", "proof-of-choice"]


def test_the_page_of_a_day_has_its_whole_seal(auditor, sealed):
    seal = SealedDay.objects.get(day=TUESDAY)
    purge(cut_off=at(WEDNESDAY, 0), **UNDER)

    text = text_of(auditor.get(reverse("admin:consent_sealedday_change", args=[seal.pk])))

    for words in (seal.digest, seal.root, seal.previous, UNDER["rule"], UNDER["wording"]):
        assert words in text


def test_the_list_costs_the_same_for_one_day_and_for_three(auditor, published):
    arrive(at(MONDAY))
    seal_closed_days(once_closed(MONDAY))
    auditor.get(reverse(LIST))
    with CaptureQueriesContext(connection) as one:
        auditor.get(reverse(LIST))
    seal_closed_days(NOW)
    purge(cut_off=at(TUESDAY, 0), **UNDER)

    with CaptureQueriesContext(connection) as three:
        auditor.get(reverse(LIST))

    assert len(three) == len(one)


def test_erasures_are_listed(auditor, sealed):
    purge(cut_off=at(TUESDAY, 0), **UNDER)

    text = text_of(auditor.get(reverse("admin:consent_recordpurge_changelist")))

    assert "at most 5 years after the choice" in text


@pytest.mark.parametrize("name", ["consent_sealedday", "consent_recordpurge"])
def test_evidence_is_changed_by_nobody(admin_client, sealed, name):
    purge(cut_off=at(TUESDAY, 0), **UNDER)
    row = {"consent_sealedday": SealedDay, "consent_recordpurge": RecordPurge}[name].objects.first()

    assert admin_client.get(reverse(f"admin:{name}_add")).status_code == 403
    assert admin_client.post(reverse(f"admin:{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert admin_client.post(reverse(f"admin:{name}_change", args=[row.pk]), {}).status_code == 403


# -- Verifying ------------------------------------------------------------------------------------


def test_the_form_offers_the_last_days_that_are_sealed(auditor, sealed):
    text = text_of(auditor.get(reverse(VERIFY)))

    assert 'type="date" name="since" value="2026-04-06"' in text
    assert 'value="2026-05-06"' in text
    assert "Outcome" not in text


def test_what_is_intact_is_said_with_what_it_proves_and_what_not(auditor, sealed):
    text = verify(auditor)

    assert "Intact: everything is as it was sealed and published." in text
    for heading in ("What was checked", "What this proves", "What it does not prove"):
        assert f"<h3>{heading}</h3>" in text
    assert SealedDay.objects.first().digest in text


def test_each_fault_is_named(auditor, sealed):
    record = arrive(at(MONDAY, 13))

    text = verify(auditor)

    assert "Not intact: 1 fault." in text
    assert f"Record {record.pk} was put among those of 4 May 2026 later" in text
    assert "What this proves" not in text


def test_a_digest_that_was_kept_is_looked_for(auditor, sealed):
    assert "Intact" in verify(auditor, expect=SealedDay.objects.get(day=MONDAY).digest)
    assert f"No seal or version has the digest {'0' * 64}" in verify(auditor, expect="0" * 64)


def test_it_is_said_in_the_language_of_the_desk(auditor, sealed):
    auditor.cookies["django_language"] = "nl"
    with override("nl"):
        expected = gettext("Intact: everything is as it was sealed and published.")

    assert expected in verify(auditor)


@pytest.mark.parametrize(
    ("period", "sentence"),
    [
        ({"since": TUESDAY, "until": MONDAY}, "The first day lies after the last."),
        ({"since": MONDAY, "until": MONDAY + timedelta(days=31)}, "Choose 31 days at most."),
        ({"expect": "abc"}, "A digest has 64 characters"),
    ],
)
def test_what_cannot_be_verified_here_is_refused_with_the_reason(auditor, sealed, period, sentence):
    text = verify(auditor, **period)

    assert sentence in text
    assert "Outcome" not in text


def test_31_days_are_verified(auditor, sealed):
    assert "Outcome" in verify(auditor, since=MONDAY, until=MONDAY + timedelta(days=30))


def test_more_records_than_a_page_can_wait_for_are_refused(auditor, sealed, monkeypatch):
    monkeypatch.setattr(verifying_views, "RECORDS_AT_MOST", 4)

    assert "These days have 5 records, and here 4 can be verified at a time." in verify(auditor)
    assert "Outcome" in verify(auditor, since=TUESDAY)


def test_without_seals_the_form_is_empty(auditor, published):
    assert 'type="date" name="since" required' in text_of(auditor.get(reverse(VERIFY)))


@pytest.mark.parametrize(("group", "status"), [("auditor", 200), ("editor", 403), ("publisher", 200)])
def test_who_may_see_seals_may_verify_them(client, staff, sealed, group, status):
    client.force_login(staff(group))

    assert client.get(reverse(VERIFY)).status_code == status
    assert client.post(reverse(VERIFY), {}).status_code == status


def test_visitors_are_sent_to_sign_in(client, db):
    assert client.get(reverse(VERIFY)).status_code == 302
