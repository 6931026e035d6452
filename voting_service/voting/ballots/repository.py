"""Single ballots as they are stored, for receipts."""

from __future__ import annotations

from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.voting.ballots.commit import QUERIES
from voting_service.voting.ballots.receipt import StoredBallot
from voting_service.voting.rulings.model import BallotState


async def load_ballot(
    connection: AnyConnection, contest_id: int, ballot_id: bytes
) -> tuple[StoredBallot, BallotState] | None:
    """Load a ballot and its state under the rulings in force, or None."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["ballot_by_id"], contest_id, ballot_id)
    if row is None:
        return None
    stored = StoredBallot(ballot_id, row["voter"], row["period"], row["cast_at"], row["choices"])
    return stored, row["state"]


async def find_by_receipt_code(
    connection: AnyConnection, contest_id: int, ids: tuple[bytes, bytes]
) -> bytes | None:
    """Load the id of the ballot with a short code; None where no ballot has it, or two have."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["ballots_between"], contest_id, *ids)
    return rows[0]["ballot_id"] if len(rows) == 1 else None
