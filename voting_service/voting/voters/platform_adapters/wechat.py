"""WeChat web authorisation of an official account.

Config: `{"appid": "wx…", "subject": "openid" | "unionid"}`; the app secret is read from the
file of VOTING_PLATFORM_SECRETS_FILE. The credential is the `code` that WeChat adds to the
redirect; WeChat itself takes each code once. Protocol:
https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsaccesstoken.html
WeChat's browser is led to `authorize_url` and comes back with the code; other browsers cannot be.

`unionid` is the same for all apps of one WeChat open-platform account; WeChat tells it only
where the page asked for the scope snsapi_userinfo. A platform keeps to one of the two for the
length of a contest: to the pseudonyms they are two people.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlencode

import msgspec
import structlog
from msgspec import Meta

from voting_service.contests.model import Platform
from voting_service.errors import TokenRefused, Unavailable
from voting_service.infrastructure.http_clients.authorization_requests import AuthorizationRequest
from voting_service.infrastructure.http_clients.client import Answer
from voting_service.infrastructure.http_clients.input_checks import check_address, check_printable
from voting_service.voting.voters.identity import Identity
from voting_service.voting.voters.platform_adapter import AdapterTools, read_config

_CODE = re.compile(r"[\x21-\x7e]{1,512}")

REFUSED_CODES = {
    40029: "voting.voters.platform_adapters.code_not_valid",
    40163: "voting.voters.platform_adapters.code_used",
    42003: "voting.voters.platform_adapters.code_expired",
    40226: "voting.voters.platform_adapters.user_blocked",
}
BUSY_CODES = frozenset({-1, 45009, 45011})
"""System busy, and the limits a minute of calls and of users; any other code is a fault of the
set-up (app id, secret, list of addresses, rights) and is logged as such."""

log = structlog.get_logger(__name__)


class WechatConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    appid: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{4,64}$")]
    subject: Literal["openid", "unionid"] = "openid"
    api_url: str = "https://api.weixin.qq.com"
    authorize_url: str = "https://open.weixin.qq.com/connect/oauth2/authorize"


class Granted(msgspec.Struct, frozen=True):
    """WeChat's answer, good or bad; the tokens in it are not read."""

    errcode: int = 0
    openid: str | None = None
    unionid: str | None = None
    is_snapshotuser: int = 0


_GRANTED = msgspec.json.Decoder(Granted)


class WechatSignIn:
    """The adapter."""

    def __init__(self, platform: Platform, config: WechatConfig, tools: AdapterTools) -> None:
        self._platform = platform
        self._config = config
        self._outside = tools.outside
        self._secret = tools.secret(platform.slug)

    async def identify(self, credential: str, *, contest_slug: str) -> Identity:
        if not _CODE.fullmatch(credential):
            raise TokenRefused("voting.voters.platform_adapters.malformed_code")
        answer = await self._outside.get(
            self._config.api_url.rstrip("/") + "/sns/oauth2/access_token",
            {
                "appid": self._config.appid,
                "secret": self._secret.get_secret_value(),
                "code": credential,
                "grant_type": "authorization_code",
            },
        )
        return Identity(self._platform.id, self._subject(self._granted(answer)))

    def _granted(self, answer: Answer) -> Granted:
        """WeChat answers errors with status 200 too, and JSON as text/plain."""
        if answer.status != 200:
            raise Unavailable("voting.voters.platform_adapters.wechat_status", status=answer.status)
        try:
            granted = _GRANTED.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Unavailable("voting.voters.platform_adapters.wechat_unreadable") from None
        if granted.errcode in REFUSED_CODES:
            raise TokenRefused(REFUSED_CODES[granted.errcode])
        if granted.errcode in BUSY_CODES:
            raise Unavailable("voting.voters.platform_adapters.wechat_busy")
        if granted.errcode:
            log.error("wechat_set_up_wrong", platform=self._platform.slug, errcode=granted.errcode)
            raise Unavailable(
                "voting.voters.platform_adapters.wechat_rejected",
                retry_after_seconds=60,
                errcode=granted.errcode,
            )
        return granted

    def _subject(self, granted: Granted) -> str:
        if granted.is_snapshotuser:
            # A visitor of a page that WeChat shows before consent: a made-up id each time.
            raise TokenRefused("voting.voters.platform_adapters.snapshot_user")
        subject = granted.unionid if self._config.subject == "unionid" else granted.openid
        if not subject and self._config.subject == "unionid" and granted.openid:
            # Never the openid instead: that would be a second voter for the same person.
            raise TokenRefused("voting.voters.platform_adapters.no_unionid")
        if not subject or len(subject) > 128:
            raise Unavailable("voting.voters.platform_adapters.wechat_no_user")
        check_printable(self._config.subject, subject)
        return subject

    async def authorization_address(self, request: AuthorizationRequest, redirect_uri: str) -> str:
        """WeChat wants the parameters in this order, and the fragment."""
        scope = "snsapi_userinfo" if self._config.subject == "unionid" else "snsapi_base"
        query = {
            "appid": self._config.appid,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": scope,
            "state": request.state,
        }
        return f"{self._config.authorize_url}?{urlencode(query)}#wechat_redirect"

    def credential(self, request: AuthorizationRequest, code: str, redirect_uri: str) -> str:
        return code


def adapter(platform: Platform, tools: AdapterTools) -> WechatSignIn:
    """Raises InvalidInput with the fault of the config, or when the secret is missing."""
    config = read_config(platform, WechatConfig)
    check_address("config.api_url", config.api_url)
    check_address("config.authorize_url", config.authorize_url)
    return WechatSignIn(platform, config, tools)
