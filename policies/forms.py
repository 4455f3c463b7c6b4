"""Forms of the desk."""

import unicodedata

from babel import Locale
from django import forms
from django.contrib.admin.widgets import AdminSplitDateTime, AdminTextareaWidget
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from .asking import by_website


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


class CategoryBoxes(forms.CheckboxSelectMultiple):
    """A box per category of a web site; what there is to weigh stands beside it, named after it."""

    def create_option(self, *args, **kwargs):
        option = super().create_option(*args, **kwargs)
        option["attrs"]["aria-describedby"] = f"{option['attrs']['id']}_notes"
        return option


class PublishForm(forms.Form):
    """What a publisher says about a new version; ``offer`` it first what can be asked again."""

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
    ask_also = forms.MultipleChoiceField(
        required=False,
        widget=CategoryBoxes,
        error_messages={"invalid_choice": _("“%(value)s” is no longer asked about. Look at the list again.")},
    )
    # What the publisher has seen in the preview; see publish_statement.
    expected_digest = forms.CharField(widget=forms.HiddenInput)

    def offer(self, asked):
        """Let ``asked``, pairs of a web site and a category, be chosen to be asked again."""
        self.fields["ask_also"].choices = [(f"{website}/{category}",) * 2 for website, category in asked]

    def clean_ask_also(self):
        """``{web site: [categories]}``"""
        return by_website(self.cleaned_data["ask_also"])
