"""Sessions whose commits survive a crash: set for our own sessions, demanded of the server.

`synchronous_commit` belongs to a session, so each of ours sets it. `fsync` and
`full_page_writes` belong to the server: without them a crash loses commits, and no session can
change that, so such a server is refused. `voting.allow_data_loss = on` in the configuration of a
server or a database says that it may forget; only the tests' server says so.
"""

from __future__ import annotations

from typing import Any

from voting_service.errors import NotDurable
from voting_service.storage.queries import Queries

QUERIES = Queries(__package__, "durability.sql")


async def require_durable(connection: Any) -> None:
    """Make this session's commits durable. One round trip; call it outside transactions.

    Raises NotDurable when the server is set to lose them all the same.
    """
    row = await connection.fetchrow(QUERIES["prepare_session"])
    if row["switched_off"]:
        raise NotDurable(row["switched_off"])
