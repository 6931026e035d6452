"""Failed sign-ins: how long each delays the next attempt of its source, and the audit log.

After FREE_TRIES attempts of one source (a terminal's user, a known device, a network) each doubles
its delay. Other sources are not delayed: nobody can lock somebody else out, nor who has signed in
before on the same network.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from voting_service.errors import SlowDown, VotingError
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.staff.accounts.repository import QUERIES, load_accounts, plain_name
from voting_service.staff.audit_log.record import record

FREE_TRIES = 5
"""The attempt after this many failures is the first that is delayed."""
LONGEST_DELAY_SECONDS = 900
FORGET_AFTER = timedelta(days=1)


class TooManyTries(SlowDown):
    """Too many failed attempts from this source; try again after `retry_after_seconds`."""

    def __init__(self, retry_after_seconds: int) -> None:
        VotingError.__init__(self, "staff.accounts.too_many_tries", seconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


async def begin_try(connection: AnyConnection, name: str, source: str, now: datetime) -> None:
    """Count an attempt. Raises TooManyTries while this source is delayed for this name."""
    tries = await connection.fetchval(
        QUERIES["begin_try"], name, source, now, FREE_TRIES, LONGEST_DELAY_SECONDS
    )
    if tries is None:
        retry_at: datetime | None = await connection.fetchval(QUERIES["retry_at"], name, source)
        raise TooManyTries(max(1, int((retry_at - now).total_seconds()) + 1) if retry_at else 1)


async def record_failure(
    connection: AnyConnection, name: str, *, program: str, source: str
) -> None:
    """Record a failed sign-in. The typed name is recorded only if it names an account: otherwise it
    may be a password in the wrong field. `program` is the actor, because nobody is signed in."""
    names = [account.name for account in await load_accounts(connection)]
    subject = plain_name(name) if plain_name(name) in names else ""
    await record(connection, program, "sign_in_failed", subject=subject, details={"source": source})
