"""Keyed hashes that replace voters in everything that is stored."""

from __future__ import annotations

from hashlib import blake2b

from voting_service.voting.voters.identity import Identity

PSEUDONYM_BYTES = 16


def pseudonym(key: bytes, identity: Identity) -> bytes:
    """Return 16 bytes: the same for the same person, or the same account, in this contest.

    A person is the same voter on every platform that names persons. The two kinds cannot collide:
    each begins with its own byte. So no platform can use up the vote of a user of another, unless
    the policy of both is to name persons.
    """
    if identity.person is None:
        return account_pseudonym(key, identity)
    return _hash(key, b"p" + identity.person)


def account_pseudonym(key: bytes, identity: Identity) -> bytes:
    """Return 16 bytes: the same for the same account, whatever person it names."""
    return _hash(key, b"s" + identity.platform_id.to_bytes(2, "big") + identity.subject.encode())


def _hash(key: bytes, message: bytes) -> bytes:
    return blake2b(message, key=key, digest_size=PSEUDONYM_BYTES).digest()
