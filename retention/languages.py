"""Saying the same thing in both languages."""

from collections.abc import Callable

from django.conf import settings
from django.utils.translation import override

Bilingual = dict[str, str]  # {"en": …, "nl": …}


def in_both(say: Callable[[str], str]) -> Bilingual:
    """``say`` run once under each language, which it is also given as its argument."""
    texts = {}
    for language, _name in settings.LANGUAGES:
        with override(language):
            texts[language] = say(language)
    return texts


def both(row, field: str) -> Bilingual:
    """The two texts of a translated ``field``; a missing one is the empty string."""
    return {language: getattr(row, f"{field}_{language}") or "" for language, _name in settings.LANGUAGES}
