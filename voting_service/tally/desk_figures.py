"""The tally as the staff's desk shows it: live, to the last vote, now or at any moment.

Sums over the kept aggregates, the rulings' effects and the ballots that came after them, so that
five million ballots cost tens of milliseconds. Hours are whole hours of UTC. That the kept figures
agree with all ballots is for tally/audit.py to check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from voting_service.contests.model import Contest
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries
from voting_service.tally.record import checked_floor
from voting_service.tally.recount import BALLOTS, Count, competition_ranks

QUERIES = Queries(__package__, "desk_figures.sql")
_EVER = datetime.max.replace(tzinfo=UTC)


class HourCell(NamedTuple):
    """One hour on one platform of one candidate's votes, or of BALLOTS."""

    hour: datetime
    platform_id: int
    candidate: int
    counted: Count


class MinuteCount(NamedTuple):
    """The ballots cast in one minute, in the state they are in now."""

    minute: datetime
    counted: Count


class Line(msgspec.Struct, frozen=True):
    """The line below the last place that goes on: who stands on either side, and how many net
    votes lie between them; 0 is a tie."""

    place: int
    last_in: int
    first_out: int
    margin: int


class Figures(msgspec.Struct, frozen=True):
    """A contest's tally at `as_of`. `votes` names every candidate; `cells` are of the candidates
    that were asked for."""

    as_of: datetime
    ballots: Count
    votes: Mapping[int, Count]
    cells: tuple[HourCell, ...]

    def ranks(self) -> dict[int, int]:
        """By net votes: 1, 2, 2, 4."""
        return competition_ranks({number: count.net for number, count in self.votes.items()})

    def best_first(self) -> list[int]:
        """The candidates' numbers by rank, equals by number."""
        ranks = self.ranks()
        return sorted(ranks, key=lambda number: (ranks[number], number))

    def line(self, size: int) -> Line | None:
        """None when everybody goes on."""
        order = self.best_first()
        if not 0 < size < len(order):
            return None
        last_in, first_out = order[size - 1], order[size]
        margin = self.votes[last_in].net - self.votes[first_out].net
        return Line(size, last_in, first_out, margin)

    def by_hour(self, candidate: int = BALLOTS) -> dict[datetime, Count]:
        """In order of time; hours in which nothing was cast are left out."""
        sums: dict[datetime, Count] = {}
        for cell in sorted(self.cells):
            if cell.candidate == candidate:
                sums[cell.hour] = sums.get(cell.hour, Count()).plus(cell.counted)
        return sums

    def by_platform(self, candidate: int = BALLOTS) -> dict[int, Count]:
        """In order of the platforms' ids."""
        sums: dict[int, Count] = {}
        for cell in sorted(self.cells, key=lambda cell: cell.platform_id):
            if cell.candidate == candidate:
                known = sums.get(cell.platform_id, Count())
                sums[cell.platform_id] = known.plus(cell.counted)
        return sums


def id_bound(moment: datetime) -> bytes:
    """The ids of ballots cast before `moment`, a whole second, are below it, all others not: an id
    begins with the milliseconds of its ballot's moment (ballots/commit.py)."""
    return int(moment.timestamp() * 1000).to_bytes(6, "big")


async def load_figures(
    connection: AnyConnection,
    contest: Contest,
    now: datetime,
    *,
    at: datetime | None = None,
    candidates: Sequence[int] = (BALLOTS,),
) -> Figures:
    """The tally now, or as it stood `at` a moment: the ballots cast and the rulings made before
    it, as in a snapshot; whole seconds. One consistent view. Raises Refused for a database
    restored from a dump, and StoreUnavailable."""
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
                    QUERIES["cast_between"], contest.id, id_bound(whole_hours_until), id_bound(at)
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
    )


async def load_minutes(
    connection: AnyConnection, contest: Contest, begins: datetime, ends: datetime
) -> tuple[MinuteCount, ...]:
    """By the minute from `begins` (whole) until `ends`; those without a ballot are left out."""
    with domain_errors():
        rows = await connection.fetch(
            QUERIES["minutes"], contest.id, id_bound(begins), id_bound(ends)
        )
    return tuple(
        MinuteCount(row["minute"], Count(int(row["gross"]), int(row["held"]), int(row["void"])))
        for row in rows
    )
