"""Hosted captchas: each adapter through the real client against its provider's protocol, and the
gate that keeps a provider's trouble away from the votes."""

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

from tests.captcha_gates import captcha_rules, gate_to, secrets_file
from tests.fakes.captcha_providers import (
    FAKES,
    FakeGeeTest,
    FakeProvider,
    FakeTencent,
    FakeTurnstile,
    FakeYidun,
)
from voting_service.antifraud.captchas.captcha import Solved
from voting_service.antifraud.captchas.gate import (
    MAX_AT_ONCE,
    SPARED_SECONDS,
    TRIPS_AFTER,
    Gate,
    Outcome,
)
from voting_service.antifraud.captchas.providers import Captchas, read_captcha_secrets
from voting_service.antifraud.captchas.tencent import authorization
from voting_service.contests.model import ScreeningRules
from voting_service.outside.calls import MAX_CALLS_PER_HOST, Outside
from voting_service.settings import SettingsFault

NOW = datetime(2022, 7, 18, 23, 59, 59, tzinfo=UTC)
MINE, YOURS = "a" * 32, "b" * 32
ADDRESS = "198.51.100.77"
MakeGate = Callable[..., Gate]


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
async def make_gate(tmp_path: Path, elapsed: Elapsed) -> AsyncIterator[MakeGate]:
    async with AsyncExitStack() as opened:

        def make(fake: FakeProvider, **more: Any) -> Gate:
            gate, client = gate_to(fake, tmp_path, lambda: NOW, monotonic=elapsed, **more)
            opened.push_async_callback(client.aclose)
            return gate

        yield make


def asking(gate: Gate, token: str, binding: str = MINE) -> Awaitable[Outcome]:
    return gate.verify(Solved(token, ADDRESS, binding))


def counted(fake: FakeProvider, outcome: str) -> float:
    labels = {"provider": fake.provider, "outcome": outcome}
    return REGISTRY.get_sample_value("voting_captchas_total", labels) or 0.0


async def test_a_solved_one_pays(fake: FakeProvider, make_gate: MakeGate) -> None:
    before = counted(fake, "verified")
    assert await asking(make_gate(fake), fake.solve(MINE)) is Outcome.VERIFIED
    assert counted(fake, "verified") == before + 1


async def test_a_forged_one_does_not(fake: FakeProvider, make_gate: MakeGate) -> None:
    gate, before = make_gate(fake), counted(fake, "failed")
    token = fake.solve(MINE)
    fake.tokens.clear()
    assert await asking(gate, token) is Outcome.FAILED
    assert counted(fake, "failed") == before + 1
    for junk in ("", "x y", "\u00e9", "a" * 2601, "\n"):
        assert await asking(gate, junk) is Outcome.FAILED
    assert len(fake.asked) == 1, "the provider is not asked about what no widget makes"
    assert gate.offered


async def test_the_same_voter_may_try_again_and_nobody_else(
    fake: FakeProvider, make_gate: MakeGate
) -> None:
    gate, token = make_gate(fake), fake.solve(MINE)
    assert await asking(gate, token) is Outcome.VERIFIED
    assert await asking(gate, token) is Outcome.VERIFIED, "a retry of the vote that it paid for"
    assert len(fake.asked) == 1
    assert await asking(gate, token, YOURS) is Outcome.FAILED
    assert await asking(make_gate(fake), token) is Outcome.FAILED, "another worker asks, in vain"


async def test_what_a_provider_takes_twice_is_good_once(
    fake: FakeProvider, make_gate: MakeGate
) -> None:
    seen: set[str] = set()

    async def spend(token: str, seconds: int) -> bool:
        assert seconds >= 1_200
        fresh = token not in seen
        seen.add(token)
        return fresh

    workers = [make_gate(fake, spend=spend) for _ in range(2)]
    token, before = fake.solve(MINE), counted(fake, "replayed")
    assert await asking(workers[0], token) is Outcome.VERIFIED
    fake.used.clear()
    assert await asking(workers[1], token) is Outcome.FAILED
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
        JSONResponse({"error": 0, "Response": {}, "status": "success", "result": "perhaps",
                      "success": False, "error-codes": ["internal-error"]}),
        RedirectResponse("https://elsewhere.example/"),
    ],
    ids=range(11),
)  # fmt: skip
async def test_an_error_or_nonsense_is_away_and_never_a_yes(
    fake: FakeProvider, make_gate: MakeGate, instead: Response
) -> None:
    gate, before = make_gate(fake), counted(fake, "away")
    fake.instead = instead
    assert await asking(gate, fake.solve(MINE)) is Outcome.AWAY
    assert counted(fake, "away") == before + 1


