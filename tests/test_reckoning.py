"""When data has to go by what its rule says, why, and what of a whole table has come to its end."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils.translation import override
from hypothesis import assume, given
from hypothesis import strategies as st

from retention.periods import BeyondCalendar, Period
from retention.reckoning import day_start, due, reckon
from retention.targets import NotEnforceable
from retention.terms import Event, Lengthening, Terms

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def event(slug, english, dutch, rounding=""):
    return Event(slug, {"en": english, "nl": dutch}, rounding)


FILLED = event("filled", "position filled", "functie vervuld")
AGREEMENT = event("agreement", "end of the agreement", "einde van de overeenkomst")
YEAR = event("choice", "choice made", "keuze gemaakt", "year")
MONTH = event("choice", "choice made", "keuze gemaakt", "month")
WITHDRAWN = event("withdrawn", "consent withdrawn", "toestemming ingetrokken")
OBJECTED = event("objected", "objection", "bezwaar")
TAX = Lengthening(
    "tax",
    {"en": "tax records", "nl": "fiscale administratie"},
    {"en": "Article 52 AWR", "nl": "artikel 52 AWR"},
    Period(years=7),
)
UNCLEAR = replace(TAX, slug="unclear", period=None)


def rule(trigger=None, period="", **changes):
    said = {
        "slug": "rule",
        "trigger": trigger,
        "follows": None,
        "period": Period.parse(period) if period else None,
        "is_maximum": bool(period),
        "action": "erase",
        "needs_consent": False,
        "ends_early_on": (),
        "exceptions": (),
    }
    return Terms(**(said | changes))


SIX_WEEKS = rule(FILLED, "P6W")
ONE_MORE_YEAR = rule(period="P1Y", follows=SIX_WEEKS, needs_consent=True, ends_early_on=(WITHDRAWN,))
FISCAL = rule(AGREEMENT, "P1Y", exceptions=(TAX, UNCLEAR), ends_early_on=(OBJECTED,))
UNSTATED = rule(action="")

ON_3_MARCH = {"filled": date(2026, 3, 3)}


def said(reckoning, language="en"):
    with override(language):
        return [str(step) for step in reckoning.steps]


# -- One rule ----------------------------------------------------------------------------------


def test_a_period_counts_from_its_event():
    reckoning = reckon(SIX_WEEKS, ON_3_MARCH)

    assert reckoning.end == date(2026, 4, 14)
    assert reckoning.kept_until == date(2026, 4, 13)
    assert said(reckoning) == ["Position filled: 3 March 2026.", "6 weeks later: 14 April 2026."]


def test_without_a_period_the_data_goes_on_the_day_of_the_event():
    reckoning = reckon(rule(FILLED), ON_3_MARCH)

    assert reckoning.end == date(2026, 3, 3)
    assert said(reckoning) == ["Position filled: 3 March 2026."]


def test_an_event_that_has_not_taken_place_leaves_the_end_open():
    reckoning = reckon(SIX_WEEKS, {})

    assert reckoning.end is None
    assert reckoning.kept_until is None
    assert said(reckoning) == ["Position filled: not yet known, so no end is known."]


def test_a_rule_that_says_nothing_has_no_end():
    reckoning = reckon(UNSTATED, ON_3_MARCH)

    assert reckoning.end is None
    assert said(reckoning) == ["The rule does not say how long."]


@pytest.mark.parametrize(
    ("trigger", "period", "day", "end", "second_step"),
    [
        (
            YEAR,
            "P5Y",
            date(2026, 3, 3),
            date(2032, 1, 1),
            "The period counts from the end of that calendar year: 31 December 2026.",
        ),
        (
            YEAR,
            "P5Y",
            date(2026, 12, 31),
            date(2032, 1, 1),
            "The period counts from the end of that calendar year: 31 December 2026.",
        ),
        (
            YEAR,
            "P5Y",
            date(2027, 1, 1),
            date(2033, 1, 1),
            "The period counts from the end of that calendar year: 31 December 2027.",
        ),
        # The whole of March, not until the 28th of it.
        (
            MONTH,
            "P1M",
            date(2026, 2, 3),
            date(2026, 4, 1),
            "The period counts from the end of that month: 28 February 2026.",
        ),
    ],
)
def test_a_period_may_count_from_the_end_of_the_month_or_year(trigger, period, day, end, second_step):
    reckoning = reckon(rule(trigger, period), {"choice": day})

    assert reckoning.end == end
    assert said(reckoning)[1] == second_step


def test_until_the_end_of_a_year_is_the_whole_of_that_year():
    reckoning = reckon(rule(YEAR), {"choice": date(2026, 3, 3)})

    assert reckoning.kept_until == date(2026, 12, 31)


def test_a_period_beyond_the_calendar_is_refused():
    with pytest.raises(BeyondCalendar, match="9999"):
        reckon(rule(FILLED, "P999Y"), {"filled": date(9500, 1, 1)})


# -- One rule after another --------------------------------------------------------------------


def test_a_rule_starts_where_the_one_that_it_follows_ends():
    reckoning = reckon(ONE_MORE_YEAR, ON_3_MARCH)

    assert reckoning.end == date(2027, 4, 14)
    assert said(reckoning) == [
        "Position filled: 3 March 2026.",
        "6 weeks later: 14 April 2026.",
        "The earlier period ends on 14 April 2026; with consent 1 year longer: 14 April 2027.",
    ]


def test_a_rule_that_needs_no_consent_does_not_speak_of_it():
    reckoning = reckon(replace(ONE_MORE_YEAR, needs_consent=False), ON_3_MARCH, consent_given=False)

    assert reckoning.end == date(2027, 4, 14)
    assert said(reckoning)[-1] == "The earlier period ends on 14 April 2026; then 1 year longer: 14 April 2027."


def test_without_consent_data_goes_at_the_end_of_the_earlier_rule():
    reckoning = reckon(ONE_MORE_YEAR, ON_3_MARCH, consent_given=False)

    assert reckoning.end == date(2026, 4, 14)
    assert said(reckoning)[-1] == "There is no consent, so it stays at the end of the earlier period: 14 April 2026."


def test_without_consent_nothing_is_kept_beyond_the_event_itself():
    reckoning = reckon(rule(FILLED, "P1Y", needs_consent=True), ON_3_MARCH, consent_given=False)

    assert reckoning.end == date(2026, 3, 3)
    assert said(reckoning)[-1] == "There is no consent, so this data may not be kept beyond 3 March 2026."


def test_a_rule_that_follows_counts_from_an_end_that_came_sooner():
    first = replace(SIX_WEEKS, ends_early_on=(OBJECTED,))
    reckoning = reckon(rule(period="P1Y", follows=first), ON_3_MARCH | {"objected": date(2026, 3, 10)})

    assert reckoning.end == date(2027, 3, 10)


# -- Sooner ------------------------------------------------------------------------------------


def test_data_goes_on_the_day_of_a_withdrawal_that_comes_sooner():
    reckoning = reckon(ONE_MORE_YEAR, ON_3_MARCH | {"withdrawn": date(2026, 5, 1)})

    assert reckoning.end == date(2026, 5, 1)
    assert said(reckoning)[-1] == "Consent withdrawn: 1 May 2026. The data goes then, because that is earlier."


def test_a_withdrawal_after_the_end_changes_nothing():
    reckoning = reckon(ONE_MORE_YEAR, ON_3_MARCH | {"withdrawn": date(2028, 5, 1)})

    assert reckoning.end == date(2027, 4, 14)
    assert said(reckoning)[-1] == "Consent withdrawn: 1 May 2028. That is not earlier, so it changes nothing."


def test_the_earliest_of_several_ends_counts():
    terms = replace(SIX_WEEKS, ends_early_on=(WITHDRAWN, OBJECTED))

    reckoning = reckon(terms, ON_3_MARCH | {"withdrawn": date(2026, 3, 20), "objected": date(2026, 3, 10)})

    assert reckoning.end == date(2026, 3, 10)


def test_an_event_ends_data_of_which_the_period_has_not_begun():
    reckoning = reckon(ONE_MORE_YEAR, {"withdrawn": date(2026, 5, 1)})

    assert reckoning.end == date(2026, 5, 1)


def test_an_early_end_may_count_from_the_end_of_its_month():
    terms = replace(SIX_WEEKS, ends_early_on=(replace(OBJECTED, rounding="month"),))

    reckoning = reckon(terms, ON_3_MARCH | {"objected": date(2026, 3, 10)})

    assert reckoning.end == date(2026, 4, 1)
    assert said(reckoning)[-1] == ("Objection: 10 March 2026. The data goes on 1 April 2026, because that is earlier.")


# -- Longer, by law ----------------------------------------------------------------------------


def test_a_law_lengthens_what_falls_under_it_and_its_last_day_counts_in_full():
    reckoning = reckon(FISCAL, {"agreement": date(2026, 3, 3)}, "tax")

    assert reckoning.end == date(2033, 3, 4)
    assert reckoning.kept_until == date(2033, 3, 3)
    assert said(reckoning)[-1] == (
        "Tax records (Article 52 AWR): to be kept for 7 years, so the data stays until 3 March 2033 inclusive."
    )


def test_data_that_does_not_fall_under_the_law_goes_as_the_rule_says():
    assert reckon(FISCAL, {"agreement": date(2026, 3, 3)}).end == date(2027, 3, 3)


def test_seven_years_from_the_end_of_a_year_are_seven_whole_years():
    terms = rule(YEAR, "P1Y", exceptions=(TAX,))

    assert reckon(terms, {"choice": date(2026, 3, 3)}, "tax").kept_until == date(2033, 12, 31)


def test_no_objection_shortens_what_the_law_demands():
    reckoning = reckon(FISCAL, {"agreement": date(2026, 3, 3), "objected": date(2026, 4, 1)}, "tax")

    assert reckoning.end == date(2033, 3, 4)
    assert said(reckoning)[-2] == (
        "Objection: 1 April 2026. It shortens nothing, because the law requires the data to be kept."
    )


def test_a_law_that_asks_for_less_than_the_rule_changes_nothing():
    reckoning = reckon(replace(FISCAL, period=Period(years=10)), {"agreement": date(2026, 3, 3)}, "tax")

    assert reckoning.end == date(2036, 3, 3)
    assert said(reckoning)[-1] == (
        "Tax records (Article 52 AWR): to be kept until 3 March 2033, which the rule does already."
    )


def test_a_law_whose_period_is_not_given_leaves_the_end_open():
    reckoning = reckon(FISCAL, {"agreement": date(2026, 3, 3)}, "unclear")

    assert reckoning.end is None
    assert said(reckoning)[-1] == (
        "Tax records (Article 52 AWR): the rule does not say how long, so no end can be computed."
    )


def test_a_law_counts_from_the_same_event_and_so_leaves_the_end_open_with_it():
    assert reckon(FISCAL, {}, "tax").end is None
    assert reckon(rule(action="", exceptions=(TAX,)), {}, "tax").end is None


def test_a_law_of_the_earlier_rule_covers_the_rule_that_follows():
    terms = rule(period="P1Y", follows=FISCAL)

    assert reckon(terms, {"agreement": date(2026, 3, 3)}, "tax").end == date(2033, 3, 4)


def test_an_exception_that_the_rule_does_not_know_is_an_error():
    with pytest.raises(KeyError):
        reckon(SIX_WEEKS, ON_3_MARCH, "tax")


# -- What is due -------------------------------------------------------------------------------

NOW = datetime(2026, 11, 22, 11, 30, tzinfo=UTC)
TODAY = date(2026, 11, 22)


def amsterdam(*parts):
    return datetime(*parts, tzinfo=AMSTERDAM)


def test_what_began_before_the_start_of_the_first_day_with_an_end_to_come_is_due():
    found = due(SIX_WEEKS, TODAY, NOW)

    # 11 October and 6 weeks is 22 November.
    assert found.before == amsterdam(2026, 10, 12)
    assert found.today == TODAY
    assert found.early == {}
    assert found.action == "erase"
    assert found.held == frozenset()


def test_the_action_is_that_of_the_rule_itself_and_holds_are_passed_on():
    terms = rule(period="P1Y", follows=SIX_WEEKS, action="anonymise")

    found = due(terms, TODAY, NOW, held=frozenset({"7"}))

    assert found.action == "anonymise"
    assert found.held == {"7"}
    assert found.before == amsterdam(2025, 10, 12)


def test_data_kept_until_an_event_is_due_as_soon_as_the_event_is_past():
    found = due(rule(FILLED), TODAY, NOW)

    assert found.before == NOW


@pytest.mark.parametrize("terms", [rule(FILLED), SIX_WEEKS, FISCAL, ONE_MORE_YEAR])
def test_what_has_yet_to_happen_is_never_due(terms):
    found = due(terms, TODAY, NOW)

    assert all(moment <= NOW for moment in [found.before, *found.early.values()])


def test_events_that_end_it_sooner_are_due_once_they_are_past():
    assert due(ONE_MORE_YEAR, TODAY, NOW).early == {"withdrawn": NOW}


def test_an_event_that_ended_the_earlier_rule_is_due_only_when_the_rest_has_passed_too():
    terms = rule(period="P1Y", follows=replace(SIX_WEEKS, ends_early_on=(OBJECTED,)))

    assert due(terms, TODAY, NOW).early == {"objected": amsterdam(2025, 11, 23)}


def test_no_event_ends_sooner_what_a_law_covers():
    found = due(FISCAL, TODAY, NOW, "tax")

    assert found.early == {}
    # 21 November 2019 and 7 years, the last day in full.
    assert found.before == amsterdam(2019, 11, 22)


def test_a_year_ends_for_all_of_it_at_once():
    terms = rule(YEAR, "P5Y")

    assert due(terms, date(2031, 12, 31), amsterdam(2031, 12, 31, 23, 59)).before == amsterdam(2026, 1, 1)
    assert due(terms, date(2032, 1, 1), amsterdam(2032, 1, 1, 0, 1)).before == amsterdam(2027, 1, 1)


@pytest.mark.parametrize(
    ("today", "before"),
    [
        # Summer time begins on 29 March 2026, and ends on 25 October 2026: days of 23 and of 25 hours.
        (date(2026, 3, 30), datetime(2026, 3, 28, 23, tzinfo=UTC)),
        (date(2026, 3, 31), datetime(2026, 3, 29, 22, tzinfo=UTC)),
        (date(2026, 10, 26), datetime(2026, 10, 24, 22, tzinfo=UTC)),
        (date(2026, 10, 27), datetime(2026, 10, 25, 23, tzinfo=UTC)),
    ],
)
def test_days_begin_at_midnight_in_amsterdam_summer_and_winter(today, before):
    found = due(rule(FILLED, "P2D"), today, day_start(today) + timedelta(hours=3))

    assert found.before == before


def test_shortly_after_midnight_it_is_the_day_of_amsterdam_not_that_of_greenwich():
    now = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)  # 2 July, 00:30

    assert due(rule(FILLED, "P1D"), date(2026, 7, 2), now).before == amsterdam(2026, 7, 2)
    assert due(rule(FILLED, "P1D"), date(2026, 7, 1), now).before == amsterdam(2026, 7, 1)


def test_a_day_that_has_yet_to_come_makes_nothing_due():
    assert due(SIX_WEEKS, date(2030, 1, 1), NOW) == due(SIX_WEEKS, TODAY, NOW)


def test_a_clock_that_went_back_makes_less_due():
    earlier = due(ONE_MORE_YEAR, TODAY, NOW - timedelta(days=3))

    assert earlier.before < due(ONE_MORE_YEAR, TODAY, NOW).before
    assert earlier.early["withdrawn"] == NOW - timedelta(days=3)


def test_periods_longer_than_history_make_nothing_due():
    terms = rule(FILLED, "P999Y9999M")

    assert due(terms, TODAY, NOW).before.year < 1300
    assert due(rule(period="P999Y9999M", follows=terms), TODAY, NOW).before < datetime(1000, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("terms", "exception", "reason"),
    [
        (UNSTATED, "", "does not say how long"),
        (rule(period="P1Y", follows=UNSTATED), "", "does not say how long"),
        (SIX_WEEKS, "tax", "has no statutory exception “tax”"),
        (FISCAL, "unclear", "“unclear” does not say how long"),
    ],
)
def test_a_rule_that_does_not_say_when_cannot_be_enforced(terms, exception, reason):
    with pytest.raises(NotEnforceable, match=reason):
        due(terms, TODAY, NOW, exception)


# -- For any rule whatever ---------------------------------------------------------------------

periods = st.one_of(
    st.builds(Period, years=st.integers(1, 12), months=st.integers(0, 30)),
    st.builds(Period, months=st.integers(1, 30)),
    st.builds(Period, weeks=st.integers(1, 60)),
    st.builds(Period, days=st.integers(1, 800)),
)
roundings = st.sampled_from(["", "month", "year"])
starts = st.builds(replace, st.just(FILLED), rounding=roundings)
early_ends = st.lists(
    st.builds(replace, st.sampled_from([WITHDRAWN, OBJECTED]), rounding=roundings),
    max_size=2,
    unique_by=lambda event: event.slug,
).map(tuple)
laws = st.builds(replace, st.just(TAX), period=periods)
first_rules = st.builds(
    rule,
    starts,
    st.one_of(st.just(""), periods.map(str)),
    ends_early_on=early_ends,
    needs_consent=st.booleans(),
    exceptions=st.tuples(laws),
)


def followed(rules):
    return st.builds(
        lambda first, period, early, consent: rule(
            period=period, follows=first, ends_early_on=early, needs_consent=consent
        ),
        rules,
        periods.map(str),
        early_ends,
        st.booleans(),
    )


any_terms = st.recursive(first_rules, followed, max_leaves=3)
any_exception = st.sampled_from(["", "tax"])
days = st.dates(date(1990, 1, 1), date(2060, 12, 31))


def late_on(day):
    return day_start(day) + timedelta(hours=20)


def near(data, day):
    """A day close to ``day``, where it matters whether something has ended."""
    return data.draw(st.integers(-3, 3).map(lambda number: day + timedelta(days=number)))


@given(any_terms, any_exception, days, st.data())
def test_due_is_exactly_what_has_ended_by_its_own_reckoning(terms, exception, today, data):
    found = due(terms, today, late_on(today), exception)
    edge = found.before.astimezone(AMSTERDAM).date()
    for day in (near(data, edge), data.draw(days)):
        has_ended = reckon(terms, {"filled": day}, exception).end <= today

        assert (day_start(day) < found.before) == has_ended


@given(any_terms, days, st.data())
def test_early_ends_are_due_exactly_when_they_have_ended_the_period(terms, today, data):
    found = due(terms, today, late_on(today))
    for slug, moment in found.early.items():
        day = near(data, moment.astimezone(AMSTERDAM).date())
        has_ended = reckon(terms, {slug: day}).end <= today

        assert (day_start(day) < moment) == has_ended


@given(any_terms, any_exception, days, st.integers(0, 900))
def test_what_is_due_stays_due(terms, exception, today, later):
    then = today + timedelta(days=later)
    sooner, afterwards = due(terms, today, late_on(today), exception), due(terms, then, late_on(then), exception)

    assert sooner.before <= afterwards.before
    assert all(moment <= afterwards.early[slug] for slug, moment in sooner.early.items())


@given(any_terms, days, days, st.sampled_from(["withdrawn", "objected"]), days)
def test_an_early_end_never_lengthens_and_a_law_never_shortens(terms, start, early, slug, other):
    events = {"filled": start}
    usual = reckon(terms, events).end

    assert reckon(terms, events | {slug: early}).end <= usual
    assert reckon(terms, events | {slug: early, "filled": other}, "tax").end >= reckon(terms, {"filled": other}).end
    assert reckon(terms, events, consent_given=False).end <= usual


@given(any_terms, st.dictionaries(st.sampled_from(["filled", "withdrawn", "objected"]), days))
def test_the_end_is_the_earliest_of_the_ends_by_each_event_alone(terms, events):
    ends = [reckon(terms, {slug: day}).end for slug, day in events.items()]

    assert reckon(terms, events).end == min((end for end in ends if end is not None), default=None)


@given(any_terms, st.dictionaries(st.sampled_from(["filled", "withdrawn", "objected"]), st.dates()), any_exception)
def test_every_step_can_be_said_in_both_languages(terms, events, exception):
    assume(events)
    with suppress(BeyondCalendar):
        reckoning = reckon(terms, events, exception)
        for language in ("en", "nl"):
            assert all(sentence.endswith(".") for sentence in said(reckoning, language))
