"""Periods as ISO 8601 writes them: what is accepted, what is refused."""

import contextlib

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from retention.periods import NotAPeriod, Period, validate_period

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
