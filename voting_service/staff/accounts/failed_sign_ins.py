"""Failed sign-ins in the audit log."""

from __future__ import annotations

from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.staff.accounts.repository import load_accounts, plain_name
from voting_service.staff.audit_log.record import record


async def record_failure(
    connection: AnyConnection, name: str, *, program: str, source: str
) -> None:
    """Record a failed sign-in. The typed name is recorded only if it names an account: otherwise it
    may be a password in the wrong field. `program` is the actor, because nobody is signed in."""
    known = [account.name for account in await load_accounts(connection)]
    subject = plain_name(name) if plain_name(name) in known else ""
    await record(connection, program, "sign_in_failed", subject=subject, details={"source": source})
