"""③–⑦ in order for one batch, and the queue in front of them.

Votes of a contest wait in a bounded queue. Every tick takes what waits, up to a batch, through
admit, decide, commit and answer; counting follows behind the answer.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import NamedTuple

import structlog

from voting_service import metrics
from voting_service.antifraud.challenges import difficulty
from voting_service.antifraud.clients import Sender
from voting_service.antifraud.decision import Decision, Policy, Suspicion, decide, price
from voting_service.ballots.admit import Admitter
from voting_service.ballots.commit import Batch, Committed, Decided, commit, load_stored
from voting_service.ballots.receipt import StoredBallot, receipt_bytes
from voting_service.ballots.vote import Accepted, Outcome, Repeated, Vote, array_text
from voting_service.clock import FIRST_DAY
from voting_service.contests.model import Contest, Platform
from voting_service.errors import (
    AlreadyVoted,
    ChallengeRequired,
    NotOpen,
    SlowDown,
    StoreUnavailable,
    Unavailable,
)
from voting_service.storage.database_clock import ClockWatch
from voting_service.storage.postgres import Pool, acquire
from voting_service.tally.counters import Counted, CounterFeed
from voting_service.tasks import run_forever

log = structlog.get_logger(__name__)

MAX_BATCH = 512
MAX_BATCHES_AT_ONCE = 1
"""One: what arrives meanwhile makes the next batch larger, and a batch has its price whatever
its size. Runs with two gave 82 µs a vote, runs with one 75, on a machine that was not quiet."""
TICK_SECONDS = 0.004
"""How long the first vote of a batch waits for company. Costs that much latency and saves a
store's round trip for everyone who joins."""
MAX_WAIT_SECONDS = 5.0
"""A vote that waited longer than this behind a slow store is refused rather than begun: with the
stores' own timeouts that bounds every answer."""
SLOW_DOWN_SECONDS = 30
_SOLVED = int(Suspicion.CHALLENGE_SOLVED)


class Dependencies(NamedTuple):
    """What casting needs from the worker it runs in."""

    pool: Pool
    admitter: Admitter
    feed: CounterFeed
    watch: ClockWatch


def busy() -> Unavailable:
    """503 with a Retry-After that spreads the tries that come back."""
    return Unavailable(
        "the service is busy; nothing was stored, please try again",
        retry_after_seconds=random.randint(1, 4),  # noqa: S311 — spreading load, not a secret
    )


