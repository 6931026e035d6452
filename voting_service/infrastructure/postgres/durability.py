"""Ensure that commits survive a crash: a setting of each session, and settings of the server.

`synchronous_commit` is a setting of the session, so each session sets it. `fsync` and
`full_page_writes` are settings of the server: if one is off, a crash loses commits, and no session
can change that, so such a server is refused. `voting.allow_data_loss = on` in the configuration of
a server or a database allows it; only tests set it.

Where a synchronous standby is configured, a commit waits for it too. That wait can be cancelled,
and then the commit stands on one server alone: nothing may be confirmed by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from voting_service.errors import StoreFault, StoreUnavailable
from voting_service.infrastructure.postgres.named_queries import Queries

QUERIES = Queries(__package__, "durability.sql")
NO_PARAMETERS: Mapping[str, str] = MappingProxyType({})


class NotDurable(StoreFault):
    """Postgres can lose commits in a crash; `settings` lists the settings that are off."""

    def __init__(self, settings: Sequence[str]) -> None:
        super().__init__(
            "infrastructure.postgres.not_durable",
            en_names=" and ".join(settings),
            zh_names="、".join(settings),
        )
        self.settings = tuple(settings)


class NoPrimary(StoreFault):
    """The server is a standby, which takes no writes."""

    def __init__(self) -> None:
        super().__init__("infrastructure.postgres.no_primary")


class NotReplicated(StoreUnavailable):
    """A commit did not wait for the standby to the end: it may stand on one server alone."""

    def __init__(self) -> None:
        super().__init__("infrastructure.postgres.not_replicated")


async def require_durable(connection: Any, parameters: Mapping[str, str] = NO_PARAMETERS) -> None:
    """Make this session's commits durable, and set further parameters of the session. One round
    trip; call it outside transactions.

    Raises NotDurable if the server is configured to lose commits, NoPrimary if it is a standby.
    """
    row = await connection.fetchrow(
        QUERIES["prepare_session"], list(parameters), list(parameters.values())
    )
    if row["is_standby"]:
        raise NoPrimary
    if row["switched_off"]:
        raise NotDurable(row["switched_off"])


@contextmanager
def require_replicated(connection: Any) -> Iterator[None]:
    """Raises NotReplicated at the end of the block if a commit in it did not wait for a standby to
    the end.

    PostgreSQL answers a cancelled wait with success and a warning, whose words are in the server's
    language. The statements of the block must have no other reason for a warning.
    """
    is_cancelled = False

    def note(_connection: Any, message: Any) -> None:
        nonlocal is_cancelled
        is_cancelled = is_cancelled or message.severity_en == "WARNING"

    connection.add_log_listener(note)
    try:
        yield
    finally:
        connection.remove_log_listener(note)
    if is_cancelled:
        raise NotReplicated
