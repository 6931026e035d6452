"""One process at a time runs a loop, by a Postgres advisory lock that dies with its holder."""

from __future__ import annotations

from hashlib import blake2b

from voting_service.storage.postgres import AnyConnection, domain_errors


def lock_key(loop_name: str) -> int:
    """A signed 64-bit key for a loop's name."""
    digest = blake2b(f"voting-service loop {loop_name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


async def try_lease(connection: AnyConnection, loop_name: str) -> bool:
    """Takes the lease for as long as `connection` lives; False while another holds it."""
    with domain_errors():
        taken: bool = await connection.fetchval(
            "select pg_try_advisory_lock($1)", lock_key(loop_name)
        )
    return taken
