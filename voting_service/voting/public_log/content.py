"""Loads what of a written log has to be published."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.voting.public_log.commitments import ballot_tag
from voting_service.voting.public_log.entries import AnyEntry, Bundle, read_entry
from voting_service.voting.public_log.publication import LogContent
from voting_service.voting.public_log.repository import (
    load_bundle_ballots,
    load_documents,
    load_written,
)

_DOCUMENTS = ("rules", "candidates", "document")
"""The fields of entries that name a document."""


async def load_content(
    connection: AnyConnection, contest_id: int, start: int, published: int
) -> LogContent:
    """Load a log from the entry `start` on; bundles and documents only of the entries from
    `published` on, because the others are public. There is a log."""
    written = await load_written(connection, contest_id, start)
    assert written is not None
    new = [read_entry(entry) for entry in written.entries[max(0, published - start) :]]
    numbers = [entry.bundle for entry in new if isinstance(entry, Bundle)]
    ballots = await load_bundle_ballots(connection, contest_id, numbers)
    names = sorted({name for entry in new for name in _named_documents(entry)})
    return LogContent(
        checkpoint=written.checkpoint,
        start=start,
        entries=written.entries,
        bundles=await asyncio.to_thread(_sorted_tags, ballots),
        documents=await load_documents(connection, contest_id, names),
    )


def _sorted_tags(ballots: Mapping[int, Sequence[bytes]]) -> dict[int, list[bytes]]:
    return {number: sorted(map(ballot_tag, ids)) for number, ids in ballots.items()}


def _named_documents(entry: AnyEntry) -> list[str]:
    return [getattr(entry, field) for field in _DOCUMENTS if hasattr(entry, field)]
