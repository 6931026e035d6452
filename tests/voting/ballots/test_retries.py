"""The limits count voters who are admitted, never their tries: the real limits, the real stores."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import msgspec
import pytest

from tests.patience import on_both
from tests.senders import sender
from tests.voting.ballots.conftest import Bench, new_voter
from voting_service.antifraud.screening import rate_limits
from voting_service.antifraud.screening.client_signals import Sender
from voting_service.antifraud.screening.decision import Signal
from voting_service.antifraud.screening.rate_limits import FEW_DEVICES, NETWORK
from voting_service.errors import ChallengeRequired, SlowDown
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.voting.ballots.vote import (
    Accepted,
    DatedBallot,
    Outcome,
    Repeated,
)

HOME, CLOUD = "the voters' network", "a hosting company"
LONG_MS = 3_600_000
"""An interval beside which the test's own duration is nothing."""


def from_cloud(device: str = "phone") -> Sender:
    """A sender whose every vote is asked for a challenge."""
    here = sender(CLOUD, device)
    return here._replace(origin=here.origin._replace(cloud=True))


def cast_from(
    bench: Bench, voter: bytes, where: Sender, *, solved: bool = False
) -> asyncio.Future[Outcome]:
    return bench.pipeline.submit(
        voter=voter,
        platform_id=bench.platform_id,
        sender=where,
        solved=solved,
        ballot=DatedBallot.of(bench.contest, [1], bench.clock()),
    )


async def cast_at_home(
    bench: Bench, votes: Iterable[tuple[bytes, str]], *, solved: bool = False
) -> list[Outcome]:
    """Casts (voter, device) at once from one network."""
    return await asyncio.gather(
        *(bench.cast(who, [1], network=HOME, device=phone, solved=solved) for who, phone in votes)
    )


async def held(database: Connection) -> int:
    count: int = await database.fetchval("select count(*) from ballots where disposition = 1")
    return count


@pytest.mark.parametrize("resends", [900, NETWORK.burst + 200])
async def test_resends_of_one_ballot_cost_the_neighbours_nothing(
    bench: Bench, database: Connection, resends: int
) -> None:
    """Neither held (few devices) nor asked for a challenge (a crowded network)."""
    me = new_voter()
    first, *again = await cast_at_home(bench, [(me, "phone")] * (1 + resends))
    assert isinstance(first, Accepted)
    assert all(isinstance(outcome, Repeated) for outcome in again)
    neighbours = [(new_voter(), f"phone {number}") for number in range(5)]
    outcomes = await cast_at_home(bench, neighbours)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    rows = await database.fetch("select disposition, signals from ballots")
    assert [tuple(row) for row in rows] == [(0, 0)] * 6


async def test_retries_with_forty_user_agents_hide_no_farm(
    bench: Bench, database: Connection
) -> None:
    busy = int(NETWORK.burst * FEW_DEVICES.busy_share) + FEW_DEVICES.votes
    farm = [(new_voter(), "the farm's phone") for _ in range(busy + 100)]
    await cast_at_home(bench, farm[:busy])
    retries = [(farm[0][0], f"user agent {number}") for number in range(40)]
    assert all(isinstance(outcome, Repeated) for outcome in await cast_at_home(bench, retries))
    before = await held(database)
    await cast_at_home(bench, farm[busy:])
    # A few votes are forgotten while the test runs: twenty a second.
    assert await held(database) - before > 30


