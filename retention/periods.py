"""Periods as ISO 8601 writes them, on the calendar."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import MAXYEAR, date, timedelta

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

PATTERN = re.compile(
    r"P(?:(?P<weeks>[1-9]\d{0,3})W|(?P<days>[1-9]\d{0,4})D"
    r"|(?=\d)(?:(?P<years>[1-9]\d{0,2})Y)?(?:(?P<months>[1-9]\d{0,3})M)?)",
    re.ASCII,
)


class NotAPeriod(ValueError):
    """The text is not a period of whole years, months, weeks or days."""


class BeyondCalendar(Exception):
    """The day lies after the year 9999, where calendars and databases end."""

    def __init__(self) -> None:
        super().__init__(_("That day lies after the year 9999, beyond the calendar."))


@dataclass(frozen=True)
class Period:
    """A length of calendar time: years with months, or weeks, or days.

    ISO 8601-1:2019, 5.5.2. Weeks do not mix with other units, and the parts of a day do not
    occur: nobody promises to keep data for three hours. At least one part is positive.
    """

    years: int = 0
    months: int = 0
    weeks: int = 0
    days: int = 0

    @classmethod
    def parse(cls, text: str) -> "Period":
        """``"P1Y6M"`` → ``Period(years=1, months=6)``. Raises NotAPeriod."""
        match = PATTERN.fullmatch(text)
        if match is None:
            raise NotAPeriod(text)
        return cls(**{unit: int(number or 0) for unit, number in match.groupdict().items()})

    def __str__(self) -> str:
        parts = [(self.years, "Y"), (self.months, "M"), (self.weeks, "W"), (self.days, "D")]
        return "P" + "".join(f"{number}{unit}" for number, unit in parts if number)

    def parts(self) -> list[tuple[str, int]]:
        """The positive parts, longest unit first: ``[("year", 1), ("month", 6)]``."""
        parts = [
            ("year", self.years),
            ("month", self.months),
            ("week", self.weeks),
            ("day", self.days),
        ]
        return [(unit, number) for unit, number in parts if number]

    def after(self, day: date) -> date:
        """The day on which the period has passed, counted from ``day``.

        Years and months are added at once; a day that the month lacks becomes its last: 31 January and
        a month is 28 or 29 February. Never falls as ``day`` rises. Raises BeyondCalendar.
        """
        year, month = divmod(day.year * 12 + day.month - 1 + self.years * 12 + self.months, 12)
        if year > MAXYEAR:
            raise BeyondCalendar
        moved = date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
        try:
            return moved + timedelta(weeks=self.weeks, days=self.days)
        except OverflowError as error:
            raise BeyondCalendar from error


def validate_period(text: str) -> None:
    """Raises ValidationError where ``text`` is not a period."""
    try:
        Period.parse(text)
    except NotAPeriod as error:
        raise ValidationError(
            _(
                "“%(value)s” is not a period. "
                "Write P1Y for 1 year, P13M for 13 months, P6W for 6 weeks, P2D for 2 days."
            ),
            code="not_a_period",
            params={"value": text},
        ) from error
