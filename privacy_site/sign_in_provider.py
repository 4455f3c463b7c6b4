"""What the company's identity provider says of itself and of a person, looked at before it is believed."""

from typing import Any

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.core.cache import caches
from requests import RequestException

# How long a process keeps what the provider says of itself, and that it could not be asked.
KEPT_SECONDS, FAILURE_SECONDS = 300, 20
WAIT_SECONDS = 3  # for an answer; whoever is not signed in makes us ask
ENDPOINTS = ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"]
WORDS = {"name", "email", "preferred_username", "given_name", "family_name"}


class NoAnswer(RequestException):
    """The provider does not say what it has to, or could not be asked a moment ago."""


class CompanyAdapter(OpenIDConnectOAuth2Adapter):
    @property
    def openid_config(self) -> dict[str, Any]:
        return discovery(self.get_provider().server_url)

    def _fetch_user_info(self, access_token):
        said = super()._fetch_user_info(access_token)
        subject = said.get("sub") if isinstance(said, dict) else None
        if not isinstance(subject, str) or not 0 < len(subject) <= 191 or not subject.isprintable():
            raise OAuth2Error("The identity provider does not say who it is about")
        # Allauth takes for words whatever stands here.
        return {name: claim for name, claim in said.items() if isinstance(claim, str) or name not in WORDS}


def discovery(address: str) -> dict[str, Any]:
    """Where what is, at the provider. Raises RequestException; then it is not asked again at once."""
    kept = caches["memory"]
    key = f"discovery:{address}"
    match kept.get(key):
        case dict() as known:
            return known
        case str() as fault:
            raise NoAnswer(fault)
    try:
        said = _ask(address)
    except RequestException as error:
        kept.set(key, type(error).__name__, FAILURE_SECONDS)
        raise
    kept.set(key, said, KEPT_SECONDS)
    return said


def _ask(address: str) -> dict[str, Any]:
    with get_adapter().get_requests_session() as session:
        response = session.get(address, timeout=WAIT_SECONDS)
        response.raise_for_status()
        said = response.json()
    if not isinstance(said, dict) or not all(isinstance(said.get(name), str) for name in [*ENDPOINTS, "issuer"]):
        raise NoAnswer("The identity provider does not say where to ask")
    # Else another provider could answer in its place (OpenID Connect Discovery 4.3).
    if said["issuer"].rstrip("/") != settings.OIDC_ISSUER:
        raise NoAnswer("The identity provider calls itself otherwise than OIDC_ISSUER")
    return said
