"""Tencent Cloud Captcha (腾讯云验证码), `DescribeCaptchaResult`, version 2019-07-22.

Site key: CaptchaAppId; secrets: `app_secret_key` of that application, `secret_id` and
`secret_key` of an API key that may call it. The token is what the widget's callback gives, as a
query string: `ticket=…&randstr=…`, good for five minutes and once; it cannot carry our binding.
https://cloud.tencent.com/document/product/1112/36926 (request, answer, codes),
https://www.tencentcloud.com/document/product/1084/39391 (signature TC3-HMAC-SHA256) and
https://cloud.tencent.com/document/product/1110/72310 (outages: the tickets `trerror_…` that the
widget makes up then are no proof, and code 21 says so)

The provider documents no content security policy; its scripts, frames and pictures come from
hosts below captcha.qcloud.com and captcha.gtimg.com, and it writes styles itself.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import ClassVar

import msgspec
import structlog

from voting_service.antifraud.captchas import captcha
from voting_service.antifraud.captchas.captcha import (
    Secret,
    Solved,
    not_accepted,
    parts_of,
    read_answer,
)
from voting_service.clock import Clock
from voting_service.errors import Fault, InvalidInput, Unavailable
from voting_service.outside.calls import Outside

HOST = "captcha.tencentcloudapi.com"
SERVICE = "captcha"
ACTION = "DescribeCaptchaResult"
VERSION = "2019-07-22"
_MEDIA_TYPE = "application/json; charset=utf-8"
_HOSTS = ("https://*.captcha.qcloud.com", "https://captcha.gtimg.com")
_FIELDS = {
    "ticket": re.compile(r"[\x21-\x7e]{1,1500}"),
    "randstr": re.compile(r"[\x21-\x7e]{1,100}"),
}
_GOOD = 1
_OF_ANOTHER_APPLICATION = frozenset({16, 100})
"""A ticket that somebody solved for another site, or our own secret is wrong."""
_NO_ADDRESS = "127.0.0.1"
_BUSY = ("InternalError", "RequestLimitExceeded")

log = structlog.get_logger(__name__)


class Secrets(captcha.Secrets):
    app_secret_key: Secret
    secret_id: Secret
    secret_key: Secret


class _Error(msgspec.Struct, frozen=True, rename="pascal"):
    code: str


class _Response(msgspec.Struct, frozen=True, rename="pascal"):
    error: _Error | None = None
    captcha_code: int | None = None
    evil_level: int | None = None


class _Answer(msgspec.Struct, frozen=True, rename="pascal"):
    response: _Response


_ANSWER = msgspec.json.Decoder(_Answer)


class Tencent:
    """The adapter."""

    provider: str = "tencent"
    page_sources: Mapping[str, tuple[str, ...]] = {
        "script-src": _HOSTS,
        "frame-src": _HOSTS,
        "style-src": (*_HOSTS, "'unsafe-inline'"),
        "img-src": (*_HOSTS, "data:"),
        "connect-src": _HOSTS,
    }
    secrets_type: ClassVar = Secrets

    def __init__(self, site_key: str, secrets: Secrets, outside: Outside, clock: Clock) -> None:
        """Raises InvalidInput when the site key is no CaptchaAppId."""
        if not site_key.isdecimal():
            raise InvalidInput(Fault("screening.site_key", "must be the CaptchaAppId, a number"))
        self.site_key = site_key
        self._secrets = secrets
        self._outside = outside
        self._clock = clock

    async def is_genuine(self, solved: Solved) -> bool:
        parts = parts_of(solved.token, _FIELDS)
        if parts is None:
            return False
        payload = msgspec.json.encode(
            {
                "CaptchaType": 9,
                "Ticket": parts["ticket"],
                "Randstr": parts["randstr"],
                "UserIp": solved.client_address or _NO_ADDRESS,
                "CaptchaAppId": int(self.site_key),
                "AppSecretKey": self._secrets.app_secret_key.get_secret_value(),
            }
        )
        answer = await self._outside.post(f"https://{HOST}/", payload, self._headers(payload))
        response = read_answer(self.provider, answer, _ANSWER).response
        if response.error is not None:
            code = response.error.code
            if code.startswith(_BUSY):
                raise Unavailable(f"{self.provider} is busy ({code[:64]})")
            raise not_accepted(self.provider, code)
        if response.captcha_code is None:
            raise Unavailable(f"{self.provider}'s answer says nothing")
        if response.captcha_code in _OF_ANOTHER_APPLICATION:
            log.warning("captcha_of_another_site", provider=self.provider)
        return response.captcha_code == _GOOD and not response.evil_level

    def _headers(self, payload: bytes) -> dict[str, str]:
        now = self._clock()
        signed = {"content-type": _MEDIA_TYPE, "host": HOST, "x-tc-action": ACTION.lower()}
        return {
            "content-type": _MEDIA_TYPE,
            "x-tc-action": ACTION,
            "x-tc-version": VERSION,
            "x-tc-timestamp": str(int(now.timestamp())),
            "authorization": authorization(
                self._secrets.secret_id.get_secret_value(),
                self._secrets.secret_key.get_secret_value(),
                service=SERVICE,
                signed=signed,
                payload=payload,
                now_seconds=int(now.timestamp()),
            ),
        }


def authorization(
    secret_id: str,
    secret_key: str,
    *,
    service: str,
    signed: Mapping[str, str],
    payload: bytes,
    now_seconds: int,
) -> str:
    """The header of a POST to `/`, TC3-HMAC-SHA256; `signed` are the headers that it covers, in
    lower case and in order."""
    names = ";".join(signed)
    canonical = "\n".join(
        (
            "POST",
            "/",
            "",
            *(f"{name}:{value}" for name, value in signed.items()),
            "",
            names,
            sha256(payload).hexdigest(),
        )
    )
    day = datetime.fromtimestamp(now_seconds, UTC).date().isoformat()
    scope = f"{day}/{service}/tc3_request"
    digest = sha256(canonical.encode()).hexdigest()
    to_sign = f"TC3-HMAC-SHA256\n{now_seconds}\n{scope}\n{digest}"
    key = f"TC3{secret_key}".encode()
    for part in (day, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    return (
        f"TC3-HMAC-SHA256 Credential={secret_id}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
