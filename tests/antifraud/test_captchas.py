"""Hosted captchas: each adapter through the real client against its provider's protocol, and the
verifier that keeps a provider's faults away from the votes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from prometheus_client import REGISTRY
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from tests.captcha_verifiers import (
    captcha_rules,
    secrets_file,
    verifier_for,
)
from tests.fakes.captcha_providers import (
    FAKES,
    FakeGeeTest,
    FakeProvider,
    FakeTencent,
    FakeTurnstile,
    FakeYidun,
)
from tests.patience import PATIENCE_SECONDS
from voting_service.antifraud.captchas.adapter import CaptchaResponse
from voting_service.antifraud.captchas.registry import CaptchaRegistry, read_captcha_secrets
from voting_service.antifraud.captchas.tencent import ApiKey, authorization
from voting_service.antifraud.captchas.verifier import (
    FAILURE_THRESHOLD,
    MAX_AT_ONCE,
    OPEN_CIRCUIT_SECONDS,
    CaptchaResult,
    CaptchaVerifier,
    VerifierOptions,
)
from voting_service.contests.model import ScreeningRules
from voting_service.infrastructure.http_clients.client import MAX_CALLS_PER_HOST, BoundedClient
from voting_service.settings import SettingsFault

NOW = datetime(2022, 7, 18, 23, 59, 59, tzinfo=UTC)
MINE, YOURS = "a" * 32, "b" * 32
ADDRESS = "198.51.100.77"
MakeVerifier = Callable[..., CaptchaVerifier]


class Elapsed:
    """A monotonic clock that stands still until moved."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def elapsed() -> Elapsed:
    return Elapsed()


@pytest.fixture(params=FAKES, ids=lambda fake: fake.provider)
def fake(request: pytest.FixtureRequest) -> FakeProvider:
    made: FakeProvider = request.param(NOW.timestamp)
    return made


@pytest.fixture
async def make_verifier(tmp_path: Path, elapsed: Elapsed) -> AsyncIterator[MakeVerifier]:
    async with AsyncExitStack() as opened:

        def make(fake: FakeProvider, **more: Any) -> CaptchaVerifier:
            verifier, client = verifier_for(fake, tmp_path, lambda: NOW, monotonic=elapsed, **more)
            opened.push_async_callback(client.aclose)
            return verifier

        yield make


def check(verifier: CaptchaVerifier, token: str, binding: str = MINE) -> Awaitable[CaptchaResult]:
    return verifier.verify(CaptchaResponse(token, ADDRESS, binding))


def counted(fake: FakeProvider, outcome: str) -> float:
    labels = {"provider": fake.provider, "outcome": outcome}
    return REGISTRY.get_sample_value("voting_captchas_total", labels) or 0.0


async def test_a_valid_token_is_verified(fake: FakeProvider, make_verifier: MakeVerifier) -> None:
    before = counted(fake, "verified")
    assert await check(make_verifier(fake), fake.solve(MINE)) is CaptchaResult.VERIFIED
    assert counted(fake, "verified") == before + 1


async def test_a_forged_token_fails(fake: FakeProvider, make_verifier: MakeVerifier) -> None:
    verifier, before = make_verifier(fake), counted(fake, "failed")
    token = fake.solve(MINE)
    fake.tokens.clear()
    assert await check(verifier, token) is CaptchaResult.FAILED
    assert counted(fake, "failed") == before + 1
    for junk in ("", "x y", "\u00e9", "a" * 2601, "\n"):
        assert await check(verifier, junk) is CaptchaResult.FAILED
    assert len(fake.requests) == 1, "the provider is not asked about malformed tokens"
    assert verifier.is_available


async def test_the_same_voter_may_try_again_and_nobody_else(
    fake: FakeProvider, make_verifier: MakeVerifier
) -> None:
    verifier, token = make_verifier(fake), fake.solve(MINE)
    assert await check(verifier, token) is CaptchaResult.VERIFIED
    assert await check(verifier, token) is CaptchaResult.VERIFIED, "a retry of the same vote"
    assert len(fake.requests) == 1
    assert await check(verifier, token, YOURS) is CaptchaResult.FAILED
    assert await check(make_verifier(fake), token) is CaptchaResult.FAILED, (
        "another worker asks the provider, which rejects it"
    )


async def test_a_token_is_valid_once_even_where_the_provider_accepts_it_twice(
    fake: FakeProvider, make_verifier: MakeVerifier
) -> None:
    seen: set[str] = set()

    async def mark_used(token: str, seconds: int) -> bool:
        assert seconds >= 1_200
        fresh = token not in seen
        seen.add(token)
        return fresh

    workers = [make_verifier(fake, mark_used=mark_used) for _ in range(2)]
    token, before = fake.solve(MINE), counted(fake, "replayed")
    assert await check(workers[0], token) is CaptchaResult.VERIFIED
    fake.used.clear()
    assert await check(workers[1], token) is CaptchaResult.FAILED
    assert counted(fake, "replayed") == before + 1


