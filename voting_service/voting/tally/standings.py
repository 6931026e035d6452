"""⑧ Standings: the public counts, prepared as bytes at most once per second and worker.

Reading them costs a dictionary look-up. Counts come from the live counters, from Postgres while
those are unavailable, and from snapshots where the release schedule requires it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec
import structlog

from voting_service.contests.model import Contest
from voting_service.contests.release_schedule import (
    Hidden,
    Live,
    SnapshotAt,
    release_at,
    release_before,
)
from voting_service.errors import StoreUnavailable, Unavailable
from voting_service.infrastructure.clock import Clock
from voting_service.infrastructure.postgres.pool import Pool, acquire
from voting_service.infrastructure.prepared_response import Prepared
from voting_service.infrastructure.tasks import FailureLog, run_forever
from voting_service.infrastructure.valkey import Valkey
from voting_service.voting import metrics
from voting_service.voting.tally.counters import Counts, read_counts
from voting_service.voting.tally.errors import TallyOfAnotherCluster
from voting_service.voting.tally.recount import competition_ranks
from voting_service.voting.tally.repository import (
    checked_floor,
    count_now,
    counts_before_each,
    load_snapshot,
    load_snapshots,
)
from voting_service.voting.tally.trend import SnapshotCounts, Trend, make_trend, trend_moments

STUCK_AFTER_SECONDS = 60.0
"""How long a round over every contest may take while both stores are slow."""
REFRESH_SECONDS = 1.0
RECORD_REFRESH_SECONDS = 5.0
"""While the live counters are unavailable every worker reads Postgres instead, but less often."""
EARLIER_REFRESH_SECONDS = 300.0
"""How often the counts of the midnights are read again."""
RECOUNT_SECONDS = 30
"""Retry-After while the tally needs to be rebuilt."""

log = structlog.get_logger(__name__)


class CandidateStanding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line; equal votes share a rank (1, 2, 2, 4), which is None while nobody has a vote.
    `change` is the difference to the counts of `compared_with`."""

    number: int
    votes: int
    rank: int | None
    change: int | None = None


class WithdrawnStanding(msgspec.Struct, frozen=True):
    """The votes of a candidate who is out of the ranking."""

    number: int
    votes: int
    withdrawn_at: datetime


class Standings(msgspec.Struct, frozen=True, omit_defaults=True):
    """The public standings. `candidates` is absent while the schedule hides the counts,
    `compared_with` where there are no earlier counts to compare with: those of the last midnight
    while counts are live, else those of the release before. `withdrawn` is absent without a
    withdrawal."""

    contest: str
    release: Literal["live", "snapshot", "hidden"]
    as_of: datetime | None = None
    available_from: datetime | None = None
    compared_with: datetime | None = None
    ballots: int | None = None
    candidates: tuple[CandidateStanding, ...] | None = None
    withdrawn: tuple[WithdrawnStanding, ...] = ()


class CutLine(NamedTuple):
    """The votes of the last candidate above the line and of the first below it. Where they are the
    same, the line would go through a tie: it is not drawn."""

    inside: int
    outside: int

    @property
    def is_drawn(self) -> bool:
        return self.inside > self.outside

    def gap(self, votes: int) -> int:
        """Return by how many votes somebody is ahead of the first below the line, or (negative)
        behind the last above it; 0 in a tie at the line."""
        return votes - self.outside if votes > self.outside else min(votes - self.inside, 0)


def cut_line(candidates: Sequence[CandidateStanding], size: int) -> CutLine | None:
    """Return the line below the first `size`; None before the first vote, and where all go on."""
    if len(candidates) <= size or not candidates[0].votes:
        return None
    return CutLine(candidates[size - 1].votes, candidates[size].votes)


class ShownStandings(NamedTuple):
    """What is public, as values. The tag changes with them."""

    standings: Standings
    trend: Trend
    tag: str


def ranked(
    contest: Contest, votes: dict[int, int], earlier: SnapshotCounts | None = None
) -> tuple[CandidateStanding, ...]:
    """Return the candidates who have not withdrawn in order of votes, then number; equal votes
    share a rank."""
    counts = {number: votes.get(number, 0) for number in contest.standing}
    ranks = competition_ranks(counts) if any(counts.values()) else dict.fromkeys(counts)
    return tuple(
        CandidateStanding(
            number,
            counts[number],
            ranks[number],
            counts[number] - earlier.votes.get(number, 0) if earlier else None,
        )
        for number in sorted(counts, key=lambda number: (-counts[number], number))
    )


