"""Voters, a clock, retries, crashes and lost memory on the real stores, against a plain model.

Several workers share one contest. Whatever happens, every answer must agree with the rows in
Postgres, rows must agree with what was asked for, and the counters must find back to the rows.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, suppress
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any, NamedTuple, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.contest_data import store_contest, store_platform
from tests.infrastructure.postgres.tcp_proxy import TcpProxy, tcp_proxy
from tests.patience import PATIENCE_SECONDS, patient_valkey
from tests.voting.ballots.failing_worker import (
    POINTS,
    Ballot,
    FailingWorker,
    Point,
)
from voting_service.contests.repository import load_platforms
from voting_service.errors import (
    AlreadyVoted,
    NotOpen,
    StoreUnavailable,
    Unavailable,
)
from voting_service.infrastructure.postgres.pool import (
    Connection,
    Pool,
    connect,
    open_pool,
)
from voting_service.voting.ballots.receipt import StoredBallot, receipt_bytes
from voting_service.voting.ballots.vote import (
    Accepted,
    Outcome,
    Repeated,
)
from voting_service.voting.tally.counters import (
    Counts,
    read_counts,
    set_counts,
)
from voting_service.voting.tally.repository import advance_floor, count_now

T = TypeVar("T")
WORKERS = 3
CEILING = 2
VOTERS = st.integers(0, 5)
CHOICES = st.sampled_from([[1], [2], [1, 2], [3]])
CAST = st.tuples(st.integers(0, WORKERS - 1), VOTERS, CHOICES)


class Row(NamedTuple):
    choices: list[int]
    disposition: int
    screened: bool
    platform_id: int
    receipt: bytes


Key = tuple[date, bytes]


class House:
    """What outlives an example: wires, pools, and a loop of its own to run them on."""

    def __init__(self, database_url: str, valkey_url: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.slugs: Iterator[str] = (f"contest-{n}" for n in count(1))
        self._stack = AsyncExitStack()
        self.run(self._open(database_url, valkey_url))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    async def _open(self, database_url: str, valkey_url: str) -> None:
        enter = self._stack.enter_async_context
        self.database: Connection = await connect(database_url)
        self.fast_wire = await enter(tcp_proxy(valkey_url))
        self.lines: list[tuple[TcpProxy, Pool]] = []
        for _ in range(WORKERS):
            wire = await enter(tcp_proxy(database_url))
            self.lines.append((wire, await enter(open_pool(wire.url, size=2))))
        ticks = count(0, 10)  # the breaker never spares a call: it has a test of its own
        self.valkey = patient_valkey(self.fast_wire.url, lambda: next(ticks))
        self.direct = patient_valkey(valkey_url)
        self.open_platform = await store_platform(self.database, "open")
        self.small_platform = await store_platform(self.database, "small", daily_ceiling=CEILING)
        self.platforms = {p.id: p for p in await load_platforms(self.database)}

    def close(self) -> None:
        async def closed() -> None:
            await self.valkey.close()
            await self.direct.close()
            await self.database.close()
            await self._stack.aclose()

        self.run(closed())
        self.loop.close()


class VotingModel(RuleBasedStateMachine):
    house: House

    @initialize(minutes_to_midnight=st.sampled_from([0, 30]))
    def open_a_contest(self, minutes_to_midnight: int) -> None:
        # Ahead of the stores' own clock, so that moving it does not make a batch late.
        midnight = datetime.now(UTC).replace(hour=16, minute=0, second=0, microsecond=0)
        self.now = midnight + timedelta(days=2, minutes=-minutes_to_midnight)
        self.run = self.house.run
        self.contest = self.run(
            store_contest(
                self.house.database,
                b"m" * 32,
                slug=next(self.house.slugs),
                opens_at=midnight,
                closes_at=self.now + timedelta(days=1, hours=2),
            )
        )
        self.rows: dict[Key, Row] = {}
        self.tried: dict[Key, list[list[int]]] = {}
        self.floods = Counter[date]()
        self.valkey_is_there = True
        self.workers = self.run(self._hire())

    async def _hire(self) -> list[FailingWorker]:
        return [
            FailingWorker(
                self.contest,
                self.house.platforms,
                pool=pool,
                record_wire=wire,
                valkey=self.house.valkey,
                clock=lambda: self.now,
            )
            for wire, pool in self.house.lines
        ]

    def ballot(self, voter: int, choices: list[int]) -> Ballot:
        """Even voters sign in through the platform without a ceiling."""
        house = self.house
        platform = house.small_platform if voter % 2 else house.open_platform
        return bytes([voter]) * 16, platform, choices

    @rule(casts=st.lists(CAST, min_size=1, max_size=8))
    def cast_at_once(self, casts: list[tuple[int, int, list[int]]]) -> None:
        async def at_once() -> list[list[Outcome]]:
            return await asyncio.gather(
                *(self.workers[w].cast([self.ballot(voter, c)]) for w, voter, c in casts)
            )

        outcomes = self.run(at_once())
        self.check(
            [(self.ballot(v, c), o[0]) for (_, v, c), o in zip(casts, outcomes, strict=True)]
        )

    @rule(cast=CAST)
    def cast_and_cast_again_elsewhere(self, cast: tuple[int, int, list[int]]) -> None:
        worker, voter, choices = cast
        for place in (worker, (worker + 1) % WORKERS):
            outcome = self.run(self.workers[place].cast([self.ballot(voter, choices)]))[0]
            self.check([(self.ballot(voter, choices), outcome)])

    @rule(
        worker=st.integers(0, WORKERS - 1),
        point=st.sampled_from(POINTS),
        casts=st.lists(st.tuples(VOTERS, CHOICES), min_size=1, max_size=6),
    )
    def crash(self, worker: int, point: Point, casts: list[tuple[int, list[int]]]) -> None:
        ballots = [self.ballot(voter, choices) for voter, choices in casts]
        outcomes = self.run(self.workers[worker].die(point, ballots))
        self.check(list(zip(ballots, outcomes, strict=True)))

    @rule(step=st.sampled_from([timedelta(milliseconds=1), timedelta(minutes=30)]))
    def time_passes(self, step: timedelta) -> None:
        self.now += step

    @rule(hours=st.sampled_from([6, 12]))
    def hours_pass(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @precondition(lambda self: self.valkey_is_there)
    @rule()
    def memory_is_lost(self) -> None:
        self.run(self.house.direct.command("FLUSHALL"))
        self.floods[self.contest.period(self.now)] += 1

    @precondition(lambda self: self.valkey_is_there)
    @rule()
    def functions_are_lost(self) -> None:
        self.run(self.house.direct.command("FUNCTION", "FLUSH"))

    @precondition(lambda self: self.valkey_is_there)
    @rule()
    def valkey_goes(self) -> None:
        self.run(self.house.fast_wire.refuse())
        self.valkey_is_there = False

    @precondition(lambda self: not self.valkey_is_there)
    @rule()
    def valkey_comes(self) -> None:
        self.run(self.house.fast_wire.listen())
        self.valkey_is_there = True

    @rule(worker=st.integers(0, WORKERS - 1))
    def count(self, worker: int) -> None:
        self.run(self.workers[worker].feed.flush())

    @precondition(lambda self: self.valkey_is_there)
    @rule()
    def reconcile(self) -> None:
        """Afterwards the live counters are the record, whatever was lost before."""

        async def converge() -> None:
            house, contest_id = self.house, self.contest.id
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    floor, totals = await advance_floor(house.database, contest_id)
                    with suppress(StoreUnavailable):
                        await set_counts(house.valkey, contest_id, floor, totals)
                        live = await read_counts(house.valkey, contest_id)
                        if without_zeros(live) == self.expected_counts():
                            return

        self.run(converge())

    @invariant()
    def the_record_s_count_is_a_count_of_the_rows(self) -> None:
        counted = self.run(count_now(self.house.database, self.contest.id))
        assert counted == self.expected_counts()

    def expected_counts(self) -> Counts:
        counted = [row for row in self.rows.values() if row.disposition == 0]
        votes = Counter(number for row in counted for number in row.choices)
        return Counts(len(counted), dict(votes))

    def check(self, answered: list[tuple[Ballot, Outcome | None]]) -> None:
        """Every answer of one moment against the rows, and the rows against what was asked."""
        period = self.contest.period(self.now)
        before, self.rows = self.rows, self.run(self._read_rows())
        assert all(self.rows.get(key) == row for key, row in before.items()), "a ballot changed"
        for (voter, _, choices), _ in answered:
            self.tried.setdefault((period, voter), []).append(choices)
        for key in self.rows.keys() - before.keys():
            assert self.rows[key].choices in self.tried[key], "a ballot nobody cast"
        is_open = self.contest.phase(self.now) == "open"
        accepted = Counter[Key]()
        for (voter, platform, choices), outcome in answered:
            key = (period, voter)
            row = self.rows.get(key)
            match outcome:
                case Accepted(receipt=receipt):
                    accepted[key] += 1
                    assert is_open
                    assert key not in before, "accepted twice"
                    assert row is not None, "confirmed and not stored"
                    assert (row.choices, row.receipt) == (choices, receipt)
                    assert row.platform_id == platform
                case Repeated(receipt=receipt):
                    assert row is not None, "said to be stored and is not"
                    assert (row.choices, row.receipt) == (choices, receipt)
                case AlreadyVoted(receipt=receipt):
                    assert row is not None, "turned away without a stored ballot"
                    assert row.choices != choices
                    assert row.receipt == receipt
                case NotOpen():
                    assert not is_open
                case Unavailable() | None:
                    pass
                case _:
                    raise AssertionError(outcome)
        assert not accepted or max(accepted.values()) == 1
        self.check_dispositions()

    def check_dispositions(self) -> None:
        within = Counter[date]()
        for (period, _), row in self.rows.items():
            if row.disposition == 1:
                assert row.platform_id == self.house.small_platform
                assert row.screened
            elif row.screened and row.platform_id == self.house.small_platform:
                within[period] += 1
        for period, ballots in within.items():
            assert ballots <= CEILING * (1 + self.floods[period]), "the ceiling did not hold"

    async def _read_rows(self) -> dict[Key, Row]:
        stored = await self.house.database.fetch(
            "select period, voter, ballot_id, cast_at, choices::text as text, choices,"
            " disposition, screened, platform_id from ballots where contest_id = $1",
            self.contest.id,
        )
        rows = {
            (r["period"], r["voter"]): Row(
                r["choices"],
                r["disposition"],
                r["screened"],
                r["platform_id"],
                receipt_bytes(
                    b"k" * 32,
                    self.contest.slug,
                    StoredBallot(r["ballot_id"], r["voter"], r["period"], r["cast_at"], r["text"]),
                ),
            )
            for r in stored
        }
        assert len(rows) == len(stored)
        return rows

    def teardown(self) -> None:
        if hasattr(self, "workers"):
            for worker in self.workers:
                worker.stop()
            if not self.valkey_is_there:
                self.valkey_comes()
            self.reconcile()
            self.run(asyncio.sleep(0))


def without_zeros(counts: Counts | None) -> Counts | None:
    if counts is None:
        return None
    return Counts(counts.ballots, {number: n for number, n in counts.votes.items() if n})


@pytest.fixture
def house(database_url: str, valkey_url: str) -> Iterator[House]:
    """Its clock moves and the stores' do not: how far a clock may be off has tests of its own."""
    opened = House(database_url, valkey_url)
    yield opened
    opened.close()


def test_invariants_hold_whatever_happens(house: House) -> None:
    VotingModel.house = house
    run_state_machine_as_test(
        VotingModel,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
