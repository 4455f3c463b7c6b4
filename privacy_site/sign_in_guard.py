"""What a session has to show before a page of the desk opens.

How long it may last, a second factor where one is compulsory, and a password or factor given not
long ago where a statement is published or the security of an account is changed. The floors below
know nothing of it: pages are known here by the names of their addresses.
"""

import logging
import secrets
import time
from urllib.parse import urlsplit

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.stagekit import LOGIN_SESSION_KEY
from allauth.account.utils import user_pk_to_url_str
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
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .middleware import DESK

logger = logging.getLogger(__name__)

# Keys of the session. Moments are seconds since 1970.
SIGNED_IN_AT = "signed_in_at"
SEEN_AT = "seen_at"
FACTOR_OF = "second_factor_of"  # the number of the user who gave or set up a factor in this session
SUSPENDED = "suspended"  # forms that wait while their sender shows who they are, by the token in the address

SAFE = {"GET", "HEAD", "OPTIONS"}
TOUCH_SECONDS = 60  # a session is written no more often than this to count its idle time
WAITING_FORMS = 5  # of one session; the oldest goes

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
# Asked before the deed, not before the page: whoever only looks is not disturbed. In the words of who is to confirm it.
STEP_UP = {
    DRAFT: gettext_lazy("Publish the draft of the statement"),
    "admin:policies_statementversion_waive": gettext_lazy("Waive what the review found"),
    "admin:policies_proposal_approve": gettext_lazy("Approve a proposal"),
    "admin:policies_proposal_publish": gettext_lazy("Publish a proposal"),
    "admin:policies_proposal_schedule": gettext_lazy("Schedule the publication of a proposal"),
    "admin:policies_proposal_cancel": gettext_lazy("Cancel a scheduled publication"),
    # Who may do what.
    "admin:auth_user_change": gettext_lazy("Change an account"),
    "admin:auth_user_delete": gettext_lazy("Delete an account"),
    "admin:auth_user_changelist": gettext_lazy("Delete the accounts that were ticked"),
    "admin:auth_user_take_away_factor": gettext_lazy("Take away somebody’s second factor"),
    "admin:auth_group_add": gettext_lazy("Add a group"),
    "admin:auth_group_change": gettext_lazy("Change what a group may do"),
    "admin:auth_group_delete": gettext_lazy("Delete a group"),
    "admin:auth_group_changelist": gettext_lazy("Delete the groups that were ticked"),
    # What the next night erases, or does not.
    "admin:retention_declaredtarget_add": gettext_lazy("Add a target of erasure"),
    "admin:retention_declaredtarget_change": gettext_lazy("Change a target of erasure"),
    "admin:retention_declaredtarget_delete": gettext_lazy("Delete a target of erasure"),
    "admin:retention_declaredtarget_changelist": gettext_lazy("Delete the targets of erasure that were ticked"),
    "admin:retention_legalhold_change": gettext_lazy("Change or end a legal hold"),
    "admin:retention_legalhold_delete": gettext_lazy("Delete a legal hold"),
    "admin:retention_legalhold_changelist": gettext_lazy("Delete the legal holds that were ticked"),
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
# Not for a session that has not shown the factor of its account.
BEHIND_FACTOR = OWN_SECURITY | {"account_change_password"}
# Asked before the page: these hold passwords and secrets, which do not wait in a session.
ASK_FIRST = OWN_SECURITY | {"admin:auth_user_add", "admin:auth_user_password_change"}


class GuardMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        """The answer in place of the page, or None where it may open."""
        if not request.path_info.startswith(DESK):
            return None
        name = request.resolver_match.view_name
        if not request.user.is_authenticated:
            return None if request.method in SAFE or name in OPEN else has_ended(request)
        now = time.time()
        session = request.session
        if now - session.get(SIGNED_IN_AT, 0) > settings.SESSION_HOURS * 3600:
            logout(request)
            return has_ended(request)
        if now - session.get(SEEN_AT, 0) > TOUCH_SECONDS:
            session[SEEN_AT] = now  # and with it the session's own end moves on

        if (name not in OPEN and lacks_factor(request)) or (name in BEHIND_FACTOR and has_not_given(request)):
            return ask_for_factor(request)
        if needs_step_up(request, name):
            return step_up(request, keep=name not in ASK_FIRST)
        if request.method == "POST":
            forget_waiting(request, path=request.get_full_path())
        return None


def has_ended(request: HttpRequest) -> HttpResponse:
    """To the page for signing in, and from there on to where one was."""
    if request.method in SAFE:
        messages.info(request, _("Your session has ended. Sign in again to go on."))
    else:
        messages.info(request, _("Your session has ended, so nothing was done. Sign in again, then do it once more."))
    return redirect_to_login(page_of(request))


def page_of(request: HttpRequest) -> str:
    """An address that can be opened: of a form, the page that it stood on, for its own address may take no GET."""
    if request.method in SAFE:
        return request.get_full_path()
    came_from = request.headers.get("Referer", "")
    parts = urlsplit(came_from) if url_has_allowed_host_and_scheme(came_from, {request.get_host()}) else None
    if parts is None or not parts.path.startswith(DESK):
        return reverse("admin:index")
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


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
    if request.method not in SAFE:
        messages.info(request, _("Nothing was done. Show your second factor, then do it once more."))
    return redirect_to_login(page_of(request), url)


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
    """Sign ``user`` out everywhere, also where the second factor is still being waited for."""
    for session in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        held = session.get_decoded()
        is_pending = (held.get(LOGIN_SESSION_KEY) or {}).get("user_pk") == user_pk_to_url_str(user)
        if is_pending or held.get("_auth_user_id") == str(user.pk):
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
        token = secrets.token_urlsafe(8)
        waiting = [*request.session.get(SUSPENDED, {}).items()][1 - WAITING_FORMS :]
        request.session[SUSPENDED] = dict(waiting) | {
            token: {"path": onward, "typed": [pair for pair in typed if pair[0] != "csrfmiddlewaretoken"]}
        }
        onward = reverse("sign_in_continue", query={"form": token})
    elif request.method == "POST":
        sentence = _(
            "Nothing was done, and passwords are not kept. Confirm who you are, then fill in the form once more."
        )
        messages.info(request, sentence)
    methods = get_adapter(request).get_reauthentication_methods(request.user)
    return redirect_to_login(onward, methods[0]["url"] if methods else reverse("sign_in_with_provider"))


def forget_waiting(request: HttpRequest, *, token: str = "", path: str = "") -> None:
    """Drop the forms of ``token``, or for ``path``, that no longer wait."""
    waiting = request.session.get(SUSPENDED)
    if not waiting:
        return
    kept = {key: form for key, form in waiting.items() if key != token and form["path"] != path}
    if kept:
        request.session[SUSPENDED] = kept
    else:
        del request.session[SUSPENDED]
