"""Signing in at WeChat and at an OpenID Connect provider, over the pages."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from msgspec.structs import replace
from starlette.responses import Response

from tests.contest_data import SLUG, both, execute_as_owner, make_platform
from tests.fakes.openid_provider import FakeOpenIdProvider
from tests.fakes.wechat import FakeWechat, WechatUser
from tests.sites.public.api.running_service import ORIGIN, Service, running_service
from tests.sites.public.pages.reader import cookies_set
from voting_service.contests.repository import NewPlatform, insert_platform
from voting_service.i18n.text import Text
from voting_service.settings import Settings
from voting_service.sites.public.pages.sign_in_choices import sign_in_choices
from voting_service.sites.shared.qr_code import QrCode

RULES = f"/en/{SLUG}/rules"
ENTRANCE = "https://app.example/vote"
WECHAT = {"user-agent": "Mozilla/5.0 (iPhone) MicroMessenger/8.0.30"}


class Scene(NamedTuple):
    """A service with a platform of each kind: `login`, `wechat` and `app`, which has one."""

    service: Service
    provider: FakeOpenIdProvider
    wechat: FakeWechat

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.service.client.get(
            path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    async def go_back(self, path: str = f"/enter/login?next={RULES}") -> str:
        """Starts a sign-in; the path by which the provider leads back."""
        started = await self.get(path)
        assert started.status_code == 303, started.text
        transport = httpx.ASGITransport(self.provider.app)
        async with httpx.AsyncClient(transport=transport) as browser:
            answer = await browser.get(started.headers["location"])
        assert answer.status_code == 302, answer.text
        back = urlsplit(answer.headers["location"])
        return f"{back.path}?{back.query}"


@pytest.fixture
async def scene(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Scene]:
    wechat, provider = FakeWechat(), FakeOpenIdProvider(lambda: int(time.time()))
    provider.redirect_uri = f"{settings.public_url}/enter"
    secrets = tmp_path / "secrets.toml"
    secrets.write_text(
        f'wechat = "{wechat.secret}"\nlogin = "{provider.client_secret}"\n', encoding="utf-8"
    )
    outside = httpx.AsyncClient(
        mounts={fake.host: httpx.ASGITransport(fake.app) for fake in (wechat, provider)}
    )
    monkeypatch.setattr("voting_service.sites.public.state.open_http_client", lambda: outside)
    used = settings.model_copy(update={"platform_secrets_file": secrets})
    async with running_service(used) as service:
        for new in (
            NewPlatform("login", both("login"), "openid_connect", provider.config()),
            NewPlatform("wechat", both("wechat"), "wechat", {"appid": wechat.appid}),
            NewPlatform("app", both("app"), "jwt", {"keys": []}, entrance=ENTRANCE),
        ):
            await insert_platform(service.database, new)
        await service.refresh()
        yield Scene(service, provider, wechat)


async def test_an_openid_connect_user_comes_back_signed_in_to_the_page_they_wanted(
    scene: Scene,
) -> None:
    back = await scene.go_back()
    answer = await scene.get(back)
    assert (answer.status_code, answer.headers["location"]) == (303, RULES), answer.text
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert f"session-{SLUG}" in cookies_set(answer)
    assert "code" not in answer.headers["location"]
    again = await scene.get(back)
    assert again.status_code == 401, "the sign-in under way is over"
    token = scene.service.client.cookies[f"session-{SLUG}"]
    assert (await scene.service.cast(token, [1])).status_code == 201
    scene.service.client.cookies.clear()
    assert (await scene.get(await scene.go_back("/enter/login"))).headers["location"].endswith(SLUG)
    token = scene.service.client.cookies[f"session-{SLUG}"]
    assert (await scene.service.cast(token, [1])).status_code == 200, "it is the same voter"


async def test_what_is_missing_is_said_and_leads_to_another_start(scene: Scene) -> None:
    back = await scene.go_back()
    state = parse_qs(urlsplit(back).query)["state"][0]
    scene.provider.answers["token"] = Response(status_code=500)
    for path, status, text in (
        (f"/enter?error=access_denied&state={state}", 401, "you did not agree"),
        (f"/enter?state={state}", 401, "lacks the code"),
        ("/enter?code=1&state=other", 401, "another sign-in since"),
        (back, 503, "Wait a moment"),
    ):
        answer = await scene.get(path, accept_language="zh")
        assert answer.status_code == status, answer.text
        assert text in answer.text, path
        assert f'href="/enter/login?next={RULES.replace("/", "%2F")}"' in answer.text
        assert "session-" not in str(cookies_set(answer))
    scene.service.clock.offset += timedelta(minutes=11)
    assert "more than ten minutes" in (await scene.get(back)).text
    scene.service.client.cookies.clear()
    answer = await scene.get(back, accept_language="en")
    assert answer.status_code == 401
    assert "did not start in this browser" in answer.text
    assert 'href="/enter/login"' in answer.text and ENTRANCE in answer.text


async def test_a_platform_that_was_switched_off_on_the_way_signs_nobody_in(scene: Scene) -> None:
    back = await scene.go_back()
    await scene.service.database.execute("update platforms set enabled = false, revision = 99")
    await scene.service.refresh()
    assert (await scene.get(back)).status_code == 401
    assert (await scene.get("/enter/login")).status_code == 401
    assert (await scene.get("/enter/nobody", accept="text/html")).status_code == 404


async def test_a_provider_without_our_redirect_uri_is_the_organisers_to_mend(scene: Scene) -> None:
    config = scene.provider.config(redirect_uris=["https://elsewhere.example/"])
    await execute_as_owner(
        scene.service.settings.owner_database_url,
        "update platforms set config = $1, revision = 99 where slug = 'login'",
        config,
    )
    await scene.service.refresh()
    answer = await scene.get("/enter/login", accept_language="en")
    assert answer.status_code == 503
    assert f"{scene.service.settings.public_url}/enter" in answer.text


async def test_wechat_signs_in_inside_wechat_and_is_scanned_elsewhere(scene: Scene) -> None:
    page = await scene.get(f"/enter/wechat?next=/zh/{SLUG}/rules")
    assert page.status_code == 200
    assert "<svg" in page.text and "微信" in page.text
    too_long = await scene.service.client.get(f"/enter/wechat?next=/{'x' * 5000}", headers=WECHAT)
    assert len(too_long.headers["set-cookie"]) < 1500, "browsers keep 4096 bytes of a cookie"
    started = await scene.service.client.get(f"/enter/wechat?next={RULES}", headers=WECHAT)
    address = urlsplit(started.headers["location"])
    assert (address.netloc, address.fragment) == ("open.weixin.qq.com", "wechat_redirect")
    query = {name: value for name, [value] in parse_qs(address.query).items()}
    assert list(query) == ["appid", "redirect_uri", "response_type", "scope", "state"]
    assert query["redirect_uri"] == f"{scene.service.settings.public_url}/enter"
    assert re.fullmatch("[a-zA-Z0-9]{32,128}", query["state"])
    code = scene.wechat.consent(WechatUser("openid-1"), query["scope"])
    sent = {"platform": "wechat", "token": code, "contest": SLUG}
    link = await scene.service.client.post("/enter", data=sent, headers={"accept-language": "en"})
    assert (link.status_code, cookies_set(link)) == (401, {}), "a link with a code signs in nobody"
    assert "begins on this page" in link.text
    answer = await scene.get(f"/enter?code={code}&state={query['state']}")
    assert answer.headers["location"] == RULES
    snapshot = scene.wechat.consent(WechatUser("openid-2", snapshot=True), query["scope"])
    started = await scene.service.client.get(f"/enter/wechat?next={RULES}", headers=WECHAT)
    state = parse_qs(urlsplit(started.headers["location"]).query)["state"][0]
    answer = await scene.get(f"/enter?code={snapshot}&state={state}")
    assert answer.status_code == 401
    assert "Use full service" in answer.text


async def test_a_platform_with_an_app_is_left_by_its_entrance(scene: Scene) -> None:
    answer = await scene.get("/enter/app")
    assert (answer.status_code, answer.headers["location"]) == (303, ENTRANCE)
    assert (await scene.get("/enter/other")).status_code == 200


async def test_wherever_one_has_to_sign_in_the_way_to_each_platform_is_shown(scene: Scene) -> None:
    """By link and code where there is an entrance, and back to the review where a provider is."""
    form = {
        "content-type": "application/x-www-form-urlencoded",
        "sec-fetch-site": "same-origin",
        "accept-language": "en",
    }
    client, ballot = scene.service.client, f"/en/{SLUG}/ballot"
    kept = await client.post(f"{ballot}/review", content="choice=1", headers=form)
    assert kept.status_code == 303
    pages = [
        await scene.get("/enter", accept_language="en"),
        await scene.get(f"{ballot}/review"),
        await client.post(ballot, content="choice=1", headers=form),
        await client.post("/enter", content="platform=app&token=x", headers=form),
    ]
    assert [page.status_code for page in pages] == [200, 200, 401, 401]
    for page in pages:
        assert f'href="{ENTRANCE}" rel="noreferrer">Vote in app</a>' in page.text
        assert str(QrCode.of(ENTRANCE).svg()) in page.text
    for page in pages[1:3]:
        assert f'href="/enter/login?next={ballot.replace("/", "%2F")}%2Freview"' in page.text
        assert f'href="{ORIGIN}/"' in page.text
    back = await scene.go_back(f"/enter/login?next={ballot}/review")
    assert (await scene.get(back)).headers["location"] == f"{ballot}/review"
    assert "Sign in with login" not in (await scene.get(f"{ballot}/review")).text


@pytest.mark.parametrize(
    ("fields", "kind", "app", "link"),
    [
        ({"entrance": ENTRANCE, "app_name": Text("客户端", "The App")}, "app", "The App", ENTRANCE),
        ({"entrance": ENTRANCE, "kind": "openid_connect"}, "app", "press", ENTRANCE),
        ({"kind": "openid_connect"}, "provider", "press", "/enter/press?next=%2Fen%2Fx"),
        ({"kind": "wechat"}, "scan", "press", "/enter/press?next=%2Fen%2Fx"),
        ({"origins": ("https://press.example",)}, "website", "press", "https://press.example/"),
        ({}, "name", "press", ""),
    ],
)
def test_each_platform_is_reached_by_the_best_it_has(
    fields: dict[str, Any], kind: str, app: str, link: str
) -> None:
    platform = replace(make_platform("press"), **fields)
    [choice] = sign_in_choices([platform], "en", "https://vote.example", "/en/x")
    assert (choice.kind, choice.app, choice.link) == (kind, app, link)
    coded = {"app": ENTRANCE, "scan": f"https://vote.example{link}"}.get(kind)
    assert choice.code == (QrCode.of(coded).svg() if coded else None)
    [there] = sign_in_choices([platform], "en", "https://vote.example", "/en/x", in_wechat=True)
    assert there == (choice._replace(kind="provider", code=None) if kind == "scan" else choice)
