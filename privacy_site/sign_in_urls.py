"""The pages of signing in: those of allauth that we offer, and no others.

No signing up, no addresses of mail, no forgotten passwords: an administrator gives a new one.
"""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.urls import path
from django.utils.translation import gettext_lazy as _

from . import sign_in_views
from .sign_in_views import asks_for_code, at_desk, limited, of_password, of_recovery_codes

SECURITY = _("Security of your account")
AGAIN = _("Show that it is you")
APP = _("App that makes codes")
PASSKEYS = _("Passkeys")
CODES = _("Recovery codes")

urlpatterns = [
    path("login/", at_desk(account.login, _("Sign in")), name="account_login"),
    path("again/", at_desk(account.reauthenticate, AGAIN), name="account_reauthenticate"),
    path("continue/", at_desk(sign_in_views.go_on, _("Go on")), name="sign_in_continue"),
    path(
        "password/",
        of_password(at_desk(account.password_change, _("Change your password"))),
        name="account_change_password",
    ),
    path("security/", at_desk(of_recovery_codes(mfa.index), SECURITY), name="mfa_index"),
    path("code/", asks_for_code(at_desk(mfa.authenticate, _("Second factor"))), name="mfa_authenticate"),
    path("code/again/", at_desk(mfa.reauthenticate, AGAIN), name="mfa_reauthenticate"),
    path("app/", at_desk(totp.activate_totp, APP), name="mfa_activate_totp"),
    path("app/remove/", at_desk(totp.deactivate_totp, APP), name="mfa_deactivate_totp"),
    path("passkeys/", at_desk(webauthn.list_webauthn, PASSKEYS), name="mfa_list_webauthn"),
    path("passkeys/add/", at_desk(webauthn.add_webauthn, _("Add a passkey")), name="mfa_add_webauthn"),
    path(
        "passkeys/<int:pk>/remove/",
        at_desk(webauthn.remove_webauthn, _("Remove a passkey")),
        name="mfa_remove_webauthn",
    ),
    path("passkeys/again/", at_desk(webauthn.reauthenticate_webauthn, AGAIN), name="mfa_reauthenticate_webauthn"),
    path("passkeys/login/", limited(at_desk(webauthn.login_webauthn, _("Sign in"))), name="mfa_login_webauthn"),
    path(
        "recovery-codes/",
        at_desk(of_recovery_codes(recovery_codes.view_recovery_codes), CODES),
        name="mfa_view_recovery_codes",
    ),
    path(
        "recovery-codes/new/",
        at_desk(recovery_codes.generate_recovery_codes, _("New recovery codes")),
        name="mfa_generate_recovery_codes",
    ),
    path("company/", limited(sign_in_views.with_provider), name="sign_in_with_provider"),
    path(
        "company/callback/",
        limited(sign_in_views.from_provider),
        {"provider_id": "company"},
        name="openid_connect_callback",
    ),
]
