"""What the statement in force promises about keeping data, as the floor that publishes it tells.

A promise is one rule for one purpose. What is enforced is what was published, never the draft:
nobody's data goes because somebody is trying out a sentence.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .languages import Bilingual
from .terms import Terms


@dataclass(frozen=True)
class Promise:
    """The rule ``terms`` for the purpose ``purpose`` in version ``version`` of the statement.

    ``wording`` is what visitors read; ``applies_when`` in which case the rule applies, empty: always.
    """

    purpose: str
    title: Bilingual
    terms: Terms
    wording: Bilingual
    applies_when: Bilingual
    version: int

    @property
    def key(self) -> tuple[str, str]:
        """By which targets name it: the identifiers of purpose and rule."""
        return self.purpose, self.terms.slug


Provider = Callable[[], list[Promise]]
_providers: list[Provider] = []


def register(provider: Provider) -> None:
    """Have ``provider`` asked for the promises in force, in the order of the statement."""
    _providers.append(provider)


def in_force() -> list[Promise]:
    """Every promise of the statement in force; none before the first publication."""
    return [promise for provider in _providers for promise in provider()]
