"""Accounts of staff at the desk: who has a second factor, and help for whoever lost it."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from . import sign_in_guard
from .rights import ShowsRights

# Their rows are for nobody's eyes: secrets of factors, and names that the provider gives to people.
UNSEEN = [EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken]


def arrange():
    """Take from the desk what other apps registered there, and put our own accounts in the place of Django's."""
    for model in UNSEEN:
        admin.site.unregister(model)
    for model, kind in ((get_user_model(), StaffAdmin), (Group, StaffGroupAdmin)):
        admin.site.unregister(model)
        admin.site.register(model, kind)


class StaffGroupAdmin(ShowsRights, GroupAdmin):
    pass


class StaffAdmin(ShowsRights, UserAdmin):
    list_display = [*UserAdmin.list_display, "has_factor"]
    change_form_template = "admin/auth/user/change_form.html"

    def get_queryset(self, request):
        factors = sign_in_guard.factors(OuterRef("pk"))
        identities = SocialAccount.objects.filter(user=OuterRef("pk"))
        return super().get_queryset(request).annotate(_has_factor=Exists(factors), _has_identity=Exists(identities))

    @admin.display(description=gettext_lazy("second factor"), boolean=True, ordering="_has_factor")
    def has_factor(self, user):
        return user._has_factor

    def get_urls(self):
        view = self.admin_site.admin_view(self.take_away_view)
        return [path("<int:pk>/factor/", view, name="auth_user_take_away_factor"), *super().get_urls()]

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        context["may_take_away"] = obj is not None and request.user.is_superuser and obj != request.user
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def take_away_view(self, request, pk):
        return take_away(request, pk, model_admin=self)


@require_http_methods(["GET", "HEAD", "POST"])
def take_away(request, pk, *, model_admin):
    """Take away the factors, and the identity at the provider, of somebody who lost them.

    For administrators, and not for their own account: there, one shows the factor first.
    """
    if not request.user.is_superuser or request.user.pk == pk:
        raise PermissionDenied
    user = get_object_or_404(model_admin.get_queryset(request), pk=pk)
    if request.method == "POST":
        with transaction.atomic():
            Authenticator.objects.filter(user=user).delete()
            SocialAccount.objects.filter(user=user).delete()
            sign_in_guard.end_sessions(user)
            model_admin.log_change(request, user, _("Took away the second factor."))
        done = _("The second factor of %(user)s is gone, and %(user)s is signed out everywhere.")
        messages.success(request, done % {"user": user})
        return HttpResponseRedirect(reverse("admin:auth_user_change", args=[pk]))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Take away the second factor"),
        "opts": model_admin.opts,
        "original": user,
        "is_compulsory": settings.SECOND_FACTOR,
    }
    return TemplateResponse(request, "admin/auth/user/take_away_factor.html", context)
