"""Trying a declared target: what would be touched right now, and what to think of. Nothing is changed by it."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import Error
from django.utils import timezone
from django.utils.translation import gettext as _

from . import checking, reckoning
from .holding import holds_on
from .models import Action, DeclaredTarget
from .targeting import target_of
from .targets import Census, NotEnforceable

EXAMPLES = 10


@dataclass(frozen=True)
class Trial:
    """What came of it. With ``problems`` there is no ``census``: they have to be put right first."""

    problems: list[str] = field(default_factory=list)
    census: Census | None = None
    examples: list[dict[str, str]] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)
    is_anonymised: bool = False
    everything_held: str = ""  # why, where the whole target is under legal hold
    max_share: float = 1.0

    @property
    def share(self) -> float:
        """The part, in percent, of the rows of the target that is due."""
        return 100 * self.census.due / self.census.total if self.census and self.census.total else 0.0

    @property
    def needs_confirmation(self) -> bool:
        return self.census is not None and self.census.due > self.max_share * self.census.total


def try_out(declared: DeclaredTarget, now: datetime) -> Trial:
    """What enforcing ``declared`` would touch at ``now``, by the statement in force, or else by the draft."""
    target = target_of(declared)
    try:
        if problems := checking.problems(target):
            return Trial([problem.sentence for problem in problems])
        terms = checking.terms_for(declared)
        if terms is None:  # between two questions somebody may have deleted it
            return Trial([_("There is no such rule in the statement in force, nor in the draft.")])
        holds = holds_on(target.slug)
        today = timezone.localdate(now, timezone.get_default_timezone())
        due = reckoning.due(terms, today, now, target.exception, frozenset(holds) - {""})
        target.check(due)
        return Trial(
            census=target.census(due),
            examples=target.examples(due, EXAMPLES),
            advice=checking.advice(target),
            is_anonymised=due.action == Action.ANONYMISE,
            everything_held=holds.get("", ""),
            max_share=target.max_share,
        )
    except NotEnforceable as error:
        return Trial([str(error)])
    except Error:
        return Trial([checking.unreachable(target.database)])
