"""Who goes on from a contest, for whoever takes over from there: read from the published document
alone."""

from __future__ import annotations

from datetime import date, datetime
from hashlib import sha256
from typing import NamedTuple

from voting_service.contests.model import Contest
from voting_service.contests.store import QUERIES
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.signed_file import read_signed_file


async def published_cut(
    connection: AnyConnection, contest_id: int, now: datetime
) -> tuple[int, ...] | None:
    """The numbers of those who go on, best first, by the newest version that citizens see at
    `now`; None while there is none."""
    document = await _shown(connection, contest_id, now)
    return None if document is None else tuple(read_signed_file(document).document["selected"])


async def published_cut_sha256(
    connection: AnyConnection, contest_id: int, now: datetime
) -> str | None:
    """The hash of the signed file that `published_cut` was read from, in hexadecimal."""
    document = await _shown(connection, contest_id, now)
    return None if document is None else sha256(document).hexdigest()


async def _shown(connection: AnyConnection, contest_id: int, now: datetime) -> bytes | None:
    with domain_errors():
        document: bytes | None = await connection.fetchval(QUERIES["shown_cut"], contest_id, now)
    return document


class CutFigures(NamedTuple):
    """What the published document says of the ballots, and at its line: the votes of the last who
    goes on, and by how many votes they are ahead of the next (0 where nobody follows)."""

    ballots: int
    counted: int
    void: int
    advancing: int
    last_votes: int
    margin: int


async def cut_figures(
    connection: AnyConnection, contest_id: int, now: datetime
) -> CutFigures | None:
    """None while there is no published cut."""
    shown = await _shown(connection, contest_id, now)
    if shown is None:
        return None
    said = read_signed_file(shown).document
    advancing = len(said["selected"])
    votes = [row["net"] for row in said["candidates"]]
    following = votes[advancing] if len(votes) > advancing else votes[advancing - 1]
    return CutFigures(
        ballots=said["ballots"]["gross"],
        counted=said["ballots"]["net"],
        void=said["ballots"]["void"],
        advancing=advancing,
        last_votes=votes[advancing - 1],
        margin=votes[advancing - 1] - following,
    )


class Day(NamedTuple):
    """One day of the vote, by the contest's clock."""

    on: date
    received: int
    counted: int


async def ballots_by_day(connection: AnyConnection, contest: Contest) -> tuple[Day, ...]:
    """As the kept tally has them, for a contest that is over."""
    with domain_errors():
        rows = await connection.fetch(
            QUERIES["ballots_by_day"], contest.id, contest.rules.time_zone
        )
    return tuple(Day(*row) for row in rows)
