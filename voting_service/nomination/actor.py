"""An account acting in one selection: the context that nomination's services take."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple

from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.model import Selection
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.staff.accounts.model import Account
from voting_service.staff.actor import Actor
from voting_service.staff.audit_log.model import Act


class SelectionActor(NamedTuple):
    """An Actor with the selection it acts in and the keys of personal data."""

    actor: Actor
    selection: Selection
    keys: PersonalKeys

    @property
    def connection(self) -> AnyConnection:
        return self.actor.connection

    @property
    def account(self) -> Account:
        return self.actor.account

    @property
    def now(self) -> datetime:
        return self.actor.now

    @property
    def today(self) -> date:
        """The date in the selection's time zone."""
        return self.now.astimezone(self.selection.zone).date()

    async def record(self, act: Act, subject: str, /, **details: Any) -> None:
        """Write an entry of the audit log; call it last in the transaction of the act."""
        await self.actor.record(act, self.selection.slug, subject, **details)
