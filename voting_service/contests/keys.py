"""The keys of a contest, wrapped by the master key; voting/voters/keyring.py uses them."""

from __future__ import annotations

import os
from typing import Any

from voting_service.errors import Refused
from voting_service.infrastructure.crypto.key_wrapping import rewrap, unwrap, wrap
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors

QUERIES = Queries(__package__)

PURPOSES = ("voters", "receipts", "log")
KEY_BYTES = 32


async def not_opened(connection: AnyConnection, master_key: bytes) -> tuple[str, ...]:
    """Return the slugs of contests whose keys cannot be unwrapped with the master key.

    Raises Refused when there are contests and none can be unwrapped: then it is not the master key
    of this database, and a contest created with it could not be served beside the others.
    """
    with domain_errors():
        rows = await connection.fetch(QUERIES["keys_by_slug"])
    closed = tuple(sorted({row["slug"] for row in rows if not _opens(master_key, row)}))
    if closed and len(closed) == len({row["slug"] for row in rows}):
        named = ", ".join(closed)
        raise Refused("contests.wrong_master_key", named=named)
    return closed


def _opens(master_key: bytes, row: Any) -> bool:
    try:
        unwrap_key(master_key, row["contest_id"], row["purpose"], row["wrapped_key"])
    except Refused:
        return False
    return True


async def create_keys(connection: AnyConnection, master_key: bytes, contest_id: int) -> None:
    """Create the keys of a new contest; call it in the transaction that stores the contest."""
    with domain_errors():
        for purpose in PURPOSES:
            wrapped = wrap(master_key, _label(contest_id, purpose), os.urandom(KEY_BYTES))
            await connection.execute(QUERIES["insert_key"], contest_id, purpose, wrapped)


async def rewrap_keys(connection: AnyConnection, master_key: bytes) -> int:
    """Wrap every contest's keys by the master key instead of an older one; return how many were.

    Call it in a transaction of the tables' owner. Raises Refused when no key unwraps one.
    """
    changed = 0
    with domain_errors():
        for row in await connection.fetch(QUERIES["keys_by_slug"]):
            contest_id, purpose = row["contest_id"], row["purpose"]
            rewrapped = rewrap(master_key, _label(contest_id, purpose), row["wrapped_key"])
            if rewrapped is not None:
                await connection.execute(QUERIES["replace_key"], contest_id, purpose, rewrapped)
                changed += 1
    return changed


def unwrap_key(master_key: bytes, contest_id: int, purpose: str, wrapped: bytes) -> bytes:
    """Return an unwrapped key. Raises Refused when the master key is a different one."""
    return unwrap(master_key, _label(contest_id, purpose), wrapped)


def _label(contest_id: int, purpose: str) -> str:
    return f"contest {contest_id} {purpose}"