@pytest.mark.parametrize(
    "instead",
    [
        PlainTextResponse("busy", 503),
        JSONResponse({"success": True, "status": "success", "result": "success"}, 500),
        PlainTextResponse("<html>"),
        PlainTextResponse("[" * 60_000),
        PlainTextResponse(b"\xff\xfe"),
        PlainTextResponse("{}" + " " * 70_000),
        JSONResponse({}),
        JSONResponse([]),
        JSONResponse({"success": "yes", "status": 1, "error": "0", "Response": []}),
        JSONResponse(
            {
                "error": 0,
                "Response": {},
                "status": "success",
                "result": "perhaps",
                "success": False,
                "error-codes": ["internal-error"],
            }
        ),
        RedirectResponse("https://elsewhere.example/"),
    ],
    ids=range(11),
)
async def test_an_error_or_nonsense_is_unavailable_and_never_verified(
    fake: FakeProvider, make_verifier: MakeVerifier, instead: Response
) -> None:
    verifier, before = make_verifier(fake), counted(fake, "unavailable")
    fake.instead = instead
    assert await check(verifier, fake.solve(MINE)) is CaptchaResult.UNAVAILABLE
    assert counted(fake, "unavailable") == before + 1


async def test_wrong_secrets_never_verify_and_are_not_logged(
    fake: FakeProvider, make_verifier: MakeVerifier, caplog: pytest.LogCaptureFixture
) -> None:
    for name in fake.secrets_table:
        verifier = make_verifier(fake, secrets={name: "planted-wrong"})
        outcome = await check(verifier, fake.solve(MINE))
        assert outcome is not CaptchaResult.VERIFIED, name
    assert "planted-wrong" not in caplog.text


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        (FakeTurnstile, "secret"),
        (FakeTencent, "secret_key"),
        (FakeTencent, "secret_id"),
        (FakeYidun, "secret_key"),
    ],
)
async def test_a_wrong_key_is_unavailable_so_that_no_voter_gets_the_harder_challenge(
    make_verifier: MakeVerifier, wrong: type[FakeProvider], name: str
) -> None:
    fake = wrong(NOW.timestamp)
    verifier = make_verifier(fake, secrets={name: "wrong"})
    assert await check(verifier, fake.solve(MINE)) is CaptchaResult.UNAVAILABLE


async def test_an_unreachable_host_is_unavailable(
    fake: FakeProvider, make_verifier: MakeVerifier
) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    verifier = make_verifier(fake, transport=httpx.MockTransport(refuse))
    assert await check(verifier, fake.solve(MINE)) is CaptchaResult.UNAVAILABLE


async def test_a_slow_provider_is_unavailable_at_the_deadline(
    fake: FakeProvider, make_verifier: MakeVerifier
) -> None:
    fake.held = asyncio.Event()
    verifier = make_verifier(fake, deadline_seconds=0.02)
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await check(verifier, fake.solve(MINE)) is CaptchaResult.UNAVAILABLE


def is_available(verifier: CaptchaVerifier) -> bool:
    """As a function: for the type checker a property stays what it was."""
    return verifier.is_available


async def test_after_failures_in_a_row_the_circuit_opens_and_half_opens(
    make_verifier: MakeVerifier, elapsed: Elapsed
) -> None:
    fake = FakeTurnstile(NOW.timestamp)
    verifier, outage = make_verifier(fake), PlainTextResponse("outage", 502)
    fake.instead = outage
    for _ in range(FAILURE_THRESHOLD):
        assert is_available(verifier)
        assert await check(verifier, fake.solve(MINE)) is CaptchaResult.UNAVAILABLE
    before = counted(fake, "circuit_open")
    assert not is_available(verifier), "no voter gets a widget whose token cannot be checked"
    assert await check(verifier, fake.solve(MINE)) is CaptchaResult.UNAVAILABLE
    assert len(fake.requests) == FAILURE_THRESHOLD
    assert counted(fake, "circuit_open") == before + 1

    elapsed.seconds += OPEN_CIRCUIT_SECONDS
    assert is_available(verifier), "otherwise no token would ever arrive to test the provider"
    fake.held, fake.arrived = asyncio.Event(), asyncio.Event()
    first = asyncio.ensure_future(check(verifier, fake.solve(MINE)))
    await fake.arrived.wait()
    assert await check(verifier, fake.solve(YOURS), YOURS) is CaptchaResult.UNAVAILABLE
    assert len(fake.requests) == FAILURE_THRESHOLD + 1, "one check tests the provider for all"
    fake.held.set()
    assert await first is CaptchaResult.UNAVAILABLE
    assert not is_available(verifier)

    elapsed.seconds += OPEN_CIRCUIT_SECONDS
    fake.instead = None
    assert await check(verifier, fake.solve(MINE)) is CaptchaResult.VERIFIED
    assert is_available(verifier)
    fake.instead = outage
    assert await check(verifier, fake.solve(MINE)) is CaptchaResult.UNAVAILABLE
    assert is_available(verifier), "one failure does not open it"


