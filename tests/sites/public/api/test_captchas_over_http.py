"""428, a hosted captcha, 201; and what happens while its provider is unavailable."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import altcha
import httpx
import msgspec
import pytest
from starlette.responses import PlainTextResponse

from tests.captcha_verifiers import (
    captcha_rules,
    install,
    secrets_file,
    verifier_for,
)
from tests.contest_data import SLUG, rules
from tests.fakes.captcha_providers import (
    FAKES,
    FakeProvider,
    FakeTurnstile,
)
from tests.sites.public.api.running_service import (
    BALLOTS,
    Service,
    check_problem,
    running_service,
)
from voting_service.antifraud.captchas.verifier import (
    FAILURE_THRESHOLD,
    OPEN_CIRCUIT_SECONDS,
)
from voting_service.antifraud.challenges import proof_of_work
from voting_service.antifraud.screening import rate_limits
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.metrics_server import metrics_text
from voting_service.settings import Settings
from voting_service.sites.public.request_signals import SenderReader
from voting_service.voting.ballots.parse import MAX_BODY_BYTES


class Elapsed:
    """A monotonic clock that stands still until moved."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Contest:
    """A crowded contest with a captcha whose provider the test holds."""

    def __init__(
        self, service: Service, fake: FakeProvider, elapsed: Elapsed, prices: list[int]
    ) -> None:
        self.service, self.fake, self.elapsed = service, fake, elapsed
        self.prices = prices
        """The tries that each challenge would have taken."""

    async def captcha_problem(self, session: str) -> dict[str, Any]:
        answer = await self.service.cast(session, [1])
        assert answer.status_code == 428
        problem: dict[str, Any] = answer.json()
        assert problem["challenge"]["signature"], "an ALTCHA challenge is always there"
        return problem

    async def pay(
        self, session: str, challenge: str, choices: Sequence[int] = (1,)
    ) -> httpx.Response:
        return await self.service.client.post(
            BALLOTS,
            headers={"authorization": f"Bearer {session}"},
            json={"choices": list(choices), "challenge": challenge},
        )

    async def pay_with_captcha(self, session: str, binding: str) -> httpx.Response:
        return await self.pay(session, f"{self.fake.provider}:{self.fake.solve(binding)}")


@pytest.fixture(params=[FakeTurnstile])
async def crowded(
    request: pytest.FixtureRequest,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Contest]:
    """This machine's own network, exempt no more, is over its rate."""
    prices: list[int] = []

    def issue(
        key: bytes, ballot: proof_of_work.ChallengedBallot, *, tries: int, now_seconds: float
    ) -> dict[str, Any]:
        prices.append(tries)
        return dear(key, ballot, tries=4, now_seconds=now_seconds)

    dear = proof_of_work.issue
    monkeypatch.setattr(proof_of_work, "issue", issue)
    fake, elapsed = request.param(lambda: system_clock().timestamp()), Elapsed()
    screening = captcha_rules(fake)
    settings = settings.model_copy(update={"captcha_secrets_file": secrets_file(tmp_path, fake)})
    contest_rules = msgspec.structs.replace(rules(), screening=screening)
    async with running_service(settings, rules=contest_rules) as service:
        contest_state = service.state.contest_state(SLUG)
        opened = contest_state.challenges.captcha_verifier
        assert opened is not None
        assert opened.adapter.provider == fake.provider
        verifier, client = verifier_for(fake, tmp_path, system_clock, monotonic=elapsed)
        install(service.state, SLUG, verifier)
        assert contest_state.keys.network is not None
        reading = settings.model_copy(update={"exempt_networks": ()})
        contest_state.senders = SenderReader(contest_state.keys.network, reading)
        monkeypatch.setattr(
            rate_limits, "NETWORK", rate_limits.Rate(interval_ms=3_600_000, burst=1)
        )
        assert (await service.cast(await service.open_session(), [1])).status_code == 201
        yield Contest(service, fake, elapsed, prices)
        await client.aclose()


def solved(challenge: dict[str, Any]) -> str:
    parsed = altcha.Challenge.from_dict(challenge)
    solution = altcha.solve_challenge(parsed)
    assert solution is not None
    return altcha.Payload(parsed, solution).to_base64()


@pytest.mark.parametrize("crowded", FAKES, indirect=True, ids=lambda fake: fake.provider)
async def test_asked_solved_and_again_the_same_receipt(crowded: Contest) -> None:
    session = await crowded.service.open_session()
    captcha = (await crowded.captcha_problem(session))["captcha"]
    assert captcha.keys() == {"provider", "site_key", "binding"}
    assert captcha["provider"] == crowded.fake.provider
    assert captcha["site_key"] == crowded.fake.site_key
    payload = f"{crowded.fake.provider}:{crowded.fake.solve(captcha['binding'])}"
    paid = await crowded.pay(session, payload)
    assert paid.status_code == 201, paid.text
    for again in (await crowded.pay(session, payload), await crowded.service.cast(session, [1])):
        assert (again.status_code, again.content) == (200, paid.content)
    assert (await crowded.pay(session, payload, [2])).status_code == 409
    assert len(crowded.fake.requests) == 1
    signals = await crowded.service.database.fetchval(
        "select signals from ballots order by cast_at desc limit 1"
    )
    assert signals & 256, "staff see that it was paid for"


