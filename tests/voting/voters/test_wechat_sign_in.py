"""WeChat: code to openid or unionid, through the real client against WeChat's protocol."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from tests.fakes.wechat import (
    FakeWechat,
    WechatUser,
    error,
    text,
)
from tests.patience import PATIENCE_SECONDS
from tests.voting.voters.conftest import SignInMaker
from voting_service.contests.model import Platform
from voting_service.errors import TokenRefused, Unavailable
from voting_service.infrastructure.http_clients.client import MAX_ANSWER_BYTES
from voting_service.voting.voters.identity import Identity

MakePlatform = Callable[..., Platform]
USER = WechatUser("o6_bmjrPTlm6_2sgVt7hMZOPfL2M", "o6_bmasdasdsad6_2sgVt7hMZOPfL")


@pytest.fixture
def wechat() -> FakeWechat:
    return FakeWechat()


class WechatSignIn:
    """Signs in over WeChat; the config may be laid over."""

    def __init__(
        self, wechat: FakeWechat, make_sign_in: SignInMaker, make_platform: MakePlatform
    ) -> None:
        self._wechat, self._make_platform = wechat, make_platform
        self._make_sign_in = make_sign_in

    async def identify(
        self,
        code: str,
        *,
        secret: str | None = None,
        deadline: float = PATIENCE_SECONDS,
        **config: Any,
    ) -> Identity:
        sign_in = self._make_sign_in(
            {self._wechat.host: self._wechat.app},
            secrets=f'wechat = "{secret or self._wechat.secret}"',
            deadline_seconds=deadline,
        )
        platform = self._make_platform(
            {"appid": self._wechat.appid, **config}, slug="wechat", kind="wechat", platform_id=7
        )
        return await sign_in.identify(platform, code, contest_slug="craftsmen")


@pytest.fixture
def wechat_sign_in(
    wechat: FakeWechat, make_sign_in: SignInMaker, make_platform: MakePlatform
) -> WechatSignIn:
    return WechatSignIn(wechat, make_sign_in, make_platform)


@pytest.mark.parametrize("scope", ["snsapi_base", "snsapi_userinfo"])
async def test_a_user_is_known_by_openid(
    wechat: FakeWechat, wechat_sign_in: WechatSignIn, scope: str
) -> None:
    assert await wechat_sign_in.identify(wechat.consent(USER, scope)) == Identity(7, USER.openid)


async def test_or_by_unionid_where_the_platform_asks_for_it(
    wechat: FakeWechat, wechat_sign_in: WechatSignIn
) -> None:
    signed_in = await wechat_sign_in.identify(wechat.consent(USER), subject="unionid")
    assert signed_in == Identity(7, str(USER.unionid))


async def test_a_missing_unionid_is_never_replaced_by_the_openid(
    wechat: FakeWechat, wechat_sign_in: WechatSignIn
) -> None:
    with pytest.raises(TokenRefused, match=r"no unionid; request the scope snsapi_userinfo"):
        await wechat_sign_in.identify(wechat.consent(USER, "snsapi_base"), subject="unionid")


async def test_a_snapshot_page_visitor_is_refused(
    wechat: FakeWechat, wechat_sign_in: WechatSignIn
) -> None:
    with pytest.raises(TokenRefused, match=r"WeChat preview page"):
        await wechat_sign_in.identify(wechat.consent(USER._replace(snapshot=True)))


async def test_a_code_is_good_once(wechat: FakeWechat, wechat_sign_in: WechatSignIn) -> None:
    code = wechat.consent(USER)
    assert await wechat_sign_in.identify(code)
    with pytest.raises(TokenRefused, match=r"^code: was already used"):
        await wechat_sign_in.identify(code)


@pytest.mark.parametrize("code", ["made-up", "&secret=x", "%00", "a" * 512])
async def test_a_made_up_code_is_refused_by_wechat(wechat_sign_in: WechatSignIn, code: str) -> None:
    with pytest.raises(TokenRefused, match=r"^code: is not valid"):
        await wechat_sign_in.identify(code)


@pytest.mark.parametrize("code", ["", "a" * 513, "a b", "a\n", "a\0", "码", "\ud800"])
async def test_what_cannot_be_a_code_is_not_sent(
    wechat: FakeWechat, wechat_sign_in: WechatSignIn, code: str
) -> None:
    wechat.answer = PlainTextResponse("must not be asked", 500)
    with pytest.raises(TokenRefused, match=r"^code: must be 1 to 512 characters"):
        await wechat_sign_in.identify(code)


@pytest.mark.parametrize(
    ("errcode", "reason"), [(42003, "has expired"), (40226, "high-risk")], ids=str
)
async def test_what_is_the_user_s_matter_is_refused(
    wechat: FakeWechat, wechat_sign_in: WechatSignIn, errcode: int, reason: str
) -> None:
    wechat.answer = error(errcode, "see the list of return codes")
    with pytest.raises(TokenRefused, match=reason):
        await wechat_sign_in.identify("code")


@pytest.mark.parametrize("errcode", [-1, 45009, 45011])
async def test_a_busy_wechat_asks_to_try_again(
    wechat: FakeWechat, wechat_sign_in: WechatSignIn, errcode: int
) -> None:
    wechat.answer = error(errcode, "system error")
    with pytest.raises(Unavailable, match=r"^WeChat is busy") as busy:
        await wechat_sign_in.identify("code")
    assert busy.value.retry_after_seconds < 10


async def test_a_wrong_secret_is_our_fault_and_not_the_user_s(
    wechat: FakeWechat, wechat_sign_in: WechatSignIn
) -> None:
    with pytest.raises(Unavailable, match=r"errcode 40125") as fault:
        await wechat_sign_in.identify(wechat.consent(USER), secret="another")
    assert fault.value.retry_after_seconds >= 60


async def test_a_wrong_app_id_is_our_fault_too(
    wechat: FakeWechat, wechat_sign_in: WechatSignIn
) -> None:
    with pytest.raises(Unavailable, match=r"errcode 40013"):
        await wechat_sign_in.identify(wechat.consent(USER), appid="wx0000")


ODD_ANSWERS: dict[str, Callable[[], Response]] = {
    "status 502": lambda: PlainTextResponse("bad gateway", 502),
    "a redirect": lambda: RedirectResponse("http://127.0.0.1/"),
    "no JSON": lambda: PlainTextResponse("<html>"),
    "a list": lambda: JSONResponse([]),
    "nested deeply": lambda: PlainTextResponse('{"a":' * 10_000),
    "too much": lambda: PlainTextResponse(" " * (MAX_ANSWER_BYTES + 1)),
    "nobody": lambda: text({"access_token": "t"}),
    "an empty openid": lambda: text({"openid": ""}),
    "a number": lambda: text({"openid": 7}),
    "a long openid": lambda: text({"openid": "o" * 129}),
    "errcode a text": lambda: text({"errcode": "40029"}),
}


@pytest.mark.parametrize("oddity", ODD_ANSWERS)
async def test_an_answer_that_makes_no_sense_is_an_outage(
    wechat: FakeWechat, wechat_sign_in: WechatSignIn, oddity: str
) -> None:
    wechat.answer = ODD_ANSWERS[oddity]()
    with pytest.raises(Unavailable):
        await wechat_sign_in.identify("code")


async def test_an_errcode_of_zero_is_no_error(
    wechat: FakeWechat, wechat_sign_in: WechatSignIn
) -> None:
    wechat.answer = text({"errcode": 0, "errmsg": "ok", "openid": "o1", "is_snapshotuser": 0})
    assert await wechat_sign_in.identify("code") == Identity(7, "o1")


async def test_a_silent_wechat_is_given_up(
    wechat: FakeWechat, wechat_sign_in: WechatSignIn
) -> None:
    wechat.held = asyncio.Event()
    with pytest.raises(Unavailable, match=r"^api\.weixin\.qq\.com did not answer in time$"):
        await wechat_sign_in.identify("code", deadline=0.05)


async def test_an_unreachable_wechat_is_an_outage(wechat_sign_in: WechatSignIn) -> None:
    with pytest.raises(Unavailable, match=r"cannot be reached \(ConnectError\)$") as outage:
        await wechat_sign_in.identify("code", api_url="https://elsewhere.example")
    assert outage.value.__suppress_context__, "the cause holds the address with the secret"


@pytest.mark.parametrize("fault", ["none", "busy", "set up", "silent"])
async def test_neither_secret_nor_code_nor_user_reaches_a_log(
    wechat: FakeWechat,
    wechat_sign_in: WechatSignIn,
    fault: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    code = wechat.consent(USER)
    if fault == "silent":
        wechat.held = asyncio.Event()
    elif fault != "none":
        wechat.answer = error(-1 if fault == "busy" else 48001, "planted")
    with caplog.at_level(logging.INFO):
        try:
            await wechat_sign_in.identify(
                code, deadline=0.05 if fault == "silent" else PATIENCE_SECONDS
            )
        except Unavailable as outage:
            assert wechat.secret not in str(outage)
            assert code not in str(outage)
    written = caplog.text + "".join(capfd.readouterr())
    assert [word for word in (wechat.secret, code, USER.openid) if word in written] == []
