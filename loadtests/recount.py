"""A recount from outside: the answers of voters, compared with the rows of Postgres, one by one.

It shares no code with the service: one statement, and sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from loadtests import CONTEST
from loadtests.chaos_voters import Crowd
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import Connection

QUERIES = Queries("loadtests", "recount.sql")
_CHUNK = 20_000


class _Row(NamedTuple):
    period: date
    ballot: str
    choices: list[int]


@dataclass(slots=True)
class Recount:
    """How many ballots were promised with 201 and with 200, how many of them are lost or doubled,
    and what else is wrong."""

    created: int = 0
    repeated: int = 0
    lost: int = 0
    doubled: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, other: Recount) -> None:
        """Add the figures of another recount."""
        self.created += other.created
        self.repeated += other.repeated
        self.lost += other.lost
        self.doubled += other.doubled
        self.faults += other.faults


async def recount(connection: Connection, crowd: Crowd, slug: str = CONTEST) -> Recount:
    """Compare what a crowd was answered with the record; call it when no voter waits any more."""
    answers = crowd.confirmed | crowd.repeated
    result = Recount(len(crowd.confirmed), len(crowd.repeated))
    rows = await _rows(connection, list(answers), slug)
    changed = 0
    for voter, ballot in answers.items():
        stored = rows.get(voter, [])
        result.doubled += len({row.period for row in stored}) < len(stored)
        if not any(row.ballot == ballot for row in stored):
            result.lost += 1
        elif stored[0].choices != crowd.choices[voter]:
            changed += 1
    if len(set(answers.values())) != len(answers):
        result.faults.append("one ballot was promised to two voters")
    for count, fault in (
        (result.lost, "ballots that were promised are not stored"),
        (result.doubled, "voters have two ballots in one period"),
        (changed, "ballots hold other choices than were sent"),
    ):
        if count:
            result.faults.append(f"{count} {fault}")
    result.faults += crowd.faults
    return result


async def _rows(
    connection: Connection, voters: Sequence[bytes], slug: str
) -> Mapping[bytes, list[_Row]]:
    """Return the stored ballots of each voter, of every period."""
    rows: dict[bytes, list[_Row]] = {}
    for start in range(0, len(voters), _CHUNK):
        chunk = voters[start : start + _CHUNK]
        for voter, *row in await connection.fetch(QUERIES["stored"], slug, chunk):
            rows.setdefault(voter, []).append(_Row(*row))
    return rows
