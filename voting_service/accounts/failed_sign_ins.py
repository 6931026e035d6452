"""Failed sign-ins in the journal."""

from __future__ import annotations

from voting_service.accounts.store import load_accounts, plain_name
from voting_service.journal.record import record
from voting_service.storage.postgres import AnyConnection


async def record_failure(
    connection: AnyConnection, name: str, *, program: str, source: str
) -> None:
    """What was typed stands in the journal only if it names an account: else it may be a
    password in the wrong field. `program` is where it was typed, for nobody is known yet."""
    known = [account.name for account in await load_accounts(connection)]
    subject = plain_name(name) if plain_name(name) in known else ""
    await record(connection, program, "sign_in_failed", subject=subject, details={"source": source})
