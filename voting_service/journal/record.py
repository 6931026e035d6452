"""Adding a line to the journal, in the transaction of the act it tells of."""

from __future__ import annotations

from typing import Any

from voting_service.journal.model import Act
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries

QUERIES = Queries(__package__)


async def record(
    connection: AnyConnection,
    actor: str,
    act: Act,
    *,
    contest: str | None = None,
    subject: str = "",
    details: dict[str, Any] | None = None,
) -> None:
    """Writes the line last in the transaction of the act: until that ends, other lines wait.

    Number, moment and hash are the table's to say. `details` holds what can be given out to an
    auditor: no secret, nothing of a voter but pseudonyms.
    """
    with domain_errors():
        await connection.execute(
            QUERIES["insert_entry"], actor, act, contest, subject, details or {}
        )
