"""The desk for enforcement: runs are read and changed by nobody; holds are placed and released, never rewritten."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from retention.models import LegalHold, RetentionRun, RunUnderWay

pytestmark = pytest.mark.django_db

HOLDS = "admin:retention_legalhold_changelist"
ADD = "admin:retention_legalhold_add"


def facts(**changes):
    now = timezone.now()
    return {
        "target": "staff-sessions", "purpose": "site-administration", "rule": "staff-sessions", "version": 3,
        "wording": {"en": "Until the session ends", "nl": "Tot de sessie eindigt"}, "cut_off": now, "due": 12,
        "erased": 9, "held": 3, "run_by": "run_due", "started_at": now,
    } | changes  # fmt: skip


def ended(**changes):
    begun = facts()
    return RetentionRun.objects.create(**begun | {"is_dry": False, "finished_at": begun["started_at"]} | changes)


def change(row):
    return reverse(f"admin:retention_{row._meta.model_name}_change", args=[row.pk])


@pytest.fixture
def petra(client, staff):
    user = staff("publisher", name="petra")
    client.force_login(user)
    return user


@pytest.fixture
def hold():
    return LegalHold.objects.create(target="staff-sessions", key="abc", reason="Case 12", placed_by="hans")


# -- Runs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "nl"])
def test_runs_are_listed_with_the_rule_in_words_and_what_they_did(client, petra, language):
    run = ended(result="refused", error="Too much is due.")
    under_way = RunUnderWay.objects.create(**facts())
    client.cookies["django_language"] = language

    for row in (run, under_way):
        page = client.get(reverse(f"admin:retention_{row._meta.model_name}_changelist")).text
        assert row.wording[language] in page
        assert "staff-sessions" in page
    page = client.get(change(run)).text
    assert "Too much is due." in page
    assert "Until the session ends" in page
    assert "Tot de sessie eindigt" in page


def test_runs_are_changed_by_nobody(admin_client):
    for row in (ended(), RunUnderWay.objects.create(**facts())):
        name = row._meta.model_name
        assert admin_client.post(change(row), {"erased": 0}).status_code == 403
        assert admin_client.get(reverse(f"admin:retention_{name}_add")).status_code == 403
        assert admin_client.get(reverse(f"admin:retention_{name}_delete", args=[row.pk])).status_code == 403


def test_runs_are_found_by_their_result_and_target(client, petra):
    ended(result="failed", error="Away.", target="visits")
    ended(is_dry=True, erased=0)
    url = reverse("admin:retention_retentionrun_changelist")

    def found(**query):
        return client.get(url, query).context["cl"].result_count

    assert found() == 2
    assert found(result__exact="failed") == 1
    assert found(target="staff-sessions") == 1
    assert found(is_dry__exact=1) == 1
    assert "Dry run: came to its end" in client.get(url).text


def test_the_list_asks_no_more_with_more_runs(admin_client):
    def queries():
        with CaptureQueriesContext(connection) as found:
            assert admin_client.get(reverse("admin:retention_retentionrun_changelist")).status_code == 200
        return len(found)

    ended()
    queries()
    few = queries()
    ended(target="a")
    ended(target="b")

    assert queries() == few


# -- Legal holds -----------------------------------------------------------------------------------


def test_a_hold_is_placed_by_who_is_signed_in(client, petra):
    sent = {"target": "admin-log", "key": "12", "reason": "Case 12"}

    assert client.post(reverse(ADD), sent).status_code == 302

    held = LegalHold.objects.get()
    assert (held.target, held.key, held.placed_by, held.released_at) == ("admin-log", "12", "petra", None)


@pytest.mark.parametrize(
    "sent",
    [
        {"target": "nowhere", "key": "", "reason": "Case"},
        {"target": "admin-log", "key": "", "reason": ""},
        {"target": "admin-log", "key": "1\x00", "reason": "Case"},
        {"target": "staff-sessions", "key": "abc", "reason": "Once more"},
    ],
)
def test_a_hold_on_nothing_without_a_reason_or_twice_is_refused(client, petra, hold, sent):
    page = client.post(reverse(ADD), sent)

    assert page.status_code == 200
    assert "errornote" in page.text
    assert LegalHold.objects.get() == hold


def test_a_hold_is_not_rewritten(client, petra, hold):
    client.post(change(hold), {"target": "admin-log", "key": "", "reason": "Another case"})

    hold.refresh_from_db()
    assert (hold.target, hold.key, hold.reason, hold.placed_by) == ("staff-sessions", "abc", "Case 12", "hans")
    assert client.get(reverse("admin:retention_legalhold_delete", args=[hold.pk])).status_code == 403


def test_a_hold_is_released_on_its_page_with_who_and_when(client, petra, hold):
    assert "Release this hold" in client.get(change(hold)).text

    page = client.post(change(hold), {"_release": "1"}, follow=True).text

    hold.refresh_from_db()
    assert hold.released_by == "petra"
    assert hold.released_at is not None
    assert "1 hold released" in page
    assert "Release this hold" not in page


def test_holds_are_released_from_the_list_once(client, petra, hold):
    sent = {"action": "release_holds", "_selected_action": [hold.pk]}

    assert "1 hold released" in client.post(reverse(HOLDS), sent, follow=True).text
    first = LegalHold.objects.get().released_at
    assert "Released before already." in client.post(reverse(HOLDS), sent, follow=True).text
    assert LegalHold.objects.get().released_at == first


def test_which_holds_stand_is_one_click(client, petra, hold):
    LegalHold.objects.create(
        target="admin-log", reason="Old", placed_by="x", released_by="x", released_at=timezone.now()
    )  # fmt: skip

    def found(**query):
        return [row.reason for row in client.get(reverse(HOLDS), query).context["cl"].result_list]

    assert found(state="standing") == ["Case 12"]
    assert found(state="released") == ["Old"]


def test_who_may_only_look_releases_nothing(client, staff, hold):
    client.force_login(staff("auditor"))

    assert "Release this hold" not in client.get(change(hold)).text
    assert client.post(change(hold), {"_release": "1"}).status_code == 403
    assert LegalHold.objects.get().released_at is None
