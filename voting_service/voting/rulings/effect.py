"""What a ruling about a hold would change in the counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from voting_service.contests.model import Contest
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.voting.rulings.model import Hold
from voting_service.voting.rulings.repository import QUERIES


class Effect(NamedTuple):
    """The current votes of a candidate in a hold (candidate 0: the ballots); `elsewhere` of the
    void ones are voided by the ruling on another hold."""

    gross: int
    held: int
    void: int
    elsewhere: int

    @property
    def counted(self) -> int:
        return self.gross - self.held - self.void

    @property
    def if_void(self) -> int:
        """Change of the net votes if the hold is ruled void."""
        return -self.counted

    @property
    def if_count(self) -> int:
        return self.held + self.void - self.elsewhere


async def load_effect(
    connection: AnyConnection, contest: Contest, hold: Hold, holds: Sequence[Hold]
) -> dict[int, Effect]:
    """Load the effect by candidate; `holds` are all holds of the contest. Reads every ballot of
    the hold."""
    others = [other for other in holds if other.ruling is not None and other.id != hold.id]
    voiding = [other.id for other in others if other.state == "void"]
    with domain_errors():
        rows = await connection.fetch(
            QUERIES["effect"],
            contest.id,
            hold.id,
            hold.ruling.verdict if hold.ruling else None,
            [other.id for other in others],
            voiding,
        )
    return {
        row["candidate"]: Effect(row["gross"], row["held"], row["void"], row["elsewhere"])
        for row in rows
    }


async def load_selection_effect(
    connection: AnyConnection, contest: Contest, ballot_ids: Sequence[bytes]
) -> dict[int, Effect]:
    """Load by candidate what a ruling would change about ballots that would become a hold: what is
    void among them is so by the ruling on another hold."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["selection_effect"], contest.id, ballot_ids)
    return {
        row["candidate"]: Effect(row["gross"], row["held"], row["void"], elsewhere=row["void"])
        for row in rows
    }
