"""Who goes on from a contest, for whoever takes over from there: read from the published document
alone."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from voting_service.contests.store import QUERIES
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.signed_file import read_signed_file


async def published_cut(
    connection: AnyConnection, contest_id: int, now: datetime
) -> tuple[int, ...] | None:
    """The numbers of those who go on, best first, by the newest version that citizens see at
    `now`; None while there is none."""
    document = await _shown(connection, contest_id, now)
    return None if document is None else tuple(read_signed_file(document).document["selected"])


async def published_cut_sha256(
    connection: AnyConnection, contest_id: int, now: datetime
) -> str | None:
    """The hash of the signed file that `published_cut` was read from, in hexadecimal."""
    document = await _shown(connection, contest_id, now)
    return None if document is None else sha256(document).hexdigest()


async def _shown(connection: AnyConnection, contest_id: int, now: datetime) -> bytes | None:
    with domain_errors():
        document: bytes | None = await connection.fetchval(QUERIES["shown_cut"], contest_id, now)
    return document
