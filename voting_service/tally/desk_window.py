"""From a peak down to its ballots: who cast what in a stretch of time, by pseudonyms only.

A ballot's id begins with the moment it was cast, so any stretch is a range of one index,
however many ballots a contest has.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import NamedTuple, get_args

import asyncpg
import msgspec

from voting_service.contests.model import Contest
from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.rulings.model import BallotState
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries
from voting_service.tally.desk_figures import MinuteCount, id_bound
from voting_service.tally.recount import Count

QUERIES = Queries(__package__, "desk_window.sql")
MAX_LENGTH = timedelta(hours=24)
NETWORKS = 50
"""How many networks are named, those with the most ballots."""
PAGE = 50
CURSOR_ROWS = 2_000

STATES: tuple[BallotState, ...] = get_args(BallotState)


class Window(msgspec.Struct, frozen=True):
    """A stretch of time, whole seconds, from `begins` until `ends`; of it only the ballots of a
    platform, from a network and for a candidate, where these are given."""

    begins: datetime
    ends: datetime
    platform_id: int | None = None
    network: bytes | None = None
    candidate: int | None = None

    def __post_init__(self) -> None:
        """Raises InvalidInput when the stretch is none, or too long to be counted while
        somebody waits."""
        if not timedelta(0) < self.ends - self.begins <= MAX_LENGTH:
            raise InvalidInput(
                Fault(
                    "to",
                    "choose an end later than the beginning, by 24 hours at most",
                    "结束时间须晚于开始时间，且相差不超过 24 小时。",
                )
            )

    @property
    def ids(self) -> tuple[bytes, bytes]:
        """The range of the ids of its ballots."""
        return id_bound(self.begins), id_bound(self.ends)

    @property
    def conditions(self) -> tuple[int | None, bytes | None, int | None]:
        """As the statements take them."""
        return self.platform_id, self.network, self.candidate


class WindowFigures(msgspec.Struct, frozen=True):
    """What was cast in a window, in the state it is in now. `networks` holds those with the most
    ballots, most first; `candidates` counts votes, all others ballots."""

    ballots: Count
    minutes: tuple[MinuteCount, ...]
    platforms: Mapping[int, Count]
    candidates: Mapping[int, Count]
    networks: Mapping[bytes, Count]


class Ballot(NamedTuple):
    """One stored ballot. `held_when_cast` never changes, `state` follows the rulings."""

    ballot_id: bytes
    cast_at: datetime
    period: date
    platform_id: int
    voter: bytes
    network: bytes | None
    screened: bool
    choices: list[int]
    held_when_cast: bool
    state: BallotState


def _count(row: asyncpg.Record) -> Count:
    return Count(int(row["gross"]), int(row["held"]), int(row["void"]))


@contextmanager
def _too_many() -> Iterator[None]:
    """A statement that took too long is not tried again: fewer ballots will do."""
    try:
        yield
    except asyncpg.QueryCanceledError as error:
        raise Refused(
            "so many ballots cannot be looked through at once: choose a shorter stretch of time",
            zh="这段时间的选票太多，无法一次查看。请选短一些的时段。",
        ) from error


async def load_window(connection: AnyConnection, contest: Contest, window: Window) -> WindowFigures:
    """Counts the window in one statement. Raises StoreUnavailable, or Refused when it holds more
    ballots than can be counted within the statement timeout."""
    with domain_errors(), _too_many():
        rows = await connection.fetch(
            QUERIES["window"], contest.id, *window.ids, *window.conditions, NETWORKS
        )
    of: dict[str, list[asyncpg.Record]] = {}
    for row in rows:
        of.setdefault(row["kind"], []).append(row)
    minutes = sorted((row["minute"], _count(row)) for row in of.get("minute", ()))
    networks = sorted(of.get("network", ()), key=lambda row: (-row["gross"], row["network"]))
    return WindowFigures(
        ballots=_count(of["all"][0]),
        minutes=tuple(MinuteCount(*each) for each in minutes),
        platforms=dict(sorted((row["platform_id"], _count(row)) for row in of.get("platform", ()))),
        candidates=dict(sorted((row["candidate"], _count(row)) for row in of.get("candidate", ()))),
        networks={row["network"]: _count(row) for row in networks},
    )


def _ballot(row: asyncpg.Record) -> Ballot:
    return Ballot(
        ballot_id=row["ballot_id"],
        cast_at=row["cast_at"],
        period=row["period"],
        platform_id=row["platform_id"],
        voter=row["voter"],
        network=row["network"],
        screened=row["screened"],
        choices=row["choices"],
        held_when_cast=row["disposition"] == 1,
        state=row["state"],
    )


async def load_ballots(
    connection: AnyConnection,
    contest: Contest,
    window: Window,
    *,
    state: BallotState | None = None,
    after: bytes | None = None,
    limit: int = PAGE,
) -> list[Ballot]:
    """The window's ballots in the order they were cast; for the next page, those `after` the
    last one shown. Raises as `load_window`."""
    begins, ends = window.ids
    with domain_errors(), _too_many():
        rows = await connection.fetch(
            QUERIES["ballots"],
            contest.id,
            max(begins, after or begins),
            ends,
            *window.conditions,
            state,
            limit,
        )
    return [_ballot(row) for row in rows]


async def every_ballot(
    connection: AnyConnection, contest: Contest
) -> AsyncGenerator[list[Ballot], None]:
    """All ballots in the order they were cast, in batches over a cursor of the server: neither
    side ever holds more than one batch. Needs a transaction; raises StoreUnavailable."""
    with domain_errors():
        cursor = await connection.cursor(QUERIES["every_ballot"], contest.id)
        while rows := await cursor.fetch(CURSOR_ROWS):
            yield [_ballot(row) for row in rows]
