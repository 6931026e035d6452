"""Who does something, when, and on which connection: what every service function needs."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.staff.accounts.model import Account


class Actor(NamedTuple):
    """An account that does something at `now`, on `connection`."""

    connection: AnyConnection
    account: Account
    now: datetime
