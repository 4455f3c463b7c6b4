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


# As they are written in the catalogue: those of Google Consent Mode v2 bare, those of
# Microsoft's Universal Event Tracking and Clarity after the name of the tag.
SIGNALS = (
    "ad_storage", "ad_user_data", "ad_personalization", "analytics_storage",
    "functionality_storage", "personalization_storage", "security_storage",
    "uet:ad_storage", "clarity:ad_Storage", "clarity:analytics_Storage",
)  # fmt: skip


def validate_signals(text):
    """Signals to the tags of Google and Microsoft, separated by spaces."""
    for signal in text.split():
        if signal not in SIGNALS:
            raise ValidationError(
                _("“%(value)s” is not a signal. Choose from: %(known)s."),
                params={"value": signal, "known": ", ".join(SIGNALS)},
            )


# What the supervisory authority asks of analytics without consent, in its own order; see
# ``models.CONDITIONS`` for the words.
CONDITIONS = ("agreement", "masked-ip", "no-sharing", "no-advertising", "no-user-id", "informed")


def validate_conditions(text):
    """Conditions for analytics without consent that are met, separated by spaces."""
    for condition in text.split():
        if condition not in CONDITIONS:
            raise ValidationError(
                _("“%(value)s” is not a condition. Choose from: %(known)s."),
                params={"value": condition, "known": ", ".join(CONDITIONS)},
            )


LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
DOMAIN = re.compile(rf"(?=.{{4,253}}\Z)(?:{LABEL}\.)+[a-z][a-z0-9-]*[a-z0-9]")
HOST_AND_PATH = re.compile(r"[^/\s]+(?:/[A-Za-z0-9._~!$&'()*+=:@%-]+)*/?")


def validate_domain(text):
    """A domain of at least two labels, in lower case and without a scheme."""
    if not DOMAIN.fullmatch(text):
        raise ValidationError(
            _("“%(value)s” is not a domain. Write it in lower case without https://, such as example.nl."),
            params={"value": text},
        )


def validate_hosts(text):
    """Hosts, each with the beginning of a path if need be, separated by spaces."""
    for entry in text.split():
        host = entry.partition("/")[0]
        if not HOST_AND_PATH.fullmatch(entry) or not DOMAIN.fullmatch(host):
            raise ValidationError(
                _("“%(value)s” is not a host. Write it in lower case without https://, such as maps.example.com."),
                params={"value": entry},
            )


def validate_colour(text):
    """``#rrggbb`` in hexadecimal digits."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise ValidationError(
            _("“%(value)s” is not a colour. Write it as # and six digits, such as #0a5ca8."), params={"value": text}
        )


def validate_fonts(text):
    """Names of font families, separated by commas; nothing else of CSS."""
    if not re.fullmatch(r"[\w -]+(?:,[\w -]+)*", text) or not all(map(is_name, text.split(","))):
        raise ValidationError(
            _("“%(value)s” is not a list of fonts. Write names with commas between, without quotation marks."),
            params={"value": text},
        )


def is_name(text: str) -> bool:
    """Whether ``text`` holds a letter or digit; an asterisk alone names everything, so nothing."""
    return re.search(r"[^\W_]", text) is not None


def validate_cookie_name(text):
    """A name or a pattern that does not take in whatever a site keeps."""
    if not is_name(text):
        raise ValidationError(
            _("“%(value)s” names no cookie in particular. Write at least one letter or digit, as in _ga_*."),
            params={"value": text},
        )


def check_contrast(*, background, foreground, accent):
    """Raises ValidationError (code ``foreground`` or ``accent``) for colours too much alike.

    WCAG 2.2: 4.5 to 1 for text (1.4.3), 3 to 1 for what shows a control (1.4.11). Without a
    background of its own the banner stands on the page's, light or dark, so an accent has to be
    visible on white and on black.
    """
    if background and foreground and (ratio := contrast(background, foreground)) < 4.5:
        raise ValidationError(
            _("Text on this background has a contrast of %(ratio)s to 1; people need at least 4.5."),
            code="foreground",
            params={"ratio": f"{ratio:.1f}"},
        )
    for ground in [background] if background else ["#ffffff", "#000000"]:
        if accent and (ratio := contrast(ground, accent)) < 3:
            raise ValidationError(
                _("The accent has a contrast of %(ratio)s to 1 on %(ground)s; at least 3 is needed to see a button."),
                code="accent",
                params={"ratio": f"{ratio:.1f}", "ground": ground},
            )


def contrast(one, other):
    """Contrast of two colours ``#rrggbb``, 1 to 21 (WCAG 2.2, contrast ratio)."""
    darker, lighter = sorted(map(_luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour):
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


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
    """Scheme, host and port as a browser sends them in ``Origin``; https, or this machine.

    ``https://*.example.nl`` stands for every name exactly one level below example.nl.
    """
    message = _("“%(value)s” is not an origin. Write scheme and host, such as https://www.example.nl, without a path.")
    if "*" in text:
        if text.count("*") > 1 or not text.startswith("https://*."):
            raise ValidationError(
                _("“%(value)s”: an asterisk may stand for the first name only, as in https://*.example.nl."),
                params={"value": text},
            )
        below = text.removeprefix("https://*.")
        if not DOMAIN.fullmatch(below.partition(":")[0]):
            raise ValidationError(
                _(
                    "“%(value)s” would take in the sites of others. Name a domain of your own, as in https://*.example.nl."
                ),
                params={"value": text},
            )
        text = f"https://{below}"
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
