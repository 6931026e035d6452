"""Audit log lines of people who view evidence or export data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.audit_log.hash_chain import Head
from voting_service.staff.audit_log.record import record
from voting_service.staff.audit_log.verification import load_head


async def record_view(
    connection: AnyConnection,
    actor: str,
    contest: str,
    subject: str,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Record that somebody viewed evidence or ballots; call it before they are shown."""
    await record(
        connection, actor, "viewed", contest=contest, subject=subject, details=dict(details or {})
    )


async def record_export(
    connection: AnyConnection, actor: str, contest: str, subject: str, details: Mapping[str, Any]
) -> None:
    """Record that somebody exported data of a contest."""
    await record(
        connection, actor, "exported", contest=contest, subject=subject, details=dict(details)
    )


async def begin_log_export(connection: AnyConnection, actor: str) -> Head:
    """Record an export of the audit log itself; return the newest entry that it contains."""
    with domain_errors():
        async with connection.transaction():
            head = await load_head(connection)
            details = {"head": str(head)}
            await record(connection, actor, "exported", subject="journal", details=details)
    return head
