"""Forms of the desk."""

import unicodedata

from babel import Locale
from django import forms
from django.contrib.admin.widgets import AdminSplitDateTime, AdminTextareaWidget
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


def countries():
    """Code and name of every country in the language that is active, by name."""
    names = Locale(get_language()).territories
    # Two letters that are no country: groups of countries, and what is kept free for tests.
    others = {"EU", "EZ", "UN", "XA", "XB", "ZZ"}
    listed = [(code, name) for code, name in names.items() if len(code) == 2 and code.isalpha() and code not in others]
    return sorted(listed, key=lambda country: unicodedata.normalize("NFKD", country[1]).casefold())


def country_field(db_field):
    """A form field that offers countries by name where ``db_field`` stores their code."""
    return forms.ChoiceField(
        choices=[("", "—"), *countries()],
        required=not db_field.blank,
        label=capfirst(db_field.verbose_name),
        help_text=db_field.help_text,
    )


class PublishForm(forms.Form):
    """What a publisher says about a new version."""

    change_summary_en = forms.CharField(
        label=_("What changed (English)"),
        help_text=_("Visitors read this in the list of versions."),
        widget=AdminTextareaWidget(attrs={"rows": 3, "lang": "en", "spellcheck": "true"}),
    )
    change_summary_nl = forms.CharField(
        label=_("What changed (Dutch)"),
        help_text=_("The same, in Dutch."),
        widget=AdminTextareaWidget(attrs={"rows": 3, "lang": "nl", "spellcheck": "true"}),
    )
    effective_at = forms.SplitDateTimeField(
        label=_("In force from"),
        required=False,
        help_text=_("Empty: now. In the future: until then visitors read the present version."),
        widget=AdminSplitDateTime(),
    )
    # What the publisher has seen in the preview; see publish_statement.
    expected_digest = forms.CharField(widget=forms.HiddenInput)
