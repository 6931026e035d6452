"""Who goes on from a contest, for whoever takes over from there: read from the published document
alone."""

from __future__ import annotations

from datetime import datetime

from voting_service.contests.store import QUERIES
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.signed_file import read_signed_file


async def published_cut(
    connection: AnyConnection, contest_id: int, now: datetime
) -> tuple[int, ...] | None:
    """The numbers of those who go on, best first, by the newest version that citizens see at
    `now`; None while there is none."""
    with domain_errors():
        document: bytes | None = await connection.fetchval(QUERIES["shown_cut"], contest_id, now)
    if document is None:
        return None
    return tuple(read_signed_file(document).document["selected"])
