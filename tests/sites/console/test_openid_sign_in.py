"""OpenID Connect at the console: the whole flow against a provider that keeps to the protocol."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.fakes.openid_provider import FakeOpenIdProvider
from tests.sites.console.running_staff_app import (
    StaffApp,
    StaffClient,
    running_staff_app,
)
from tests.sites.public.api.running_service import MovedClock
from voting_service.settings import Settings
from voting_service.sites.shared.signed_in.access import csrf_token
from voting_service.staff.accounts.sessions import CONFIRMED_FOR

CONSOLE_URL = "http://127.0.0.1:8001"


class Scene:
    """A console, its identity provider, and a browser that knows both."""

    def __init__(self, staff_app: StaffApp, provider: FakeOpenIdProvider) -> None:
        self.staff_app = staff_app
        self.provider = provider

    async def at_provider(self, page: httpx.Response) -> str:
        """Follows our page to the provider; the path by which that leads back."""
        result = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page.text)
        assert result, page.text
        transport = httpx.ASGITransport(self.provider.app)
        async with httpx.AsyncClient(transport=transport) as browser:
            answer = await browser.get(unescape(result[1]))
        assert answer.status_code == 302, answer.text
        back = urlsplit(answer.headers["location"])
        assert f"{back.scheme}://{back.netloc}" == CONSOLE_URL
        return f"{back.path}?{back.query}"

    async def run(self, browser: StaffClient, path: str, expected: str = "/") -> httpx.Response:
        """Begins at `path`; the answer to the provider's."""
        begun = await browser.post(path, data={"next": expected})
        assert begun.status_code == 200, begun.text
        return await browser.get(await self.at_provider(begun))

    async def connected(self) -> StaffClient:
        """A supervisor whose account is the provider's user."""
        browser = await self.staff_app.signed_in_client("supervisor")
        assert (await self.run(browser, "/account/openid")).status_code == 200
        return browser


@pytest.fixture
async def scene(settings: Settings, clock: MovedClock, tmp_path: Path) -> AsyncIterator[Scene]:
    provider = FakeOpenIdProvider(lambda: int(clock().timestamp()))
    provider.redirect_uri = f"{CONSOLE_URL}/sign-in/openid/callback"
    secret_file = tmp_path / "openid.secret"
    secret_file.write_text(provider.client_secret + "\n", encoding="utf-8")
    used = settings.model_copy(
        update={
            "staff_url": CONSOLE_URL,
            "staff_openid_issuer": provider.issuer,
            "staff_openid_client_id": provider.client_id,
            "staff_openid_client_secret_file": secret_file,
        }
    )
    http = httpx.AsyncClient(transport=httpx.ASGITransport(provider.app))
    async with running_staff_app(used, clock, http=http) as staff_app:
        yield Scene(staff_app, provider)


async def test_a_connected_account_is_signed_in(scene: Scene) -> None:
    await scene.connected()
    browser = scene.staff_app.client()
    answer = await scene.run(browser, "/sign-in/openid", "/account")
    assert 'content="0;url=/account"' in answer.text
    home = await browser.get("/")
    assert "supervisor-1" in home.text


async def test_a_user_without_an_account_is_refused(scene: Scene) -> None:
    await scene.connected()
    scene.provider.user = "user-2"
    browser = scene.staff_app.client()
    assert (await scene.run(browser, "/sign-in/openid")).status_code == 401
    assert (await browser.get("/")).status_code == 303


async def test_a_fresh_proof_confirms_the_session_that_asked(
    scene: Scene, clock: MovedClock
) -> None:
    browser = await scene.connected()
    clock.offset += CONFIRMED_FOR
    assert (await browser.post("/account/password", data={})).status_code == 303
    assert (await scene.run(browser, "/confirm/openid")).status_code == 200
    assert (await browser.post("/account/password", data={})).status_code == 422


@pytest.mark.parametrize("auth_time", [None, -120])
async def test_an_old_proof_confirms_nothing(
    scene: Scene, clock: MovedClock, auth_time: int | None
) -> None:
    browser = await scene.connected()
    clock.offset += CONFIRMED_FOR
    now = int(clock().timestamp())
    scene.provider.claims["auth_time"] = None if auth_time is None else now + auth_time
    assert (await scene.run(browser, "/confirm/openid")).status_code == 401
    assert (await browser.post("/account/password", data={})).status_code == 303


async def test_another_users_proof_confirms_nothing(scene: Scene, clock: MovedClock) -> None:
    browser = await scene.connected()
    clock.offset += CONFIRMED_FOR
    scene.provider.user = "user-2"
    assert (await scene.run(browser, "/confirm/openid")).status_code == 401
    assert (await browser.post("/account/password", data={})).status_code == 303


async def test_one_user_is_one_account(scene: Scene) -> None:
    await scene.connected()
    other = await scene.staff_app.signed_in_client("auditor")
    assert (await scene.run(other, "/account/openid")).status_code == 409


async def test_an_answer_fits_only_the_browser_that_asked_and_only_in_time(
    scene: Scene, clock: MovedClock
) -> None:
    await scene.connected()
    browser, stranger = scene.staff_app.client(), scene.staff_app.client()
    back = await scene.at_provider(await browser.post("/sign-in/openid", data={"next": "/"}))
    assert (await stranger.get(back)).status_code == 401
    await stranger.post("/sign-in/openid", data={"next": "/"})
    assert (await stranger.get(back)).status_code == 401, "the state is another's"
    assert (await browser.get(back)).status_code == 200, "and the code was not spent on it"
    late = scene.staff_app.client()
    back = await scene.at_provider(await late.post("/sign-in/openid", data={"next": "/"}))
    clock.offset += timedelta(minutes=10)
    assert (await late.get(back)).status_code == 401


async def test_a_code_is_taken_once(scene: Scene) -> None:
    await scene.connected()
    browser = scene.staff_app.client()
    begun = await browser.post("/sign-in/openid", data={"next": "/"})
    cookie = browser.cookies["openid"]
    back = await scene.at_provider(begun)
    assert (await browser.get(back)).status_code == 200
    again = scene.staff_app.client()
    again.cookies.set("openid", cookie)
    assert (await again.get(back)).status_code == 401


@pytest.mark.parametrize("auth_time", [None, -3600])
async def test_a_sign_in_by_a_proof_of_this_morning_confirms_nothing(
    scene: Scene, clock: MovedClock, auth_time: int | None
) -> None:
    await scene.connected()
    if auth_time is not None:
        scene.provider.claims["auth_time"] = int(clock().timestamp()) + auth_time
    browser = scene.staff_app.client()
    assert (await scene.run(browser, "/sign-in/openid")).status_code == 200
    assert "supervisor-1" in (await browser.get("/")).text
    token = browser.cookies["staff"]
    form = {"csrf": csrf_token(token), "password": "x" * 12, "again": "x" * 12}
    answer = await browser.post("/account/password", data=form)
    assert answer.headers["location"].startswith("/confirm")


async def test_a_session_that_was_ended_connects_nobody(scene: Scene) -> None:
    browser = await scene.staff_app.signed_in_client("supervisor")
    back = await scene.at_provider(await browser.post("/account/openid", data={}))
    await scene.staff_app.database.execute("update staff_sessions set ended_at = now()")
    assert (await browser.get(back)).status_code == 401
    assert (
        await scene.staff_app.database.fetchval("select max(openid_subject) from accounts") is None
    )
