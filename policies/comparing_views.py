"""The page of the desk that says what a published version changed."""

import json

from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from .comparing import asked_again, compare
from .models import StatementVersion


@require_safe
def changes(request, *, version, model_admin):
    """``version`` beside the one before it, both languages side by side."""
    before = StatementVersion.objects.filter(number=version.number - 1).first()
    now = json.loads(version.document)["content"]
    past = json.loads(before.document)["content"] if before else None
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("What %(version)s changed") % {"version": version},
        "opts": StatementVersion._meta,
        "version": version,
        "changes": compare(past, now),
        "asking": asked_again(version.asks_again, now, past),
    }
    return TemplateResponse(request, "admin/policies/statementversion/changes.html", context)
