"""What a command on the whole of a selection's data runs with."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.privacy.encryption import PersonalKeys


class Operator(NamedTuple):
    """The person `name` at a terminal, acting at `now`: a connection as the owner of the tables,
    and the keys of personal data."""

    connection: AnyConnection
    keys: PersonalKeys
    name: str
    now: datetime
