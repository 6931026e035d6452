"""Keyed hashes that replace voters in everything that is stored."""

from __future__ import annotations

from hashlib import blake2b

from voting_service.voting.voters.identity import Identity

PSEUDONYM_BYTES = 16


def pseudonym(key: bytes, identity: Identity) -> bytes:
    """Return 16 bytes: the same for the same person, or the same account, in this contest.

    `person` takes precedence over the platform's own id, so a person who uses two platforms is one
    voter. The two kinds cannot collide: each begins with its own byte.
    """
    if identity.person is not None:
        message = b"p" + identity.person.encode()
    else:
        message = b"s" + identity.platform_id.to_bytes(2, "big") + identity.subject.encode()
    return blake2b(message, key=key, digest_size=PSEUDONYM_BYTES).digest()
