"""The page of the register of Art. 30, and the files that are made of it."""

import json

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from . import register
from .models import ProcessingPurpose, StatementVersion

PERMISSION = "policies.view_processingpurpose"


class WhichForm(forms.Form):
    """Of what, and in which language; nothing chosen: of the draft, in the language of the desk."""

    version = forms.ModelChoiceField(
        StatementVersion.objects.none(),
        label=gettext_lazy("version"),
        required=False,
        empty_label=gettext_lazy("the draft"),
    )
    language = forms.ChoiceField(label=gettext_lazy("language"), required=False, choices=settings.LANGUAGES)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["version"].queryset = StatementVersion.objects.defer("document", "review")
        self.fields["version"].to_field_name = "number"
        self.fields["version"].label_from_instance = _in_words

    def made(self):
        """The register that is asked for. Raises Http404 where there is no such version."""
        if not self.is_valid():
            raise Http404(_("There is no such version."))
        chosen = self.cleaned_data["version"]
        version = StatementVersion.objects.get(pk=chosen.pk) if chosen else None
        return register.make_register(language=self.cleaned_data["language"] or get_language(), version=version)


def _in_words(version):
    return _("version %(number)s, in force from %(day)s") % {
        "number": version.number,
        "day": date_format(timezone.localtime(version.effective_at), "DATE_FORMAT"),
    }


@permission_required(PERMISSION, raise_exception=True)
@require_safe
def page(request):
    """The register to read and to print, and above it what has yet to be done."""
    form = WhichForm({"language": get_language()} | request.GET.dict())
    made = form.made()
    rows = dict(ProcessingPurpose.objects.values_list("slug", "pk"))
    query = {"language": made.language} | ({"version": request.GET["version"]} if request.GET.get("version") else {})
    to_do = register.to_do(made)
    columns = [column for column in register.COLUMNS if not column.is_general]
    context = admin.site.each_context(request) | {
        "title": _("Register of processing activities"),
        "opts": StatementVersion._meta,
        "form": form,
        "register": made,
        "general": [(made.header[key], cell) for key, cell in made.general.items()],
        "entries": [
            {
                "row": row,
                "url": reverse("admin:policies_processingpurpose_change", args=[rows[row.slug]])
                if row.slug in rows
                else "",
                "cells": [(made.header[column.key], row.cells[column.key]) for column in columns],
                "name": row.cells["purpose"][0],
                "review_on": row.cells["review_on"],
                "owner": row.cells["owner"],
                "status": row.cells["status"],
                "to_do": to_do.get(row.slug, []),
            }
            for row in made.rows
        ],
        "files": [
            {"name": name, "url": reverse("admin:policies_register_file", args=[kind], query=query)}
            for kind, name in FILES.items()
        ],
    }
    return TemplateResponse(request, "admin/policies/statementversion/register.html", context)


@permission_required(PERMISSION, raise_exception=True)
@require_safe
def file(request, kind):
    """The same as a file: ``csv``, ``xlsx`` or ``jsonld``."""
    if kind not in FILES:
        raise Http404
    made = WhichForm(request.GET).made()
    response = ANSWERS[kind](made)
    name = {"en": "register", "nl": "verwerkingsregister"}[made.language]
    response["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    response["Content-Language"] = made.language
    response["Cache-Control"] = "no-store"
    return response


FILES = {"xlsx": gettext_lazy("Excel (XLSX)"), "csv": "CSV", "jsonld": "JSON-LD"}
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ANSWERS = {
    "csv": lambda made: StreamingHttpResponse(register.as_csv(made), content_type="text/csv; charset=utf-8"),
    "xlsx": lambda made: HttpResponse(register.as_xlsx(made), content_type=SPREADSHEET),
    "jsonld": lambda made: HttpResponse(
        json.dumps(register.as_jsonld(made), ensure_ascii=False, indent=1), content_type="application/ld+json"
    ),
}


def urls(wrap):
    """The addresses of the register; ``wrap`` is the admin's own check of who is there."""
    return [
        path("register/", wrap(page), name="policies_statementversion_register"),
        path("register/register.<str:kind>", wrap(file), name="policies_register_file"),
    ]
