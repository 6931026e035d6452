"""Encrypt stored secrets with the master key (AES-256-GCM), bound to a label."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from voting_service.errors import Refused

_NONCE_BYTES = 12


def wrap(master_key: bytes, label: str, secret: bytes) -> bytes:
    """Return a random nonce and the encrypted secret, with `label` as associated data."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(master_key).encrypt(nonce, secret, label.encode())


def rewrap(old: bytes, new: bytes, label: str, wrapped: bytes) -> bytes | None:
    """Return the secret encrypted with the new master key; None if it is already. Raises Refused
    when neither key decrypts it."""
    try:
        unwrap(new, label, wrapped)
    except Refused:
        return wrap(new, label, unwrap(old, label, wrapped))
    return None


def unwrap(master_key: bytes, label: str, wrapped: bytes) -> bytes:
    """Return the secret. Raises Refused for another key, another label or changed bytes."""
    nonce, encrypted = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
    try:
        return AESGCM(master_key).decrypt(nonce, encrypted, label.encode())
    except InvalidTag:
        raise Refused("infrastructure.crypto.wrong_master_key", label=label) from None
