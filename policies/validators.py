"""What a single field may hold."""

import re
from urllib.parse import urlsplit

from babel import Locale
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from retention.periods import NotAPeriod, Period

TERM = re.compile(r"[a-z][a-z-]*:[A-Za-z0-9][A-Za-z0-9-]*")
SESSION = "session"


def validate_country(code):
    """A two-letter code of ISO 3166-1 that has a name."""
    if not re.fullmatch(r"[A-Z]{2}", code) or code not in Locale("en").territories:
        raise ValidationError(
            _("“%(value)s” is not a country. Write its two capitals, such as NL or US."), params={"value": code}
        )


def validate_terms(text):
    """Terms of the Data Privacy Vocabulary with their prefix, separated by spaces."""
    for term in text.split():
        if not TERM.fullmatch(term):
            raise ValidationError(
                _("“%(value)s” is not a term of the vocabulary, such as dpv:CustomerCare."), params={"value": term}
            )


def validate_signals(text):
    """Signals of Google Consent Mode, separated by spaces."""
    known = {
        "ad_storage", "ad_user_data", "ad_personalization", "analytics_storage",
        "functionality_storage", "personalization_storage", "security_storage",
    }  # fmt: skip
    for signal in text.split():
        if signal not in known:
            raise ValidationError(
                _("“%(value)s” is not a signal. Choose from: %(known)s."),
                params={"value": signal, "known": ", ".join(sorted(known))},
            )


def validate_anchor(slug):
    """An anchor that is not one of those that the pages have themselves."""
    fixed = {"content-main", "page-content", "this-version", "providers", "preferences"}
    if slug in fixed or slug.startswith(("purpose-", "vendor-", "right-", "ask-")):
        raise ValidationError(_("The pages use “%(value)s” themselves. Choose another."), params={"value": slug})


def validate_lifetime(text):
    """A period, or the word ``session``."""
    if text == SESSION:
        return
    try:
        Period.parse(text)
    except NotAPeriod as error:
        raise ValidationError(
            _("“%(value)s” is not a lifetime. Write “session”, or a period such as P1Y or P13M."),
            params={"value": text},
        ) from error


def validate_origin(text):
    """Scheme, host and port as a browser sends them in ``Origin``; https, or this machine."""
    message = _("“%(value)s” is not an origin. Write scheme and host, such as https://www.example.nl, without a path.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValidationError(message, params={"value": text}) from error
    host = parts.hostname or ""
    rebuilt = f"{parts.scheme}://{host}" + (f":{port}" if port else "")
    is_default_port = (parts.scheme, port) in {("https", 443), ("http", 80)}
    if rebuilt != text or not re.fullmatch(r"[a-z0-9.-]+", host) or is_default_port:
        raise ValidationError(message, params={"value": text})
    if parts.scheme == "https":
        return
    if parts.scheme != "http" or host not in {"localhost", "127.0.0.1"}:
        raise ValidationError(
            _("“%(value)s” is not encrypted. Choices are taken from https sites only."), params={"value": text}
        )
