"""The keys of a contest: created at import, wrapped by the master key, destroyed after the contest.

Each contest has three keys. `voters` makes pseudonyms and network hashes; once it is destroyed,
nobody can link a ballot to a person any more. The key with which platforms name persons comes from
it. `receipts` is the MAC key of sessions and receipts, and is kept as long as receipts can be
checked. `log` makes the salts of the public log (voting/public_log/secrets.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from voting_service.contests.keys import (
    KEY_BYTES,
    create_keys,
    unwrap_key,
)
from voting_service.errors import Refused
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors

QUERIES = Queries(__package__)

__all__ = ["ContestKeys", "LoadedKeys", "create_keys", "derive", "destroy_voter_key", "load_keys"]


def derive(key: bytes, purpose: bytes) -> bytes:
    """Return a 32-byte subkey: keyed BLAKE2b of the purpose (RFC 7693 section 2.9 as a PRF)."""
    return blake2b(purpose, key=key, digest_size=KEY_BYTES).digest()


@dataclass(frozen=True, slots=True)
class ContestKeys:
    """The subkeys; those of `voters` are None once it is destroyed."""

    pseudonym: bytes | None
    network: bytes | None
    person: bytes | None
    session: bytes
    receipt: bytes
    challenge: bytes

    @classmethod
    def from_roots(cls, voters: bytes | None, receipts: bytes) -> ContestKeys:
        return cls(
            pseudonym=derive(voters, b"pseudonym") if voters else None,
            network=derive(voters, b"network") if voters else None,
            person=derive(voters, b"person") if voters else None,
            session=derive(receipts, b"session"),
            receipt=derive(receipts, b"receipt"),
            challenge=derive(receipts, b"challenge"),
        )


async def destroy_voter_key(connection: AnyConnection, contest_id: int) -> bool:
    """Delete the voter key, so that pseudonyms can no longer be recomputed; return False if it was
    already deleted."""
    with domain_errors():
        return await connection.fetchval(QUERIES["delete_key"], contest_id, "voters") is not None


class LoadedKeys(NamedTuple):
    """Keys by contest id; `not_opened` has the errors of the contests whose keys cannot be used."""

    opened: dict[int, ContestKeys]
    not_opened: dict[int, Refused]


async def load_keys(connection: AnyConnection, master_key: bytes) -> LoadedKeys:
    """Load the keys of every contest. Keys that cannot be unwrapped do not stop the others."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["keys"])
    roots: dict[int, dict[str, bytes]] = {}
    not_opened: dict[int, Refused] = {}
    for row in rows:
        contest_id, purpose = row["contest_id"], row["purpose"]
        try:
            key = unwrap_key(master_key, contest_id, purpose, row["wrapped_key"])
        except Refused as error:
            not_opened[contest_id] = error
        else:
            roots.setdefault(contest_id, {})[purpose] = key
    opened = {
        contest_id: ContestKeys.from_roots(keys.get("voters"), keys["receipts"])
        for contest_id, keys in roots.items()
        if "receipts" in keys and contest_id not in not_opened
    }
    return LoadedKeys(opened, not_opened)