async def test_wrong_secrets_are_a_fault_of_ours(
    fake: FakeProvider, make_gate: MakeGate, caplog: pytest.LogCaptureFixture
) -> None:
    for name in fake.secrets_table:
        gate = make_gate(fake, secrets={name: "planted-wrong"})
        outcome = await asking(gate, fake.solve(MINE))
        assert outcome is not Outcome.VERIFIED, name
    assert "planted-wrong" not in caplog.text


@pytest.mark.parametrize(
    ("wrong", "name"),
    [(FakeTurnstile, "secret"), (FakeTencent, "secret_key"), (FakeTencent, "secret_id"),
     (FakeYidun, "secret_key")],
)  # fmt: skip
async def test_a_wrong_key_is_away_so_that_nobody_pays_more_for_it(
    make_gate: MakeGate, wrong: type[FakeProvider], name: str
) -> None:
    fake = wrong(NOW.timestamp)
    gate = make_gate(fake, secrets={name: "wrong"})
    assert await asking(gate, fake.solve(MINE)) is Outcome.AWAY


async def test_a_host_that_is_not_there_is_away(fake: FakeProvider, make_gate: MakeGate) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    gate = make_gate(fake, transport=httpx.MockTransport(refuse))
    assert await asking(gate, fake.solve(MINE)) is Outcome.AWAY


async def test_a_slow_provider_is_away_at_the_deadline(
    fake: FakeProvider, make_gate: MakeGate
) -> None:
    fake.held = asyncio.Event()
    gate = make_gate(fake, deadline_seconds=0.02)
    async with asyncio.timeout(1.5):
        assert await asking(gate, fake.solve(MINE)) is Outcome.AWAY


def is_offered(gate: Gate) -> bool:
    """As a function: for the type checker a property stays what it was."""
    return gate.offered


async def test_after_failures_in_a_row_it_is_spared_and_tried_again(
    make_gate: MakeGate, elapsed: Elapsed
) -> None:
    fake = FakeTurnstile(NOW.timestamp)
    gate, away = make_gate(fake), PlainTextResponse("away", 502)
    fake.instead = away
    for _ in range(TRIPS_AFTER):
        assert is_offered(gate)
        assert await asking(gate, fake.solve(MINE)) is Outcome.AWAY
    before = counted(fake, "spared")
    assert not is_offered(gate), "nobody is sent to a widget whose answer nobody can check"
    assert await asking(gate, fake.solve(MINE)) is Outcome.AWAY
    assert len(fake.asked) == TRIPS_AFTER
    assert counted(fake, "spared") == before + 1

    elapsed.seconds += SPARED_SECONDS
    assert is_offered(gate), "else no token would ever come that finds out"
    fake.held, fake.arrived = asyncio.Event(), asyncio.Event()
    first = asyncio.ensure_future(asking(gate, fake.solve(MINE)))
    await fake.arrived.wait()
    assert await asking(gate, fake.solve(YOURS), YOURS) is Outcome.AWAY
    assert len(fake.asked) == TRIPS_AFTER + 1, "one finds out for all"
    fake.held.set()
    assert await first is Outcome.AWAY
    assert not is_offered(gate)

    elapsed.seconds += SPARED_SECONDS
    fake.instead = None
    assert await asking(gate, fake.solve(MINE)) is Outcome.VERIFIED
    assert is_offered(gate)
    fake.instead = away
    assert await asking(gate, fake.solve(MINE)) is Outcome.AWAY
    assert is_offered(gate), "one failure is not a row of them"


