"""Cloudflare Turnstile.

Secrets: `secret`. The token is the widget's, up to 2,048 characters, good for five minutes and
once. The widget carries our binding as its customer data (`cData`) and the provider signs it
along, so a token is good for one ballot.
https://developers.cloudflare.com/turnstile/get-started/server-side-validation/ and
https://developers.cloudflare.com/turnstile/reference/content-security-policy/
"""

from __future__ import annotations

from collections.abc import Mapping
from hmac import compare_digest
from typing import ClassVar
from urllib.parse import urlencode

import msgspec

from voting_service.antifraud.captchas import captcha
from voting_service.antifraud.captchas.captcha import Secret, Solved, not_accepted, read_answer
from voting_service.clock import Clock
from voting_service.outside.calls import Outside

URL = "https://challenges.cloudflare.com/turnstile/v0/siteverify"
_HOST = "https://challenges.cloudflare.com"
_VOTERS_FAULTS = frozenset(
    {"missing-input-response", "invalid-input-response", "timeout-or-duplicate"}
)
"""Every other code says that we asked wrongly or that the provider is in trouble."""


class Secrets(captcha.Secrets):
    secret: Secret


class _Verdict(msgspec.Struct, frozen=True, rename={"error_codes": "error-codes"}):
    success: bool
    error_codes: tuple[str, ...] = ()
    cdata: str | None = None


_VERDICT = msgspec.json.Decoder(_Verdict)


class Turnstile:
    """The adapter."""

    provider: str = "turnstile"
    page_sources: Mapping[str, tuple[str, ...]] = {"script-src": (_HOST,), "frame-src": (_HOST,)}
    secrets_type: ClassVar = Secrets

    def __init__(self, site_key: str, secrets: Secrets, outside: Outside, _clock: Clock) -> None:
        self.site_key = site_key
        self._secret = secrets.secret
        self._outside = outside

    async def is_genuine(self, solved: Solved) -> bool:
        form = {"secret": self._secret.get_secret_value(), "response": solved.token}
        if solved.client_address:
            form["remoteip"] = solved.client_address
        answer = await self._outside.post(
            URL, urlencode(form).encode(), {"content-type": "application/x-www-form-urlencoded"}
        )
        verdict = read_answer(self.provider, answer, _VERDICT)
        if verdict.success:
            return compare_digest((verdict.cdata or "").encode(), solved.binding.encode())
        if not _VOTERS_FAULTS.issuperset(verdict.error_codes):
            raise not_accepted(self.provider, ", ".join(verdict.error_codes))
        return False
