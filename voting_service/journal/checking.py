"""Checking the stored chain, and what the last checks found."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from voting_service.journal.chain import BEGINNING, Chain, ChainFault, Head
from voting_service.journal.reading import entries_after
from voting_service.journal.record import QUERIES
from voting_service.storage.postgres import AnyConnection, domain_errors

Scope = Literal["whole", "newest"]
MAX_KEPT_FAULTS = 50


class Check(msgspec.Struct, frozen=True):
    """What a check found, up to the line `head`; `faults` in words."""

    scope: Scope
    checked_at: datetime
    head: Head
    faults: tuple[str, ...]


async def check_chain(
    connection: AnyConnection, after: Head = BEGINNING, *, noted: Iterable[Head] = ()
) -> tuple[Head, list[ChainFault]]:
    """Recomputes every line behind `after`, which must still stand; the new head, and what is
    wrong. Others on the same event loop go on meanwhile."""
    chain = Chain(after, noted=noted)
    faults: list[ChainFault] = []
    if after != BEGINNING:
        with domain_errors():
            found = await connection.fetchval(QUERIES["hash_of_entry"], after.entry)
        if found is None:
            faults.append(ChainFault("cut", after.entry, after.entry))
        elif found != after.hash:
            faults.append(ChainFault("another", after.entry, after.entry))
    async for batch in entries_after(connection, after.entry, batch=200):
        for entry in batch:
            faults.extend(chain.check(entry))
        await asyncio.sleep(0)
    faults.extend(chain.finish())
    return chain.head, faults


async def load_head(connection: AnyConnection) -> Head:
    """The newest line as it stands, unchecked."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["newest_entry"])
    return Head(row["entry"], row["hash"]) if row else BEGINNING


async def keep_check(
    connection: AnyConnection,
    scope: Scope,
    head: Head,
    faults: Iterable[ChainFault],
    now: datetime,
) -> None:
    """Notes a result for the desk, over the one before it."""
    said = [str(fault) for fault in faults]
    left_out = len(said) - MAX_KEPT_FAULTS
    if left_out > 0:
        said = [*said[:MAX_KEPT_FAULTS], f"and {left_out} more; `voting-service journal verify`"]
    with domain_errors():
        await connection.execute(QUERIES["keep_check"], scope, now, head.entry, head.hash, said)


async def load_checks(connection: AnyConnection) -> dict[Scope, Check]:
    """The newest result of each kind of check there was."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["checks"])
    return {
        row["scope"]: Check(
            row["scope"],
            row["checked_at"],
            Head(row["entry"], row["hash"]),
            tuple(row["faults"]),
        )
        for row in rows
    }