async def test_no_token_opens_the_circuit(fake: FakeProvider, make_verifier: MakeVerifier) -> None:
    """Otherwise an attacker could get the easier challenge for everybody."""
    verifier = make_verifier(fake)
    junk = [
        "x",
        "=",
        "a=b",
        "&&",
        "%",
        "%00",
        urlencode({"ticket": "t", "randstr": "%"}),
        urlencode({"ticket": "", "randstr": ""}),
        "ticket=a&randstr=b&c=d",
        urlencode(
            {"lot_number": "0", "captcha_output": "x", "pass_token": "y", "gen_time": "soon"}
        ),
        urlencode({"lot_number": "0", "captcha_output": "x", "pass_token": "y", "gen_time": "1"}),
    ]
    for token in junk:
        assert await check(verifier, token) is CaptchaResult.FAILED
    assert verifier.is_available


async def test_tencents_token_of_an_outage_fails(
    make_verifier: MakeVerifier,
) -> None:
    fake = FakeTencent(NOW.timestamp)
    assert await check(make_verifier(fake), fake.token_of_an_outage()) is CaptchaResult.FAILED


async def test_turnstile_is_bound_to_the_ballot(make_verifier: MakeVerifier) -> None:
    fake = FakeTurnstile(NOW.timestamp)
    verifier = make_verifier(fake)
    assert await check(verifier, fake.solve(YOURS)) is CaptchaResult.FAILED
    assert await check(verifier, fake.solve("")) is CaptchaResult.FAILED


async def test_geetest_checks_all_fields_of_a_token_together(make_verifier: MakeVerifier) -> None:
    fake = FakeGeeTest(NOW.timestamp)
    verifier, mine, yours = make_verifier(fake), fake.solve(), fake.solve()
    spliced = mine[: mine.index("&pass_token")] + yours[yours.index("&pass_token") :]
    assert await check(verifier, spliced) is CaptchaResult.FAILED


async def test_a_voter_has_one_check_at_a_time_and_each_token_is_checked_once(
    make_verifier: MakeVerifier,
) -> None:
    fake = FakeTurnstile(NOW.timestamp)
    verifier, token = make_verifier(fake), fake.solve(MINE)
    fake.held = asyncio.Event()
    first, again, third = (asyncio.ensure_future(check(verifier, token)) for _ in range(3))
    await fake.arrived.wait()
    assert await check(verifier, fake.solve(MINE)) is CaptchaResult.FAILED
    first.cancel()
    third.cancel()
    await asyncio.wait([first, third])
    fake.held.set()
    assert await again is CaptchaResult.VERIFIED, (
        "a caller that is cancelled does not cancel the others"
    )
    assert len(fake.requests) == 1


async def test_concurrent_checks_are_bounded(make_verifier: MakeVerifier) -> None:
    assert MAX_AT_ONCE < MAX_CALLS_PER_HOST
    fake = FakeTurnstile(NOW.timestamp)
    verifier = make_verifier(fake)
    fake.held = asyncio.Event()
    names = [f"{number:032x}" for number in range(MAX_AT_ONCE)]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(verifier.verify(CaptchaResponse(fake.solve(n), ADDRESS, n)))
            for n in names
        ]
        while len(fake.requests) < MAX_AT_ONCE:
            fake.arrived.clear()
            await fake.arrived.wait()
        before = counted(fake, "too_many")
        assert await check(verifier, fake.solve(MINE)) is CaptchaResult.UNAVAILABLE
        assert counted(fake, "too_many") == before + 1
        assert verifier.is_available, "many checks are no outage"
        fake.held.set()
    assert {task.result() for task in tasks} == {CaptchaResult.VERIFIED}


