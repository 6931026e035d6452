"""Check the stored chain and keep the results."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.audit_log.hash_chain import (
    BEGINNING,
    Chain,
    ChainFault,
    Head,
)
from voting_service.staff.audit_log.record import QUERIES
from voting_service.staff.audit_log.repository import entries_after

Scope = Literal["whole", "newest"]
MAX_KEPT_FAULTS = 50


class ChainCheck(msgspec.Struct, frozen=True):
    """The result of a check up to `head`; `faults` are the first MAX_KEPT_FAULTS."""

    scope: Scope
    checked_at: datetime
    head: Head
    faults: tuple[ChainFault, ...]


async def check_chain(
    connection: AnyConnection, after: Head = BEGINNING, *, noted: Iterable[Head] = ()
) -> tuple[Head, list[ChainFault]]:
    """Recompute every entry after `after`, which must be unchanged; return the new head and the
    faults. Yields to the event loop between batches."""
    chain = Chain(after, noted=noted)
    faults: list[ChainFault] = []
    if after != BEGINNING:
        with domain_errors():
            stored_hash = await connection.fetchval(QUERIES["hash_of_entry"], after.entry)
        if stored_hash is None:
            faults.append(ChainFault("cut", after.entry, after.entry))
        elif stored_hash != after.hash:
            faults.append(ChainFault("another", after.entry, after.entry))
    async for batch in entries_after(connection, after.entry, batch=200):
        for entry in batch:
            faults.extend(chain.check(entry))
        await asyncio.sleep(0)
    faults.extend(chain.finish())
    return chain.head, faults


async def load_head(connection: AnyConnection) -> Head:
    """Return the newest entry's number and hash, unchecked."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["newest_entry"])
    return Head(row["entry"], row["hash"]) if row else BEGINNING


async def check_whole(connection: AnyConnection, now: datetime) -> ChainCheck:
    """Recompute every entry, compare the heads of earlier checks, and store the result."""
    noted = [check.head for check in (await load_checks(connection)).values()]
    head, faults = await check_chain(connection, noted=noted)
    # What was once there has to come back: a shorter chain is not taken for the new state.
    return await _keep(connection, "whole", max([head, *noted]) if faults else head, faults, now)


async def check_newest(connection: AnyConnection, after: Head, now: datetime) -> ChainCheck:
    """Recompute the entries after `after`, which must be unchanged, and store the result."""
    head, faults = await check_chain(connection, after)
    return await _keep(connection, "newest", after if faults else head, faults, now)


async def _keep(
    connection: AnyConnection, scope: Scope, head: Head, faults: list[ChainFault], now: datetime
) -> ChainCheck:
    kept = tuple(faults[:MAX_KEPT_FAULTS])
    with domain_errors():
        await connection.execute(
            QUERIES["keep_check"], scope, now, head.entry, head.hash, msgspec.to_builtins(kept)
        )
    return ChainCheck(scope, now, head, kept)


async def load_checks(connection: AnyConnection) -> dict[Scope, ChainCheck]:
    """Return the newest result of each kind of check."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["checks"])
    return {
        row["scope"]: ChainCheck(
            row["scope"],
            row["checked_at"],
            Head(row["entry"], row["hash"]),
            msgspec.convert(row["faults"], tuple[ChainFault, ...]),
        )
        for row in rows
    }