class Caster:
    """The queue and the batches of one contest in one worker."""

    def __init__(
        self, contest: Contest, receipt_key: bytes, needs: Dependencies, queue_limit: int
    ) -> None:
        self.contest = contest
        self.platforms: Mapping[int, Platform] = {}
        self._receipt_key = receipt_key
        self._needs = needs
        self._queue_limit = queue_limit
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Vote] = deque()
        self._arrived = asyncio.Event()
        self._slots = asyncio.Semaphore(MAX_BATCHES_AT_ONCE)
        self._running: set[asyncio.Task[None]] = set()
        self._closing = False
        self._ticking = asyncio.create_task(
            run_forever("caster", self._begin_batch), name=f"cast {contest.slug}"
        )

    def submit(
        self,
        *,
        voter: bytes,
        platform_id: int,
        sender: Sender,
        solved: bool,
        choices: list[int],
    ) -> asyncio.Future[Outcome]:
        """Queues a vote. Raises Unavailable when the queue is full or being closed."""
        if len(self._waiting) >= self._queue_limit or self._closing:
            metrics.BALLOTS.labels("busy").inc()
            raise busy()
        vote = Vote(
            voter=voter,
            platform_id=platform_id,
            sender=sender,
            solved=solved,
            choices=choices,
            answer=self._loop.create_future(),
            waiting_since=self._loop.time(),
        )
        self._waiting.append(vote)
        self._arrived.set()
        return vote.answer

    async def answer_after_close(self, voter: bytes, choices: list[int]) -> Outcome:
        """What a try after the close is told: nothing is stored any more, but a ballot that was
        stored in the last period has its receipt."""
        contest = self.contest
        period = contest.period(contest.closes_at - timedelta(microseconds=1))
        async with acquire(self._needs.pool) as connection:
            stored = await load_stored(connection, contest.id, period, [voter])
        ballot = stored.get(voter)
        if ballot is None:
            return not_open(contest, self._needs.watch.clock())
        return self._of_stored(ballot, array_text(choices))

    def _of_stored(self, ballot: StoredBallot, choices: str) -> Outcome:
        receipt = receipt_bytes(self._receipt_key, self.contest.slug, ballot)
        if ballot.choices == choices:
            metrics.BALLOTS.labels("duplicate").inc()
            return Repeated(receipt)
        metrics.BALLOTS.labels("conflict").inc()
        return AlreadyVoted(receipt)

    async def close(self) -> None:
        """Answers every vote that waits, and takes no more."""
        self._closing = True
        while self._waiting or self._running:
            self._arrived.set()
            await asyncio.wait([*self._running, asyncio.create_task(asyncio.sleep(TICK_SECONDS))])
        self._ticking.cancel()

    async def _begin_batch(self) -> None:
        """Waits for votes and for a free slot, and hands both to a task. Between taking them and
        handing them over nothing can fail: no vote is dropped and no slot stays taken."""
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
        task = asyncio.create_task(self._answer_all(votes))
        self._running.add(task)
        task.add_done_callback(self._batch_done)
        metrics.QUEUE_DEPTH.set(len(self._waiting))

    def _batch_done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._slots.release()

    async def _answer_all(self, votes: Sequence[Vote]) -> None:
        """Whatever happens, every vote gets an answer, and none is confirmed by accident."""
        now = self._loop.time()
        waited = now - votes[0].waiting_since
        fresh = votes
        if waited > MAX_WAIT_SECONDS:
            fresh = [vote for vote in votes if now - vote.waiting_since <= MAX_WAIT_SECONDS]
        try:
            metrics.BATCH_SIZE.observe(len(votes))
            metrics.STEP_SECONDS.labels("wait").observe(waited)
            if fresh and await self._clock_is_right(fresh):
                await self._process(fresh)
        except StoreUnavailable as error:
            log.warning("batch_not_confirmed", votes=len(votes), reason=str(error))
        except Exception:
            log.exception("batch_failed", votes=len(votes))
        unanswered = [vote for vote in votes if not vote.answer.done()]
        for vote in unanswered:
            vote.settle(
                Unavailable(
                    "the vote could not be confirmed; trying again is safe",
                    retry_after_seconds=random.randint(1, 4),  # noqa: S311
                )
            )
        if unanswered:
            metrics.BALLOTS.labels("failed").inc(len(unanswered))

    async def _clock_is_right(self, votes: Sequence[Vote]) -> bool:
        """Refuses the votes when this worker's clock may not date them. Before anything else: a
        wrong clock would leave hints, or say that the contest is closed."""
        try:
            await self._needs.watch.require_measured(self._needs.pool)
        except StoreUnavailable:
            raise
        except Unavailable as error:
            metrics.BALLOTS.labels("wrong_clock").inc(len(votes))
            for vote in votes:
                vote.settle(Unavailable(str(error), error.retry_after_seconds))
            return False
        return True

    async def _process(self, votes: Sequence[Vote]) -> None:
        cast_at = _to_milliseconds(self._needs.watch.clock())
        contest = self.contest
        if contest.phase(cast_at) != "open":
            self._refuse_closed(votes)
            return
        period = contest.period(cast_at)
        rules = contest.rules.screening
        policy = Policy(challenge=rules.challenge, hold=rules.hold)
        today = cast_at.toordinal() - FIRST_DAY.toordinal()
        known = [vote.sender.lit(today) | (_SOLVED if vote.solved else 0) for vote in votes]
        with metrics.STEP_SECONDS.labels("admit").time():
            admissions = await self._needs.admitter.admit(
                contest,
                self.platforms,
                period,
                votes,
                prices=[price(lit, policy) for lit in known],
                now_ms=cast_at.timestamp() * 1000,
            )
        unseen: list[Decided] = []
        seen: list[Decided] = []
        for vote, lit, admission in zip(votes, known, admissions, strict=True):
            verdict = decide(
                lit | admission.lit, voter_over_limit=admission.voter_over_limit, policy=policy
            )
            if verdict.decision is Decision.SLOW_DOWN:
                metrics.BALLOTS.labels("limited").inc()
                vote.settle(SlowDown(SLOW_DOWN_SECONDS))
            elif admission.seen:
                seen.append((vote, verdict))
            else:
                unseen.append((vote, verdict))
        screened = admissions[0].screened
        unseen = self._without_unpaid(unseen)
        batch = Batch(contest, period, cast_at, screened, unseen, [vote for vote, _ in seen])
        without_ballot = await self._commit_and_answer(batch)
        self._refuse_late([vote for vote, _ in unseen if vote.voter in without_ballot])
        # A hint whose ballot is not there: its batch failed, or it is being stored this moment.
        again = self._without_unpaid(
            [decided for decided in seen if decided[0].voter in without_ballot]
        )
        if again:
            without_ballot = await self._commit_and_answer(batch._replace(unseen=again, seen=()))
            self._refuse_late([vote for vote, _ in again if vote.voter in without_ballot])

    def _without_unpaid(self, decided: list[Decided]) -> list[Decided]:
        """Those that may be stored; the others are asked for a challenge. Only votes without a
        stored ballot come here: nobody pays for a receipt."""
        paid = []
        for vote, verdict in decided:
            if verdict.decision is Decision.CHALLENGE:
                metrics.BALLOTS.labels("challenged").inc()
                load = len(self._waiting) / self._queue_limit
                vote.settle(ChallengeRequired(difficulty(verdict.lit.bit_count(), load)))
            else:
                paid.append((vote, verdict))
        return paid

    async def _commit_and_answer(self, batch: Batch) -> set[bytes]:
        """⑤ and ⑥; returns the voters for whom no ballot is stored."""
        if not batch.unseen and not batch.seen:
            return set()
        with metrics.STEP_SECONDS.labels("commit").time():
            committed = await commit(self._needs.pool, batch, self._needs.watch)
        slug, key = self.contest.slug, self._receipt_key
        for vote, _, ballot in committed.new:
            vote.settle(Accepted(receipt_bytes(key, slug, ballot)))
        metrics.BALLOTS.labels("accepted").inc(len(committed.new))
        if committed.xid is not None:
            self._needs.feed.put(_counted(self.contest.id, committed))
        if len(committed.new) == len(batch.unseen) and not batch.seen:
            return set()
        return self._answer_stored(batch, committed)

    def _answer_stored(self, batch: Batch, committed: Committed) -> set[bytes]:
        """Answers the votes that met a stored ballot of their voter."""
        without_ballot: set[bytes] = set()
        new_here = {id(vote) for vote, _, _ in committed.new}
        for vote in (*(vote for vote, _ in batch.unseen), *batch.seen):
            if id(vote) in new_here:
                continue
            ballot = committed.stored.get(vote.voter)
            if ballot is None:
                without_ballot.add(vote.voter)
                continue
            vote.settle(self._of_stored(ballot, vote.choices))
        return without_ballot

    def _refuse_late(self, votes: Sequence[Vote]) -> None:
        """The insert left them out: the contest has closed meanwhile, or the batch took too
        long, and then they go without an answer here and are told to try again."""
        if self.contest.phase(self._needs.watch.clock()) != "open":
            self._refuse_closed(votes)

    def _refuse_closed(self, votes: Sequence[Vote]) -> None:
        for vote in votes:
            metrics.BALLOTS.labels("not_open").inc()
            vote.settle(not_open(self.contest, self._needs.watch.clock()))


def not_open(contest: Contest, now: datetime) -> NotOpen:
    """The refusal outside the window; a close that came during a batch counts as closed."""
    return NotOpen(contest.opens_at, contest.closes_at, closed=now >= contest.opens_at)


def _counted(contest_id: int, committed: Committed) -> Counted:
    """⑦'s delta of a batch: held ballots stay out of the public count."""
    assert committed.xid is not None
    counted = [
        vote.numbers for vote, verdict, _ in committed.new if verdict.decision is Decision.COUNT
    ]
    chosen = Counter(chain.from_iterable(counted))
    votes = {str(number): count for number, count in chosen.items()}
    return Counted(contest_id, committed.xid, len(counted), votes)


def _to_milliseconds(moment: datetime) -> datetime:
    """Receipts show milliseconds; the row holds the same moment, so that they stay equal."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