async def test_a_token_is_worth_nothing_to_anybody_else(crowded: Contest) -> None:
    mine = await crowded.service.open_session()
    yours = await crowded.service.open_session()
    binding = (await crowded.captcha_problem(mine))["captcha"]["binding"]
    token = crowded.fake.solve(binding)
    for payload in (f"turnstile:{token}", f"geetest:{token}", "turnstile:", ":", token, "a:b:c"):
        answer = await crowded.pay(yours, payload)
        problem = check_problem(answer, 428)
        assert problem["captcha"]["binding"] != binding
    of_another = f"geetest:{crowded.fake.solve(binding)}"
    assert (await crowded.pay(mine, of_another)).status_code == 428
    assert (await crowded.pay_with_captcha(mine, binding)).status_code == 201


async def test_anybody_who_cannot_do_it_pays_with_work(crowded: Contest) -> None:
    session = await crowded.service.open_session()
    problem = await crowded.captcha_problem(session)
    assert crowded.prices == [proof_of_work.HARD]
    assert (await crowded.pay(session, solved(problem["challenge"]))).status_code == 201
    assert crowded.fake.requests == []


async def test_away_it_is_the_usual_proof_of_work_and_never_for_free(crowded: Contest) -> None:
    session = await crowded.service.open_session()
    binding = (await crowded.captcha_problem(session))["captcha"]["binding"]
    crowded.fake.instead = PlainTextResponse("away", 502)
    refused = await crowded.pay_with_captcha(session, binding)
    problem = check_problem(refused, 428)
    assert "captcha" not in problem, "nobody is sent back to what cannot be checked"
    assert crowded.prices[-1] < proof_of_work.HARD, "nobody pays more for the provider's trouble"
    assert await crowded.service.stored_ballots() == 1
    assert (await crowded.pay(session, solved(problem["challenge"]))).status_code == 201


async def test_away_for_longer_it_is_not_offered_until_it_is_back(crowded: Contest) -> None:
    crowded.fake.instead = PlainTextResponse("away", 502)
    for _ in range(FAILURE_THRESHOLD):
        session = await crowded.service.open_session()
        binding = (await crowded.captcha_problem(session))["captcha"]["binding"]
        assert (await crowded.pay_with_captcha(session, binding)).status_code == 428
    other = await crowded.service.open_session()
    problem = await crowded.captcha_problem(other)
    assert "captcha" not in problem
    assert crowded.prices[-1] < proof_of_work.HARD
    assert (await crowded.pay(other, solved(problem["challenge"]))).status_code == 201

    crowded.elapsed.seconds += OPEN_CIRCUIT_SECONDS
    crowded.fake.instead = None
    binding = (await crowded.captcha_problem(session))["captcha"]["binding"]
    assert (await crowded.pay_with_captcha(session, binding)).status_code == 201


async def test_the_longest_token_fits_with_a_full_ballot(crowded: Contest) -> None:
    assert isinstance(crowded.fake, FakeTurnstile)
    session = await crowded.service.open_session()
    binding = (await crowded.captcha_problem(session))["captcha"]["binding"]
    payload = f"turnstile:{crowded.fake.solve(binding, length=2048)}"
    body = msgspec.json.encode({"choices": list(range(1000, 1200)), "challenge": payload})
    assert len(body) <= MAX_BODY_BYTES, "two hundred candidates of four digits"
    assert (await crowded.pay(session, payload)).status_code == 201


async def test_an_unsuspicious_vote_asks_no_provider(
    crowded: Contest, monkeypatch: pytest.MonkeyPatch
) -> None:
    contest_state = crowded.service.state.contest_state(SLUG)
    assert contest_state.keys.network is not None
    contest_state.senders = SenderReader(contest_state.keys.network, crowded.service.settings)
    session = await crowded.service.open_session()
    assert (await crowded.service.cast(session, [1])).status_code == 201
    assert crowded.fake.requests == []


async def test_nothing_of_it_is_shown_before_it_is_asked(crowded: Contest) -> None:
    facts = await crowded.service.client.get(f"/api/v1/contests/{SLUG}")
    assert "captcha" not in facts.text
    assert crowded.fake.site_key not in facts.text
    shown = metrics_text().decode()
    assert "voting_captchas_total" in shown
