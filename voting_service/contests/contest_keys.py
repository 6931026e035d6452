"""The keys that a contest is made with, wrapped by the master key; voters/keyring.py uses them."""

from __future__ import annotations

import os

from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries
from voting_service.storage.wrapping import unwrap, wrap

QUERIES = Queries(__package__)

PURPOSES = ("voters", "seals")
KEY_BYTES = 32


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
