"""Ensure that commits survive a crash: a setting of each session, and settings of the server.

`synchronous_commit` is a setting of the session, so each session sets it. `fsync` and
`full_page_writes` are settings of the server: if one is off, a crash loses commits, and no session
can change that, so such a server is refused. `voting.allow_data_loss = on` in the configuration of
a server or a database allows it; only tests set it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from voting_service.errors import StoreUnavailable
from voting_service.infrastructure.postgres.named_queries import Queries

QUERIES = Queries(__package__, "durability.sql")


class NotDurable(StoreUnavailable):
    """Postgres can lose commits in a crash; `settings` lists the settings that are off."""

    def __init__(self, settings: Sequence[str]) -> None:
        super().__init__(
            "infrastructure.postgres.not_durable",
            en_names=" and ".join(settings),
            zh_names="、".join(settings),
        )
        self.settings = tuple(settings)


async def require_durable(connection: Any) -> None:
    """Make this session's commits durable. One round trip; call it outside transactions.

    Raises NotDurable if the server is configured to lose commits.
    """
    row = await connection.fetchrow(QUERIES["prepare_session"])
    if row["switched_off"]:
        raise NotDurable(row["switched_off"])
