"""The token checker and the API reference, as an engineer reads them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from typing import Any

import msgspec
import pytest

from tests.contest_data import SLUG
from tests.fakes.signers import FakePlatform, P256Signer, compact
from tests.sites.public.api.running_service import OTHER_SLUG, Service, running_service
from voting_service.settings import Settings
from voting_service.sites.public.api import openapi

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    async with running_service(settings) as running:
        yield running


async def check(service: Service, token: str, language: str = "en") -> tuple[str, dict[str, str]]:
    """The page's heading, and what it states about each part of the token."""
    answer = await service.client.post(
        f"/{language}/platforms/check", content=f"token={token}", headers=FORM
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert token not in answer.text, "the token is not sent back"
    [heading] = re.findall(r'<h2 id="found"[^>]*>(.*?)</h2>', answer.text)
    parts = {}
    for item in re.findall(r'<li class="finding.*?</li>', answer.text, re.S):
        [what] = re.findall(r'<strong class="what"><code>(.*?)</code>', item)
        text = re.sub(r"<[^>]+>", " ", item.partition("</strong>")[2])
        parts[what] = " ".join(unescape(text).split())
    return heading, parts


async def test_a_right_token_is_right_in_every_part_and_can_still_be_used_once(
    service: Service,
) -> None:
    token = service.demo.token(SLUG, "reader-1", int(service.clock().timestamp()))
    for pasted in (token, f"https://vote.example/enter%23platform=demo%26token={token}%26next="):
        heading, parts = await check(service, pasted)
        assert heading == "Everything is right"
        assert {"alg", "kid", "signature", "iss", "aud", "sub", "iat", "exp", "jti"} <= set(parts)
        assert all(text.startswith("right ") for text in parts.values())
        assert "reader-1" not in str(parts)
    assert (await service.sign_in(token)).status_code == 201, "checking did not use it up"
    heading, parts = await check(service, token)
    assert heading == "1 wrong" and "already signed somebody in" in parts["jti"]
    assert "sign a new token for each click; do not cache the redirect" in parts["jti"]
    again = (await service.sign_in(token)).json()["detail"]
    assert "sign a new token for each click" in again
    assert again.endswith(f" {service.settings.public_url}/en/platforms/check")


async def test_the_links_platform_is_compared_with_the_token_as_at_sign_in(
    service: Service,
) -> None:
    token = service.demo.token(SLUG, "reader-1", int(service.clock().timestamp()))
    heading, parts = await check(
        service, f"https://vote.example/enter#platform=press%26token={token}"
    )
    assert heading == "1 wrong"
    assert "the token names demo, the link names platform press" in parts["iss"]
    assert parts["signature"].startswith("right "), "the token itself is right"
    for platform, words in (
        (service.other.slug, "iss: the token names demo, the request names platform "),
        ("nobody", "There is no platform "),
    ):
        refused = await service.sign_in(token, platform=platform)
        assert refused.status_code == 401
        assert refused.json()["detail"].startswith(words + platform)


async def test_the_state_of_the_contest_is_shown(service: Service) -> None:
    _, parts = await check(service, service.token())
    assert parts["contest"] == f"right {SLUG}, open"
    for moment, words in (
        (
            service.contest.opens_at - timedelta(hours=1),
            "voting has not opened: users can sign in, and can vote from",
        ),
        (service.contest.closes_at, "voting closed at"),
    ):
        service.clock.set(moment)
        heading, parts = await check(service, service.token())
        assert heading == "Everything is right"
        assert words in parts["contest"] and parts["contest"].startswith("note ")
        assert f"({service.contest.zone})" in parts["contest"]


@pytest.mark.parametrize(
    ("claims", "what", "text"),
    [
        ({"iat": 37, "exp": 90}, "iat", "[0-9]+ s in the future by our clock; 30 s are tolerated"),
        ({"iat": -400, "exp": -280}, "exp", "expired [0-9]+ s ago by our clock.*over at once"),
        ({"exp": 3600}, "exp", "at most 120 s after iat, and is 3600 s after it"),
        ({"exp": -5}, "exp", "must be after iat, and is 5 s before it"),
    ],
)
async def test_times_are_wrong_by_so_much_on_the_page_and_in_the_401(
    claims: dict[str, int], what: str, text: str, service: Service
) -> None:
    now = int(service.clock().timestamp())
    times = {name: now + seconds for name, seconds in claims.items()}
    token = service.demo.token(SLUG, "reader-1", now, **times)
    heading, parts = await check(service, token)
    assert heading == "1 wrong" and re.search(text, parts[what])
    refused = await service.sign_in(token)
    assert refused.status_code == 401 and re.search(text, refused.json()["detail"])
    heading, parts = await check(service, token, "zh")
    assert heading == "1 项有误" and re.search("[0-9]+ 秒", parts[what])


async def test_what_cannot_be_read_is_named_and_not_the_contest(service: Service) -> None:
    now = int(service.clock().timestamp())
    for token, what, text in (
        ("a.b", "token", "three base64url parts separated by dots, and has 2"),
        ("!!.e30.x", "header", "base64url"),
        (
            FakePlatform("nobody").token(SLUG, "x", now),
            "iss",
            "no platform is registered as nobody",
        ),
        (
            service.demo.token("other", "x", now),
            "aud",
            f'must be the slug of a contest: {SLUG}, {OTHER_SLUG} (it is "other")',
        ),
        (
            service.demo.token(SLUG, "x", now, aud=[SLUG, OTHER_SLUG]),
            "aud",
            f'must name one contest, and names 2 (it is ["{SLUG}","{OTHER_SLUG}"])',
        ),
        (
            service.demo.token(SLUG, "x", now, sub=12345),
            "sub",
            "must be a text of 1 to 128 characters; it is the number 12345",
        ),
        (
            service.demo.token(SLUG, "x", now, iat=now * 1000, exp=(now + 60) * 1000),
            "iat",
            "looks like milliseconds; divide by 1000",
        ),
        (
            FakePlatform("demo", kid="demo-9").token(SLUG, "x", now),
            "kid",
            "the token names demo-9; the registered keys are demo-key.",
        ),
        (
            FakePlatform("demo", P256Signer(), kid="demo-key").token(SLUG, "x", now),
            "alg",
            "the platform's key signs with EdDSA; the token names ES256",
        ),
        (service.disabled.token(SLUG, "x", now), "iss", "switched off"),
        (FakePlatform("demo", kid="demo-key").token(SLUG, "x", now), "signature", "private half"),
    ):
        _, parts = await check(service, token)
        assert text in parts[what], parts
        assert parts[what].startswith("wrong ")
    for name, words in (
        ("sub", "is missing; write your own unchanging user id, 1 to 128 characters"),
        ("iss", 'is missing; write the platform\'s slug, "demo"'),
        ("exp", "is missing; write iat plus at most 120"),
        ("jti", "is missing; write a new random text"),
    ):
        claims = service.demo.claims(SLUG, "x", now)
        del claims[name]
        lacking = compact(service.demo.signer, claims, {"alg": "EdDSA"})
        sentence = (await service.sign_in(lacking)).json()["detail"]
        assert sentence.startswith(f"{name}: {words}"), sentence
        _, parts = await check(service, lacking)
        assert parts[name].startswith(f"wrong {words.partition(';')[0]}")
    other_key = FakePlatform("demo", kid="demo-key").token(SLUG, "x", now)
    p256 = FakePlatform("demo", P256Signer(), kid="demo-key").token(SLUG, "x", now)
    for token, words in (
        (other_key, "must print the public.pem that the organiser registered"),
        (p256, "sign with the algorithm of the registered key"),
        (service.demo.token(SLUG, "x", now - 300), "set the server's clock by NTP"),
    ):
        sentence = (await service.sign_in(token)).json()["detail"]
        assert words in sentence, sentence
    for token, text in (("a.b", "and has 2"), ("!!.e30.x", "base64url")):
        detail: str = (await service.sign_in(token)).json()["detail"]
        assert text in detail and "contest" not in detail
    empty = await service.client.get("/zh/platforms/check")
    assert empty.status_code == 200 and "<form" in empty.text
    large = "token=" + "x" * 20_000
    refused = await service.client.post("/en/platforms/check", content=large, headers=FORM)
    assert refused.status_code == 413


def test_the_examples_of_the_contract_are_what_its_types_read() -> None:
    types: dict[str, Any] = {kind.__name__: kind for kind in openapi.MESSAGE_TYPES}
    assert openapi.examples().keys() <= types.keys()
    for name, example in openapi.examples().items():
        msgspec.convert(example, types[name])
        assert msgspec.convert(example, types[name], strict=True)
    assert {"Cast", "SignInRequest", "ReceiptGiven"} <= openapi.examples().keys()


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_reference_shows_every_call_with_an_example(
    language: str, service: Service
) -> None:
    answer = await service.client.get(f"/{language}/platforms/api")
    assert answer.status_code == 200
    contract = msgspec.json.decode(openapi.document())
    for path, item in contract["paths"].items():
        operations = [item[method] for method in ("get", "post") if method in item]
        for operation in operations if path.startswith("/api/") else ():
            assert f'<h2 id="{operation["operationId"]}">' in answer.text
    for name in ("Cast", "SignInRequest", "Problem"):
        assert f'<h3 id="{name}">' in answer.text
    text = unescape(answer.text)
    assert f"curl -sS {service.settings.public_url}/api/v1/contests/{SLUG}/ballots" in text
    assert '"choices": [3, 7]' in text
    for sort in ("/platforms", "/platforms/check"):
        assert (
            f'href="/{language}{sort}"'
            in (await service.client.get(f"/{language}/platforms/check")).text
            + (await service.client.get(f"/{language}/platforms")).text
        )


async def test_a_candidate_that_does_not_exist_is_named_by_number(service: Service) -> None:
    profile = await service.client.get(f"/api/v1/contests/{SLUG}/candidates/77")
    assert (profile.status_code, profile.json()["detail"]) == (404, "There is no candidate 77.")
    ballot = await service.cast(await service.open_session(), [77])
    assert ballot.status_code == 422 and "there is no candidate 77" in ballot.text
    contract = msgspec.json.decode(openapi.document())
    [summary] = [
        operation["summary"]
        for item in contract["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict) and operation.get("operationId") == "receipt"
    ]
    assert "recorded" in summary
