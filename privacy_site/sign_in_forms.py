"""The forms of signing in, in our own words."""

from allauth.account import forms as account_forms
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as code_forms
from allauth.mfa.totp import forms as app_forms
from allauth.mfa.webauthn import forms as passkey_forms
from allauth.mfa.webauthn.internal import auth as passkeys
from django import forms
from django.contrib.auth.password_validation import password_validators_help_text_html
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


def reword(form, **labels):
    """Set labels; placeholders go, for they repeat the label and vanish when one types."""
    for name, label in labels.items():
        field = form.fields[name]
        field.label, field.help_text = label, ""
        field.widget.attrs.pop("placeholder", None)


class SignInForm(account_forms.LoginForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        reword(self, login=_("User name"), password=_("Password"))
        self.fields["login"].widget.attrs |= {"id": "id_username", "autofocus": True, "autocapitalize": "none"}


class PasswordAgainForm(account_forms.ReauthenticateForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        reword(self, password=_("Password"))
        self.fields["password"].widget.attrs["autofocus"] = True


class ChangePasswordForm(account_forms.ChangePasswordForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        reword(
            self,
            oldpassword=_("Present password"),
            password1=_("New password"),
            password2=_("New password, once more"),
        )
        self.fields["password1"].help_text = password_validators_help_text_html()

    def clean(self):
        cleaned = self.cleaned_data
        if cleaned.get("password1") and cleaned.get("password2") and cleaned["password1"] != cleaned["password2"]:
            raise ValidationError({"password2": _("The two new passwords differ.")})
        return cleaned


def code_field(form, label):
    reword(form, code=label)
    form.fields["code"].widget.attrs |= {"autofocus": True, "inputmode": "numeric", "autocomplete": "one-time-code"}


class CodeForm(code_forms.AuthenticateForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        code_field(self, _("Code"))


class CodeAgainForm(code_forms.ReauthenticateForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        code_field(self, _("Code"))


class ActivateAppForm(app_forms.ActivateTOTPForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        code_field(self, _("Code that the app shows"))


class CredentialField(forms.JSONField):
    """What a passkey answers: short and flat. Anybody can send it, and JSON that goes deep would fail its reader."""

    widget = forms.HiddenInput
    LENGTH, BRACKETS = 16_000, 60

    def to_python(self, value):
        text = str(value)
        if len(text) > self.LENGTH or text.count("[") + text.count("{") > self.BRACKETS:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)

    def bound_data(self, data, initial):
        return None  # an answer holds once, so it is never shown again


class PasskeyForm(passkey_forms.AuthenticateWebAuthnForm):
    credential = CredentialField()


class PasskeyAgainForm(passkey_forms.ReauthenticateWebAuthnForm):
    credential = CredentialField()


class PasskeyAloneForm(passkey_forms.LoginWebAuthnForm):
    """In the place of name and password, so the passkey has to ask for a PIN or finger.

    Allauth keeps one challenge of a session for all its forms. One that was made beside a password
    asks for less, and is not taken here.
    """

    credential = CredentialField()

    def clean_credential(self):
        if (passkeys.get_state() or {}).get("user_verification") != "required":
            raise get_adapter().validation_error("incorrect_code")
        return super().clean_credential()


class AddPasskeyForm(passkey_forms._BaseAddWebAuthnForm):
    """Without allauth's box "passwordless": the passkey decides, and has to ask for a PIN or finger to be used so."""

    credential = CredentialField()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        reword(self, name=_("Name"))
        self.fields["name"].max_length = 60
        self.fields["name"].help_text = _("By which you will know it, such as “Work laptop”.")
