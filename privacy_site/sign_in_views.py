"""Allauth's views in the frame of the desk, and the two of our own."""

import logging
from functools import wraps

from allauth.account.adapter import get_adapter
from allauth.socialaccount.adapter import get_adapter as get_provider_adapter
from allauth.socialaccount.providers.base import AuthProcess
from django.conf import settings
from django.contrib import admin, messages
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from requests import RequestException

from . import sign_in_guard

logger = logging.getLogger(__name__)


def at_desk(view, title):
    """``view`` with what the templates of the desk need. These pages are kept by no cache."""

    @never_cache
    @wraps(view)
    def wrapper(request, *args, **kwargs):
        response = view(request, *args, **kwargs)
        if isinstance(response, TemplateResponse) and not response.is_rendered:
            response.context_data = {
                **admin.site.each_context(request),
                "title": title,
                "provider_name": settings.OIDC_NAME if settings.OIDC_ISSUER else None,
                "has_provider": bool(settings.OIDC_ISSUER),
                "has_passwords": settings.PASSWORD_SIGN_IN,
                "is_compulsory": settings.SECOND_FACTOR,
                "lacks_factor": request.user.is_authenticated and sign_in_guard.lacks_factor(request),
                "next": onward(request),
                **response.context_data,
            }
        return response

    return wrapper


def onward(request):
    """Where to go afterwards, if that is on this site."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    return url if url and get_adapter(request).is_safe_url(url) else ""


def of_password(view):
    """Whoever has no password, because the provider vouches for them, gets none here."""

    @wraps(view)
    def wrapper(request, *args, **kwargs):
        if request.user.is_authenticated and not request.user.has_usable_password():
            return HttpResponseRedirect(reverse("mfa_index"))
        return view(request, *args, **kwargs)

    return wrapper


@require_safe
@never_cache
def with_provider(request):
    """Off to the company's identity provider; whoever is signed in shows there again who they are.

    A link and no form, because the policy of our pages lets no form end on another site. So that
    no other site can start it, browsers say from where the link was followed.
    """
    if not settings.OIDC_ISSUER:
        raise Http404
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        return HttpResponseRedirect(reverse("account_login"))
    again = request.user.is_authenticated
    try:
        return (
            get_provider_adapter(request)
            .get_provider(request, "company")
            .redirect(
                request,
                process=AuthProcess.REDIRECT if again else AuthProcess.LOGIN,
                next_url=onward(request) or reverse("admin:index"),
                auth_params={"prompt": "login"} if again else {},
            )
        )
    except RequestException as error:
        logger.error("The identity provider cannot be reached: %s", type(error).__name__)
        messages.error(request, _("Your organisation's sign-in cannot be reached. Try again later."))
        return HttpResponseRedirect(reverse("admin:index" if again else "account_login"))


@require_safe
def go_on(request):
    """The form that waited while its sender showed who they are, to be sent with one press."""
    suspended = request.session.get(sign_in_guard.SUSPENDED)
    if not suspended or not request.user.is_authenticated:
        return HttpResponseRedirect(reverse("admin:index"))
    return TemplateResponse(request, "account/continue.html", {"suspended": suspended})
