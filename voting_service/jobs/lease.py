"""Leases: one process at a time runs a loop, by a Postgres advisory lock that ends with its
session."""

from __future__ import annotations

from hashlib import blake2b

from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors


def lock_key(loop_name: str) -> int:
    """Return the signed 64-bit lock key of a loop's name."""
    digest = blake2b(f"voting-service loop {loop_name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


async def try_lease(connection: AnyConnection, loop_name: str) -> bool:
    """Take the lease for the life of `connection`; False while another session has it."""
    with domain_errors():
        taken: bool = await connection.fetchval(
            "select pg_try_advisory_lock($1)", lock_key(loop_name)
        )
    return taken
