"""Who may sign in to the desk, and by which ways: what we decide where django-allauth asks.

Accounts are made by an administrator, or by the company's identity provider where it names groups.
Nobody signs up, no mail is sent, no token of the provider is kept.
"""

import base64
import hashlib
import logging
import time
from typing import Any

import qrcode
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import record_authentication
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_used
from allauth.mfa.totp.internal.auth import generate_totp_secret
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractBaseUser, Group
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from qrcode.image.svg import SvgPathImage

from . import sign_in_guard

logger = logging.getLogger(__name__)

# One sentence for all who do not get in, so that it tells nobody which accounts there are.
REFUSED = gettext_lazy("You were not signed in. Try again, or ask whoever manages the accounts.")
INCORRECT_CODE = gettext_lazy("This code is not right, or has been used already.")


def may_sign_in(user: AbstractBaseUser) -> bool:
    return user.is_active and user.is_staff  # type: ignore[attr-defined]


def refusal(request: HttpRequest) -> HttpResponse:
    messages.error(request, REFUSED)
    return HttpResponseRedirect(reverse("account_login"))


class StaffBackend(ModelBackend):
    """Passwords, for staff alone. Whoever is no longer of the staff has no session either.

    An unknown name costs as much time as a wrong password: Django hashes either.
    """

    def authenticate(self, request, username=None, password=None, **credentials):
        if not settings.PASSWORD_SIGN_IN:
            return None
        return super().authenticate(request, username=username, password=password, **credentials)

    def user_can_authenticate(self, user):
        return may_sign_in(user)


class AccountAdapter(DefaultAccountAdapter):
    """Signing in by name and password, and giving a password or factor again."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": REFUSED,
        "incorrect_password": gettext_lazy("This password is not right."),
        "enter_current_password": gettext_lazy("This password is not right."),
        "too_many_login_attempts": gettext_lazy("Too many attempts. Wait five minutes, then try again."),
        "rate_limited": gettext_lazy("Too many attempts. Wait five minutes, then try again."),
    }

    def is_open_for_signup(self, request):
        return False

    def is_safe_url(self, url):
        """This site under the name by which it was asked: other names of it are for machines."""
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={self.request.get_host()}, require_https=self.request.is_secure()
        )

    def get_client_ip(self, request):
        return request.META["REMOTE_ADDR"]  # ForwardedMiddleware has seen to it

    def authenticate(self, request, **credentials):
        """As allauth's, but without telling who has the right password of a closed account."""
        self.pre_authenticate(request, **credentials)
        user = authenticate(request, **credentials)
        if user is not None:
            self._rollback_login_failed_rl_usage()
        return user

    def pre_login(self, request, user, **hooks):
        """Passkeys and the provider come by here too, past the back end."""
        if not may_sign_in(user):
            logger.warning("Refused to sign in user %s, who has no access to the desk", user.pk)
            return refusal(request)
        return super().pre_login(request, user, **hooks)

    def is_reauthentication_required(self, *, app, **kwargs):
        return not sign_in_guard.is_recent(self.request)

    def get_reauthentication_methods(self, user):
        methods = super().get_reauthentication_methods(user)
        words = {
            "reauthenticate": _("Use your password"),
            "mfa_reauthenticate": _("Use a code of your app, or a recovery code"),
            "mfa_reauthenticate:webauthn": _("Use a passkey"),
        }
        return [
            method | {"description": words[method["id"]]}
            for method in methods
            if settings.PASSWORD_SIGN_IN or method["id"] != "reauthenticate"
        ]

    def get_password_change_redirect_url(self, request):
        messages.success(request, _("Your password was changed. Wherever else you were signed in, you are no longer."))
        return reverse("mfa_index")


