"""What a session has to show before a page of the desk opens.

How long it may last, a second factor where one is compulsory, and a password or factor given not
long ago where a statement is published or the security of an account is changed. The floors below
know nothing of it: pages are known here by the names of their addresses.
"""

import logging
import time

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_used
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.models import Session
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from .middleware import DESK

logger = logging.getLogger(__name__)

# Keys of the session. Moments are seconds since 1970.
SIGNED_IN_AT = "signed_in_at"
SEEN_AT = "seen_at"
FACTOR_OF = "second_factor_of"  # the number of the user who gave or set up a factor in this session
SUSPENDED = "suspended"

TOUCH_SECONDS = 60  # a session is written no more often than this to count its idle time

SIGN_IN = {
    "account_login",
    "account_reauthenticate",
    "account_change_password",
    "mfa_index",
    "mfa_authenticate",
    "mfa_reauthenticate",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_list_webauthn",
    "mfa_add_webauthn",
    "mfa_remove_webauthn",
    "mfa_login_webauthn",
    "mfa_reauthenticate_webauthn",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "openid_connect_callback",
    "sign_in_with_provider",
    "sign_in_continue",
}
# Open to whoever has not given a second factor yet.
OPEN = SIGN_IN | {"set_language", "admin:login", "admin:logout", "admin:jsi18n", "admin:password_change"}

DRAFT = "admin:policies_statementversion_publish"
# Asked before the deed, not before the page: whoever only looks is not disturbed.
STEP_UP = {
    DRAFT,
    "admin:policies_proposal_approve",
    "admin:policies_proposal_publish",
    "admin:policies_proposal_schedule",
    "admin:auth_user_change",
    "admin:auth_user_take_away_factor",
}
# Pages that show or change what one signs in with.
OWN_SECURITY = {
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_add_webauthn",
    "mfa_remove_webauthn",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
}
# Asked before the page: these hold passwords and secrets, which do not wait in a session.
ASK_FIRST = OWN_SECURITY | {"admin:auth_user_add", "admin:auth_user_password_change"}


class GuardMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        """The answer in place of the page, or None where it may open."""
        if not request.path_info.startswith(DESK) or not request.user.is_authenticated:
            return None
        now = time.time()
        session = request.session
        if now - session.get(SIGNED_IN_AT, 0) > settings.SESSION_HOURS * 3600:
            logout(request)
            messages.info(request, _("Your session has ended. Sign in again to go on."))
            return redirect_to_login(request.get_full_path())
        if now - session.get(SEEN_AT, 0) > TOUCH_SECONDS:
            session[SEEN_AT] = now  # and with it the session's own end moves on

        name = request.resolver_match.view_name
        if (name not in OPEN and lacks_factor(request)) or (name in OWN_SECURITY and has_not_given(request)):
            return ask_for_factor(request)
        if needs_step_up(request, name):
            return step_up(request, keep=name not in ASK_FIRST)
        if request.method == "POST" and session.get(SUSPENDED, {}).get("path") == request.get_full_path():
            del session[SUSPENDED]
        return None


# -- The second factor ---------------------------------------------------------------------------


def lacks_factor(request: HttpRequest) -> bool:
    """Whether this session has to show a factor first.

    That the account has one is not enough: somebody who knew the password may have signed in
    before it was set up.
    """
    if not settings.SECOND_FACTOR:
        return False
    if settings.OIDC_SECOND_FACTOR and came_by_provider(request):
        return False
    return request.session.get(FACTOR_OF) != request.user.pk or not factors(request.user).exists()


def has_not_given(request: HttpRequest) -> bool:
    """Whether the account has a factor that this session has not shown; without it, nobody adds another."""
    return request.session.get(FACTOR_OF) != request.user.pk and factors(request.user).exists()


def came_by_provider(request: HttpRequest) -> bool:
    return any(record["method"] == "socialaccount" for record in get_authentication_records(request, request.user))


def factors(user):
    """Recovery codes are for the day on which the others are lost."""
    return Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.RECOVERY_CODES)


def ask_for_factor(request: HttpRequest) -> HttpResponse:
    if not factors(request.user).exists():
        return HttpResponseRedirect(reverse("mfa_index"))
    methods = get_adapter(request).get_reauthentication_methods(request.user)
    url = next(method["url"] for method in methods if method["id"].startswith("mfa"))
    return redirect_to_login(request.get_full_path(), url)


@receiver([authenticator_added, authenticator_used], dispatch_uid="sign_in_guard.remember_factor")
def remember_factor(sender, request, user, **kwargs):
    request.session[FACTOR_OF] = user.pk


@receiver(authenticator_added, dispatch_uid="sign_in_guard.log_added")
def log_added(sender, user, authenticator, **kwargs):
    logger.info("User %s set up a second factor (%s)", user.pk, authenticator.type)


@receiver(authenticator_removed, dispatch_uid="sign_in_guard.log_removed")
def log_removed(sender, user, authenticator, **kwargs):
    logger.warning("A second factor (%s) was removed by user %s", authenticator.type, user.pk)


# -- How long ------------------------------------------------------------------------------------


@receiver(user_logged_in, dispatch_uid="sign_in_guard.begin")
def begin(sender, request, user, **kwargs):
    request.session[SIGNED_IN_AT] = request.session[SEEN_AT] = time.time()
    logger.info("User %s signed in", user.pk)


def end_sessions(user) -> None:
    """Sign ``user`` out everywhere."""
    for session in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        if session.get_decoded().get("_auth_user_id") == str(user.pk):
            session.delete()


# -- Once more, before what counts ---------------------------------------------------------------


def needs_step_up(request: HttpRequest, name: str) -> bool:
    if is_recent(request):
        return False
    if name in ASK_FIRST:
        return True
    # With four eyes, the page of the draft hands in only.
    return request.method == "POST" and name in STEP_UP and not (name == DRAFT and settings.FOUR_EYES)


def is_recent(request: HttpRequest) -> bool:
    """Whether a password or a factor was given within the last ``STEP_UP_MINUTES``; signing in counts."""
    moments = [record["at"] for record in get_authentication_records(request, request.user)]
    given_at = max([request.session.get(SIGNED_IN_AT, 0), *moments])
    return time.time() - given_at < settings.STEP_UP_MINUTES * 60


def step_up(request: HttpRequest, *, keep: bool) -> HttpResponse:
    """To the page that asks, and from there on to where one was; ``keep``: what was typed waits in the session."""
    onward = request.get_full_path()
    if request.method == "POST" and keep:
        typed = [(name, value) for name, values in request.POST.lists() for value in values]
        request.session[SUSPENDED] = {
            "path": onward,
            "typed": [pair for pair in typed if pair[0] != "csrfmiddlewaretoken"],
        }
        onward = reverse("sign_in_continue")
    methods = get_adapter(request).get_reauthentication_methods(request.user)
    return redirect_to_login(onward, methods[0]["url"] if methods else reverse("sign_in_with_provider"))
