"""Append an entry to the audit log, in the transaction of the action."""

from __future__ import annotations

from typing import Any

from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.audit_log.model import Act

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
    """Append an entry; call it last in the transaction, because other entries wait until it ends.

    The table sets number, time and hash. `details` may be given to an auditor: it holds no
    secret, and of voters only pseudonyms.
    """
    with domain_errors():
        await connection.execute(
            QUERIES["insert_entry"], actor, act, contest, subject, details or {}
        )
