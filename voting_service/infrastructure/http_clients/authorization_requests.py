"""Authorization requests under way (RFC 6749 section 4.1, with PKCE of RFC 7636 and the nonce of
OpenID Connect).

A request that was sent to a provider is encrypted into a cookie of the browser that started it, so
only that browser can complete it, and nothing is stored on the server.
"""

from __future__ import annotations

import base64
import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Any, TypeVar

import msgspec

from voting_service.errors import NotSignedIn, Refused
from voting_service.infrastructure.crypto.key_wrapping import unwrap, wrap
from voting_service.infrastructure.http_clients.json_web_tokens import CLOCK_SKEW_SECONDS
from voting_service.infrastructure.http_clients.openid_connect import Grant

LIFE = timedelta(minutes=10)


class AuthorizationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request, with what must come back; subclasses add what it is for."""

    state: str
    nonce: str
    code_verifier: str
    started_at: datetime

    @property
    def challenge(self) -> str:
        """RFC 7636 section 4.2, S256."""
        digest = sha256(self.code_verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def parameters(self, redirect_uri: str) -> dict[str, str]:
        """Return the parameters that OpenIdProvider.authorization_address adds to the client's."""
        return {
            "scope": "openid",
            "redirect_uri": redirect_uri,
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": self.challenge,
        }

    def grant(self, code: str, redirect_uri: str) -> Grant:
        return Grant(code, self.code_verifier, redirect_uri, self.nonce)


Request = TypeVar("Request", bound=AuthorizationRequest)


def new_secrets(now: datetime) -> dict[str, Any]:
    """Return the fields of a new request. WeChat takes only letters and digits in `state`."""
    return {
        "state": secrets.token_hex(32),
        "nonce": secrets.token_urlsafe(32),
        "code_verifier": secrets.token_urlsafe(32),
        "started_at": now,
    }


def encrypt(master_key: bytes, label: str, request: AuthorizationRequest) -> str:
    """Return the value of the browser's cookie."""
    encrypted = wrap(master_key, label, msgspec.json.encode(request))
    return base64.urlsafe_b64encode(encrypted).decode()


def decrypt(master_key: bytes, label: str, cookie: str, kind: type[Request]) -> Request:
    """Return the request that this browser started. Raises NotSignedIn when it started none."""
    try:
        encrypted = base64.urlsafe_b64decode(cookie.encode("ascii", "replace"))
        return msgspec.json.decode(unwrap(master_key, label, encrypted), type=kind)
    except (ValueError, Refused):
        raise NotSignedIn("infrastructure.http_clients.no_sign_in_started") from None


def check_state(request: AuthorizationRequest, state: str, now: datetime) -> None:
    """Raises NotSignedIn when the browser started another sign-in, or this one too long ago. It may
    have been started on a machine whose clock is a little ahead."""
    skew = timedelta(seconds=CLOCK_SKEW_SECONDS)
    if not request.started_at - skew <= now < request.started_at + LIFE:
        raise NotSignedIn("infrastructure.http_clients.sign_in_expired")
    if not compare_digest(request.state.encode(), state.encode("utf-8", "replace")):
        raise NotSignedIn("infrastructure.http_clients.other_sign_in")
