"""Steps ③–⑦ in order for one batch, and the queue in front of them.

Votes of a contest wait in a bounded queue. Every tick takes up to one batch of them through
admit, decide, commit and receipt; counting follows after the votes are resolved.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple

import structlog

from voting_service.antifraud.challenges.proof_of_work import difficulty
from voting_service.antifraud.screening.client_signals import Sender
from voting_service.antifraud.screening.decision import (
    Policy,
    Price,
    ScreeningDecision,
    Signal,
    decide,
    price,
)
from voting_service.contests.model import Contest, Platform
from voting_service.errors import (
    AlreadyVoted,
    ChallengeRequired,
    NotOpen,
    PeriodOver,
    SlowDown,
    StoreUnavailable,
    Unavailable,
    busy,
    spread_retry_seconds,
)
from voting_service.infrastructure.clock import FIRST_DAY
from voting_service.infrastructure.postgres.database_clock import ClockWatch
from voting_service.infrastructure.postgres.pool import Pool
from voting_service.infrastructure.postgres.standby import StandbyWatch
from voting_service.infrastructure.tasks import run_forever
from voting_service.infrastructure.timeouts import MAX_QUEUE_WAIT_SECONDS
from voting_service.infrastructure.traces import traced
from voting_service.voting import metrics
from voting_service.voting.ballots.admit import Admitter
from voting_service.voting.ballots.commit import (
    Batch,
    Committed,
    Decided,
    commit,
)
from voting_service.voting.ballots.parse import CandidateWithdrawn
from voting_service.voting.ballots.receipt import StoredBallot, receipt_bytes
from voting_service.voting.ballots.vote import (
    Accepted,
    BallotKey,
    DatedBallot,
    Outcome,
    Repeated,
    Vote,
)
from voting_service.voting.tally.counters import CounterDelta, CounterFeed

log = structlog.get_logger(__name__)

MAX_BATCH = 512
MAX_BATCHES_AT_ONCE = 1
"""With one, votes that arrive during a batch make the next batch larger, and a batch has a fixed
cost. Measured on a shared machine: 75 µs per vote with one at once, 82 µs with two."""
TICK_SECONDS = 0.004
"""How long the first vote of a batch waits for others: adds that much latency, and saves every
vote that joins a round trip to the stores."""
SLOW_DOWN_SECONDS = 30
_SOLVED = int(Signal.CHALLENGE_SOLVED)


class Dependencies(NamedTuple):
    """What the pipeline needs from its worker."""

    pool: Pool
    admitter: Admitter
    feed: CounterFeed
    watch: ClockWatch
    standby_watch: StandbyWatch = StandbyWatch()


class BallotPipeline:
    """The queue and the batches of one contest in one worker."""

    def __init__(
        self, contest: Contest, receipt_key: bytes, dependencies: Dependencies, queue_limit: int
    ) -> None:
        self.contest = contest
        self.platforms: Mapping[int, Platform] = {}
        self._receipt_key = receipt_key
        self._dependencies = dependencies
        self._queue_limit = queue_limit
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Vote] = deque()
        self._arrived = asyncio.Event()
        self._slots = asyncio.Semaphore(MAX_BATCHES_AT_ONCE)
        self._running: set[asyncio.Task[None]] = set()
        self._closing = False
        self._ticking = asyncio.create_task(
            run_forever("caster", self._begin_batch), name=f"ballots {contest.slug}"
        )

    def submit(
        self,
        *,
        voter: bytes,
        platform_id: int,
        sender: Sender,
        solved: bool,
        ballot: DatedBallot,
    ) -> asyncio.Future[Outcome]:
        """Queue a vote and return its future result. Raises Unavailable when the queue is full or
        closing."""
        if len(self._waiting) >= self._queue_limit or self._closing:
            metrics.BALLOTS.labels("busy").inc()
            raise busy()
        vote = Vote(
            voter=voter,
            platform_id=platform_id,
            sender=sender,
            solved=solved,
            ballot=ballot,
            result=self._loop.create_future(),
            waiting_since=self._loop.time(),
        )
        self._waiting.append(vote)
        self._arrived.set()
        return vote.result

    def _result_for_stored(self, ballot: StoredBallot, choices: str) -> Outcome:
        receipt = receipt_bytes(self._receipt_key, self.contest.slug, ballot)
        if ballot.choices == choices:
            metrics.BALLOTS.labels("duplicate").inc()
            return Repeated(receipt)
        metrics.BALLOTS.labels("conflict").inc()
        return AlreadyVoted(receipt)

    async def close(self) -> None:
        """Accept no more votes, and return when every waiting one is resolved."""
        self._closing = True
        while self._waiting or self._running:
            self._arrived.set()
            await asyncio.wait([*self._running, asyncio.create_task(asyncio.sleep(TICK_SECONDS))])
        self._ticking.cancel()

    async def _begin_batch(self) -> None:
        """Wait for votes and a free slot, then start a task for them.

        Nothing can fail between taking the votes and starting the task, so no vote is lost and no
        slot stays taken.
        """
        await self._arrived.wait()
        if len(self._waiting) < MAX_BATCH:
            await asyncio.sleep(TICK_SECONDS)
        await self._slots.acquire()
        votes = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
        if not self._waiting:
            self._arrived.clear()
        if not votes:
            self._slots.release()
            return
        task = asyncio.create_task(self._run_batch(votes))
        self._running.add(task)
        task.add_done_callback(self._batch_done)
        metrics.QUEUE_DEPTH.set(len(self._waiting))

    def _batch_done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._slots.release()

    @traced("batch")
    async def _run_batch(self, votes: Sequence[Vote]) -> None:
        """Process one batch. Every vote is resolved; any failure resolves it as Unavailable, never
        as accepted."""
        now = self._loop.time()
        waited = now - votes[0].waiting_since
        fresh = votes
        if waited > MAX_QUEUE_WAIT_SECONDS:
            fresh = [vote for vote in votes if now - vote.waiting_since <= MAX_QUEUE_WAIT_SECONDS]
        try:
            metrics.BATCH_SIZE.observe(len(votes))
            metrics.STEP_SECONDS.labels("wait").observe(waited)
            if fresh and await self._clock_is_right(fresh):
                await self._process(fresh)
        except StoreUnavailable as error:
            log.warning("batch_not_confirmed", votes=len(votes), reason=str(error))
        except Exception:
            log.exception("batch_failed", votes=len(votes))
        finally:  # also of a CancelledError from inside a store's client
            self._refuse_unresolved(votes)

    def _refuse_unresolved(self, votes: Sequence[Vote]) -> None:
        """Resolve as Unavailable what a failed batch left unresolved."""
        unresolved = [vote for vote in votes if not vote.result.done()]
        is_alone = self._dependencies.standby_watch.state == "missing"
        for vote in unresolved:
            vote.resolve(
                Unavailable(
                    "voting.ballots.no_second_copy" if is_alone else "voting.ballots.not_confirmed",
                    retry_after_seconds=spread_retry_seconds(),
                )
            )
        if unresolved:
            metrics.BALLOTS.labels("failed").inc(len(unresolved))

    async def _clock_is_right(self, votes: Sequence[Vote]) -> bool:
        """Return whether this worker's clock may date the votes; if not, they are resolved.

        Checked first: a wrong clock would leave hints, or refuse votes as after the close.
        """
        try:
            await self._dependencies.watch.require_measured(self._dependencies.pool)
        except StoreUnavailable:
            raise
        except Unavailable as error:
            metrics.BALLOTS.labels("wrong_clock").inc(len(votes))
            for vote in votes:
                vote.resolve(error)
            return False
        return True

    async def _process(self, votes: Sequence[Vote]) -> None:
        """Store each vote, or find its ballot; a vote that may not be stored is only looked up."""
        started_at = self._dependencies.watch.clock()
        contest = self.contest
        rules = contest.rules.screening
        policy = Policy(challenge=rules.challenge, hold=rules.hold)
        today = started_at.toordinal() - FIRST_DAY.toordinal()
        storable = [vote.ballot.may_be_stored(contest) for vote in votes]
        signals = [
            vote.sender.active_signals(today) | (_SOLVED if vote.solved else 0) for vote in votes
        ]
        with metrics.STEP_SECONDS.labels("admit").time():
            admissions = await self._dependencies.admitter.admit(
                contest,
                self.platforms,
                votes,
                prices=[
                    price(active_signals, policy) if may_be_stored else Price.ALWAYS
                    for active_signals, may_be_stored in zip(signals, storable, strict=True)
                ],
                now_ms=started_at.timestamp() * 1000,
            )
        unseen: list[Decided] = []
        seen: list[Decided] = []
        for vote, active_signals, admission, may_be_stored in zip(
            votes, signals, admissions, storable, strict=True
        ):
            vote.screened = admission.screened
            verdict = decide(
                active_signals | admission.active_signals,
                voter_over_limit=admission.voter_over_limit,
                policy=policy,
            )
            if verdict.decision is ScreeningDecision.SLOW_DOWN:
                metrics.BALLOTS.labels("limited").inc()
                vote.resolve(SlowDown(SLOW_DOWN_SECONDS))
            elif admission.seen or not may_be_stored:
                seen.append((vote, verdict))
            else:
                unseen.append((vote, verdict))
        unseen = self._resolve_challenged(unseen)
        batch = Batch(contest, started_at, unseen, [vote for vote, _ in seen])
        without_ballot = await self._commit_and_resolve(batch)
        self._resolve_late([vote for vote, _ in unseen if vote.key in without_ballot])
        # A hint without a ballot: its batch failed, or is being stored at this moment.
        absent = [decided for decided in seen if decided[0].key in without_ballot]
        self._resolve_late([vote for vote, _ in absent])
        again = self._resolve_challenged(
            [decided for decided in absent if decided[0].ballot.may_be_stored(contest)]
        )
        if again:
            without_ballot = await self._commit_and_resolve(batch._replace(unseen=again, seen=()))
            self._resolve_late([vote for vote, _ in again if vote.key in without_ballot])

    def _resolve_challenged(self, decided: list[Decided]) -> list[Decided]:
        """Resolve votes that need a challenge with ChallengeRequired; return those to be stored.

        Only called for votes without a stored ballot: a receipt never needs a challenge.
        """
        storable = []
        for vote, verdict in decided:
            if verdict.decision is ScreeningDecision.CHALLENGE:
                metrics.BALLOTS.labels("challenged").inc()
                load = len(self._waiting) / self._queue_limit
                vote.resolve(
                    ChallengeRequired(difficulty(verdict.active_signals.bit_count(), load))
                )
            else:
                storable.append((vote, verdict))
        return storable

    async def _commit_and_resolve(self, batch: Batch) -> set[BallotKey]:
        """Run ⑤ and ⑥; return the keys for which no ballot is stored."""
        if not batch.unseen and not batch.seen:
            return set()
        with metrics.STEP_SECONDS.labels("commit").time():
            committed = await commit(self._dependencies.pool, batch, self._dependencies.watch)
        slug, key = self.contest.slug, self._receipt_key
        for vote, _, ballot in committed.new:
            vote.resolve(Accepted(receipt_bytes(key, slug, ballot)))
        metrics.BALLOTS.labels("accepted").inc(len(committed.new))
        if committed.xid is not None:
            self._dependencies.feed.put(_counter_deltas(self.contest.id, committed))
        if len(committed.new) == len(batch.unseen) and not batch.seen:
            return set()
        return self._resolve_stored(batch, committed)

    def _resolve_stored(self, batch: Batch, committed: Committed) -> set[BallotKey]:
        """Resolve votes whose voter has a stored ballot; return the keys without one."""
        without_ballot: set[BallotKey] = set()
        new_here = {id(vote) for vote, _, _ in committed.new}
        for vote in (*(vote for vote, _ in batch.unseen), *batch.seen):
            if id(vote) in new_here:
                continue
            ballot = committed.stored.get(vote.key)
            if ballot is None:
                without_ballot.add(vote.key)
                continue
            vote.resolve(self._result_for_stored(ballot, vote.choices_text))
        return without_ballot

    def _resolve_late(self, votes: Sequence[Vote]) -> None:
        """Resolve votes that have no ballot and may not be stored: they came after the close, in a
        period that they named after its end, or after a chosen candidate had withdrawn.

        The others stay unresolved here: if a batch took longer than its grace, or the named period
        has begun by the clock of another worker only, `_run_batch` asks their voters to try again.
        """
        contest = self.contest
        for vote in votes:
            ballot = vote.ballot
            current = contest.current_period(ballot.cast_at)
            if ballot.period < current:
                metrics.BALLOTS.labels("period_over").inc()
                vote.resolve(PeriodOver(ballot.period))
            elif ballot.period == current and contest.phase(ballot.cast_at) != "open":
                metrics.BALLOTS.labels("not_open").inc()
                vote.resolve(not_open(contest, ballot.cast_at))
            elif withdrawn := ballot.withdrawn_choices(contest):
                metrics.BALLOTS.labels("withdrawn").inc()
                vote.resolve(CandidateWithdrawn(contest, withdrawn))


def not_open(contest: Contest, now: datetime) -> NotOpen:
    """Return the refusal of a vote outside the voting period."""
    return NotOpen(contest.opens_at, contest.closes_at, closed=now >= contest.opens_at)


def _counter_deltas(contest_id: int, committed: Committed) -> CounterDelta:
    """Return the counter deltas of a batch (⑦)."""
    assert committed.xid is not None
    counted = [
        vote.ballot.choices
        for vote, verdict, _ in committed.new
        if verdict.decision is ScreeningDecision.COUNT
    ]
    chosen = Counter(chain.from_iterable(counted))
    votes = {str(number): count for number, count in chosen.items()}
    held = len(committed.new) - len(counted)
    return CounterDelta(contest_id, committed.xid, len(counted), votes, held)