async def test_a_bug_is_unavailable_too(
    make_verifier: MakeVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeTurnstile(NOW.timestamp)
    verifier = make_verifier(fake)
    monkeypatch.setattr(verifier.adapter, "is_valid", None)
    assert await check(verifier, fake.solve(MINE)) is CaptchaResult.UNAVAILABLE


async def test_nothing_of_the_voter_is_logged_or_shown_without_need(
    fake: FakeProvider, make_verifier: MakeVerifier, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    verifier, token = make_verifier(fake), fake.solve(MINE)
    assert await check(verifier, token) is CaptchaResult.VERIFIED
    fake.instead = PlainTextResponse(f"{token} {ADDRESS}", 400)
    assert await check(verifier, fake.solve(YOURS), YOURS) is CaptchaResult.UNAVAILABLE
    for planted in (ADDRESS, token, MINE, YOURS, *fake.secrets_table.values()):
        assert planted not in caplog.text
    sent = "".join(request["body"] for request in fake.requests)
    assert MINE not in sent
    assert (ADDRESS in sent) == (fake.provider in {"turnstile", "tencent"})


async def test_an_unknown_address_is_left_out(
    fake: FakeProvider, make_verifier: MakeVerifier
) -> None:
    assert (
        await make_verifier(fake).verify(CaptchaResponse(fake.solve(MINE), "", MINE))
        is CaptchaResult.VERIFIED
    )


def test_tencents_published_example_of_a_signature() -> None:
    """https://www.tencentcloud.com/document/product/1084/39391, which shows its keys like this."""
    payload = (
        r'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
    )
    header = authorization(
        ApiKey("AKIDz8krbsJ5yKBZQpn74WFkmLPx3*******", "Gu5t9xGARNpq86cd98joQYCN3*******"),
        service="cvm",
        signed={
            "content-type": "application/json; charset=utf-8",
            "host": "cvm.tencentcloudapi.com",
        },
        payload=payload.encode(),
        now_seconds=1_551_113_065,
    )
    assert header.endswith("2230eefd229f582d8b1b891af7107b91597240707d778ab3738f756258d7652c")


def make_captchas(path: Path | None) -> CaptchaRegistry:
    async def mark_used(_token: str, _seconds: int) -> bool:
        return True

    return CaptchaRegistry(
        read_captcha_secrets(path),
        BoundedClient(httpx.AsyncClient()),
        lambda: NOW,
        VerifierOptions(mark_used, Elapsed()),
    )


async def test_a_captcha_that_is_not_set_up_is_none(tmp_path: Path, fake: FakeProvider) -> None:
    assert make_captchas(None).verifier(captcha_rules(fake)) is None
    captchas = make_captchas(secrets_file(tmp_path, fake))
    assert captchas.verifier(ScreeningRules()) is None
    verifier = captchas.verifier(captcha_rules(fake))
    assert verifier is not None
    assert captchas.verifier(captcha_rules(fake)) is verifier, (
        "one verifier for each provider and site key"
    )
    wrong = tmp_path / "wrong.toml"
    table = '\napp_secret_key = "a"\nsecret_id = "b"\nsecret_key = "c"'
    wrong.write_text(f"[tencent.no-number]{table}")
    assert (
        make_captchas(wrong).verifier(ScreeningRules(captcha="tencent", site_key="no-number"))
        is None
    )


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (b"[turnstile", ["VOTING_CAPTCHA_SECRETS_FILE: is not a TOML file in UTF-8"]),
        (b'a = "\xff"', ["VOTING_CAPTCHA_SECRETS_FILE: is not a TOML file in UTF-8"]),
        (b'[recaptcha.k]\nsecret = "planted"', ["must contain tables named [PROVIDER.SITE_KEY]"]),
        (b'turnstile = "planted"', ["must contain tables named [PROVIDER.SITE_KEY]"]),
        (b'turnstile.k = "planted"', ["turnstile.k: must be a table"]),
        (b'[turnstile.k]\nsecret = ""', ["turnstile.k.secret: must not be empty"]),
        (b"[turnstile.k]\nsecret = 1", ["turnstile.k.secret: must be text"]),
        (
            b'[yidun.k]\nsecret_id = "planted"\nkey = "planted"',
            ["yidun.k.secret_key: is missing", "yidun.k.key: is not a secret of this provider"],
        ),
    ],
)
def test_faults_of_the_secrets_file(tmp_path: Path, text: bytes, faults: list[str]) -> None:
    path = tmp_path / "captchas.toml"
    path.write_bytes(text)
    with pytest.raises(SettingsFault) as caught:
        read_captcha_secrets(path)
    messages = [str(fault) for fault in caught.value.faults]
    assert len(messages) == len(faults)
    for message, expected in zip(messages, faults, strict=True):
        assert expected in message
        assert "planted" not in message


def test_no_secrets_file_at_that_place(tmp_path: Path) -> None:
    with pytest.raises(SettingsFault, match=r"VOTING_CAPTCHA_SECRETS_FILE: cannot be read"):
        read_captcha_secrets(tmp_path / "none.toml")


def test_secrets_show_themselves_to_nobody(tmp_path: Path, fake: FakeProvider) -> None:
    shown = repr(read_captcha_secrets(secrets_file(tmp_path, fake)))
    assert not any(secret in shown for secret in fake.secrets_table.values())
