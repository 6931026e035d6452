"""Journals for tests: chained in Python, and written and forged in Postgres."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import msgspec

from voting_service.infrastructure.postgres.pool import (
    AnyConnection,
    Connection,
    connect,
)
from voting_service.staff.audit_log.hash_chain import (
    BEGINNING,
    Head,
    hash_entry,
)
from voting_service.staff.audit_log.model import Entry
from voting_service.staff.audit_log.repository import entries_after

START = datetime(2022, 7, 18, 1, 0, tzinfo=UTC)


def chained(fields: Iterable[tuple[str, str, str]], after: Head = BEGINNING) -> list[Entry]:
    """Lines of (actor, subject, details), chained as the table would."""
    lines: list[Entry] = []
    head = after
    for actor, subject, details in fields:
        line = Entry(
            entry=head.entry + 1,
            at=START + timedelta(seconds=head.entry),
            actor=actor,
            act="viewed",
            contest=None,
            subject=subject,
            details=details,
            previous_hash=head.hash,
            hash=b"",
        )
        line = msgspec.structs.replace(line, hash=hash_entry(line))
        lines.append(line)
        head = Head(line.entry, line.hash)
    return lines


async def stored(connection: AnyConnection) -> list[Entry]:
    """The whole audit log."""
    return [entry async for batch in entries_after(connection) for entry in batch]


@asynccontextmanager
async def forging(owner_database_url: str) -> AsyncIterator[Connection]:
    """The owner of the tables with the triggers out of the way."""
    connection = await connect(owner_database_url)
    try:
        await connection.execute("alter table audit_log disable trigger all")
        yield connection
        await connection.execute("alter table audit_log enable trigger all")
    finally:
        await connection.close()
