"""GeeTest CAPTCHA v4.

Site key: `captcha_id`; secrets: `captcha_key`. The token is what `getValidate()` gives on the
page, as a query string: `lot_number=…&captcha_output=…&pass_token=…&gen_time=…`. It cannot
carry our binding, and the documentation does not say that it is valid only once: verifier.py
checks that. https://docs.geetest.com/gt4/deploy/server (signature: HMAC-SHA256 of the lot number
with the captcha's key, in hexadecimal) and https://docs.geetest.com/gt4/faq/server

The provider documents no content security policy; the sources are those its loader
(https://static.geetest.com/v4/gt4.js) names, with their stand-ins, and it writes styles itself.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import urlencode

import msgspec

from voting_service.antifraud.captchas.adapter import (
    CaptchaResponse,
    CaptchaSecrets,
    Secret,
    decode_reply,
    parse_token,
    request_rejected,
)
from voting_service.infrastructure.clock import Clock
from voting_service.infrastructure.http_clients.client import BoundedClient

URL = "https://gcaptcha4.geetest.com/validate"
_HOSTS = (
    "https://static.geetest.com",
    "https://gcaptcha4.geetest.com",
    "https://static.geevisit.com",
    "https://gcaptcha4.geevisit.com",
)
_FIELDS = {
    "lot_number": re.compile(r"[0-9A-Za-z]{1,64}"),
    "captcha_output": re.compile(r"[\x21-\x7e]{1,2000}"),
    "pass_token": re.compile(r"[\x21-\x7e]{1,200}"),
    "gen_time": re.compile(r"[0-9]{1,20}"),
}
_ILLEGAL_PARAMETER = "-50005"


class GeeTestSecrets(CaptchaSecrets):
    captcha_key: Secret


class _ValidateReply(msgspec.Struct, frozen=True):
    status: str = "success"
    result: str | None = None
    code: str | int = ""


_REPLY = msgspec.json.Decoder(_ValidateReply)


class GeeTest:
    """Adapter for GeeTest."""

    provider: str = "geetest"
    page_sources: Mapping[str, tuple[str, ...]] = {
        "script-src": _HOSTS,
        "style-src": (*_HOSTS, "'unsafe-inline'"),
        "img-src": (*_HOSTS, "data:"),
        "font-src": _HOSTS,
        "connect-src": _HOSTS,
    }
    secrets_type: ClassVar = GeeTestSecrets

    def __init__(
        self, site_key: str, secrets: GeeTestSecrets, http_client: BoundedClient, _clock: Clock
    ) -> None:
        self.site_key = site_key
        self._key = secrets.captcha_key
        self._http_client = http_client

    async def is_valid(self, response: CaptchaResponse) -> bool:
        fields = parse_token(response.token, _FIELDS)
        if fields is None:
            return False
        key = self._key.get_secret_value().encode()
        sign = hmac.new(key, fields["lot_number"].encode(), "sha256").hexdigest()
        answer = await self._http_client.post(
            f"{URL}?{urlencode({'captcha_id': self.site_key})}",
            urlencode({**fields, "sign_token": sign}).encode(),
            {"content-type": "application/x-www-form-urlencoded"},
        )
        reply = decode_reply(self.provider, answer, _REPLY)
        if reply.status == "success" and reply.result in {"success", "fail"}:
            return reply.result == "success"
        if str(reply.code) == _ILLEGAL_PARAMETER:
            return False
        raise request_rejected(self.provider, str(reply.code))
