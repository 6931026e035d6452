"""Signed documents, which anyone can verify with the file and a public key.

The file is canonical JSON `{"document":…,"signature":{"algorithm":"Ed25519","public_key":…,
"value":…}}`; the signature, in base64 like the raw 32-byte key, is over the canonical form of
`document`. Ed25519 is deterministic: the same document and key give the same file.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)

from voting_service.errors import (
    Fault,
    InvalidInput,
    Refused,
)
from voting_service.infrastructure.crypto.canonical_json import canonical, read_strictly


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signature; key and value are base64."""

    algorithm: Literal["Ed25519"]
    public_key: str
    value: str


class SignedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A document with its signature."""

    document: dict[str, Any]
    signature: Signature


def load_signing_key(path: Path) -> Ed25519PrivateKey:
    """Load an Ed25519 private key. Raises Refused if the file is missing or has another key."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Refused(
            "infrastructure.crypto.signing_key_unreadable", path=path, error=error
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise Refused("infrastructure.crypto.signing_key_not_ed25519", path=path)
    return key


def load_public_key(data: bytes) -> Ed25519PublicKey:
    """Load an Ed25519 public key from PEM. Raises InvalidInput."""
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput(
            Fault("key", "infrastructure.crypto.not_public_key", error=error)
        ) from None
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidInput(Fault("key", "infrastructure.crypto.not_ed25519"))
    return key


def public_key_text(key: Ed25519PublicKey) -> str:
    """Return a public key in base64, as in the file."""
    return b64encode(key.public_bytes_raw()).decode()


def sign_document(document: Mapping[str, Any], key: Ed25519PrivateKey) -> bytes:
    """Return the signed file; the same document and key give the same bytes."""
    return canonical(
        {
            "document": document,
            "signature": {
                "algorithm": "Ed25519",
                "public_key": public_key_text(key.public_key()),
                "value": b64encode(key.sign(canonical(document))).decode(),
            },
        }
    )


def read_signed_file(data: bytes) -> SignedFile:
    """Read a signed file without checking the signature. Raises InvalidInput."""
    try:
        return msgspec.convert(read_strictly(data), SignedFile)
    except msgspec.ValidationError as error:
        raise InvalidInput(Fault("", "infrastructure.crypto.not_signed", error=error)) from None


def check_signature(file: SignedFile, expected: Ed25519PublicKey | None) -> None:
    """Raises InvalidInput unless the signature matches the document and the expected key."""
    try:
        key = Ed25519PublicKey.from_public_bytes(
            b64decode(file.signature.public_key, validate=True)
        )
        value = b64decode(file.signature.value, validate=True)
    except (ValueError, binascii.Error):
        raise InvalidInput(
            Fault("signature", "infrastructure.crypto.signature_not_base64")
        ) from None
    if expected is not None and expected.public_bytes_raw() != key.public_bytes_raw():
        raise InvalidInput(Fault("signature.public_key", "infrastructure.crypto.other_key"))
    try:
        key.verify(value, canonical(file.document))
    except InvalidSignature:
        raise InvalidInput(
            Fault("signature.value", "infrastructure.crypto.signature_mismatch")
        ) from None
