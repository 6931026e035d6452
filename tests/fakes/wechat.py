"""WeChat's web authorisation, as far as the server of an official account sees it.

https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsaccesstoken.html
Errors come with status 200; every answer is JSON declared as text/plain.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route


class WechatUser(NamedTuple):
    openid: str
    unionid: str | None = None
    snapshot: bool = False


class FakeWechat:
    """One official account with its users' codes."""

    host = "https://api.weixin.qq.com"

    def __init__(self) -> None:
        self.appid = "wx520c15f417810387"
        self.secret = secrets.token_hex(16)
        self.codes: dict[str, tuple[WechatUser, str]] = {}
        self.used: set[str] = set()
        self.answer: Response | None = None
        self.held: asyncio.Event | None = None
        self.app = Starlette(routes=[Route("/sns/oauth2/access_token", self.access_token)])

    def consent(self, user: WechatUser, scope: str = "snsapi_userinfo") -> str:
        """The user agreed: the code that WeChat adds to the redirect."""
        code = secrets.token_urlsafe(24)
        self.codes[code] = user, scope
        return code

    async def access_token(self, request: Request) -> Response:
        if self.held is not None:
            await self.held.wait()
        if self.answer is not None:
            return self.answer
        query = request.query_params
        code = query.get("code", "")
        if query.get("grant_type") != "authorization_code":
            return error(40002, "invalid grant_type")
        if query.get("appid") != self.appid:
            return error(40013, "invalid appid")
        if query.get("secret") != self.secret:
            return error(40125, "invalid appsecret")
        if not code:
            return error(41008, "missing code")
        if code in self.used:
            return error(40163, "code been used")
        if code not in self.codes:
            return error(40029, "invalid code")
        self.used.add(code)
        return text(self._granted(*self.codes[code]))

    def _granted(self, user: WechatUser, scope: str) -> dict[str, Any]:
        granted: dict[str, Any] = {
            "access_token": secrets.token_urlsafe(48),
            "expires_in": 7200,
            "refresh_token": secrets.token_urlsafe(48),
            "openid": user.openid,
            "scope": scope,
        }
        if user.snapshot:
            granted["is_snapshotuser"] = 1
        if user.unionid and scope == "snsapi_userinfo":
            granted["unionid"] = user.unionid
        return granted


def text(document: dict[str, Any]) -> Response:
    return PlainTextResponse(json.dumps(document))


def error(errcode: int, errmsg: str) -> Response:
    return text({"errcode": errcode, "errmsg": f"{errmsg}, rid: 62c4f1a2-3c1d5b7e-0a1b2c3d"})
