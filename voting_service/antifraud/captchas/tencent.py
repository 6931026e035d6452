"""Tencent Cloud Captcha, `DescribeCaptchaResult`, version 2019-07-22.

Site key: CaptchaAppId; secrets: `app_secret_key` of that application, `secret_id` and
`secret_key` of an API key that may call it. The token is what the widget's callback gives, as a
query string: `ticket=…&randstr=…`, valid for five minutes and once; it cannot carry our binding.
https://cloud.tencent.com/document/product/1112/36926 (request, answer, codes),
https://www.tencentcloud.com/document/product/1084/39391 (signature TC3-HMAC-SHA256) and
https://cloud.tencent.com/document/product/1110/72310 (outages: the
tickets `trerror_…` that the widget makes up then prove nothing; the reply is code 21)

The provider documents no content security policy; its scripts, frames and pictures come from
hosts below captcha.qcloud.com and captcha.gtimg.com, and it writes styles itself.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import ClassVar, NamedTuple

import msgspec
import structlog

from voting_service.antifraud.captchas.adapter import (
    CaptchaResponse,
    CaptchaSecrets,
    Secret,
    decode_reply,
    parse_token,
    request_rejected,
)
from voting_service.errors import (
    Fault,
    InvalidInput,
    Unavailable,
)
from voting_service.infrastructure.clock import Clock
from voting_service.infrastructure.http_clients.client import BoundedClient

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
"""A ticket solved for another site, or our own secret is wrong."""
_NO_ADDRESS = "127.0.0.1"
_BUSY = ("InternalError", "RequestLimitExceeded")

log = structlog.get_logger(__name__)


class TencentSecrets(CaptchaSecrets):
    app_secret_key: Secret
    secret_id: Secret
    secret_key: Secret


class _TencentError(msgspec.Struct, frozen=True, rename="pascal"):
    code: str


class _TencentResult(msgspec.Struct, frozen=True, rename="pascal"):
    error: _TencentError | None = None
    captcha_code: int | None = None
    evil_level: int | None = None


class _TencentReply(msgspec.Struct, frozen=True, rename="pascal"):
    response: _TencentResult


_REPLY = msgspec.json.Decoder(_TencentReply)


class Tencent:
    """Adapter for Tencent."""

    provider: str = "tencent"
    page_sources: Mapping[str, tuple[str, ...]] = {
        "script-src": _HOSTS,
        "frame-src": _HOSTS,
        "style-src": (*_HOSTS, "'unsafe-inline'"),
        "img-src": (*_HOSTS, "data:"),
        "connect-src": _HOSTS,
    }
    secrets_type: ClassVar = TencentSecrets

    def __init__(
        self, site_key: str, secrets: TencentSecrets, http_client: BoundedClient, clock: Clock
    ) -> None:
        """Raises InvalidInput when the site key is not a CaptchaAppId."""
        if not site_key.isdecimal():
            raise InvalidInput(
                Fault("screening.site_key", "antifraud.captchas.site_key_not_a_number")
            )
        self.site_key = site_key
        self._secrets = secrets
        self._http_client = http_client
        self._clock = clock

    async def is_valid(self, captcha_response: CaptchaResponse) -> bool:
        fields = parse_token(captcha_response.token, _FIELDS)
        if fields is None:
            return False
        payload = msgspec.json.encode(
            {
                "CaptchaType": 9,
                "Ticket": fields["ticket"],
                "Randstr": fields["randstr"],
                "UserIp": captcha_response.client_address or _NO_ADDRESS,
                "CaptchaAppId": int(self.site_key),
                "AppSecretKey": self._secrets.app_secret_key.get_secret_value(),
            }
        )
        answer = await self._http_client.post(f"https://{HOST}/", payload, self._headers(payload))
        result = decode_reply(self.provider, answer, _REPLY).response
        if result.error is not None:
            code = result.error.code
            if code.startswith(_BUSY):
                raise Unavailable(
                    "antifraud.captchas.busy", provider=self.provider, code_=code[:64]
                )
            raise request_rejected(self.provider, code)
        if result.captcha_code is None:
            raise Unavailable("antifraud.captchas.reply_without_result", provider=self.provider)
        if result.captcha_code in _OF_ANOTHER_APPLICATION:
            log.warning("captcha_token_of_another_site", provider=self.provider)
        return result.captcha_code == _GOOD and not result.evil_level

    def _headers(self, payload: bytes) -> dict[str, str]:
        now = self._clock()
        signed = {"content-type": _MEDIA_TYPE, "host": HOST, "x-tc-action": ACTION.lower()}
        return {
            "content-type": _MEDIA_TYPE,
            "x-tc-action": ACTION,
            "x-tc-version": VERSION,
            "x-tc-timestamp": str(int(now.timestamp())),
            "authorization": authorization(
                ApiKey(
                    self._secrets.secret_id.get_secret_value(),
                    self._secrets.secret_key.get_secret_value(),
                ),
                service=SERVICE,
                signed=signed,
                payload=payload,
                now_seconds=int(now.timestamp()),
            ),
        }


class ApiKey(NamedTuple):
    """A key of Tencent's API."""

    secret_id: str
    secret_key: str


def authorization(
    api_key: ApiKey,
    *,
    service: str,
    signed: Mapping[str, str],
    payload: bytes,
    now_seconds: int,
) -> str:
    """Return the Authorization header of a POST to `/` (TC3-HMAC-SHA256); `signed` are the headers
    that it covers, in lower case and in order."""
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
    key = f"TC3{api_key.secret_key}".encode()
    for part in (day, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    return (
        f"TC3-HMAC-SHA256 Credential={api_key.secret_id}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
