"""Open holds and held ballots of a contest, loaded for the safety report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.voting.cut.safety import LooseBallots, OpenQuestion
from voting_service.voting.tally.recount import BALLOTS, Count

QUERIES = Queries(__package__)
SHARED = 0
"""Used in place of a hold number for ballots that are in several open holds."""


async def load_open_questions(
    connection: AnyConnection, contest_id: int, counts: Mapping[int, Count], held_ballots: int
) -> tuple[tuple[OpenQuestion, ...], LooseBallots]:
    """Load the holds without a ruling in force, and the ballots held outside of them.

    `counts` by candidate and `held_ballots` must be of the same moment: call it in the transaction
    that counted them. Ballots voided by the ruling on another hold are left out; ballots in several
    open holds are loose.
    """
    with domain_errors():
        holds = await connection.fetch(QUERIES["open_holds"], contest_id)
        rows = await connection.fetch(QUERIES["open_votes"], contest_id) if holds else []
    held: defaultdict[int, dict[int, int]] = defaultdict(dict)
    counted: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for row in rows:
        if row["held"]:
            held[row["hold_id"]][row["candidate"]] = row["held"]
        if row["counted"]:
            counted[row["hold_id"]][row["candidate"]] = row["counted"]
    questions = tuple(
        OpenQuestion(
            hold=row["id"],
            label=row["label"],
            ballots=held[row["id"]].pop(BALLOTS, 0) + counted[row["id"]].pop(BALLOTS, 0),
            held=held[row["id"]],
            counted=counted[row["id"]],
        )
        for row in holds
    )
    in_holds = sum(row["held"] for row in rows if row["candidate"] == BALLOTS and row["hold_id"])
    shared = counted.pop(SHARED, {})
    loose = LooseBallots(
        ballots=held_ballots - in_holds + shared.pop(BALLOTS, 0),
        held={
            number: left
            for number, count in counts.items()
            if (left := count.held - sum(q.held.get(number, 0) for q in questions))
        },
        counted=shared,
    )
    return questions, loose