def withdrawn(contest: Contest, votes: dict[int, int]) -> tuple[WithdrawnStanding, ...]:
    """Return the candidates who have withdrawn, in the order in which they did."""
    return tuple(
        WithdrawnStanding(w.number, votes.get(w.number, 0), w.withdrawn_at)
        for w in contest.withdrawals
    )


class StandingsCache:
    """The prepared standings of one contest in one worker."""

    def __init__(self, contest: Contest, pool: Pool, valkey: Valkey, clock: Clock) -> None:
        self.contest = contest
        self.is_failing = False
        """Whether the newest refresh failed for another reason than an unavailable store."""
        self._current: Prepared | None = None
        self._pool = pool
        self._valkey = valkey
        self._clock = clock
        self._shown: Standings | None = None
        self._record_read_at: float | None = None
        self._record_counts: Counts | None = None
        self._earlier: tuple[SnapshotCounts, ...] = ()
        self._earlier_read: tuple[tuple[datetime, ...], float] = ((), 0.0)
        self._trend = Trend(contest.slug)
        self._prepared_trend = Prepared.of(self._trend)
        self._checked_at: float | None = None
        self._refusal: TallyOfAnotherCluster | None = None

    async def refresh(self) -> None:
        """Prepare the bytes if something changed. Keeps the last ones while no store answers, and
        drops them when the counts cannot be trusted."""
        try:
            standings, earlier = await self._standings(self._clock())
        except TallyOfAnotherCluster as error:
            self._refuse(error)
            self._current = self._shown = self._record_counts = None
            return
        trend = make_trend(self.contest, earlier)
        if trend != self._trend:
            self._trend, self._prepared_trend = trend, Prepared.of(trend)
        if self._shown is not None and _same(standings, self._shown):
            return
        self._shown = standings
        self._current = Prepared.of(standings)

    async def _check_cluster(self) -> None:
        """Check every few seconds that the stored tally is of this cluster; the live counters do
        not show it. While Postgres is unavailable the last result stands. Raises
        TallyOfAnotherCluster."""
        now = asyncio.get_running_loop().time()
        if self._checked_at is None or now - self._checked_at > RECORD_REFRESH_SECONDS:
            self._checked_at = now
            with suppress(StoreUnavailable):
                async with acquire(self._pool) as connection:
                    await checked_floor(connection, self.contest.id)
                self._refusal = None
        if self._refusal is not None:
            raise self._refusal

    def _refuse(self, error: TallyOfAnotherCluster) -> None:
        if self._refusal is None:  # once, not every second
            log.error("tally_of_another_cluster", contest=self.contest.slug, reason=str(error))
        self._refusal = error

    @property
    def ready(self) -> bool:
        """Whether the first refresh has finished."""
        return self._current is not None or self._refusal is not None

    def shown(self) -> Prepared:
        """Return the prepared bytes. Raises StoreUnavailable before the first refresh, and
        Unavailable while the counts cannot be trusted."""
        if self._current is None and self._refusal is not None:
            raise Unavailable("voting.tally.recount_under_way", retry_after_seconds=RECOUNT_SECONDS)
        if self._current is None:
            raise StoreUnavailable("voting.tally.standings_not_ready")
        return self._current

    def standings(self) -> ShownStandings:
        """Return the standings and their trend as values. Raises like `shown`."""
        prepared = self.shown()
        assert self._shown is not None
        return ShownStandings(self._shown, self._trend, prepared.etag + self._prepared_trend.etag)

    def trend(self) -> Prepared:
        """Return the prepared bytes of how the counts grew. Raises like `shown`."""
        self.shown()
        return self._prepared_trend

    async def _standings(self, now: datetime) -> tuple[Standings, tuple[SnapshotCounts, ...]]:
        """Return the standings, and the counts of earlier moments that are public too."""
        slug = self.contest.slug
        release = release_at(self.contest, now)
        moments = trend_moments(self.contest, release, now)
        match release:
            case Live():
                await self._check_cluster()
                counts = await self._live_counts()
                earlier = await self._counts_at_midnights(moments)
                last = earlier[-1] if earlier and now < self.contest.closes_at else None
                return self._shown_counts("live", now, counts, last), earlier
            case SnapshotAt(moment=moment):
                kept, earlier = await self._snapshots(moment, moments)
                if kept is None:  # the loop takes it within seconds; until then keep the last
                    hidden = Standings(slug, "hidden", available_from=now)
                    return self._shown or hidden, earlier
                before = release_before(self.contest, moment)
                last = next((at for at in earlier if at.moment == before), None)
                return self._shown_counts("snapshot", moment, kept, last), earlier
            case Hidden(until=until):
                return Standings(slug, "hidden", available_from=until), ()

    async def _snapshots(
        self, moment: datetime, moments: tuple[datetime, ...]
    ) -> tuple[Counts | None, tuple[SnapshotCounts, ...]]:
        """Return the snapshot of a moment, None until it is taken, and the trend up to it."""
        if self.contest.rules.release.mode != "daily":
            async with acquire(self._pool) as connection:
                kept = await load_snapshot(connection, self.contest.id, moment)
            return kept, await self._counts_at_midnights(moments)
        if tuple(at.moment for at in self._earlier) != moments:  # snapshots never change
            async with acquire(self._pool) as connection:
                self._earlier = await load_snapshots(connection, self.contest.id, moments)
        newest = next((at for at in self._earlier if at.moment == moment), None)
        return newest and Counts(newest.ballots, newest.votes), self._earlier

    def _shown_counts(
        self,
        release: Literal["live", "snapshot"],
        as_of: datetime,
        counts: Counts,
        earlier: SnapshotCounts | None,
    ) -> Standings:
        return Standings(
            self.contest.slug,
            release,
            as_of,
            compared_with=earlier.moment if earlier else None,
            ballots=counts.ballots,
            candidates=ranked(self.contest, counts.votes, earlier),
            withdrawn=withdrawn(self.contest, counts.votes),
        )

    async def _counts_at_midnights(
        self, midnights: tuple[datetime, ...]
    ) -> tuple[SnapshotCounts, ...]:
        """Return the counts at the midnights; none on the first day and until they are read. Read
        again every few minutes, because the aggregates take in the last ballots of a day shortly
        after it."""
        if not midnights:
            return ()
        counts = self._earlier if [at.moment for at in self._earlier] == [*midnights] else ()
        time = asyncio.get_running_loop().time()
        pause = EARLIER_REFRESH_SECONDS if counts else RECORD_REFRESH_SECONDS
        read, read_at = self._earlier_read
        if read == midnights and time - read_at <= pause:
            return counts
        self._earlier_read = midnights, time
        with suppress(StoreUnavailable):
            async with acquire(self._pool) as connection:
                counts = await counts_before_each(connection, self.contest.id, midnights)
            self._earlier = counts
        return counts

    async def _live_counts(self) -> Counts:
        try:
            counts = await read_counts(self._valkey, self.contest.id)
        except StoreUnavailable:
            counts = None
        if counts is not None:
            metrics.STANDINGS_SOURCE.labels("counters").inc()
            self._record_counts = None  # older than what is shown now
            return counts
        now = asyncio.get_running_loop().time()
        read_at = self._record_read_at
        if self._record_counts is None or read_at is None or now - read_at > RECORD_REFRESH_SECONDS:
            async with acquire(self._pool) as connection:
                self._record_counts = await count_now(connection, self.contest.id)
            self._record_read_at = now
            metrics.STANDINGS_SOURCE.labels("record").inc()
        return self._record_counts


def _same(new: Standings, shown: Standings) -> bool:
    """Return whether readers would see the same, apart from `as_of`."""
    if new.release == "snapshot":
        return new == shown
    if new.candidates is None:
        return shown.candidates is None and new.release == shown.release
    return new == msgspec.structs.replace(shown, as_of=new.as_of)


async def refresh_standings_forever(caches: Callable[[], list[StandingsCache]]) -> None:
    """Refresh every cache until cancelled; one that fails does not stop the others."""
    failures = FailureLog("standings", "standings_not_refreshed")

    async def refresh() -> None:
        for cache in caches():
            slug = cache.contest.slug
            try:
                await cache.refresh()
            except Exception as error:
                cache.is_failing = not isinstance(error, Unavailable)
                failures.add(error, contest=slug)
            else:
                cache.is_failing = False
                failures.clear(contest=slug)

    await run_forever(
        "standings",
        refresh,
        pause_seconds=REFRESH_SECONDS,
        stuck_after_seconds=STUCK_AFTER_SECONDS,
    )