async def test_unpaid_tries_cost_nobody_anything_however_often_they_come(
    bench: Bench, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked for a challenge over and over, and never solving it."""
    monkeypatch.setattr(rate_limits, "NETWORK", rate_limits.Rate(LONG_MS, burst=10))
    monkeypatch.setattr(
        rate_limits, "FEW_DEVICES", rate_limits.FewDevices(2, votes=3, busy_share=0.01)
    )
    me = new_voter()
    where = from_cloud()
    tries = await asyncio.gather(*(cast_from(bench, me, where) for _ in range(900)))
    assert all(isinstance(outcome, ChallengeRequired) for outcome in tries)
    neighbours = [sender(CLOUD, f"phone {number}") for number in range(5)]
    await asyncio.gather(*(cast_from(bench, new_voter(), neighbour) for neighbour in neighbours))
    rows = await database.fetch("select disposition, signals from ballots")
    assert [tuple(row) for row in rows] == [(0, 0)] * 5


async def test_a_voter_asked_elsewhere_counts_where_the_ballot_comes_from(
    bench: Bench, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A throw-away try from a hosting company, asked for a challenge, is no way past the limits
    of the network that then sends the ballot."""
    monkeypatch.setattr(rate_limits, "NETWORK", rate_limits.Rate(LONG_MS, burst=10))
    farm = [new_voter() for _ in range(30)]
    challenged = await asyncio.gather(*(cast_from(bench, voter, from_cloud()) for voter in farm))
    assert all(isinstance(outcome, ChallengeRequired) for outcome in challenged)
    sent = await cast_at_home(bench, [(voter, "phone") for voter in farm])
    assert [type(outcome) for outcome in sent] == [Accepted] * 10 + [ChallengeRequired] * 20
    assert await database.fetchval("select count(*) from ballots") == 10


@on_both
async def test_who_comes_back_with_the_solution_is_counted_once_and_judged(
    bench: Bench, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits, "NETWORK", rate_limits.Rate(LONG_MS, burst=4))
    monkeypatch.setattr(
        rate_limits, "FEW_DEVICES", rate_limits.FewDevices(20, votes=6, busy_share=0.5)
    )
    farm = [(new_voter(), "phone") for _ in range(12)]
    assert all(isinstance(outcome, Accepted) for outcome in await cast_at_home(bench, farm[:4]))
    for _ in range(3):
        challenged = await cast_at_home(bench, farm[4:])
        assert all(isinstance(outcome, ChallengeRequired) for outcome in challenged)
    paid = await cast_at_home(bench, farm[4:], solved=True)
    assert all(isinstance(outcome, Accepted) for outcome in paid)
    rows = await database.fetch("select signals from ballots")
    signals = [row["signals"] for row in rows]
    crowded = Signal.CROWDED_NETWORK | Signal.CHALLENGE_SOLVED
    assert sorted(signal & crowded for signal in signals) == [0] * 4 + [crowded] * 8
    # Busy from the third ballot on; the sixth since then is the first of enough.
    assert sum(bool(signal & Signal.FEW_DEVICES) for signal in signals) == 12 - 2 - 5
    assert await held(database) == 5


async def test_a_voter_over_the_limit_counts_for_nobody_and_has_no_hint(
    bench: Bench, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its later ballot counts as new, so that hammering first is no way past the limits."""
    monkeypatch.setattr(rate_limits, "VOTER", rate_limits.Rate(LONG_MS, burst=2))
    monkeypatch.setattr(rate_limits, "NETWORK", rate_limits.Rate(LONG_MS, burst=10))
    hammering = [new_voter() for _ in range(30)]
    for _ in range(3):
        tries = await asyncio.gather(*(cast_from(bench, who, from_cloud()) for who in hammering))
    assert all(isinstance(outcome, SlowDown) for outcome in tries)
    assert all(isinstance(o, SlowDown) for o in await cast_at_home(bench, [(hammering[0], "")]))
    monkeypatch.setattr(rate_limits, "VOTER", rate_limits.Rate(1, burst=100_000_000))
    sent = await cast_at_home(bench, [(who, "phone") for who in hammering])
    assert [type(outcome) for outcome in sent] == [Accepted] * 10 + [ChallengeRequired] * 20
    assert await database.fetchval("select count(*) from ballots") == 10


@on_both
async def test_a_ceiling_is_not_used_up_by_unpaid_tries(bench: Bench, database: Connection) -> None:
    [platform] = bench.pipeline.platforms.values()
    bench.pipeline.platforms = {platform.id: msgspec.structs.replace(platform, daily_ceiling=3)}
    for _ in range(10):
        assert isinstance(await cast_from(bench, new_voter(), from_cloud()), ChallengeRequired)
    for _ in range(3):
        assert isinstance(await bench.cast(new_voter(), [1]), Accepted)
    assert await held(database) == 0
    assert isinstance(await bench.cast(new_voter(), [1]), Accepted)
    assert await held(database) == 1
