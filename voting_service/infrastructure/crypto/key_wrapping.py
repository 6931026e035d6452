"""Encrypt stored secrets with the master key (AES-256-GCM), bound to a label."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from voting_service.errors import Refused
from voting_service.setting_values import MasterKey

_NONCE_BYTES = 12


def wrap(master_key: bytes, label: str, secret: bytes) -> bytes:
    """Return a random nonce and the encrypted secret, with `label` as associated data."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(master_key).encrypt(nonce, secret, label.encode())


def rewrap(master_key: bytes, label: str, wrapped: bytes) -> bytes | None:
    """Return a secret that an older master key encrypted, encrypted with this one; None if it is
    already. Raises Refused when no key decrypts it."""
    if _decrypt(master_key, label, wrapped) is not None:
        return None
    return wrap(master_key, label, unwrap(master_key, label, wrapped))


def unwrap(master_key: bytes, label: str, wrapped: bytes) -> bytes:
    """Return a secret that the master key encrypted, or one of the older keys that are still
    accepted. Raises Refused for another key, another label or changed bytes."""
    for key in (master_key, *older_keys(master_key)):
        secret = _decrypt(key, label, wrapped)
        if secret is not None:
            return secret
    raise Refused("infrastructure.crypto.wrong_master_key", label=label)


def older_keys(master_key: bytes) -> tuple[bytes, ...]:
    """Return the keys before this one that still decrypt."""
    return master_key.older if isinstance(master_key, MasterKey) else ()


def _decrypt(key: bytes, label: str, wrapped: bytes) -> bytes | None:
    nonce, encrypted = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, encrypted, label.encode())
    except InvalidTag:
        return None
