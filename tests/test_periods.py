"""Periods as ISO 8601 writes them: what is accepted, what is refused, and where they end on the calendar."""

import contextlib
from datetime import date, timedelta

import pytest
from dateutil.relativedelta import relativedelta
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from retention.periods import BeyondCalendar, NotAPeriod, Period, validate_period

calendar = st.builds(Period, years=st.integers(0, 999), months=st.integers(0, 999)).filter(
    lambda period: period.years or period.months
)
periods = st.one_of(calendar, st.builds(Period, weeks=st.integers(1, 999)), st.builds(Period, days=st.integers(1, 999)))


@given(periods)
def test_a_period_is_read_as_it_was_written(period):
    written = str(period)

    assert str(Period.parse(written)) == written
    assert [number for _unit, number in Period.parse(written).parts()] == [number for _unit, number in period.parts()]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("P1Y", [("year", 1)]),
        ("P13M", [("month", 13)]),
        ("P1Y6M", [("year", 1), ("month", 6)]),
        ("P6W", [("week", 6)]),
        ("P2D", [("day", 2)]),
    ],
)
def test_the_parts_of_a_period_come_longest_first(text, parts):
    assert Period.parse(text).parts() == parts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "1Y",
        "P0Y",
        "P0D",
        "P-1Y",
        "P1Y2W",
        "P1W2D",
        "PT1H",
        "P1.5Y",
        "p1y",
        "P1Y ",
        "P١Y",
        "P1M1Y",
        "P99999999Y",
    ],
)
def test_what_is_no_whole_period_is_refused(text):
    with pytest.raises(NotAPeriod):
        Period.parse(text)
    with pytest.raises(ValidationError, match="P13M"):
        validate_period(text)


@given(st.text(max_size=12))
def test_any_text_is_a_period_or_is_refused(text):
    with contextlib.suppress(NotAPeriod):
        assert Period.parse(text).parts()


# -- On the calendar ---------------------------------------------------------------------------

days = st.dates(date(1, 1, 1), date(7000, 12, 31))


@given(periods, days)
def test_a_period_ends_where_dateutil_says_it_ends(period, day):
    there = day + relativedelta(years=period.years, months=period.months, weeks=period.weeks, days=period.days)

    assert period.after(day) == there


@pytest.mark.parametrize(
    ("day", "period", "end"),
    [
        (date(2026, 1, 31), "P1M", date(2026, 2, 28)),
        (date(2028, 1, 31), "P1M", date(2028, 2, 29)),
        (date(2026, 8, 31), "P1M", date(2026, 9, 30)),
        (date(2026, 3, 31), "P13M", date(2027, 4, 30)),
        (date(2028, 2, 29), "P1Y", date(2029, 2, 28)),
        (date(2028, 2, 29), "P4Y", date(2032, 2, 29)),
        (date(2028, 2, 28), "P1Y", date(2029, 2, 28)),
        (date(2096, 2, 29), "P4Y", date(2100, 2, 28)),  # a century without a leap day
        # Years and months go together: by way of 28 February 2029 it would be the 28th.
        (date(2028, 2, 29), "P1Y1M", date(2029, 3, 29)),
        (date(2026, 12, 31), "P2M", date(2027, 2, 28)),
        (date(2026, 3, 3), "P6W", date(2026, 4, 14)),
        (date(2026, 12, 31), "P1D", date(2027, 1, 1)),
        (date(2026, 3, 28), "P2D", date(2026, 3, 30)),  # over the night of 23 hours
    ],
)
def test_a_month_that_lacks_the_day_ends_the_period_on_its_last(day, period, end):
    assert Period.parse(period).after(day) == end


@given(periods, days, st.integers(0, 800))
def test_what_began_later_never_ends_sooner(period, day, later):
    assert period.after(day) <= period.after(day + timedelta(days=later))


@given(periods, days)
def test_a_period_takes_at_least_a_day(period, day):
    assert period.after(day) > day


@pytest.mark.parametrize("period", ["P1D", "P1W", "P1M", "P1Y", "P999Y9999M", "P9999W", "P99999D"])
def test_beyond_the_year_9999_there_is_no_day_and_it_is_said_so(period):
    with pytest.raises(BeyondCalendar, match="9999"):
        Period.parse(period).after(date(9999, 12, 31))


@given(periods, st.dates(date(8000, 1, 1)))
def test_near_the_last_year_a_period_ends_or_is_said_to_be_too_long(period, day):
    with contextlib.suppress(BeyondCalendar):
        assert period.after(day) > day
