"""Secrets at rest: sealed with the master key, bound to what they belong to."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from voting_service.errors import Refused

_NONCE_BYTES = 12


def wrap(master_key: bytes, label: str, secret: bytes) -> bytes:
    """AES-256-GCM: a random nonce, then the secret sealed with `label` as associated data."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(master_key).encrypt(nonce, secret, label.encode())


def unwrap(master_key: bytes, label: str, wrapped: bytes) -> bytes:
    """What `wrap` was given. Raises Refused for another key, another label or changed bytes."""
    nonce, sealed = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
    try:
        return AESGCM(master_key).decrypt(nonce, sealed, label.encode())
    except InvalidTag:
        raise Refused(
            f"VOTING_MASTER_KEY is not the key that the secret of {label} was wrapped with"
        ) from None
