"""Who does something, when, and on which connection: what every service function needs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.staff.accounts.model import Account
from voting_service.staff.audit_log.model import Act
from voting_service.staff.audit_log.record import record


class Actor(NamedTuple):
    """An account that does something at `now`, on `connection`."""

    connection: AnyConnection
    account: Account
    now: datetime

    async def record(self, act: Act, contest: str, subject: str, /, **details: Any) -> None:
        """Write an entry of the audit log about a contest or selection; call it last in the
        transaction of the act."""
        await record(
            self.connection,
            self.account.name,
            act,
            contest=contest,
            subject=subject,
            details=details,
        )
