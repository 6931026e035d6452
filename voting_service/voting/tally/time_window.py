"""The ballots of a time window, with pseudonyms only.

The id of a ballot begins with the moment it was cast, so every window is a range of one index,
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
from voting_service.errors import (
    Fault,
    InvalidInput,
    Refused,
)
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.voting.rulings.model import BallotState
from voting_service.voting.tally.live_figures import MinuteCount, first_ballot_id
from voting_service.voting.tally.recount import Count

QUERIES = Queries(__package__, "time_window.sql")
MAX_LENGTH = timedelta(hours=24)
NETWORKS = 50
"""How many networks are named, those with the most ballots."""
PAGE = 50
CURSOR_ROWS = 2_000
MAX_SELECTED = 100_000
"""Ballots that are put in question together from a window; more are found by the examination."""

STATES: tuple[BallotState, ...] = get_args(BallotState)


class Window(msgspec.Struct, frozen=True):
    """A time window in whole seconds from `begins` until `ends`, optionally restricted to a
    platform, a network and a candidate."""

    begins: datetime
    ends: datetime
    platform_id: int | None = None
    network: bytes | None = None
    candidate: int | None = None

    def __post_init__(self) -> None:
        """Raises InvalidInput when the window is empty, or too long to count within a request."""
        if not timedelta(0) < self.ends - self.begins <= MAX_LENGTH:
            raise InvalidInput(Fault("to", "voting.tally.window_out_of_range"))

    @property
    def ids(self) -> tuple[bytes, bytes]:
        """The range of its ballot ids."""
        return first_ballot_id(self.begins), first_ballot_id(self.ends)

    @property
    def conditions(self) -> tuple[int | None, bytes | None, int | None]:
        """The restrictions as query parameters."""
        return self.platform_id, self.network, self.candidate


class WindowFigures(msgspec.Struct, frozen=True):
    """The counts of a window, in the current state. `networks` has those with the most ballots,
    most first; `candidates` counts votes, all others ballots."""

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
    """Turn a statement timeout into Refused: the window must be shorter."""
    try:
        yield
    except asyncpg.QueryCanceledError as error:
        raise Refused("voting.tally.too_many_ballots") from error


async def load_window(connection: AnyConnection, contest: Contest, window: Window) -> WindowFigures:
    """Count the window in one statement. Raises StoreUnavailable, or Refused when it has more
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
        minutes=tuple(MinuteCount(*minute) for minute in minutes),
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
    """Load a page of the ballots of a window in the order they were cast, starting after the id
    `after`. Raises like `load_window`."""
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


async def load_ballot_ids(
    connection: AnyConnection, contest: Contest, window: Window, state: BallotState | None
) -> list[bytes]:
    """Load the ids of all ballots of a window, those in a state where one is given. Raises like
    `load_window`, and Refused when there are more than MAX_SELECTED."""
    with domain_errors(), _too_many():
        rows = await connection.fetch(
            QUERIES["ballot_ids"],
            contest.id,
            *window.ids,
            *window.conditions,
            state,
            MAX_SELECTED + 1,
        )
    if len(rows) > MAX_SELECTED:
        raise Refused("voting.tally.too_many_selected", most=MAX_SELECTED)
    return [row["ballot_id"] for row in rows]


async def every_ballot(
    connection: AnyConnection, contest: Contest
) -> AsyncGenerator[list[Ballot], None]:
    """Yield all ballots in the order they were cast, in batches from a server-side cursor: neither
    side holds more than one batch. Needs a transaction; raises StoreUnavailable."""
    with domain_errors():
        cursor = await connection.cursor(QUERIES["every_ballot"], contest.id)
        while rows := await cursor.fetch(CURSOR_ROWS):
            yield [_ballot(row) for row in rows]
