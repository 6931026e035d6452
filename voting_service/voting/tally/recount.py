"""The recount: all figures from the stored ballots and the rulings in force alone.

It does not read the stored effects of rulings: those are checked against it
(voting/tally/recount_audit.py). Gross are all stored ballots, held those that wait for a ruling,
void those ruled out; net, which counts, is the rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from voting_service.contests.model import Contest
from voting_service.contests.repository import load_platforms
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors

QUERIES = Queries(__package__, "recount.sql")

RECOUNT_TIMEOUT_SECONDS = 600
"""Far more than five million ballots need on two cores."""

BALLOTS = 0
"""Used in place of a candidate number for the ballots themselves."""

Key = Literal["candidate", "platform", "day", "hour"]


class Count(NamedTuple):
    """Ballots, or votes on them. Always gross = held + void + net."""

    gross: int = 0
    held: int = 0
    void: int = 0

    @property
    def net(self) -> int:
        return self.gross - self.held - self.void

    def plus(self, other: Count) -> Count:
        return Count(self.gross + other.gross, self.held + other.held, self.void + other.void)


class CountedCell(NamedTuple):
    """The finest grain: one hour on one platform for one candidate, or BALLOTS."""

    hour: datetime
    platform: str
    candidate: int
    counted: Count


@dataclass(frozen=True, slots=True)
class Recount:
    """One consistent view of all ballots at `as_of`."""

    zone: ZoneInfo
    as_of: datetime
    cells: tuple[CountedCell, ...]
    seconds: float

    @property
    def ballots(self) -> Count:
        """The number of ballots."""
        return _total(cell.counted for cell in self.cells if cell.candidate == BALLOTS)

    def votes(self, numbers: Iterable[int]) -> Mapping[int, Count]:
        """Return counts by candidate; includes all of `numbers`, even without a vote."""
        counts = self.grouped(("candidate",))
        return dict.fromkeys(sorted(numbers), Count()) | {
            number: count for (number,), count in counts if isinstance(number, int)
        }

    def grouped(self, by: Sequence[Key]) -> list[tuple[tuple[int | str, ...], Count]]:
        """Return sums in order of their keys: of votes if `candidate` is a key, else of ballots.

        Days and hours are local: `2022-07-18`, `2022-07-18T20:00+08:00`.
        """
        sums: defaultdict[tuple[int | str, ...], Count] = defaultdict(Count)
        sums_votes = "candidate" in by
        for cell in self.cells:
            if (cell.candidate != BALLOTS) == sums_votes:
                key = tuple(self._value(cell, part) for part in by)
                sums[key] = sums[key].plus(cell.counted)
        return sorted(sums.items())

    def _value(self, cell: CountedCell, key: Key) -> int | str:
        if key == "candidate":
            return cell.candidate
        if key == "platform":
            return cell.platform
        local = cell.hour.astimezone(self.zone)
        return local.date().isoformat() if key == "day" else local.isoformat(timespec="minutes")


def _total(counts: Iterable[Count]) -> Count:
    total = Count()
    for count in counts:
        total = total.plus(count)
    return total


def competition_ranks(votes: Mapping[int, int]) -> dict[int, int]:
    """Return ranks, most votes first; equals share a rank and the next are skipped: 1, 2, 2, 4."""
    ranks: dict[int, int] = {}
    previous: int | None = None
    rank = 0
    for place, number in enumerate(sorted(votes, key=lambda n: (-votes[n], n)), start=1):
        if votes[number] != previous:
            rank, previous = place, votes[number]
        ranks[number] = rank
    return ranks


async def recount(connection: AnyConnection, contest: Contest) -> Recount:
    """Count every ballot in one statement.

    Takes seconds for millions: use a connection of its own, outside a transaction and outside the
    pools, whose statements have short timeouts. Raises StoreUnavailable.
    """
    started = perf_counter()
    with domain_errors():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(QUERIES["recount_limits"], f"{RECOUNT_TIMEOUT_SECONDS}s")
            moment: datetime = await connection.fetchval(QUERIES["snapshot_time"])
            platforms = {p.id: p.slug for p in await load_platforms(connection)}
            last_ruled_at = await connection.fetchval(QUERIES["last_ruled_at"], contest.id)
            rows = await connection.fetch(QUERIES["recount"], contest.id, contest.rules.time_zone)
    cells = tuple(
        CountedCell(
            row["hour"].astimezone(UTC),
            platforms.get(row["platform_id"], str(row["platform_id"])),
            row["candidate"],
            Count(gross=row["gross"], held=row["held"], void=row["void"]),
        )
        for row in rows
    )
    # After the close only rulings change the figures, so they are as of the close or the last
    # ruling, whenever they are read.
    as_of = min(moment, max(contest.closes_at, last_ruled_at or contest.closes_at))
    return Recount(contest.zone, as_of, cells, perf_counter() - started)
