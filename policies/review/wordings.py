"""Whether a text says something: patterns for both languages, matched to what a visitor reads."""

import html
import re
from collections.abc import Iterable, Mapping

from retention.languages import Bilingual

# What to look for in the text of each language.
Patterns = Mapping[str, re.Pattern[str]]


def patterns(*, en: str, nl: str) -> Patterns:
    """The two expressions, whatever the capitals."""
    return {"en": re.compile(en, re.IGNORECASE), "nl": re.compile(nl, re.IGNORECASE)}


def plain(text: str) -> str:
    """The words of ``text``, which may be HTML, with single spaces between."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def is_said(text: Bilingual) -> bool:
    """Whether there is a text; that it exists in both languages is the business of rule S2."""
    return any(side.strip() for side in text.values())


def say(text: Bilingual, wanted: Patterns) -> bool:
    """Whether ``text`` says what is ``wanted`` in every language that it has, and in one at least."""
    return is_said(text) and all(
        wanted[language].search(plain(side)) for language, side in text.items() if side.strip()
    )


def mention(text: Bilingual, unwanted: Patterns) -> bool:
    """Whether ``text`` says what is ``unwanted`` in one language or the other."""
    return any(unwanted[language].search(plain(side)) for language, side in text.items())


def words_of(text: Bilingual) -> str:
    """Both sides as one text, for the ``about`` of a fault."""
    return "\n".join(f"{language}: {side}" for language, side in sorted(text.items()))


def listed(names: Iterable[Bilingual]) -> Bilingual:
    """The names after each other, in each language."""
    sides: Bilingual = {"en": "", "nl": ""}
    for name in names:
        sides = {language: f"{side}, {name[language]}" if side else name[language] for language, side in sides.items()}
    return sides
