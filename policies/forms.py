"""Forms of the desk."""

import unicodedata

from babel import Locale
from django import forms
from django.contrib.admin.widgets import AdminSplitDateTime, AdminTextareaWidget
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import get_language, pgettext_lazy
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


class WordBoxes(forms.MultipleChoiceField):
    """Boxes for a text that consists of known words, separated by spaces."""

    widget = forms.CheckboxSelectMultiple

    def prepare_value(self, value):
        return value.split() if isinstance(value, str) else value

    def has_changed(self, initial, data):
        return super().has_changed((initial or "").split(), data)

    def clean(self, value):
        return " ".join(super().clean(value))


def word_boxes(db_field, choices):
    """A form field that offers the words which ``db_field`` stores in one text."""
    return WordBoxes(
        choices=choices,
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


class LabelledMoment(AdminSplitDateTime):
    """Django writes “Date:” and “Time:” beside the two boxes, but does not tie the words to them."""

    def __init__(self, attrs=None):
        super().__init__(attrs)
        for box, name in zip(self.widgets, (_("Date"), _("Time")), strict=True):
            box.attrs["aria-label"] = name


class FutureMoment(forms.SplitDateTimeField):
    """A moment in Amsterdam that is still to come."""

    widget = LabelledMoment

    def clean(self, value):
        moment = super().clean(value)
        if moment and moment <= timezone.now():
            raise forms.ValidationError(_("This moment has passed. Choose a later one, or publish now."))
        return moment


class SubmitForm(forms.Form):
    """What is said about a new version; ``offer`` it first what can be asked again."""

    FIELDSETS = [(None, {"fields": [("change_summary_en", "change_summary_nl")]})]

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
    ask_also = forms.MultipleChoiceField(
        required=False,
        widget=CategoryBoxes,
        error_messages={"invalid_choice": _("“%(value)s” is no longer asked about. Look at the list again.")},
    )
    # What was seen on the page; see workflow.submit.
    expected_digest = forms.CharField(widget=forms.HiddenInput)

    def offer(self, asked):
        """Let ``asked``, pairs of a web site and a category, be chosen to be asked again."""
        self.fields["ask_also"].choices = [(f"{website}/{category}",) * 2 for website, category in asked]

    def clean_ask_also(self):
        """``{web site: [categories]}``"""
        return by_website(self.cleaned_data["ask_also"])

    @property
    def change_summary(self):
        """``{"en": …, "nl": …}``"""
        return {language: self.cleaned_data[f"change_summary_{language}"] for language in ("en", "nl")}


class PublishForm(SubmitForm):
    """The same where nobody has to approve, so that it can be published at once."""

    FIELDSETS = [(None, {"fields": [("change_summary_en", "change_summary_nl"), "effective_at"]})]

    effective_at = FutureMoment(
        label=_("In force from"),
        required=False,
        help_text=_("Empty: now. In the future: until then visitors read the present version."),
    )


class ScheduleForm(forms.Form):
    """The moment at which an approved proposal comes into force by itself."""

    FIELDSETS = [(None, {"fields": ["effective_at"]})]

    effective_at = FutureMoment(
        label=_("In force from"), help_text=_("In Amsterdam. Until then visitors read the present version.")
    )


class SendBackForm(forms.Form):
    """What has to be changed before a proposal is approved."""

    comment = forms.CharField(max_length=5000, error_messages={"required": _("Say what has to be changed.")})


class WaiveForm(forms.Form):
    """The reason with which a finding is accepted, in either language; the rest says which finding."""

    FIELDSETS = [(None, {"fields": [("reason_en", "reason_nl")]})]

    reason_en = forms.CharField(
        label=_("Reason (English)"),
        required=False,
        widget=AdminTextareaWidget(attrs={"rows": 4, "lang": "en", "spellcheck": "true"}),
    )
    reason_nl = forms.CharField(
        label=_("Reason (Dutch)"),
        required=False,
        widget=AdminTextareaWidget(attrs={"rows": 4, "lang": "nl", "spellcheck": "true"}),
    )
    code = forms.CharField(widget=forms.HiddenInput)
    place = forms.CharField(widget=forms.HiddenInput)
    # Empty where no text was found wanting. Else: which text, so that nobody waives one they have not read.
    about = forms.CharField(widget=forms.HiddenInput, required=False)

    @property
    def reason(self):
        """``{"en": …, "nl": …}``"""
        return {language: self.cleaned_data[f"reason_{language}"] for language in ("en", "nl")}


class ReviewFilter(forms.Form):
    """Which of ``rows``, findings of the review, a page shows."""

    severity = forms.ChoiceField(label=pgettext_lazy("of a finding", "Severity"), required=False)
    code = forms.ChoiceField(label=pgettext_lazy("of a finding", "Code"), required=False)
    list = forms.ChoiceField(label=_("List"), required=False)
    new = forms.BooleanField(label=_("Only what the version before did not have"), required=False)

    def __init__(self, *args, rows, can_be_new, **kwargs):
        super().__init__(*args, auto_id="filter_%s", **kwargs)
        self.fields["severity"].choices = _offered((row.severity, row.severity_name) for row in rows)
        self.fields["code"].choices = _offered((row.code, f"{row.code} · {row.source}") for row in rows)
        self.fields["list"].choices = _offered((row.list_key, row.list_name) for row in rows)
        if not can_be_new:
            del self.fields["new"]

    def apply(self, rows):
        """The rows that are asked for; a wish that cannot be met is none."""
        self.is_valid()
        wished = self.cleaned_data
        return [
            row
            for row in rows
            if wished.get("severity") in {None, "", row.severity}
            and wished.get("code") in {None, "", row.code}
            and wished.get("list") in {None, "", row.list_key}
            and (row.is_new or not wished.get("new"))
        ]


class LinkForm(forms.Form):
    """How long a link to a draft opens it."""

    days = forms.TypedChoiceField(
        label=_("Valid for"),
        coerce=int,
        choices=[(1, _("1 day")), (7, _("7 days")), (30, _("30 days"))],
    )


def _offered(choices):
    return [("", _("All")), *dict(choices).items()]
