"""⑨ The sweep: when it is due, and from stored ballots to holds that wait for people."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.antifraud.forensics_crowds import (
    CANDIDATES,
    DAY_MS,
    HOUR_MS,
    START_MS,
    Crowd,
    honest,
    popular,
)
from tests.contest_data import (
    candidates,
    rules,
    store_contest,
)
from voting_service.contests.model import Contest
from voting_service.errors import Refused
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.jobs import sweep as sweeps
from voting_service.voting.ballots.commit import new_ballot_ids
from voting_service.voting.rulings.repository import load_holds
from voting_service.voting.tally.repository import count_now

OPENS = datetime.fromtimestamp(START_MS / 1000, UTC) - timedelta(days=1)
CLOSES = OPENS + timedelta(days=10)
BOUGHT = 15


def make_contest(opens_at: datetime, closes_at: datetime) -> Contest:
    return Contest(1, "c", rules(), opens_at, closes_at, 1, candidates(3))


@given(
    hours_open=st.integers(1, 24 * 30),
    last=st.none() | st.integers(0, 24 * 32),
    now=st.integers(-5, 24 * 33),
)
def test_every_night_and_the_close_are_examined_once(
    hours_open: int, last: int | None, now: int
) -> None:
    contest = make_contest(OPENS, OPENS + timedelta(hours=hours_open))
    now_at = OPENS + timedelta(hours=now, minutes=1)
    known_names = None if last is None else OPENS + timedelta(hours=last)
    moment = sweeps.moment_due(contest, known_names, now_at)
    nights = [
        OPENS + timedelta(hours=hour)
        for hour in range(1, hours_open)
        if (OPENS + timedelta(hours=hour)).astimezone(contest.zone).time() == sweeps.SWEEP_AT
    ]
    passed = [item for item in [*nights, contest.closes_at] if item < now_at]
    missing = [item for item in passed if known_names is None or item > known_names]
    assert moment == (missing[-1] if missing else None)


def bots(size: int) -> Crowd:
    """One machine, one browser, within an hour."""
    rng = np.random.default_rng(2)
    like = honest(rng, size)
    return Crowd(
        "bots",
        START_MS + DAY_MS + rng.integers(0, HOUR_MS, size),
        like.platform,
        like.voter,
        np.full(size, 65_000),
        np.full(size, 99),
        like.account_day,
        popular(rng, size, BOUGHT),
    )


async def store(database: Connection, contest: Contest, crowd: Crowd) -> None:
    def hashed(kind: str, value: Any, size: int = 8) -> bytes:
        return blake2b(f"{kind} {value}".encode(), digest_size=size).digest()

    rows = []
    for row in range(len(crowd)):
        cast_at = datetime.fromtimestamp(int(crowd.cast_at[row]) / 1000, UTC)
        rows.append(
            (
                contest.id,
                1,
                0,
                True,
                contest.period(cast_at),
                cast_at,
                new_ballot_ids(1, cast_at)[0],
                hashed(crowd.truth, crowd.voter[row], 16),
                crowd.choices[row],
                hashed("address", crowd.ip[row]),
                hashed("network", crowd.ip[row]),
                hashed("device", crowd.device[row]),
                10,
            )
        )
    await database.executemany(
        "insert into ballots (contest_id, platform_id, disposition, screened, period, cast_at,"
        " ballot_id, voter, choices, address, network, device, agent_class)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        rows,
    )


@pytest.fixture
async def contest(database: Connection) -> Contest:
    stored = await store_contest(
        database,
        b"m" * 32,
        contest_rules=rules(),
        count=CANDIDATES,
        opens_at=OPENS,
        closes_at=CLOSES,
    )
    await store(database, stored, honest(np.random.default_rng(1), 4_000))
    await store(database, stored, bots(60))
    return stored


async def test_a_machine_s_ballots_are_held_and_still_count(
    database: Connection, contest: Contest
) -> None:
    before = await count_now(database, contest.id)
    made = await sweeps.sweep(database, contest, CLOSES)
    assert [hold.is_new for hold in made] == [True]
    [hold] = await load_holds(database, contest)
    assert hold.kind == "campaign"
    assert 55 <= hold.ballots <= 66
    assert BOUGHT in hold.evidence.candidates
    assert await count_now(database, contest.id) == before
    assert await sweeps.load_latest_sweep(database, contest.id) == CLOSES
    again = await sweeps.sweep(database, contest, CLOSES + timedelta(seconds=1))
    assert [hold.is_new for hold in again] == []
    acts = await database.fetch("select actor, act from audit_log order by entry")
    assert [tuple(act) for act in acts] == [("sweep", "hold_made")]


async def test_only_ballots_before_the_moment_are_examined(
    database: Connection, contest: Contest
) -> None:
    moment = datetime.fromtimestamp((START_MS + DAY_MS) / 1000, UTC)
    assert await sweeps.sweep(database, contest, moment) == ()
    examined = await database.fetchrow("select ballots, campaigns, holds from sweeps")
    assert examined is not None
    assert tuple(examined)[1:] == (0, 0)
    assert 500 < examined["ballots"] < 900


async def test_an_examination_that_fails_raises_and_stores_nothing(
    database: Connection, contest: Contest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(Refused, match="failed"):
        await sweeps.sweep(database, contest, CLOSES)
    assert await sweeps.load_latest_sweep(database, contest.id) is None
    assert await database.fetchval("select count(*) from holds") == 0
