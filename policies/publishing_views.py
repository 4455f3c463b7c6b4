"""The page on which a publisher looks at the draft and makes it public."""

import dataclasses

from csp.constants import SELF
from csp.decorators import csp_replace
from django.contrib import messages
from django.contrib.admin import helpers
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_safe

from .asking import rewordings
from .forms import PublishForm
from .models import StatementVersion
from .publishing import NotPublishable, look_at_draft, publish_statement
from .rendering import LANGUAGES, Edition, navigation

PERMISSION = "policies.publish_statement"
PREVIEWS = {"statement": "policies/statement.html", "summary": "policies/summary.html"}


@permission_required(PERMISSION, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def publish(request, *, model_admin):
    """What stands in the way, what visitors will see and be asked; and the button."""
    draft = look_at_draft()
    form = PublishForm(request.POST or None, initial={"expected_digest": draft.digest})
    form.offer(_asked_about(draft))
    if request.method == "POST" and form.is_valid():
        try:
            version = _publish(request, form)
        except NotPublishable as error:
            for problem in error.problems:
                messages.error(request, problem)
            draft = look_at_draft()
            form.offer(_asked_about(draft))
        else:
            model_admin.log_addition(request, version, _("Published."))
            messages.success(request, _told(version))
            return HttpResponseRedirect(reverse("admin:policies_statementversion_change", args=[version.pk]))
    if form.is_bound:
        # What was typed stays; what the next attempt agrees to is the draft on this page.
        form.data = form.data.copy()
        form.data["expected_digest"] = draft.digest

    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Publish the statement"),
        "opts": StatementVersion._meta,
        "draft": draft,
        "next_number": _next_number(draft),
        "asking": _asking(draft, form),
        "changed": _changed(request, model_admin.admin_site),
        "previews": _previews(),
        "form": form,
        "adminform": helpers.AdminForm(form, _fieldsets(), {}, model_admin=model_admin),
        "media": model_admin.media + form.media,
        # On a draft that cannot be published there is nothing to sign; but what was typed is kept.
        "has_form": form.is_bound or (not draft.problems and (draft.is_changed or draft.could_also_ask)),
    }
    return TemplateResponse(request, "admin/policies/statementversion/publish.html", context)


@permission_required(PERMISSION, raise_exception=True)
@require_safe
@xframe_options_sameorigin
@csp_replace({"frame-ancestors": [SELF]})
def preview(request, language, page):
    """A page of the draft as visitors would see it, without the banner, marked as a draft."""
    if language not in LANGUAGES or page not in PREVIEWS:
        raise Http404
    draft = look_at_draft()
    if draft.content["controller"] is None:
        raise Http404(_("Fill in the controller: who is responsible for the processing?"))
    now = timezone.now()
    edition = DraftEdition(
        number=_next_number(draft),
        digest=draft.digest,
        effective_at=now,
        document={
            "previous": draft.previous,
            "change_summary": dict.fromkeys(LANGUAGES, ""),
            "content": draft.content,
        },
        history=[],
    )
    response = HttpResponse(edition.preview(page, language))
    response["Content-Language"] = language
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex"
    return response


@dataclasses.dataclass
class DraftEdition(Edition):
    """The draft in the shape of an edition; it never reaches the shelf of published ones."""

    def preview(self, page, language):
        context = self.context(page, language) | {
            "banner_src": "",
            "nav": navigation(language) | {name: _preview_url(language, name) for name in PREVIEWS},
            "counterpart": {
                "language": (other := next(code for code in LANGUAGES if code != language)),
                "url": _preview_url(other, page),
            },
            "sections": self.text(language)["pages"][page],
            "in_force": self.number,
        }
        with override(language):
            context["ribbon"] = _("Draft, not published")
            html = render_to_string(f"admin/policies/statementversion/preview_{page}.html", context)
            # Live pages refuse to stand in a frame.
            for name, url in navigation(language).items():
                if name not in PREVIEWS:
                    html = html.replace(f'href="{url}"', f'href="{url}" target="_blank"')
        return html


def _publish(request, form):
    return publish_statement(
        by=request.user.get_username(),
        change_summary={language: form.cleaned_data[f"change_summary_{language}"] for language in LANGUAGES},
        effective_at=form.cleaned_data["effective_at"],
        expected_digest=form.cleaned_data["expected_digest"],
        ask_also=form.cleaned_data["ask_also"],
    )


def _told(version):
    """The message after publishing, with the way to where visitors read it."""
    with override(language := get_language()):
        if version.effective_at > timezone.now():
            return _("Published: %(version)s. Visitors read it from the moment that you chose.") % {"version": version}
        url = reverse("statement")
    return format_html(
        '{} <a href="{}" hreflang="{}">{}</a>',
        _("Published: %(version)s.") % {"version": version},
        url,
        language,
        _("Read it as visitors do"),
    )


def _next_number(draft):
    return draft.latest.number + 1 if draft.latest else 1


def _fieldsets():
    return [(None, {"fields": [("change_summary_en", "change_summary_nl"), "effective_at"]})]


def _preview_url(language, page):
    return reverse("admin:policies_statementversion_preview", args=[language, page])


def _previews():
    titles = {"statement": _("The statement"), "summary": _("The summary")}
    return [
        {"title": title, "frames": [{"language": code, "url": _preview_url(code, page)} for code in LANGUAGES]}
        for page, title in titles.items()
    ]


def _asked_about(draft):
    """All that visitors can be asked again, be it by choice: pairs of a web site and a category."""
    for asked in (draft.asks_again, draft.could_also_ask):
        for website, categories in asked.items():
            yield from ((website, category) for category in categories)


def _asking(draft, form):
    """Per web site: what is asked again and why, and boxes for the rest with what there is to weigh.

    Where a choice holds less long, there are boxes or reasons too.
    """
    language = get_language()
    websites, categories = (
        {entry["slug"]: entry["name"][language] or entry["slug"] for entry in draft.content[key]}
        for key in ("websites", "cookie_categories")
    )
    found, others, shorter = draft.asks_again, draft.could_also_ask, draft.shorter_choices
    texts = rewordings(draft.content, draft.before)
    boxes = {box.data["value"]: box for box in form["ask_also"]}
    return [
        {
            "name": name,
            "shorter": shorter.get(website, ""),
            "found": [
                {"name": categories[slug], "reasons": reasons} for slug, reasons in found.get(website, {}).items()
            ],
            "others": [
                {"name": categories[slug], "box": boxes[f"{website}/{slug}"], "texts": texts[website, slug]}
                for slug in others.get(website, [])
            ],
        }
        for website, name in websites.items()
        if website in found or website in others
    ]


def _changed(request, admin_site):
    """The lists with rows that changed since the latest publication, and how many."""
    lists = []
    for model, model_admin in admin_site._registry.items():
        if not hasattr(model._meta, "simple_history_manager_attribute"):
            continue
        count = model_admin.get_queryset(request).filter(is_changed=True).count()
        if count:
            meta = model._meta
            url = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist", query={"changed": "yes"})
            lists.append({"name": meta.verbose_name_plural, "count": count, "url": url})
    return lists
