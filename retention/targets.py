"""Where the data of a purpose lives, and how it goes: what each target can do, and which there are.

Targets in Django models are registered in code, by the app whose models they are. Tables of other
databases are declared by staff (DeclaredTarget).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from django.utils.functional import Promise as LazyText


class NotEnforceable(Exception):
    """The target cannot keep its promise as things are; the message says what to do."""


@dataclass(frozen=True)
class Due:
    """What has come to its end on ``today``, a day in Amsterdam.

    What began before ``before``, which is never in the future, has ended. ``early`` has a moment per
    trigger that ends the period sooner: a row whose event lies before it has ended too. ``action``
    is ``erase`` or ``anonymise``; ``held`` are the keys under legal hold, as text.
    """

    today: date
    before: datetime
    early: Mapping[str, datetime]
    action: str
    held: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Census:
    """Rows in all; due, without those under hold; due but held; without a date; with a date that is yet to come."""

    total: int
    due: int
    held: int = 0
    undated: int = 0
    future: int = 0
    oldest: datetime | None = None  # the earliest beginning among those due


@dataclass(frozen=True)
class Enforced:
    """What one batch did."""

    erased: int = 0
    anonymised: int = 0


class Target(Protocol):
    """Data that a promise is about.

    ``slug`` is unique among all targets; ``purpose`` and ``rule`` name the promise; ``exception``
    the statutory exception that the data falls under, or nothing. ``database`` is the alias of the
    connection; ``max_share`` the part of all rows (0 to 1) that one run may touch unconfirmed.
    """

    slug: str
    name: str | LazyText
    purpose: str
    rule: str
    exception: str
    database: str
    max_share: float
    batch_size: int

    def check(self, due: Due) -> None:
        """Raises NotEnforceable where the data cannot be reached, or not be treated as ``due`` asks."""

    def census(self, due: Due) -> Census:
        """Counts without touching anything."""

    def examples(self, due: Due, number: int) -> list[dict[str, str]]:
        """Some rows that are due, by column, with every value masked that could name somebody."""

    def calendar(self, first: date, last: date) -> dict[date, int]:
        """How many rows began on each day from ``first`` to ``last``, both included."""

    def batches(self, due: Due, size: int) -> Iterator[Any]:
        """Portions of what is due, of at most ``size`` rows, each passed to ``enforce`` at once."""

    def enforce(self, batch: Any, due: Due) -> Enforced:
        """Erase or anonymise a portion, as far as it is due still, in the transaction that is open on ``database``."""


_in_code: dict[str, Target] = {}


def register(target: Target) -> None:
    """Have the data of ``target`` kept to its promise. Raises ValueError where the slug is taken."""
    if target.slug in _in_code:
        raise ValueError(f"there is a retention target {target.slug} already")
    _in_code[target.slug] = target


def in_code() -> dict[str, Target]:
    """The targets registered in code, by slug."""
    return dict(_in_code)
