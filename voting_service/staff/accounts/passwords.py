"""Passwords: Argon2id, of which the database keeps the SHA-256.

The proof of a password is Argon2id's output. A reader of the database finds its hash and not the
proof, so the database can tell who knows a password from who only reads or writes its tables
(`open_session` in migrations/schema/staff.sql).
"""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from hashlib import sha256

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import Argon2Error
from argon2.low_level import hash_secret_raw

HASHER = PasswordHasher()
"""argon2id with the library's parameters (RFC 9106, low memory); hashes made with older ones
are renewed at the next sign-in."""


def _decode(text: str) -> bytes:
    return b64decode(text + "=" * (-len(text) % 4), validate=True)


def _stored(encoded: str) -> str:
    """Return an encoded Argon2 hash with the SHA-256 of the output in its place."""
    start, output = encoded.rsplit("$", 1)
    digest = b64encode(sha256(_decode(output)).digest()).decode().rstrip("=")
    return f"{start}${digest}"


async def hash_password(password: str) -> str:
    """Return what is stored of a password. Takes a tenth of a second, in a thread."""
    return _stored(await asyncio.to_thread(HASHER.hash, password))


async def prove_password(password_hash: str, password: str) -> bytes | None:
    """Return the proof of the password of a stored hash; None when it is another password."""
    try:
        return await asyncio.to_thread(_prove, password_hash, password)
    except (Argon2Error, ValueError):
        return None


def _prove(password_hash: str, password: str) -> bytes | None:
    parameters = extract_parameters(password_hash)
    proof = hash_secret_raw(
        password.encode(),
        _decode(password_hash.split("$")[4]),
        parameters.time_cost,
        parameters.memory_cost,
        parameters.parallelism,
        HASHER.hash_len,
        parameters.type,
        parameters.version,
    )
    return proof if _decode(password_hash.split("$")[5]) == sha256(proof).digest() else None


async def renew_hash(password_hash: str, password: str) -> str | None:
    """Return a hash with the parameters of today; None when the stored one has them."""
    return await hash_password(password) if HASHER.check_needs_rehash(password_hash) else None
