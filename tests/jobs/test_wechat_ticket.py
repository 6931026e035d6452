"""The ticket for cards in WeChat: fetched seldom, kept for all, missed by nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.browser.serving import serving
from tests.fakes.wechat import error, text
from tests.patience import patient_valkey
from voting_service.infrastructure.http_clients.wechat_ticket import (
    KEY,
    OfficialAccount,
    sign_page,
)
from voting_service.infrastructure.valkey import Valkey
from voting_service.jobs.wechat_ticket import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    RENEW_SECONDS,
    TicketKeeper,
    wechat_ticket_loops,
)
from voting_service.settings import Settings, SettingsFault

ACCOUNT = OfficialAccount("wx520c15f417810387", SecretStr("s3cret"))


class Wechat:
    """WeChat as far as tickets go."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: Response | None = None
        self.app = Starlette(
            routes=[
                Route("/cgi-bin/stable_token", self.token, methods=["POST"]),
                Route("/cgi-bin/ticket/getticket", self.ticket),
            ]
        )

    async def token(self, request: Request) -> Response:
        self.asked += 1
        sent = await request.json()
        if self.answer is not None:
            return self.answer
        if sent["appid"] != ACCOUNT.app_id or sent["secret"] != ACCOUNT.secret.get_secret_value():
            return error(40125, "invalid appsecret")
        assert sent["grant_type"] == "client_credential"
        return text({"access_token": "TOKEN", "expires_in": 7200})

    async def ticket(self, request: Request) -> Response:
        assert dict(request.query_params) == {"access_token": "TOKEN", "type": "jsapi"}
        return text({"errcode": 0, "errmsg": "ok", "ticket": f"T{self.asked}", "expires_in": 7200})


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def store(valkey_url: str) -> AsyncIterator[Valkey]:
    opened = patient_valkey(valkey_url)
    yield opened
    await opened.close()


async def test_one_is_kept_and_renewed_in_time(store: Valkey) -> None:
    wechat, time = Wechat(), Seconds()
    async with serving(wechat.app) as (_, origin):
        keeper = TicketKeeper(ACCOUNT, store, api_url=origin, monotonic=time)
        for _ in range(3):
            await keeper.keep()
        assert (wechat.asked, await store.command("GET", KEY)) == (1, b"T1")
        assert RENEW_SECONDS < await store.command("TTL", KEY) <= 7200
        await store.command("EXPIRE", KEY, RENEW_SECONDS - 1)
        await keeper.keep()
        assert (wechat.asked, await store.command("GET", KEY)) == (2, b"T2")


@pytest.mark.parametrize(
    "answer",
    [
        error(40125, "invalid appsecret"), error(-1, "system error"), PlainTextResponse("<html>"),
        PlainTextResponse("{}", 502), text({"access_token": 7}),
    ],
)  # fmt: skip
async def test_failures_are_tried_again_ever_less_often(store: Valkey, answer: Response) -> None:
    wechat, time = Wechat(), Seconds()
    wechat.answer = answer
    async with serving(wechat.app) as (_, origin):
        keeper = TicketKeeper(ACCOUNT, store, api_url=origin, monotonic=time)
        pause = FIRST_PAUSE_SECONDS
        for tries in range(1, 10):
            await keeper.keep()
            time.now += pause - 1
            await keeper.keep()
            assert wechat.asked == tries, "not before its time"
            time.now += 1
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        assert await store.command("GET", KEY) is None
        wechat.answer = None
        await keeper.keep()
        assert await store.command("GET", KEY) == b"T10"


async def test_wechat_that_is_unreachable_ends_nothing(store: Valkey) -> None:
    await TicketKeeper(ACCOUNT, store, api_url="http://127.0.0.1:1").keep()
    assert await store.command("GET", KEY) is None


async def test_it_is_behind_a_setting(settings: Settings, store: Valkey) -> None:
    assert wechat_ticket_loops(settings, store) == []
    chosen = settings.model_copy(update={"wechat_share_app_id": "wx1"})
    with pytest.raises(SettingsFault, match="VOTING_WECHAT_SHARE_SECRET"):
        wechat_ticket_loops(chosen, store)
    whole = chosen.model_copy(update={"wechat_share_secret": SecretStr("s")})
    assert [loop.name for loop in wechat_ticket_loops(whole, store)] == ["wechat_ticket"]


def test_the_signature_of_wechats_own_example() -> None:
    """The example of appendix 1 of the JS-SDK's documentation."""
    ticket = (
        "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
    )
    signed = sign_page(
        ticket,
        "http://mp.weixin.qq.com?params=value",
        nonce="Wm3WZYTPz0wzccnW",
        timestamp=1414587457,
    )
    assert signed == "0f9de62fce790f9a083d5c99e95740ceb90c27ed"
