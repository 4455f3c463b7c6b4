"""Characters that no text may hold: PostgreSQL, YAML or PDF could not keep them."""

import re

from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from django.utils.translation import gettext as _

# Control characters but for tab and line ends, and halves of a surrogate pair.
UNREADABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]|\r(?!\n)")


def unreadable(character: str) -> str:
    """The sentence, without its first capital, that refuses ``character``."""
    return _("the character %(code)s cannot stand in a text.") % {"code": f"U+{ord(character):04X}"}


def validate_characters(text: str) -> None:
    """Raises ValidationError where ``text`` holds such a character, as pasted texts sometimes do."""
    if found := UNREADABLE.search(text):
        raise ValidationError(capfirst(unreadable(found[0])), code="unreadable")