class SecondFactorAdapter(DefaultMFAAdapter):
    """Apps that make codes, passkeys and recovery codes."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": INCORRECT_CODE,
        "cannot_generate_recovery_codes": gettext_lazy("Recovery codes come with an app or a passkey. Add one first."),
    }

    def encrypt(self, text):
        """With a key made from SECRET_KEY: a copy of the database alone makes no codes."""
        return keys().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text):
        try:
            return keys().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            # SECRET_KEY was replaced and the former is gone. No code is right, until an administrator takes
            # the factor away.
            logger.error("A second factor was encrypted with a SECRET_KEY that is no longer known")
            return generate_totp_secret()

    def get_totp_issuer(self):
        return f"{_('Privacy desk')} ({self._get_site_name()})"

    def build_totp_svg(self, url):
        return qrcode.make(url, image_factory=SvgPathImage).to_string(encoding="unicode")

    def generate_authenticator_name(self, user, type):
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return _("Passkey %(number)s") % {"number": number}


def keys() -> MultiFernet:
    """The present SECRET_KEY first, which encrypts; all of them decrypt."""
    known = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = [hashlib.blake2b(key.encode(), digest_size=32, person=b"second factor").digest() for key in known]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


@receiver(authenticator_used, dispatch_uid="sign_in.encrypt_anew")
def encrypt_anew(sender: type, authenticator: Authenticator, **kwargs: Any) -> None:
    """Let the factors of whoever uses one follow SECRET_KEY, so that the former can be forgotten one day."""
    if not settings.SECRET_KEY_FALLBACKS:
        return
    with transaction.atomic():
        # All of them: recovery codes lie unused for years. Read anew, for the row in hand does not know which
        # recovery code has just been used up.
        for kept in Authenticator.objects.select_for_update().filter(user=authenticator.user):
            for name in {"secret", "seed"} & kept.data.keys():
                if is_readable(kept.data[name]):
                    kept.data[name] = keys().rotate(kept.data[name].encode()).decode()
            kept.save(update_fields=["data"])


def is_readable(encrypted: str) -> bool:
    try:
        keys().decrypt(encrypted.encode())
    except InvalidToken:
        return False
    return True


def are_codes_lost(user: AbstractBaseUser) -> bool:
    """Whether the recovery codes of ``user`` were encrypted with a SECRET_KEY that is gone: none of them is right."""
    row = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    return row is not None and not is_readable(row.data["seed"])


# -- The company's identity provider -------------------------------------------------------------


class ProviderAdapter(DefaultSocialAccountAdapter):
    """Whose account an identity of the provider is.

    An identity is the provider's own identifier of a person (``sub``), once it has been connected
    to an account; from then on names and addresses play no part. The first time it is taken for
    the one account of the staff that has the same e-mail address, if the provider says that it has
    verified it; or, with ``OIDC_MATCH=username``, the same user name, for providers where only
    administrators hand those out. An account that has an identity is given to no other one. So
    neither an address that somebody typed in, nor one that was given to a successor, opens an
    account.

    With ``OIDC_GROUPS`` the provider decides: only members of those groups come in, an account is
    made for whoever has none, and their groups of the desk follow at each sign-in.
    """

    def pre_social_login(self, request, sociallogin):
        claims = self._claims(sociallogin)
        if claims is None:
            raise ImmediateHttpResponse(refusal(request))
        match sociallogin.state.get("process"):
            case AuthProcess.LOGIN:
                self._find_account(request, sociallogin, claims)
            case AuthProcess.REDIRECT:
                self._confirm(request, sociallogin, claims)
            case _:  # nobody connects an identity to the account of an open session
                raise ImmediateHttpResponse(refusal(request))

    def is_open_for_signup(self, request, sociallogin):
        return False

    def on_authentication_error(self, request, provider, error=None, exception=None, extra_context=None):
        logger.warning(
            "Signing in by the identity provider failed: %s", type(exception).__name__ if exception else error
        )
        raise ImmediateHttpResponse(refusal(request))

    def _claims(self, sociallogin: SocialLogin) -> dict[str, Any] | None:
        """What the provider says of the person; it is used here and not stored. None: it contradicts itself."""
        account = sociallogin.account
        said = account.extra_data
        account.extra_data = {}
        if account.pk:
            account.save(update_fields=["extra_data"])
        token, info = said.get("id_token", {}), said.get("userinfo", {})
        # OpenID Connect Core 5.3.2: else the second answer may be about somebody else.
        if not token or token.get("sub") != info.get("sub"):
            return None
        # When somebody was asked for their password only the token says.
        return token | info | {"auth_time": token.get("auth_time")}

    def _find_account(self, request, sociallogin, claims):
        names = claims.get(settings.OIDC_GROUPS_CLAIM)
        known = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
        groups = {settings.OIDC_GROUPS[name] for name in known if name in settings.OIDC_GROUPS}
        if settings.OIDC_GROUPS and not groups:
            logger.warning("Refused an identity that is in none of the groups of OIDC_GROUPS")
            raise ImmediateHttpResponse(refusal(request))
        with transaction.atomic():
            if not sociallogin.is_existing:
                user = self._match(claims) or self._make(claims)
                if user is None:
                    logger.warning("Refused an identity that fits no account")
                    raise ImmediateHttpResponse(refusal(request))
                sociallogin.user = sociallogin.account.user = user
                sociallogin.account.save()
            if settings.OIDC_GROUPS:
                follow(sociallogin.user, groups)

    def _match(self, claims):
        """The one account that this identity is for, and that has none yet."""
        if settings.OIDC_MATCH == "username":
            name = words(claims, "preferred_username")
            sought = {"username": name}
        elif claims.get("email_verified") is True:
            name = words(claims, "email")
            sought = {"email__iexact": name}
        else:
            return None
        if not name:
            return None
        staff = get_user_model().objects.filter(is_active=True, is_staff=True, **sought)
        is_by_name = settings.OIDC_MATCH == "username"
        found = [user for user in staff.select_for_update() if is_by_name or is_same_address(user.email, name)]
        if len(found) != 1 or SocialAccount.objects.filter(user=found[0]).exists():
            return None
        return found[0]

    def _make(self, claims):
        """A new account, where the provider decides; never one under a name that is somebody's."""
        users = get_user_model().objects
        name = words(claims, "preferred_username") or words(claims, "email")
        if not settings.OIDC_GROUPS or not name or len(name) > 150 or users.filter(username__iexact=name).exists():
            return None
        return users.create_user(
            name,
            email=words(claims, "email")[:254] if claims.get("email_verified") is True else "",
            first_name=words(claims, "given_name")[:150],
            last_name=words(claims, "family_name")[:150],
            is_staff=True,
        )

    def _confirm(self, request, sociallogin, claims):
        """Somebody who is signed in has shown the provider again who they are."""
        given_at = claims["auth_time"]
        if not isinstance(given_at, int | float):
            logger.error("The identity provider does not say when somebody was asked for a password (auth_time)")
        is_recent = isinstance(given_at, int | float) and time.time() - given_at <= settings.STEP_UP_MINUTES * 60
        if sociallogin.user is None or sociallogin.user.pk is None or sociallogin.user != request.user or not is_recent:
            raise ImmediateHttpResponse(refusal(request))
        record_authentication(request, request.user, "socialaccount", reauthenticated=True)


def words(claims: dict[str, Any], name: str) -> str:
    """What the claim says, or nothing where it says no words that a name or an address can have."""
    said = claims.get(name)
    return said if isinstance(said, str) and said.isprintable() else ""


def is_same_address(one: str, other: str) -> bool:
    """Whatever the case of its letters; to a database a dotless i may be an i, and two people one."""
    return one == other or (one.isascii() and other.isascii() and one.lower() == other.lower())


def follow(user: AbstractBaseUser, groups: set[str]) -> None:
    """Put ``user`` in these groups of the desk, and out of the others that the provider decides about."""
    decided = Group.objects.filter(name__in=set(settings.OIDC_GROUPS.values()))
    user.groups.remove(*[group for group in decided if group.name not in groups])  # type: ignore[attr-defined]
    user.groups.add(*[group for group in decided if group.name in groups])  # type: ignore[attr-defined]
