"""⑧ Standings: what the public may see, prepared as bytes at most once a second a worker.

Readers cost a dictionary look-up. Counts come from the live counters, from Postgres while those
are away, from kept snapshots where the release schedule says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal

import msgspec
import structlog

from voting_service import metrics
from voting_service.clock import Clock
from voting_service.contests.model import Contest
from voting_service.contests.release import Hidden, Live, SnapshotAt, release_at
from voting_service.errors import StoreUnavailable, TallyOfAnotherCluster, Unavailable
from voting_service.storage.postgres import Pool, acquire
from voting_service.storage.valkey import Valkey
from voting_service.tally.counters import Counts, read_counts
from voting_service.tally.record import checked_floor, count_now, load_snapshot
from voting_service.tally.recount import competition_ranks
from voting_service.tasks import FailureLog, run_forever

REFRESH_SECONDS = 1.0
RECORD_REFRESH_SECONDS = 5.0
"""While the live counters are away every worker asks Postgres instead, but less often."""
RECOUNT_SECONDS = 30
"""When a reader may ask again while the tally waits to be rebuilt."""

log = structlog.get_logger(__name__)


class CandidateStanding(msgspec.Struct, frozen=True):
    """One line; equal votes share a rank (1, 2, 2, 4)."""

    number: int
    votes: int
    rank: int


class Standings(msgspec.Struct, frozen=True, omit_defaults=True):
    """The public standings. `candidates` is absent while the schedule hides the counts."""

    contest: str
    release: Literal["live", "snapshot", "hidden"]
    as_of: datetime | None = None
    available_from: datetime | None = None
    ballots: int | None = None
    candidates: tuple[CandidateStanding, ...] | None = None


class Prepared(msgspec.Struct, frozen=True):
    """A response body and its entity tag."""

    body: bytes
    etag: str

    @classmethod
    def of(cls, value: Any) -> Prepared:
        body = value if isinstance(value, bytes) else msgspec.json.encode(value)
        return cls(body, f'"{blake2b(body, digest_size=12).hexdigest()}"')


def ranked(contest: Contest, votes: dict[int, int]) -> tuple[CandidateStanding, ...]:
    """Every candidate in order of votes, then number; those of equal votes share the rank of
    the first of them."""
    counts = {number: votes.get(number, 0) for number in contest.numbers}
    ranks = competition_ranks(counts)
    return tuple(
        CandidateStanding(number, counts[number], ranks[number])
        for number in sorted(counts, key=lambda number: (ranks[number], number))
    )


class Board:
    """The prepared standings of one contest in one worker."""

    def __init__(self, contest: Contest, pool: Pool, valkey: Valkey, clock: Clock) -> None:
        self.contest = contest
        self.is_failing = False
        """Whether the newest refresh failed for another reason than a store that is away."""
        self._current: Prepared | None = None
        self._pool = pool
        self._valkey = valkey
        self._clock = clock
        self._shown: Standings | None = None
        self._changed = asyncio.Event()
        self._record_read_at: float | None = None
        self._record_counts: Counts | None = None
        self._checked_at: float | None = None
        self._refusal: TallyOfAnotherCluster | None = None

    async def refresh(self) -> None:
        """Prepares the bytes again when something changed. Keeps the last ones when no store
        answers, and none where the counts cannot be trusted."""
        try:
            standings = await self._standings(self._clock())
        except TallyOfAnotherCluster as error:
            self._refuse(error)
            self._current = self._shown = self._record_counts = None
            self._tell_readers()
            return
        if self._shown is not None and _same(standings, self._shown):
            return
        self._shown = standings
        self._current = Prepared.of(standings)
        self._tell_readers()

    async def _check_cluster(self) -> None:
        """Looks every few seconds whether the kept tally is of this cluster: the live counters
        cannot tell. While Postgres is unavailable that stays as it was. Raises
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

    def _tell_readers(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    @property
    def ready(self) -> bool:
        """Whether it is known what to show, be it nothing."""
        return self._current is not None or self._refusal is not None

    def shown(self) -> Prepared:
        """What readers get. Raises StoreUnavailable before the first refresh, and Unavailable
        while the counts cannot be trusted."""
        if self._current is None and self._refusal is not None:
            raise Unavailable("the votes are being counted again", RECOUNT_SECONDS)
        if self._current is None:
            raise StoreUnavailable("the standings are being prepared")
        return self._current

    def standings(self) -> tuple[Standings, str]:
        """The same as values, and the tag that changes with them. Raises as `shown`."""
        prepared = self.shown()
        assert self._shown is not None
        return self._shown, prepared.etag

    async def changed(self) -> None:
        """Returns when other bytes than now are prepared."""
        await self._changed.wait()

    async def _standings(self, now: datetime) -> Standings:
        slug = self.contest.slug
        release = release_at(self.contest, now)
        match release:
            case Live():
                await self._check_cluster()
                counts = await self._live_counts()
                lines = ranked(self.contest, counts.votes)
                return Standings(slug, "live", now, None, counts.ballots, lines)
            case SnapshotAt(moment=moment):
                async with acquire(self._pool) as connection:
                    kept = await load_snapshot(connection, self.contest.id, moment)
                if kept is None:  # the loop takes it within seconds; until then nothing changes
                    return self._shown or Standings(slug, "hidden", available_from=now)
                lines = ranked(self.contest, kept.votes)
                return Standings(slug, "snapshot", moment, None, kept.ballots, lines)
            case Hidden(until=until):
                return Standings(slug, "hidden", available_from=until)

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
    """Whether a reader would see the same; the moment of looking does not count."""
    if new.release == "snapshot":
        return new == shown
    if new.candidates is None:
        return shown.candidates is None and new.release == shown.release
    return (new.release, new.ballots, new.candidates) == (
        shown.release,
        shown.ballots,
        shown.candidates,
    )


async def keep_boards_fresh(boards: Callable[[], list[Board]]) -> None:
    """Refreshes every board for ever; one that fails stops no other."""
    failures = FailureLog("standings", "standings_not_refreshed")

    async def refresh() -> None:
        for board in boards():
            slug = board.contest.slug
            try:
                await board.refresh()
            except Exception as error:
                board.is_failing = not isinstance(error, Unavailable)
                failures.add(error, contest=slug)
            else:
                board.is_failing = False
                failures.clear(contest=slug)

    await run_forever("standings", refresh, pause_seconds=REFRESH_SECONDS)
