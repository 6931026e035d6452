"""Turning a proposal about a selection down, or taking one's own back."""

from __future__ import annotations

from datetime import datetime

from voting_service.accounts.model import Account
from voting_service.decisions.model import Decision
from voting_service.decisions.store import decline
from voting_service.office.disclosure import refuse_disclosures
from voting_service.office.model import Selection
from voting_service.storage.postgres import AnyConnection


async def turn_down(
    connection: AnyConnection,
    selection: Selection,
    account: Account,
    decision: Decision,
    because: str,
    *,
    now: datetime,
) -> None:
    """As `decisions.store.decline`; raises InvalidInput for a reason with personal data in it, too:
    decisions and the journal outlive the papers."""
    refuse_disclosures({"because": because})
    await decline(connection, selection, account, decision, because, now=now)
