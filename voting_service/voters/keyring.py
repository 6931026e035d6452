"""The keys of a contest: made at import, wrapped by the master key, destroyed after it.

Two keys a contest. `voters` makes pseudonyms and network hashes; once it is destroyed nobody,
we included, can tie a ballot to a person. `seals` signs sessions and receipts, and stays as
long as receipts shall be checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from voting_service.contests.contest_keys import KEY_BYTES, create_keys, unwrap_key
from voting_service.errors import Refused
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries

QUERIES = Queries(__package__)

__all__ = ["ContestKeys", "LoadedKeys", "create_keys", "derive", "destroy_voter_key", "load_keys"]


def derive(key: bytes, purpose: bytes) -> bytes:
    """A 32-byte subkey: keyed BLAKE2b of the purpose (RFC 7693 section 2.9 as a PRF)."""
    return blake2b(purpose, key=key, digest_size=KEY_BYTES).digest()


@dataclass(frozen=True, slots=True)
class ContestKeys:
    """Subkeys in use; the voters' ones are None once destroyed."""

    pseudonym: bytes | None
    network: bytes | None
    session: bytes
    receipt: bytes
    challenge: bytes

    @classmethod
    def from_roots(cls, voters: bytes | None, seals: bytes) -> ContestKeys:
        return cls(
            pseudonym=derive(voters, b"pseudonym") if voters else None,
            network=derive(voters, b"network") if voters else None,
            session=derive(seals, b"session"),
            receipt=derive(seals, b"receipt"),
            challenge=derive(seals, b"challenge"),
        )


async def destroy_voter_key(connection: AnyConnection, contest_id: int) -> bool:
    """Makes every pseudonym of the contest final. False when the key was gone already."""
    with domain_errors():
        return await connection.fetchval(QUERIES["delete_key"], contest_id, "voters") is not None


class LoadedKeys(NamedTuple):
    """Keys by contest id; `not_opened` says why those of other contests are not among them."""

    opened: dict[int, ContestKeys]
    not_opened: dict[int, Refused]


async def load_keys(connection: AnyConnection, master_key: bytes) -> LoadedKeys:
    """The keys of every contest. Those that the master key does not open stop no other."""
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
        contest_id: ContestKeys.from_roots(keys.get("voters"), keys["seals"])
        for contest_id, keys in roots.items()
        if "seals" in keys and contest_id not in not_opened
    }
    return LoadedKeys(opened, not_opened)