async def test_no_token_trips_the_breaker(fake: FakeProvider, make_gate: MakeGate) -> None:
    """Else an attacker could buy everybody the cheap way."""
    gate = make_gate(fake)
    junk = ["x", "=", "a=b", "&&", "%", "%00", urlencode({"ticket": "t", "randstr": "%"}),
            urlencode({"ticket": "", "randstr": ""}), "ticket=a&randstr=b&c=d",
            urlencode({"lot_number": "0", "captcha_output": "x", "pass_token": "y",
                       "gen_time": "soon"}),
            urlencode({"lot_number": "0", "captcha_output": "x", "pass_token": "y",
                       "gen_time": "1"})]  # fmt: skip
    for token in junk:
        assert await asking(gate, token) is Outcome.FAILED
    assert gate.offered


async def test_what_tencents_widget_makes_up_in_an_outage_is_no_proof(
    make_gate: MakeGate,
) -> None:
    fake = FakeTencent(NOW.timestamp)
    assert await asking(make_gate(fake), fake.made_up_by_the_widget()) is Outcome.FAILED


async def test_turnstile_is_bound_to_the_ballot(make_gate: MakeGate) -> None:
    fake = FakeTurnstile(NOW.timestamp)
    gate = make_gate(fake)
    assert await asking(gate, fake.solve(YOURS)) is Outcome.FAILED
    assert await asking(gate, fake.solve("")) is Outcome.FAILED


async def test_geetest_gets_all_of_one_persons_answer(make_gate: MakeGate) -> None:
    fake = FakeGeeTest(NOW.timestamp)
    gate, mine, yours = make_gate(fake), fake.solve(), fake.solve()
    spliced = mine[: mine.index("&pass_token")] + yours[yours.index("&pass_token") :]
    assert await asking(gate, spliced) is Outcome.FAILED


async def test_a_voter_asks_one_question_at_a_time_and_each_once(make_gate: MakeGate) -> None:
    fake = FakeTurnstile(NOW.timestamp)
    gate, token = make_gate(fake), fake.solve(MINE)
    fake.held = asyncio.Event()
    first, again, third = (asyncio.ensure_future(asking(gate, token)) for _ in range(3))
    await fake.arrived.wait()
    assert await asking(gate, fake.solve(MINE)) is Outcome.FAILED
    first.cancel()
    third.cancel()
    await asyncio.wait([first, third])
    fake.held.set()
    assert await again is Outcome.VERIFIED, "whoever hangs up takes nobody's answer away"
    assert len(fake.asked) == 1


async def test_questions_at_once_are_bounded(make_gate: MakeGate) -> None:
    assert MAX_AT_ONCE < MAX_CALLS_PER_HOST
    fake = FakeTurnstile(NOW.timestamp)
    gate = make_gate(fake)
    fake.held = asyncio.Event()
    names = [f"{number:032x}" for number in range(MAX_AT_ONCE)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(gate.verify(Solved(fake.solve(n), ADDRESS, n))) for n in names]
        while len(fake.asked) < MAX_AT_ONCE:
            fake.arrived.clear()
            await fake.arrived.wait()
        before = counted(fake, "crowded")
        assert await asking(gate, fake.solve(MINE)) is Outcome.AWAY
        assert counted(fake, "crowded") == before + 1
        assert gate.offered, "a crowd is no outage"
        fake.held.set()
    assert {task.result() for task in tasks} == {Outcome.VERIFIED}


