"""The keys that a contest is made with, wrapped by the master key; voters/keyring.py uses them."""

from __future__ import annotations

import os
from typing import Any

from voting_service.errors import Refused
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries
from voting_service.storage.wrapping import unwrap, wrap

QUERIES = Queries(__package__)

PURPOSES = ("voters", "seals")
KEY_BYTES = 32


async def not_opened(connection: AnyConnection, master_key: bytes) -> tuple[str, ...]:
    """The slugs of the contests whose keys the master key does not open.

    Raises Refused when there are contests and it opens none: then it is not the master key of
    this database, and a contest made with it could not be served beside the others.
    """
    with domain_errors():
        rows = await connection.fetch(QUERIES["keys_by_slug"])
    closed = tuple(sorted({row["slug"] for row in rows if not _opens(master_key, row)}))
    if closed and len(closed) == len({row["slug"] for row in rows}):
        named = ", ".join(closed)
        raise Refused(
            f"VOTING_MASTER_KEY does not open the keys of the contests that are there ({named}); "
            "nothing was stored. Use the master key that they were imported with",
            zh=f"VOTING_MASTER_KEY 打不开现有评选（{named}）的密钥，未保存任何内容。"
            "请使用导入这些评选时所用的主密钥。",
        )
    return closed


def _opens(master_key: bytes, row: Any) -> bool:
    try:
        unwrap_key(master_key, row["contest_id"], row["purpose"], row["wrapped_key"])
    except Refused:
        return False
    return True


async def create_keys(connection: AnyConnection, master_key: bytes, contest_id: int) -> None:
    """Makes the keys of a new contest; call it in the transaction that stores the contest."""
    with domain_errors():
        for purpose in PURPOSES:
            wrapped = wrap(master_key, _label(contest_id, purpose), os.urandom(KEY_BYTES))
            await connection.execute(QUERIES["insert_key"], contest_id, purpose, wrapped)


def unwrap_key(master_key: bytes, contest_id: int, purpose: str, wrapped: bytes) -> bytes:
    """A key as `create_keys` made it. Raises Refused when the master key is another one."""
    return unwrap(master_key, _label(contest_id, purpose), wrapped)


def _label(contest_id: int, purpose: str) -> str:
    return f"contest {contest_id} {purpose}"
