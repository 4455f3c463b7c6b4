"""What the templates of a comparison say that plain variables cannot."""

from django import template
from django.utils.translation import get_language

from retention.languages import Bilingual

register = template.Library()


@register.filter
def here(text: Bilingual) -> str:
    """``text`` in the language of the page."""
    return text[get_language() or "en"]
