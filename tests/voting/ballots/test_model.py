"""Voters, a clock, retries, withdrawals, crashes, lost memory and stores that go, against a model.

Several workers share one contest. Votes wait while the day changes or the contest closes; retries
name their period or do not. Whatever happens, every answer must agree with the rows in Postgres,
rows with what was asked for and with the day it arrived, and the counters must find back to the
rows.
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
from msgspec.structs import replace

from tests.contest_data import both, store_contest, store_platform
from tests.infrastructure.postgres.tcp_proxy import TcpProxy, tcp_proxy
from tests.patience import PATIENCE_SECONDS, patient_valkey
from tests.voting.ballots.failing_worker import (
    POINTS,
    Ballot,
    FailingWorker,
    Point,
)
from voting_service.contests.model import Withdrawal
from voting_service.contests.repository import load_platforms
from voting_service.errors import (
    AlreadyVoted,
    NotOpen,
    PeriodOver,
    StoreUnavailable,
    Unavailable,
)
from voting_service.infrastructure.postgres.pool import (
    Connection,
    Pool,
    connect,
    open_pool,
)
from voting_service.infrastructure.timeouts import COMMIT_GRACE_SECONDS
from voting_service.voting.ballots.parse import CandidateWithdrawn
from voting_service.voting.ballots.receipt import StoredBallot, receipt_bytes
from voting_service.voting.ballots.vote import (
    Accepted,
    DatedBallot,
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
TOO_LONG = timedelta(seconds=COMMIT_GRACE_SECONDS + 1)
"""Longer than any vote may wait."""
VOTERS = st.integers(0, 5)
CHOICES = st.sampled_from([[1], [2], [1, 2], [3]])
NAMED = st.sampled_from([None, None, 0, 1])
"""How many days ago the named period is; None names none."""
CAST = st.tuples(st.integers(0, WORKERS - 1), VOTERS, CHOICES, NAMED)


class Row(NamedTuple):
    choices: list[int]
    disposition: int
    screened: bool
    platform_id: int
    cast_at: datetime
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
        self.floods = 0
        self.valkey_is_there = True
        self.cut_off: set[int] = set()
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

    def ballot(self, voter: int, choices: list[int], named: int | None = None) -> Ballot:
        """A ballot that arrives now. Even voters sign in through the platform without a ceiling."""
        house = self.house
        platform = house.small_platform if voter % 2 else house.open_platform
        dated = DatedBallot.of(self.contest, choices, self.now)
        if named is not None:
            first = self.contest.period(self.contest.opens_at)
            dated = dated.in_period(max(first, dated.period - timedelta(days=named)))
        return bytes([voter]) * 16, platform, dated

    @rule(casts=st.lists(CAST, min_size=1, max_size=8))
    def cast_at_once(self, casts: list[tuple[int, int, list[int], int | None]]) -> None:
        ballots = [(worker, self.ballot(v, c, named)) for worker, v, c, named in casts]

        async def at_once() -> list[list[Outcome]]:
            return await asyncio.gather(*(self.workers[w].cast([b]) for w, b in ballots))

        outcomes = self.run(at_once())
        self.check([(b, o[0]) for (_, b), o in zip(ballots, outcomes, strict=True)])

    @rule(cast=CAST)
    def cast_and_cast_again_elsewhere(self, cast: tuple[int, int, list[int], int | None]) -> None:
        worker, voter, choices, named = cast
        for place in (worker, (worker + 1) % WORKERS):
            ballot = self.ballot(voter, choices, named)
            self.check([(ballot, self.run(self.workers[place].cast([ballot]))[0])])

    @rule(
        cast=CAST,
        until_end=st.sampled_from([timedelta(milliseconds=1), timedelta(seconds=2)]),
        wait=st.sampled_from([timedelta(milliseconds=1), timedelta(seconds=5), TOO_LONG]),
        retry_names=st.booleans(),
    )
    def wait_over_the_end_of_the_period_and_retry(
        self,
        cast: tuple[int, int, list[int], int | None],
        until_end: timedelta,
        wait: timedelta,
        *,
        retry_names: bool,
    ) -> None:
        """A vote arrives before the day or the contest ends, and a slow store makes it wait."""
        if self.contest.phase(self.now) != "open":
            return
        self.now = max(self.now, self.contest.period_end(self.now) - until_end)
        worker, voter, choices, _ = cast
        ballot = self.ballot(voter, choices)

        def pass_time() -> None:
            self.now += wait

        outcome = self.run(self.workers[worker].cast([ballot], pass_time))[0]
        self.check([(ballot, outcome)])
        if not retry_names and self.contest.phase(self.now) == "open":
            return  # as a new vote: other rules do that
        again = self.ballot(voter, choices)
        again = (*again[:2], again[2].in_period(ballot[2].period))
        self.check([(again, self.run(self.workers[worker - 1].cast([again]))[0])])

    @rule(
        worker=st.integers(0, WORKERS - 1),
        point=st.sampled_from(POINTS),
        casts=st.lists(st.tuples(VOTERS, CHOICES), min_size=1, max_size=6),
    )
    def crash(self, worker: int, point: Point, casts: list[tuple[int, list[int]]]) -> None:
        ballots = [self.ballot(voter, choices) for voter, choices in casts]
        outcomes = self.run(self.workers[worker].die(point, ballots))
        self.check(list(zip(ballots, outcomes, strict=True)))

    @precondition(lambda self: not self.contest.withdrawals)
    @rule(number=st.sampled_from([1, 2, 3]), ahead=st.sampled_from([0, 5, 3600]))
    def a_candidate_withdraws(self, number: int, ahead: int) -> None:
        """Every worker hears of it before its moment."""
        moment = self.now + timedelta(seconds=ahead)
        withdrawal = Withdrawal(number, "died", both("an accident"), moment)
        self.contest = replace(self.contest, withdrawals=(withdrawal,))
        for worker in self.workers:
            worker.learn(self.contest)

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
        self.floods += 1

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
    def record_goes_or_comes(self, worker: int) -> None:
        """As in a failover: every connection is cut, and new ones are refused until it is over."""
        wire = self.house.lines[worker][0]
        self.run(wire.listen() if worker in self.cut_off else wire.refuse())
        self.cut_off ^= {worker}

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
        """Every answer against the rows, and the rows against what was asked and when."""
        before, self.rows = self.rows, self.run(self._read_rows())
        assert all(self.rows.get(key) == row for key, row in before.items()), "a ballot changed"
        for (voter, _, dated), _ in answered:
            self.tried.setdefault((dated.period, voter), []).append(dated.choices)
        for key in self.rows.keys() - before.keys():
            row = self.rows[key]
            assert row.choices in self.tried[key], "a ballot nobody cast"
            assert self.contest.phase(row.cast_at) == "open", "stored outside the vote"
            assert self.contest.period(row.cast_at) == key[0], "moved to another day"
            stored = DatedBallot(row.choices, row.cast_at, key[0])
            assert not stored.withdrawn_choices(self.contest), "stored for the withdrawn"
        accepted = Counter[Key]()
        for (voter, platform, dated), outcome in answered:
            key, choices = (dated.period, voter), dated.choices
            row_found = self.rows.get(key)
            match outcome:
                case Accepted(receipt=receipt):
                    accepted[key] += 1
                    assert dated.may_be_stored(self.contest)
                    assert key not in before, "accepted twice"
                    assert row_found is not None, "confirmed and not stored"
                    assert (row_found.choices, row_found.receipt) == (choices, receipt)
                    assert (row_found.platform_id, row_found.cast_at) == (platform, dated.cast_at)
                case Repeated(receipt=receipt):
                    assert row_found is not None, "said to be stored and is not"
                    assert (row_found.choices, row_found.receipt) == (choices, receipt)
                case AlreadyVoted(receipt=receipt):
                    assert row_found is not None, "turned away without a stored ballot"
                    assert row_found.choices != choices
                    assert row_found.receipt == receipt
                case NotOpen() | PeriodOver():
                    current = self.contest.current_period(dated.cast_at)
                    assert isinstance(outcome, PeriodOver) is (dated.period < current)
                    assert not dated.may_be_stored(self.contest)
                    assert key not in before, "turned away with a stored ballot"
                case CandidateWithdrawn():
                    assert dated.withdrawn_choices(self.contest)
                    assert key not in before, "turned away with a stored ballot"
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
        for ballots in within.values():
            assert ballots <= CEILING * (1 + self.floods), "the ceiling did not hold"

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
                r["cast_at"],
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
            for worker_cut_off in list(self.cut_off):
                self.record_goes_or_comes(worker_cut_off)
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
