"""The oldest running transaction of the cluster, and who holds it open.

What must know that nothing older can appear any more waits for it: an idle transaction or a
forgotten prepared one, in any database of the cluster. (A transaction that only reads, and the
horizon of a replication slot, hold nothing up here.)
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors

QUERIES = Queries(__package__, "oldest_transaction.sql")


class TransactionHolder(NamedTuple):
    """Who runs a transaction. `pid` is None when it is `prepared` under that name; `state` and the
    moments are None when this role may not see them."""

    pid: int | None
    database: str | None
    user: str | None
    application: str | None
    state: str | None
    began_at: datetime | None
    last_query_at: datetime | None
    prepared: str | None


async def oldest_transaction(connection: AnyConnection) -> int | None:
    """Return the id of the oldest running transaction; None while none runs."""
    with domain_errors():
        xid: int | None = await connection.fetchval(QUERIES["oldest_transaction"])
    return xid


async def find_holder(connection: AnyConnection, xid: int) -> TransactionHolder | None:
    """Return who runs a transaction; None when it has ended."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["holder"], xid)
    return TransactionHolder(**row) if row else None
