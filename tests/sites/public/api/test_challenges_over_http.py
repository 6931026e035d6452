"""428 and back: a vote that has its price, as a client without pages meets it."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import altcha
import httpx
import pytest

from tests.contest_data import SLUG
from tests.sites.public.api.running_service import (
    BALLOTS,
    MovedClock,
    Service,
)
from voting_service.antifraud.screening import rate_limits
from voting_service.infrastructure.timeouts import CHALLENGE_GRACE_SECONDS
from voting_service.sites.public.request_signals import SenderReader


@pytest.fixture
async def crowded(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """The service while this machine's own network, exempt no more, is over its rate."""
    contest_state = service.state.contest_state(SLUG)
    assert contest_state.keys.network is not None
    settings = service.settings.model_copy(update={"exempt_networks": ()})
    contest_state.senders = SenderReader(contest_state.keys.network, settings)
    monkeypatch.setattr(rate_limits, "NETWORK", rate_limits.Rate(interval_ms=3_600_000, burst=1))
    first = await service.cast(await service.open_session(), [1])
    assert first.status_code == 201
    return service


def solved(challenge: dict[str, Any]) -> str:
    parsed = altcha.Challenge.from_dict(challenge)
    solution = altcha.solve_challenge(parsed)
    assert solution is not None
    return altcha.Payload(parsed, solution).to_base64()


async def pay(
    service: Service, session: str, challenge: str, choices: Sequence[int] = (1,)
) -> httpx.Response:
    return await service.client.post(
        BALLOTS,
        headers={"authorization": f"Bearer {session}"},
        json={"choices": list(choices), "challenge": challenge},
    )


async def test_asked_paid_and_again_the_same_receipt(crowded: Service) -> None:
    session = await crowded.open_session()
    challenged = await crowded.cast(session, [1])
    assert challenged.status_code == 428
    assert challenged.json()["type"] == "/problems/challenge"
    payload = solved(challenged.json()["challenge"])
    paid = await pay(crowded, session, payload)
    assert paid.status_code == 201
    for again in (await pay(crowded, session, payload), await crowded.cast(session, [1])):
        assert (again.status_code, again.content) == (200, paid.content)
    other = await pay(crowded, session, payload, [2])
    assert other.status_code == 409


async def test_a_solution_is_worth_nothing_to_anybody_else(crowded: Service) -> None:
    mine, yours = await crowded.open_session(), await crowded.open_session()
    payload = solved((await crowded.cast(mine, [1])).json()["challenge"])
    for bad in (payload, payload[:-8] + "AAAAAAAA", "", "e30="):
        answer = await pay(crowded, yours, bad)
        assert answer.status_code == 428
        assert answer.json()["challenge"]["signature"]
    assert (await pay(crowded, mine, payload)).status_code == 201


async def test_a_solution_ends_with_its_time(crowded: Service, clock: MovedClock) -> None:
    session = await crowded.open_session()
    payload = solved((await crowded.cast(session, [1])).json()["challenge"])
    clock.offset += timedelta(minutes=20)
    assert (await pay(crowded, session, payload)).status_code == 428


async def test_who_asks_again_is_given_the_same_challenge(
    crowded: Service, clock: MovedClock
) -> None:
    session = await crowded.open_session()
    first, again = [(await crowded.cast(session, [1])).json()["challenge"] for _ in range(2)]
    assert again == first
    stranger = (await crowded.cast(await crowded.open_session(), [1])).json()["challenge"]
    assert stranger != first
    clock.offset += timedelta(minutes=8)
    later = (await crowded.cast(session, [1])).json()["challenge"]
    assert later != first, "there must be time left to solve it"
    assert (await pay(crowded, session, solved(later))).status_code == 201


async def test_a_challenge_in_flight_at_the_end_of_its_period_has_a_grace(
    crowded: Service, clock: MovedClock
) -> None:
    """It counts for the arrival of its first try, which the challenge itself carries, or for a
    minute before it arrived: the insert takes no ballot dated longer ago."""
    contest = crowded.contest
    grace = timedelta(seconds=CHALLENGE_GRACE_SECONDS)
    midnight = contest.period_end(clock())
    for end in (midnight, contest.closes_at):
        day = contest.period(end - timedelta(seconds=1))
        in_time_at = end - timedelta(minutes=2)
        clock.set(in_time_at)
        sessions = [crowded.forged_session(voter=voter * 16) for voter in (b"a", b"b")]
        in_time, late = [
            solved((await crowded.cast(session, [1])).json()["challenge"]) for session in sessions
        ]
        clock.set(end + grace / 2)
        if end == midnight:
            tomorrow = str(contest.period(clock()))
            named = await crowded.cast(sessions[0], [1], challenge=in_time, period=tomorrow)
            assert named.status_code == 428, "paid for another day"
        stored = await pay(crowded, sessions[0], in_time)
        receipt = stored.json()["receipt"]
        assert (stored.status_code, receipt["period"]) == (201, str(day))
        issued_at = datetime.fromisoformat(receipt["issued_at"])
        assert end - grace / 2 <= issued_at < end
        again = await crowded.cast(sessions[0], [1], challenge=in_time, period=str(day))
        assert (again.status_code, again.content) == (200, stored.content)
        forged = json.loads(b64decode(late))
        forged["challenge"]["parameters"]["expiresAt"] += 5
        clock.set(end + grace)
        for payload in (late, b64encode(json.dumps(forged).encode()).decode()):
            refused = await crowded.cast(sessions[1], [1], challenge=payload, period=str(day))
            assert refused.status_code == (409 if end == midnight else 403)
        if end == midnight:
            assert (await pay(crowded, sessions[1], late)).status_code == 428
    assert await crowded.stored_ballots() == 3


async def test_thresholds_are_nowhere_public(crowded: Service) -> None:
    facts = await crowded.client.get(f"/api/v1/contests/{SLUG}")
    assert "screening" not in facts.text
    assert "hold" not in facts.text
