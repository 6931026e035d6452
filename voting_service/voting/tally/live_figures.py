"""The tally as the console shows it: live, to the last vote, now or at any moment.

Sums over the stored aggregates, the effects of rulings and the ballots since, so that five million
ballots take tens of milliseconds. Hours are whole hours of UTC. voting/tally/recount_audit.py
checks that the aggregates agree with all ballots.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from voting_service.contests.model import Contest
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.voting.tally.recount import (
    BALLOTS,
    Count,
    competition_ranks,
)
from voting_service.voting.tally.repository import checked_floor

QUERIES = Queries(__package__, "live_figures.sql")
_EVER = datetime.max.replace(tzinfo=UTC)


class HourCell(NamedTuple):
    """The votes of one candidate, or BALLOTS, in one hour on one platform."""

    hour: datetime
    platform_id: int
    candidate: int
    counted: Count


class MinuteCount(NamedTuple):
    """The ballots cast in one minute, in their current state."""

    minute: datetime
    counted: Count


class MarginLine(msgspec.Struct, frozen=True):
    """The cut-off below the last place that advances: the candidates on either side, and the
    margin in net votes; 0 is a tie."""

    place: int
    last_in: int
    first_out: int
    margin: int


class Figures(msgspec.Struct, frozen=True):
    """The tally of a contest at `as_of`: every candidate in `votes`, requested ones in `cells`.
    Those of `withdrawn` have no rank."""

    as_of: datetime
    ballots: Count
    votes: Mapping[int, Count]
    cells: tuple[HourCell, ...]
    withdrawn: frozenset[int] = frozenset()

    def standing(self) -> dict[int, int]:
        """Return the net votes of the candidates who are ranked."""
        return {n: count.net for n, count in self.votes.items() if n not in self.withdrawn}

    def ranks(self) -> dict[int, int]:
        """Return ranks by net votes: 1, 2, 2, 4."""
        return competition_ranks(self.standing())

    def best_first(self) -> list[int]:
        """Return the numbers of the candidates by rank, equals by number; the withdrawn last."""
        ranks = self.ranks()
        return sorted(self.votes, key=lambda number: (ranks.get(number, len(self.votes)), number))

    def line(self, size: int) -> MarginLine | None:
        """Return the cut-off; None when all advance."""
        order = self.best_first()[: len(self.standing())]
        if not 0 < size < len(order):
            return None
        last_in, first_out = order[size - 1], order[size]
        margin = self.votes[last_in].net - self.votes[first_out].net
        return MarginLine(size, last_in, first_out, margin)

    def by_hour(self, candidate: int = BALLOTS) -> dict[datetime, Count]:
        """Return counts in order of time, without empty hours."""
        sums: dict[datetime, Count] = {}
        for cell in sorted(self.cells):
            if cell.candidate == candidate:
                sums[cell.hour] = sums.get(cell.hour, Count()).plus(cell.counted)
        return sums

    def by_platform(self, candidate: int = BALLOTS) -> dict[int, Count]:
        """Return counts in order of platform ids."""
        sums: dict[int, Count] = {}
        for cell in sorted(self.cells, key=lambda cell: cell.platform_id):
            if cell.candidate == candidate:
                before = sums.get(cell.platform_id, Count())
                sums[cell.platform_id] = before.plus(cell.counted)
        return sums


def first_ballot_id(moment: datetime) -> bytes:
    """Return the lower bound of the ids of ballots cast from `moment` (a whole second) on: an id
    begins with the milliseconds of its moment (voting/ballots/commit.py)."""
    return int(moment.timestamp() * 1000).to_bytes(6, "big")


async def load_figures(
    connection: AnyConnection,
    contest: Contest,
    now: datetime,
    *,
    at: datetime | None = None,
    candidates: Sequence[int] = (BALLOTS,),
) -> Figures:
    """Load the tally now, or `at` a moment (whole seconds): ballots and rulings made before it.

    One consistent view. Raises Refused for a database restored from a dump, and StoreUnavailable.
    """
    if at is not None:
        at = min(at, now).astimezone(UTC).replace(microsecond=0)
    whole_hours_until = _EVER if at is None else at.replace(minute=0, second=0, microsecond=0)
    with domain_errors():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await checked_floor(connection, contest.id)
            rows = await connection.fetch(
                QUERIES["figures"],
                contest.id,
                whole_hours_until,
                _EVER if at is None else at,
                list(candidates),
            )
            cast = (
                []
                if at is None
                else await connection.fetch(
                    QUERIES["cast_between"],
                    contest.id,
                    first_ballot_id(whole_hours_until),
                    first_ballot_id(at),
                )
            )
    totals = dict.fromkeys((BALLOTS, *sorted(contest.numbers)), Count())
    cells: dict[tuple[datetime, int, int], Count] = {}
    for row in rows:
        count = Count(row["gross"], row["held"], row["void"])
        if row["hour"] is None:
            totals[row["candidate"]] = count
        else:
            cells[row["hour"], row["platform_id"], row["candidate"]] = count
    for row in cast:
        number, count = row["candidate"], Count(row["gross"], row["held"])
        totals[number] = totals.get(number, Count()).plus(count)
        if number in candidates:
            place = (whole_hours_until, row["platform_id"], number)
            cells[place] = cells.get(place, Count()).plus(count)
    return Figures(
        as_of=at or now,
        ballots=totals.pop(BALLOTS),
        votes=totals,
        cells=tuple(HourCell(*place, count) for place, count in sorted(cells.items())),
        withdrawn=frozenset(contest.withdrawn),
    )


async def load_minutes(
    connection: AnyConnection, contest: Contest, begins: datetime, ends: datetime
) -> tuple[MinuteCount, ...]:
    """Load counts by minute from `begins` (a whole minute) until `ends`, without empty minutes."""
    with domain_errors():
        rows = await connection.fetch(
            QUERIES["minutes"], contest.id, first_ballot_id(begins), first_ballot_id(ends)
        )
    return tuple(
        MinuteCount(row["minute"], Count(int(row["gross"]), int(row["held"]), int(row["void"])))
        for row in rows
    )