async def test_a_bug_is_away_too(make_gate: MakeGate, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeTurnstile(NOW.timestamp)
    gate = make_gate(fake)
    monkeypatch.setattr(gate.captcha, "is_genuine", None)
    assert await asking(gate, fake.solve(MINE)) is Outcome.AWAY


async def test_nothing_of_the_voter_is_logged_or_told_without_need(
    fake: FakeProvider, make_gate: MakeGate, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    gate, token = make_gate(fake), fake.solve(MINE)
    assert await asking(gate, token) is Outcome.VERIFIED
    fake.instead = PlainTextResponse(f"{token} {ADDRESS}", 400)
    assert await asking(gate, fake.solve(YOURS), YOURS) is Outcome.AWAY
    for planted in (ADDRESS, token, MINE, YOURS, *fake.secrets_table.values()):
        assert planted not in caplog.text
    told = "".join(asked["body"] for asked in fake.asked)
    assert MINE not in told
    assert (ADDRESS in told) == (fake.provider in {"turnstile", "tencent"})


async def test_an_unknown_address_is_left_out(fake: FakeProvider, make_gate: MakeGate) -> None:
    assert await make_gate(fake).verify(Solved(fake.solve(MINE), "", MINE)) is Outcome.VERIFIED


def test_tencents_published_example_of_a_signature() -> None:
    """https://www.tencentcloud.com/document/product/1084/39391, which shows its keys like this."""
    payload = (
        r'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
    )
    header = authorization(
        "AKIDz8krbsJ5yKBZQpn74WFkmLPx3*******",
        "Gu5t9xGARNpq86cd98joQYCN3*******",
        service="cvm",
        signed={
            "content-type": "application/json; charset=utf-8",
            "host": "cvm.tencentcloudapi.com",
        },
        payload=payload.encode(),
        now_seconds=1_551_113_065,
    )
    assert header.endswith("2230eefd229f582d8b1b891af7107b91597240707d778ab3738f756258d7652c")


def captchas_of(path: Path | None) -> Captchas:
    async def spend(_token: str, _seconds: int) -> bool:
        return True

    return Captchas(
        read_captcha_secrets(path),
        outside=Outside(httpx.AsyncClient()),
        clock=lambda: NOW,
        spend=spend,
        monotonic=Elapsed(),
    )


async def test_a_captcha_that_is_not_set_up_is_none(tmp_path: Path, fake: FakeProvider) -> None:
    assert captchas_of(None).gate(captcha_rules(fake)) is None
    captchas = captchas_of(secrets_file(tmp_path, fake))
    assert captchas.gate(ScreeningRules()) is None
    found = captchas.gate(captcha_rules(fake))
    assert found is not None
    assert captchas.gate(captcha_rules(fake)) is found, "one breaker for one provider and site key"
    wrong = tmp_path / "wrong.toml"
    table = '\napp_secret_key = "a"\nsecret_id = "b"\nsecret_key = "c"'
    wrong.write_text(f"[tencent.no-number]{table}")
    assert captchas_of(wrong).gate(ScreeningRules(captcha="tencent", site_key="no-number")) is None


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (b"[turnstile", ["VOTING_CAPTCHA_SECRETS_FILE: is not a TOML file in UTF-8"]),
        (b'a = "\xff"', ["VOTING_CAPTCHA_SECRETS_FILE: is not a TOML file in UTF-8"]),
        (b'[recaptcha.k]\nsecret = "planted"', ["tables are [PROVIDER.SITE_KEY]"]),
        (b'turnstile = "planted"', ["tables are [PROVIDER.SITE_KEY]"]),
        (b'turnstile.k = "planted"', ["turnstile.k: must be a table"]),
        (b'[turnstile.k]\nsecret = ""', ["turnstile.k: secret is empty"]),
        (b"[turnstile.k]\nsecret = 1", ["turnstile.k: secret must be a text"]),
        (
            b'[yidun.k]\nsecret_id = "planted"\nkey = "planted"',
            ["yidun.k: secret_key is missing", "yidun.k: key is no secret of this provider"],
        ),
    ],
)
def test_faults_of_the_secrets_file(tmp_path: Path, text: bytes, faults: list[str]) -> None:
    path = tmp_path / "captchas.toml"
    path.write_bytes(text)
    with pytest.raises(SettingsFault) as caught:
        read_captcha_secrets(path)
    said = [str(fault) for fault in caught.value.faults]
    assert len(said) == len(faults)
    for one, wanted in zip(said, faults, strict=True):
        assert wanted in one
        assert "planted" not in one


def test_no_secrets_file_at_that_place(tmp_path: Path) -> None:
    with pytest.raises(SettingsFault, match=r"VOTING_CAPTCHA_SECRETS_FILE: cannot be read"):
        read_captcha_secrets(tmp_path / "none.toml")


def test_secrets_show_themselves_to_nobody(tmp_path: Path, fake: FakeProvider) -> None:
    shown = repr(read_captcha_secrets(secrets_file(tmp_path, fake)))
    assert not any(secret in shown for secret in fake.secrets_table.values())
