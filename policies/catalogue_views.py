"""The page from which staff take a vendor over from the catalogue. It changes nothing."""

from babel import Locale
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from . import catalogue
from .models import CookieCategory, CookieVendor


@require_safe
def listing(request, *, model_admin):
    """Every entry, or those with ``q`` in their name or company: take it over, or see that it is there."""
    may_add = model_admin.has_add_permission(request)
    if not may_add and not model_admin.has_change_permission(request):
        raise PermissionDenied
    sought = request.GET.get("q", "").strip()
    known = [entry for entry in catalogue.entries().values() if _is_sought(entry, sought)]
    stored = catalogue.stored(CookieVendor.objects.prefetch_related("cookies"))
    categories = {category.slug: category.name for category in CookieCategory.objects.all()}
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Catalogue of well-known vendors"),
        "opts": CookieVendor._meta,
        "sought": sought,
        "may_add": may_add,
        "rows": [_row(entry, stored.get(entry["slug"]), categories) for entry in known],
    }
    return TemplateResponse(request, "admin/policies/cookievendor/catalogue.html", context)


def _is_sought(entry, sought):
    return sought.casefold() in f"{entry['name']} {entry['company']}".casefold()


def _row(entry, vendor, categories):
    return {
        "entry": entry,
        "country": Locale(get_language()).territories[entry["country"]],
        "category": categories.get(entry["category"]) or entry["category"],
        "vendor": vendor,
        "additions": vendor and catalogue.additions(vendor, entry),
        "add_url": reverse("admin:policies_cookievendor_add", query={"catalogue": entry["slug"]}),
        "change_url": vendor and reverse("admin:policies_cookievendor_change", args=[vendor.pk]),
    }
