"""The published result of a contest, for nomination: read from the published document alone."""

from __future__ import annotations

from datetime import date, datetime
from hashlib import sha256
from typing import NamedTuple

from voting_service.contests.model import Contest
from voting_service.contests.repository import QUERIES
from voting_service.infrastructure.crypto.signed_document import read_signed_file
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors


async def published_cut(
    connection: AnyConnection, contest_id: int, now: datetime
) -> tuple[int, ...] | None:
    """Return the numbers of those who advance, best first, in the newest version that is public at
    `now`; None while there is none."""
    document = await _shown(connection, contest_id, now)
    return None if document is None else tuple(read_signed_file(document).document["selected"])


async def published_cut_sha256(
    connection: AnyConnection, contest_id: int, now: datetime
) -> str | None:
    """Return the hash of the signed file that `published_cut` was read from, in hexadecimal."""
    document = await _shown(connection, contest_id, now)
    return None if document is None else sha256(document).hexdigest()


async def _shown(connection: AnyConnection, contest_id: int, now: datetime) -> bytes | None:
    with domain_errors():
        document: bytes | None = await connection.fetchval(QUERIES["shown_cut"], contest_id, now)
    return document


class CutFigures(NamedTuple):
    """Figures of the published document: ballots, and at the cut-off the votes of the last who
    advances and the margin to the next (0 if there is none)."""

    ballots: int
    counted: int
    void: int
    advancing: int
    last_votes: int
    margin: int


async def cut_figures(
    connection: AnyConnection, contest_id: int, now: datetime
) -> CutFigures | None:
    """Return the figures; None while there is no published cut."""
    shown = await _shown(connection, contest_id, now)
    if shown is None:
        return None
    document = read_signed_file(shown).document
    advancing = len(document["selected"])
    votes = [row["net"] for row in document["candidates"]]
    following = votes[advancing] if len(votes) > advancing else votes[advancing - 1]
    return CutFigures(
        ballots=document["ballots"]["gross"],
        counted=document["ballots"]["net"],
        void=document["ballots"]["void"],
        advancing=advancing,
        last_votes=votes[advancing - 1],
        margin=votes[advancing - 1] - following,
    )


class Day(NamedTuple):
    """One day of voting, in the time zone of the contest."""

    on: date
    received: int
    counted: int


async def ballots_by_day(connection: AnyConnection, contest: Contest) -> tuple[Day, ...]:
    """Load the stored tally by day, for a closed contest."""
    with domain_errors():
        rows = await connection.fetch(
            QUERIES["ballots_by_day"], contest.id, contest.rules.time_zone
        )
    return tuple(Day(*row) for row in rows)
