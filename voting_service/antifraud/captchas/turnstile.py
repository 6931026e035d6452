"""Cloudflare Turnstile.

Secrets: `secret`. The token is the widget's, up to 2,048 characters, valid for five minutes
and once. The widget carries our binding as its customer data (`cData`), which the provider signs,
so a token is valid for one ballot.
https://developers.cloudflare.com/turnstile/get-started/server-side-validation/ and
https://developers.cloudflare.com/turnstile/reference/content-security-policy/
"""

from __future__ import annotations

from collections.abc import Mapping
from hmac import compare_digest
from typing import ClassVar
from urllib.parse import urlencode

import msgspec

from voting_service.antifraud.captchas.adapter import (
    CaptchaResponse,
    CaptchaSecrets,
    Secret,
    decode_reply,
    request_rejected,
)
from voting_service.infrastructure.clock import Clock
from voting_service.infrastructure.http_clients.client import BoundedClient

URL = "https://challenges.cloudflare.com/turnstile/v0/siteverify"
_HOST = "https://challenges.cloudflare.com"
_TOKEN_ERRORS = frozenset(
    {"missing-input-response", "invalid-input-response", "timeout-or-duplicate"}
)
"""Every other code means that our request is wrong or that the provider has a fault."""


class TurnstileSecrets(CaptchaSecrets):
    secret: Secret


class _SiteverifyReply(msgspec.Struct, frozen=True, rename={"error_codes": "error-codes"}):
    success: bool
    error_codes: tuple[str, ...] = ()
    cdata: str | None = None


_REPLY = msgspec.json.Decoder(_SiteverifyReply)


class Turnstile:
    """Adapter for Turnstile."""

    provider: str = "turnstile"
    page_sources: Mapping[str, tuple[str, ...]] = {"script-src": (_HOST,), "frame-src": (_HOST,)}
    secrets_type: ClassVar = TurnstileSecrets

    def __init__(
        self, site_key: str, secrets: TurnstileSecrets, http_client: BoundedClient, _clock: Clock
    ) -> None:
        self.site_key = site_key
        self._secret = secrets.secret
        self._http_client = http_client

    async def is_valid(self, response: CaptchaResponse) -> bool:
        form = {"secret": self._secret.get_secret_value(), "response": response.token}
        if response.client_address:
            form["remoteip"] = response.client_address
        answer = await self._http_client.post(
            URL, urlencode(form).encode(), {"content-type": "application/x-www-form-urlencoded"}
        )
        reply = decode_reply(self.provider, answer, _REPLY)
        if reply.success:
            return compare_digest((reply.cdata or "").encode(), response.binding.encode())
        if not _TOKEN_ERRORS.issuperset(reply.error_codes):
            raise request_rejected(self.provider, ", ".join(reply.error_codes))
        return False
