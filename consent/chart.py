"""Bars of how visitors answered, as an SVG that needs no script, no inline style and no colour.

Only where everything stands: the template writes it down. What a bar shows is told apart by its
pattern and its place too, and the same figures stand beside it in a table.
"""

import math
from dataclasses import dataclass

from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext, pgettext_lazy

from .statistics import Step, Tally, together

# In units of the drawing, which is scaled to the page.
WIDTH = 720
LEFT, RIGHT, TOP, BOTTOM = 60, 10, 12, 26
MOST_LABELS = 7
GAP = 0.25  # of a bar's place

# From the foot of a bar to its top.
KINDS: dict[str, str | Promise] = {
    "accepted": pgettext_lazy("choices", "Accepted"),
    "refused": pgettext_lazy("choices", "Refused"),
    "withdrawn": pgettext_lazy("choices", "Withdrawn"),
}


@dataclass(frozen=True)
class Piece:
    """The part of a bar of one kind."""

    kind: str
    y: float
    height: float


@dataclass(frozen=True)
class Bar:
    """One step; ``label`` stands below it, or nothing where there is no room."""

    x: float
    width: float
    pieces: list[Piece]
    label: str
    tip: str

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 1)


@dataclass(frozen=True)
class Line:
    """A number on the scale, and how high it lies."""

    y: float
    number: int


@dataclass(frozen=True)
class Chart:
    """``title`` and ``description`` are for who cannot see the bars, ``note`` for who does."""

    title: str
    description: str
    note: str
    height: int
    bars: list[Bar]
    lines: list[Line]
    width: int = WIDTH
    start: int = LEFT
    end: int = WIDTH - RIGHT

    @property
    def foot(self) -> int:
        return self.height - BOTTOM


def draw(steps: list[Step], *, title: str, height: int) -> Chart:
    """A bar for each of ``steps``, in the language that is active."""
    top = round_above(max(step.tally.asked for step in steps))
    room = height - TOP - BOTTOM
    place = (WIDTH - LEFT - RIGHT) / len(steps)
    is_labelled = every_so_many(len(steps))
    bars = [
        Bar(
            x=round(LEFT + place * (number + GAP / 2), 2),
            width=round(place * (1 - GAP), 2),
            pieces=_pieces(step.tally, room / top, height - BOTTOM),
            label=_short(step) if number % is_labelled == 0 else "",
            tip=f"{when(step)}: {_told(step.tally)}",
        )
        for number, step in enumerate(steps)
    ]
    lines = [Line(round(height - BOTTOM - room * part, 1), round(top * part)) for part in (0, 0.5, 1)]
    is_by_day = all(step.first == step.last for step in steps)
    note = (
        "" if is_by_day else _("A bar is more than a day; the first and the last may hold fewer days than the others.")
    )
    return Chart(title, _in_words(steps), note, height, bars, lines)


def round_above(number: int) -> int:
    """The next number of one digit and zeros whose half is whole: 2, 4, 10, 50, 800 … (or ``number`` itself)."""
    step = 10 ** max(0, len(str(number)) - 1)
    found = math.ceil(max(number, 1) / step) * step
    return found if found % 2 == 0 else found + step


def every_so_many(bars: int) -> int:
    """Of how many bars one has a label."""
    return math.ceil(bars / MOST_LABELS)


def when(step: Step) -> str:
    """A day, or from which to which."""
    first, last = (date_format(day, "DATE_FORMAT") for day in (step.first, step.last))
    return first if first == last else _("%(first)s to %(last)s") % {"first": first, "last": last}


def grouped(number: int) -> str:
    """``12345`` → “12,345”, in Dutch “12.345”."""
    return number_format(number, force_grouping=True)


def percent(share: float | None) -> str:
    """``0.625`` → “62.5%”, in Dutch “62,5%”; a dash where there is no share."""
    return "–" if share is None else f"{number_format(share * 100, decimal_pos=1)}%"


# -- Parts -------------------------------------------------------------------------------------


def _pieces(tally: Tally, scale: float, foot: float) -> list[Piece]:
    pieces, y = [], foot
    for kind in KINDS:
        if number := getattr(tally, kind):
            y -= number * scale
            pieces.append(Piece(kind, round(y, 2), round(number * scale, 2)))
    return pieces


def _short(step: Step) -> str:
    """A day and its month, or for longer than a week the month and its year."""
    # Translators: formats of Django's template filter "date"; months are written small in Dutch.
    is_short = (step.last - step.first).days < 7
    return date_format(step.first, pgettext("format", "j M") if is_short else pgettext("format", "M Y"))


def _told(tally: Tally) -> str:
    return _("choices: %(asked)s, accepted: %(accepted)s, refused: %(refused)s, withdrawn: %(withdrawn)s") % {
        name: grouped(getattr(tally, name)) for name in ("asked", *KINDS)
    }


def _in_words(steps: list[Step]) -> str:
    """What somebody would say who looks at the bars."""
    total = together(steps)
    if not total.asked:
        return _("No choices from %(first)s to %(last)s.") % {
            "first": date_format(steps[0].first, "DATE_FORMAT"),
            "last": date_format(steps[-1].last, "DATE_FORMAT"),
        }
    highest = max(steps, key=lambda step: step.tally.asked)
    return _("From %(first)s to %(last)s: %(told)s. Most of them: %(number)s (%(highest)s).") % {
        "first": date_format(steps[0].first, "DATE_FORMAT"),
        "last": date_format(steps[-1].last, "DATE_FORMAT"),
        "told": _told(total),
        "highest": when(highest),
        "number": grouped(highest.tally.asked),
    }
