"""GeeTest CAPTCHA v4 (极验行为验证 4.0).

Site key: `captcha_id`; secrets: `captcha_key`. The token is what `getValidate()` gives on the
page, as a query string: `lot_number=…&captcha_output=…&pass_token=…&gen_time=…`. Nothing in it
can carry our binding, and the documentation does not say that it is good once: gate.py sees to
that. https://docs.geetest.com/gt4/deploy/server (signature: HMAC-SHA256 of the lot number with
the captcha's key, in hexadecimal) and https://docs.geetest.com/gt4/faq/server

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

from voting_service.antifraud.captchas import captcha
from voting_service.antifraud.captchas.captcha import (
    Secret,
    Solved,
    not_accepted,
    parts_of,
    read_answer,
)
from voting_service.clock import Clock
from voting_service.outside.calls import Outside

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


class Secrets(captcha.Secrets):
    captcha_key: Secret


class _Verdict(msgspec.Struct, frozen=True):
    status: str = "success"
    result: str | None = None
    code: str | int = ""


_VERDICT = msgspec.json.Decoder(_Verdict)


class GeeTest:
    """The adapter."""

    provider: str = "geetest"
    page_sources: Mapping[str, tuple[str, ...]] = {
        "script-src": _HOSTS,
        "style-src": (*_HOSTS, "'unsafe-inline'"),
        "img-src": (*_HOSTS, "data:"),
        "font-src": _HOSTS,
        "connect-src": _HOSTS,
    }
    secrets_type: ClassVar = Secrets

    def __init__(self, site_key: str, secrets: Secrets, outside: Outside, _clock: Clock) -> None:
        self.site_key = site_key
        self._key = secrets.captcha_key
        self._outside = outside

    async def is_genuine(self, solved: Solved) -> bool:
        parts = parts_of(solved.token, _FIELDS)
        if parts is None:
            return False
        key = self._key.get_secret_value().encode()
        sign = hmac.new(key, parts["lot_number"].encode(), "sha256").hexdigest()
        answer = await self._outside.post(
            f"{URL}?{urlencode({'captcha_id': self.site_key})}",
            urlencode({**parts, "sign_token": sign}).encode(),
            {"content-type": "application/x-www-form-urlencoded"},
        )
        verdict = read_answer(self.provider, answer, _VERDICT)
        if verdict.status == "success" and verdict.result in {"success", "fail"}:
            return verdict.result == "success"
        if str(verdict.code) == _ILLEGAL_PARAMETER:
            return False
        raise not_accepted(self.provider, str(verdict.code))
