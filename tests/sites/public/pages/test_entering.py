"""`/enter` without a browser: who comes in, where to, and what is kept of the token."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from pathlib import Path

import pytest

from tests.browser.site import SLUG, Site
from tests.contest_data import SLUG as SMALL
from tests.contest_data import store_contest, store_platform
from tests.fakes.signers import FakePlatform
from tests.sites.public.api.serve_process import serve_process
from tests.sites.public.pages.reader import (
    BALLOT,
    LEAVE,
    PLATFORM_ORIGIN,
    REVIEW,
    Reader,
    cookies_set,
    csrf_token_in,
    heading,
    reading,
)
from voting_service.errors import StoreUnavailable
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.settings import Settings
from voting_service.voting.voters.session_token import session_seconds

LIST = f"/zh/{SLUG}"


async def test_a_platforms_form_signs_its_user_in(reader: Reader) -> None:
    before = system_clock()
    answer = await reader.enter(next=BALLOT)
    assert (answer.status_code, answer.headers["location"]) == (303, BALLOT)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    cookie = cookies_set(answer)[f"session-{SLUG}"].lower().split("; ")
    assert {"httponly", "samesite=lax", "path=/"} < set(cookie)
    seconds = int(next(part for part in cookie if part.startswith("max-age="))[8:])
    longest, shortest = (
        session_seconds(reader.site.contest, at) for at in (before, system_clock())
    )
    assert shortest - 1 <= seconds <= longest
    assert "secure" not in cookie, "this site is served over plain http"
    assert "您已通过“demo”登录" in (await reader.review([1])).text


async def test_over_https_cookies_are_secure_and_cannot_be_set_by_neighbours(
    lasting_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = lasting_site.settings.model_copy(update={"public_url": "https://vote.example"})
    monkeypatch.setattr(lasting_site.state, "settings", public)
    async with reading(lasting_site) as reader:
        answer = await reader.enter()
        for name in (f"__Host-session-{SLUG}", f"__Host-voted-{SLUG}"):
            cookie = cookies_set(answer)[name].lower().split("; ")
            assert {"secure", "path=/", "samesite=lax"} < set(cookie)
            assert not [part for part in cookie if part.startswith("domain=")]


@pytest.mark.parametrize(
    "expected",
    [
        LIST,
        BALLOT,
        f"/en/{SLUG}",
        f"/en/{SLUG}/candidates/7",
        f"/zh/{SLUG}/rules",
    ],
)
async def test_next_leads_to_a_page_of_ours(expected: str, reader: Reader) -> None:
    assert (await reader.enter(next=expected)).headers["location"] == expected


@pytest.mark.parametrize(
    "expected",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/zh//evil.example",
        "/zh/..//evil.example",
        "/zh/%2f%2fevil.example",
        "http:evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        " /zh/x",
        "/zh/x\n",
        "/zh/x\r\nset-cookie: a=b",
        "/zh/x\x00",
        "/zh/x@evil.example",
        "/zh/x?next=//evil.example",
        "/zh/x#token",
        "/api/v1/contests",
        "/enter",
        "/",
        "zh/x",
        "／zh／x",
        "/zh/" + "a" * 65,
    ],
)
async def test_next_leads_nowhere_else(expected: str, reader: Reader) -> None:
    assert (await reader.enter(next=expected)).headers["location"] == LIST


@pytest.mark.parametrize(
    ("fields", "accept", "location"),
    [
        ({"language": "en"}, "zh-CN", f"/en/{SLUG}"),
        ({"language": "zh"}, "en-GB", LIST),
        ({"language": "fr"}, "en-GB", f"/en/{SLUG}"),
        ({}, "en-GB,en", f"/en/{SLUG}"),
        ({}, "zh-CN", LIST),
        ({}, "", LIST),
        ({"contest": SLUG}, "", LIST),
        ({"contest": ""}, "", LIST),
    ],
)
async def test_the_platform_states_the_language_else_the_browser(
    fields: dict[str, str], accept: str, location: str, reader: Reader
) -> None:
    answer = await reader.post(
        "/enter",
        {"platform": "demo", "token": reader.site.token(), **fields},
        origin=PLATFORM_ORIGIN,
        accept_language=accept,
    )
    assert answer.headers["location"] == location


@pytest.mark.parametrize(
    ("origin", "sec_fetch_site", "comes_in"),
    [
        (PLATFORM_ORIGIN, "cross-site", True),
        (PLATFORM_ORIGIN, "", True),
        ("ours", "same-origin", True),
        ("ours", "", True),
        ("", "", True),
        ("", "none", True),
        ("null", "none", True),
        ("null", "same-origin", True),
        ("null", "same-site", True),
        ("null", "", True),
        ("https://other.example", "cross-site", False),
        ("https://other.example", "", False),
        ("https://evil.example", "cross-site", False),
        ("https://evil.example", "same-site", False),
        ("https://evil.example", "", False),
        ("https://news.example.evil.example", "", False),
        ("null", "cross-site", False),
        ("null", "said by nobody", False),
        ("", "cross-site", False),
        ("http://[", "", False),
    ],
)
async def test_only_the_platforms_own_origins_and_ours_may_post(
    origin: str, sec_fetch_site: str, comes_in: bool, reader: Reader
) -> None:
    token = reader.site.token()
    answer = await reader.post(
        "/enter",
        {"platform": "demo", "token": token, "language": "en"},
        origin=reader.site.origin if origin == "ours" else origin,
        sec_fetch_site=sec_fetch_site,
    )
    assert answer.status_code == (303 if comes_in else 403)
    assert (f"session-{SLUG}" in cookies_set(answer)) is comes_in
    if not comes_in:
        received = html.escape(origin or sec_fetch_site)
        assert f"the form was sent from {received}; the registered origins" in answer.text
        assert f"of the platform are: {PLATFORM_ORIGIN}" in answer.text
        later = await reader.post("/enter", {"platform": "demo", "token": token})
        assert later.status_code == 303, "a refused post used the token up"


@pytest.mark.parametrize(
    "spoil", ["replayed", "expired", "forged", "other platform", "no platform", "empty", "garbage"]
)
async def test_a_token_that_is_no_good_ends_on_a_page_that_states_what_to_do(
    spoil: str, reader: Reader
) -> None:
    token, platform, clock = reader.site.token(), "demo", reader.site.clock
    match spoil:
        case "replayed":
            await reader.post("/enter", {"platform": "demo", "token": token})
            reader.client.cookies.clear()
        case "forged":
            token = token[:-8] + "AAAAAAAA"
        case "other platform":
            platform = "other"
        case "no platform":
            platform = "nobody"
        case "empty":
            token = ""
        case "garbage":
            token = "planted-garbage"
        case _:
            pass
    try:
        clock.offset = timedelta(minutes=4) if spoil == "expired" else timedelta()
        answer = await reader.post("/enter", {"platform": platform, "token": token})
    finally:
        clock.offset = timedelta()
    assert answer.status_code == (422 if spoil == "empty" else 401)
    assert heading(answer) == "进入失败"
    assert "重新点击投票入口" in answer.text
    assert not cookies_set(answer)
    assert "location" not in answer.headers
    if token:
        assert token not in answer.text
        assert token.rpartition(".")[2] not in answer.text


async def test_tokens_and_sessions_are_in_no_address_answer_or_log(
    settings: Settings, database: Connection, tmp_path: Path
) -> None:
    platform = FakePlatform("demo")
    await store_contest(database, settings.master_key.get_secret_value())
    await store_platform(database, "demo", [platform.signer.jwk()])
    good, spare = (
        platform.token(SMALL, "planted-reader", int(system_clock().timestamp())) for _ in "12"
    )
    bad = spare[:-6] + "AAAAAA"
    async with serve_process(settings, tmp_path, LOG_LEVEL="debug") as serving:
        post = serving.client.post
        entered = await post("/enter", data={"platform": "demo", "token": good})
        session = serving.client.cookies[f"session-{SMALL}"]
        answers = [
            await post("/enter", data={"platform": "demo", "token": bad}),
            await post("/enter", data={"platform": "demo", "token": good}),
            await post("/enter", data={"platform": "demo", "token": bad, "unknown": bad}),
            await serving.client.get(f"/enter?platform=demo&token={spare}"),
            await post(f"/zh/{SMALL}/ballot", data={"choice": "3", "csrf_token": session}),
            await post(f"/zh/{SMALL}/ballot/review", data={"choice": "3"}),
            await serving.client.get(f"/zh/{SMALL}"),
        ]
        assert [answer.status_code for answer in answers] == [401, 401, 422, 303, 403, 303, 200]
        assert answers[3].headers["location"] == "/enter"
        assert entered.headers["location"] == f"/zh/{SMALL}"
        kept = [serving.log(), entered.text, await serving.metrics()]
    kept += [serving.log(), *(answer.text + repr(answer.headers) for answer in answers)]
    for secret in (good, bad, spare, session):
        for part in (secret, *secret.split(".")[1:]):
            assert not [text for text in kept if part in text]


async def test_while_sign_in_is_unavailable_the_page_states_when_to_come_back(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def require_current() -> None:
        raise StoreUnavailable("sites.public.api.service_starting")

    monkeypatch.setattr(reader.site.state.registry, "require_current", require_current)
    answer = await reader.enter(language="en")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "The service is busy" in answer.text


async def test_who_has_voted_already_is_known_at_the_door_on_any_device(
    reader: Reader,
) -> None:
    receipt = await reader.site.cast([1], "everywhere")
    entered = await reader.enter("everywhere")
    assert reader.client.cookies[f"voted-{SLUG}"] == receipt["ballot"]
    assert f"session-{SLUG}" in cookies_set(entered)
    await reader.enter("somebody else")
    assert f"voted-{SLUG}" not in reader.client.cookies


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_the_page_of_the_link_needs_nothing_from_the_address(
    language: str, reader: Reader
) -> None:
    page = await reader.get("/enter", headers={"accept-language": language})
    assert page.status_code == 200
    assert "/static/enter." in page.text
    assert page.headers["cache-control"] == "no-store"
    assert heading(page) == ("登录投票" if language == "zh-CN" else "Sign in to vote")


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_nobody_is_signed_out_by_another_site(origin: str, reader: Reader) -> None:
    await reader.enter()
    answer = await reader.post(LEAVE, {}, origin=origin, sec_fetch_site="")
    assert answer.status_code == 403
    assert f"session-{SLUG}" in reader.client.cookies


async def test_only_the_form_with_a_token_may_be_sent_from_nowhere(reader: Reader) -> None:
    """A frame without an origin can be anybody's, and the other forms do what a cookie states."""
    await reader.enter()
    csrf_token = csrf_token_in(await reader.review([1]))
    for path, fields in (
        (REVIEW, [("choice", 2)]),
        (BALLOT, [("choice", 1), ("csrf_token", csrf_token)]),
        (LEAVE, []),
    ):
        assert (
            await reader.post(path, fields, origin="null", sec_fetch_site="")
        ).status_code == 403
    assert reader.client.cookies[f"choice-{SLUG}"] == "1"


async def test_browsers_name_our_origin_when_a_page_of_ours_posts(reader: Reader) -> None:
    """With no-referrer they would send `Origin: null` (Fetch, 3.2)."""
    await reader.enter()
    pages = [await reader.get("/enter"), await reader.get(BALLOT), await reader.review([1])]
    pages.append(await reader.post("/enter", {"platform": "demo", "token": "x"}))
    for page in pages:
        assert 'method="post"' in page.text
        assert page.headers["referrer-policy"] == "same-origin"


async def test_next_of_another_contest_leads_to_the_one_that_is_signed_in_to(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    contest_states = reader.site.state.contest_states
    monkeypatch.setitem(contest_states, SMALL, contest_states[SLUG])
    for other in (f"/zh/{SMALL}", f"/en/{SMALL}/ballot"):
        landed = (await reader.enter(next=other)).headers["location"]
        assert landed == f"/{other[1:3]}/{SLUG}#other-contest"
        page = await reader.get(landed.partition("#")[0])
        title = getattr(reader.site.contest.rules.title, other[1:3])
        assert re.search(f'id="other-contest"[^>]*>[^<]*{re.escape(title)}', page.text)
