"""NetEase Yidun, behavioural captcha: second verification, version v2.

Site key: captchaId; secrets: `secret_id` and `secret_key`. The token is the widget's `validate`
(NECaptchaValidate), valid for up to twenty minutes and once; it cannot carry our binding, and
the field `user` is left empty: the provider does not need to know who votes.
https://support.dun.163.com/documents/15588062143475712?docId=69218161355051008 (request, answer,
signature: MD5 over the sorted parameters and the key, which is all the protocol asks of it)

The provider documents no content security policy; the sources are those of its loader
(https://cstaticdun.126.net/load.min.js), and it writes styles itself.
"""

from __future__ import annotations

import re
import secrets as random_tokens
from collections.abc import Mapping
from hashlib import md5
from typing import ClassVar
from urllib.parse import urlencode

import msgspec
import structlog

from voting_service.antifraud.captchas.adapter import (
    CaptchaResponse,
    CaptchaSecrets,
    Secret,
    decode_reply,
    request_rejected,
)
from voting_service.errors import Unavailable
from voting_service.infrastructure.clock import Clock
from voting_service.infrastructure.http_clients.client import BoundedClient

URL = "https://c.dun.163.com/api/v2/verify"
_HOSTS = ("https://cstaticdun.126.net", "https://c.dun.163.com", "https://c.dun.163yun.com")
_PICTURES = ("https://necaptcha.nosdn.127.net", "https://nos.netease.com")
_VALIDATE = re.compile(r"[\x21-\x7e]{1,2000}")
_BAD_PARAMETER, _TOO_MANY = 419, 430
"""The others: 415, wrong signature; 421, wrong version."""

log = structlog.get_logger(__name__)


class YidunSecrets(CaptchaSecrets):
    secret_id: Secret
    secret_key: Secret


class _VerifyReply(msgspec.Struct, frozen=True):
    error: int
    result: bool | None = None


_REPLY = msgspec.json.Decoder(_VerifyReply)


class Yidun:
    """Adapter for Yidun."""

    provider: str = "yidun"
    page_sources: Mapping[str, tuple[str, ...]] = {
        "script-src": _HOSTS,
        "style-src": (*_HOSTS, "'unsafe-inline'"),
        "img-src": (*_HOSTS, *_PICTURES, "data:"),
        "connect-src": _HOSTS,
    }
    secrets_type: ClassVar = YidunSecrets

    def __init__(
        self, site_key: str, secrets: YidunSecrets, http_client: BoundedClient, clock: Clock
    ) -> None:
        self.site_key = site_key
        self._secrets = secrets
        self._http_client = http_client
        self._clock = clock

    async def is_valid(self, response: CaptchaResponse) -> bool:
        if not _VALIDATE.fullmatch(response.token):
            return False
        form = {
            "captchaId": self.site_key,
            "validate": response.token,
            "user": "",
            "secretId": self._secrets.secret_id.get_secret_value(),
            "version": "v2",
            "timestamp": str(int(self._clock().timestamp() * 1000)),
            "nonce": random_tokens.token_hex(16),
        }
        form["signature"] = signature(form, self._secrets.secret_key.get_secret_value())
        answer = await self._http_client.post(
            URL, urlencode(form).encode(), {"content-type": "application/x-www-form-urlencoded"}
        )
        reply = decode_reply(self.provider, answer, _REPLY)
        if reply.error == 0 and reply.result is not None:
            return reply.result
        if reply.error == _BAD_PARAMETER:
            log.warning("captcha_parameter_rejected", provider=self.provider)
            return False
        if reply.error == _TOO_MANY:
            raise Unavailable(
                "antifraud.captchas.busy", provider=self.provider, code_=str(reply.error)
            )
        raise request_rejected(self.provider, str(reply.error))


def signature(form: Mapping[str, str], secret_key: str) -> str:
    """MD5, in hexadecimal, of every name and value in the order of the names, and the key."""
    message = "".join(name + form[name] for name in sorted(form)) + secret_key
    return md5(message.encode(), usedforsecurity=False).hexdigest()
