"""Data in Django models: what is due, what is done to it, and what hangs on it. And our own tables of staff."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db.models import Q
from django.utils import timezone

from consent.models import ConsentRecord
from policies.models import CookieVendor, Website
from retention import targets
from retention.model_target import ModelTarget, prefix, rounded, year
from retention.models import RetentionRule, Trigger
from retention.targets import Due, NotEnforceable

from .factories import RuleFactory, TriggerFactory, VendorFactory, WebsiteFactory
from .keeping import MONDAY, Visit, ids, make_table, moment, target

pytestmark = pytest.mark.django_db

BEFORE = moment(MONDAY)


@pytest.fixture(autouse=True)
def table(db):
    make_table()


def due(*, before=BEFORE, early=None, action="erase", held=(), today=MONDAY):
    return Due(today=today, before=before, early=early or {}, action=action, held=frozenset(held))


def visit(pk, began=None, **more):
    return Visit.objects.create(id=pk, began_at=began, **{"name": "Jan"} | more)


def enforce(of, what, size=10):
    """Every portion; how many rows were erased, and how many anonymised."""
    done = [of.enforce(batch, what) for batch in of.batches(what, size)]
    return sum(each.erased for each in done), sum(each.anonymised for each in done)


SECOND = timedelta(seconds=1)


# -- What is due -----------------------------------------------------------------------------------


def test_the_cut_off_itself_stays_and_the_moment_before_goes():
    visit(1, BEFORE - timedelta(microseconds=1))
    visit(2, BEFORE)
    visit(3, None)

    assert enforce(target(), due()) == (1, 0)
    assert ids() == [2, 3]


@pytest.mark.parametrize(
    ("before", "left"),
    [
        (moment(MONDAY), [4, 5]),
        # Within a day: of a date it counts whether it has begun.
        (moment(MONDAY, 9), [5]),
        (moment(MONDAY) - SECOND, [4, 5]),
    ],
)
def test_a_date_stands_for_the_beginning_of_its_day_in_amsterdam(before, left):
    for pk in (3, 4, 5):
        visit(pk, began_on=date(2026, 5, pk))

    enforce(target(trigger="began_on"), due(before=before))

    assert ids() == left


def test_each_way_of_coming_to_an_end_counts_and_a_row_counts_once():
    visit(1, BEFORE - SECOND, left_at=BEFORE - SECOND)
    visit(2, BEFORE + SECOND, left_at=BEFORE - SECOND)
    visit(3, None, left_at=BEFORE - SECOND)
    visit(4, BEFORE + SECOND, left_at=BEFORE)
    of, what = target(early={"left": "left_at"}), due(early={"left": BEFORE})

    assert of.census(what).due == 3
    assert enforce(of, what) == (3, 0)
    assert ids() == [4]


def test_only_rows_of_the_selection_are_looked_at():
    visit(1, BEFORE - SECOND, kind="supplier")
    visit(2, BEFORE - SECOND)
    of = target(selection=Q(kind="guest"))

    assert of.census(due()).total == 1
    enforce(of, due())
    assert ids() == [1]


def test_rows_that_say_that_they_are_held_and_those_under_hold_stay_and_are_counted():
    visit(1, BEFORE - SECOND, is_disputed=True)
    visit(2, BEFORE - SECOND)
    visit(3, BEFORE - SECOND)
    of, what = target(hold=Q(is_disputed=True)), due(held={"2", "99"})

    census = of.census(what)
    enforce(of, what)

    assert (census.due, census.held) == (1, 2)
    assert ids() == [1, 2]


def test_a_census_counts_and_touches_nothing():
    visit(1, BEFORE - timedelta(days=3))
    visit(2, BEFORE - timedelta(days=9))
    visit(3, BEFORE + SECOND)
    visit(4, None)
    visit(5, moment(MONDAY + timedelta(days=1)))

    census = target().census(due())

    assert (census.total, census.due, census.held, census.undated, census.future) == (5, 2, 0, 1, 1)
    assert census.oldest == BEFORE - timedelta(days=9)
    assert len(ids()) == 5


def test_an_empty_table_has_an_empty_census():
    census = target(trigger="began_on").census(due())

    assert (census.total, census.due, census.oldest) == (0, 0, None)


# -- In portions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_portions_cover_all_that_is_due_once_also_where_moments_are_the_same(size):
    for pk in range(1, 8):
        visit(pk, BEFORE - SECOND * (pk // 3 + 1))

    portions = list(target().batches(due(), size))

    assert sorted(key for keys in portions for key in keys) == list(range(1, 8))
    assert all(len(keys) <= size for keys in portions)


def test_the_oldest_goes_first():
    visit(1, BEFORE - SECOND)
    visit(2, BEFORE - timedelta(days=5))

    assert list(target().batches(due(), 1)) == [[2], [1]]


def test_what_changed_after_it_was_read_stays():
    for pk in (1, 2, 3):
        visit(pk, BEFORE - SECOND)
    of = target(hold=Q(is_disputed=True))
    [keys] = of.batches(due(), 10)
    Visit.objects.filter(id=1).update(began_at=BEFORE + SECOND)
    Visit.objects.filter(id=2).update(is_disputed=True)

    assert of.enforce(keys, due()).erased == 1
    assert ids() == [1, 2]


def test_twice_the_same_portion_does_nothing_the_second_time():
    visit(1, BEFORE - SECOND)
    [keys] = target().batches(due(), 10)

    assert target().enforce(keys, due()).erased == 1
    assert target().enforce(keys, due()).erased == 0


# -- Anonymising -----------------------------------------------------------------------------------


def test_each_treatment_leaves_what_it_says_and_is_done_once():
    visit(1, BEFORE - SECOND, name="Jan", phone="0201234567", born_on=date(1984, 7, 9), amount=12_345)
    visit(2, BEFORE - SECOND, name="Eva", phone="06", born_on=None, amount=-1_999)
    visit(3, BEFORE + SECOND, name="Bob")
    of = target(
        treatments={
            "name": None, "phone": prefix("phone", 3), "born_on": year("born_on"), "amount": rounded("amount", 1000),
            "kind": "former",
        }
    )  # fmt: skip
    what = due(action="anonymise")

    assert enforce(of, what) == (0, 2)

    rows = Visit.objects.order_by("pk").values_list("name", "phone", "born_on", "amount", "kind")
    assert list(rows) == [
        (None, "020", date(1984, 1, 1), 12_000, "former"),
        (None, "06", None, -1000, "former"),
        ("Bob", None, None, None, "guest"),
    ]
    assert of.census(what).due == 0
    assert enforce(of, what) == (0, 0)


def test_of_a_moment_the_year_stays():
    visit(1, BEFORE - SECOND, left_at=datetime(2025, 7, 1, 12, tzinfo=UTC))
    of, what = target(treatments={"left_at": year("left_at")}), due(action="anonymise")

    assert enforce(of, what) == (0, 1)
    assert Visit.objects.get().left_at == datetime(2025, 1, 1, tzinfo=UTC)
    assert enforce(of, what) == (0, 0)


@pytest.mark.parametrize(("value", "name"), [("", None), ("", "Jan"), ("removed", None), (None, "")])
def test_nothing_and_an_empty_text_are_treated_as_what_they_are(value, name):
    visit(1, BEFORE - SECOND, name=name)
    of, what = target(treatments={"name": value}), due(action="anonymise")

    assert enforce(of, what) == (0, 1)
    assert Visit.objects.get().name == value
    assert enforce(of, what) == (0, 0)


# -- What is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "what", "reason"),
    [
        ({}, {"action": "anonymise"}, "does not say how"),
        ({}, {"early": {"left": BEFORE}}, "also ends on “left”"),
        ({"model": ConsentRecord, "trigger": "recorded_at"}, {}, "evidence"),
        ({}, {"held": {"row two"}}, "cannot be its key"),
    ],
)
def test_what_cannot_be_done_as_asked_is_refused(changes, what, reason):
    with pytest.raises(NotEnforceable, match=reason):
        target(**changes).check(due(**what))


def test_what_can_be_done_is_not_refused():
    target(early={"left": "left_at"}).check(due(early={"left": BEFORE}, held={"3"}))
    target(treatments={"name": None}).check(due(action="anonymise"))


# -- Looking at it ---------------------------------------------------------------------------------


def test_examples_name_nobody():
    visit(12345, BEFORE - SECOND, name="Jan de Wit", phone="0201234567", amount=12_345, born_on=date(1984, 7, 9))

    [example] = target().examples(due(), 10)

    assert example["born_on"] == "July 1984"
    assert example["left_at"] == ""
    shown = " ".join(example.values())
    for secret in ("Jan", "Wit", "020", "12345", "12,345"):
        assert secret not in shown


def test_the_calendar_counts_rows_by_their_day_in_amsterdam():
    visit(1, moment(MONDAY) - SECOND)
    visit(2, moment(MONDAY))
    visit(3, moment(MONDAY, 23, 59))
    visit(4, moment(MONDAY + timedelta(days=1)))
    visit(5, None)

    assert target().calendar(MONDAY, MONDAY) == {MONDAY: 2}


def test_a_calendar_of_dates():
    visit(1, began_on=MONDAY)
    visit(2, began_on=MONDAY)
    visit(3, began_on=MONDAY + timedelta(days=1))

    assert target(trigger="began_on").calendar(MONDAY, MONDAY) == {MONDAY: 2}


# -- What hangs on it ------------------------------------------------------------------------------


def test_rows_that_hang_on_what_is_erased_go_with_it_and_are_not_counted(django_user_model):
    for name in ("anna", "petra"):
        user = django_user_model.objects.create_user(name, last_login=BEFORE - SECOND)
        LogEntry.objects.create(
            user=user, content_type=ContentType.objects.first(), object_id="1", action_flag=CHANGE
        )  # fmt: skip
    django_user_model.objects.filter(username="petra").update(last_login=BEFORE)
    of = target(model=django_user_model, trigger="last_login")

    assert enforce(of, due()) == (1, 0)

    assert [entry.user.username for entry in LogEntry.objects.all()] == ["petra"]


# -- Our own tables of staff -----------------------------------------------------------------------


def own(slug):
    return targets.in_code()[slug]


def test_what_the_desk_keeps_about_staff_has_targets():
    assert {"content-history", "admin-log", "staff-sessions"} <= targets.in_code().keys()
    assert own("staff-sessions").max_share == 1.0
    assert {own(slug).purpose for slug in ("content-history", "admin-log", "staff-sessions")} == {
        "site-administration"
    }  # fmt: skip


def test_a_slug_is_taken_once():
    with pytest.raises(ValueError, match="admin-log already"):
        targets.register(own("admin-log"))


def test_sessions_go_when_they_have_ended():
    now = timezone.now()
    Session.objects.create(session_key="ended", session_data="", expire_date=now - SECOND)
    Session.objects.create(session_key="alive", session_data="", expire_date=now + timedelta(hours=1))

    assert enforce(own("staff-sessions"), due(before=now, today=timezone.localdate(now))) == (1, 0)

    assert Session.objects.get().session_key == "alive"


def history_of(model):
    return list(model.history.order_by("history_id").values_list("id", "history_type", "history_user__username"))


@pytest.fixture
def anna(django_user_model):
    return django_user_model.objects.create_user("anna")


def written(row, who, *, days_ago):
    """The newest record of ``row`` is of ``who`` and so many days old."""
    record = row.history.order_by("-history_id").first()
    record.history_user, record.history_date = who, BEFORE - timedelta(days=days_ago)
    record.save()


def test_of_the_history_goes_what_was_changed_since_and_of_the_rest_who_wrote_it(anna):
    trigger = TriggerFactory(slug="visit")
    written(trigger, anna, days_ago=9)
    trigger.name_en = "A visit"
    trigger.save()
    written(trigger, anna, days_ago=5)
    recent = TriggerFactory(slug="recent")
    written(recent, anna, days_ago=-2)

    assert own("content-history").census(due()).due == 2
    assert enforce(own("content-history"), due()) == (1, 1)

    assert history_of(Trigger) == [(trigger.pk, "~", None), (recent.pk, "+", "anna")]
    assert own("content-history").census(due()).due == 0
    as_it_is = Trigger.history.as_of(timezone.now())
    assert {row.name_en for row in as_it_is} == {"A visit", "End of the agreement"}


def test_of_a_row_that_is_deleted_the_whole_history_goes(anna):
    trigger = TriggerFactory()
    written(trigger, anna, days_ago=9)
    pk = trigger.pk
    trigger.delete()
    Trigger.history.filter(id=pk, history_type="-").update(history_date=BEFORE - timedelta(days=4))

    assert enforce(own("content-history"), due()) == (2, 0)

    assert history_of(Trigger) == []


def test_lists_that_belonged_to_an_old_record_go_with_it():
    vendor = VendorFactory()
    for slug in ("a", "b"):
        vendor.websites.set([WebsiteFactory(slug=slug)])
        vendor.save()
    CookieVendor.history.filter(id=vendor.pk).update(history_date=BEFORE - timedelta(days=9))
    lists = CookieVendor.history.model._meta.get_field("historicalcookievendor_websites").related_model
    assert lists.objects.count() > 1

    enforce(own("content-history"), due())

    kept = CookieVendor.history.get(id=vendor.pk)
    assert {row.history_id for row in lists.objects.all()} == {kept.pk}
    assert [row.slug for row in Website.objects.filter(pk__in=lists.objects.values("website"))] == ["b"]


def test_a_hold_on_history_names_its_table():
    rule = RuleFactory()
    rule.period = "P2Y"
    rule.save()
    RetentionRule.history.update(history_date=BEFORE - timedelta(days=9))
    first = RetentionRule.history.order_by("history_id").first()
    key = f"retention.HistoricalRetentionRule:{first.pk}"

    with pytest.raises(NotEnforceable):
        own("content-history").check(due(held={str(first.pk)}))
    own("content-history").check(due(held={key}))
    enforce(own("content-history"), due(held={key}))

    assert RetentionRule.history.filter(pk=first.pk).exists()


def test_history_can_be_anonymised_where_the_rule_says_so(anna):
    trigger = TriggerFactory()
    written(trigger, anna, days_ago=9)

    erased, anonymised = enforce(own("content-history"), due(action="anonymise"))

    assert (erased, anonymised) == (0, 1)
    assert history_of(Trigger) == [(trigger.pk, "+", None)]


def test_the_calendar_of_the_history_adds_its_tables_up():
    TriggerFactory()
    RuleFactory(trigger=TriggerFactory())
    today = timezone.localdate()

    assert sum(own("content-history").calendar(today, today).values()) == 3


def test_every_target_in_code_is_a_target():
    for each in targets.in_code().values():
        assert isinstance(each, ModelTarget) or callable(each.enforce)
        assert 0 < each.max_share <= 1
