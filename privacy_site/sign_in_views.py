"""Allauth's views in the frame of the desk, and those of our own."""

import logging
from functools import wraps

from allauth.account.adapter import get_adapter
from allauth.account.internal.stagekit import clear_login, get_pending_stage
from allauth.core.internal import ratelimit
from allauth.socialaccount.adapter import get_adapter as get_provider_adapter
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.apps import apps
from django.conf import settings
from django.contrib import admin, messages
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import resolve, reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from requests import RequestException

from . import sign_in, sign_in_guard, sign_in_provider

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
                "form_waits": onward(request).startswith(reverse("sign_in_continue")),
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


def limited(view):
    """For what costs a row, or a question to the provider, although nobody has signed in: so often from an address."""

    @wraps(view)
    def wrapper(request, *args, **kwargs):
        rates = {view.__name__: "30/m/ip"}
        refused = ratelimit.consume_or_429(
            request, app="privacy_site", action=view.__name__, config=rates, limit_get=True
        )
        return refused or view(request, *args, **kwargs)

    return wrapper


def asks_for_code(view):
    """``view``, unless the factor was taken away while its page was open: then one signs in anew."""

    @wraps(view)
    def wrapper(request, *args, **kwargs):
        stage = get_pending_stage(request)
        if stage is not None and not sign_in_guard.factors(stage.login.user).exists():
            clear_login(request)
        return view(request, *args, **kwargs)

    return wrapper


def of_recovery_codes(view):
    """``view``, telling whether the codes were encrypted with a key that is gone."""

    @wraps(view)
    def wrapper(request, *args, **kwargs):
        response = view(request, *args, **kwargs)
        if isinstance(response, TemplateResponse) and not response.is_rendered:
            response.context_data["codes_are_lost"] = sign_in.are_codes_lost(request.user)
        return response

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
    provider = get_provider_adapter(request).get_provider(request, "company")
    provider.oauth2_adapter_class = sign_in_provider.CompanyAdapter
    try:
        return provider.redirect(
            request,
            process=AuthProcess.REDIRECT if again else AuthProcess.LOGIN,
            next_url=onward(request) or reverse("admin:index"),
            # With max_age the provider has to say when it asked: "prompt" anybody can take out of the address.
            auth_params={"prompt": "login", "max_age": settings.STEP_UP_MINUTES * 60} if again else {},
        )
    except RequestException as error:
        logger.error("The identity provider cannot be reached: %s", type(error).__name__)
        messages.error(request, _("Your organisation's sign-in cannot be reached. Try again later."))
        return HttpResponseRedirect(reverse("admin:index" if again else "account_login"))


def from_provider(request, provider_id):
    """Back from the provider."""
    if not settings.OIDC_ISSUER:
        raise Http404
    return OAuth2CallbackView.adapter_view(sign_in_provider.CompanyAdapter(request, provider_id))(request)


@require_http_methods(["GET", "HEAD", "POST"])
def go_on(request):
    """The form that waited while its sender showed who they are, to be sent with one press, or dropped (POST)."""
    token = request.GET.get("form", "")
    waiting = request.session.get(sign_in_guard.SUSPENDED, {}).get(token)
    if not waiting or not request.user.is_authenticated:
        return HttpResponseRedirect(reverse("admin:index"))
    if request.method == "POST":
        sign_in_guard.forget_waiting(request, token=token)
        return HttpResponseRedirect(reverse("admin:index"))
    act, row = named(request, waiting["path"])
    return TemplateResponse(request, "account/continue.html", {"waiting": waiting, "act": act, "row": row})


def named(request, path):
    """What sending a form to ``path`` does, and to what, as far as one may see that."""
    found = resolve(path.partition("?")[0])
    act = sign_in_guard.STEP_UP[found.view_name]
    key = next(iter(found.kwargs.values()), None) or next(iter(found.args), None)
    if key is None:
        return act, None
    app, model = found.view_name.removeprefix("admin:").split("_")[:2]
    desk = admin.site.get_model_admin(apps.get_model(app, model))
    row = desk.get_object(request, str(key))
    return act, row if row is not None and desk.has_view_permission(request, row) else None
