"""Documents under a signature, which can be checked with nothing but the file and a public key.

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

from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.storage.canonical import canonical, read_strictly


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Both texts are base64."""

    algorithm: Literal["Ed25519"]
    public_key: str
    value: str


class SignedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The outer object."""

    document: dict[str, Any]
    signature: Signature


def load_signing_key(path: Path) -> Ed25519PrivateKey:
    """Raises Refused when the file is missing or holds another kind of key."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Refused(
            f"VOTING_SIGNING_KEY_FILE {path} cannot be read as a PEM key: {error}"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise Refused(f"VOTING_SIGNING_KEY_FILE {path} holds no Ed25519 key")
    return key


def load_public_key(data: bytes) -> Ed25519PublicKey:
    """From PEM. Raises InvalidInput."""
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput(Fault("key", f"is not a public key in PEM: {error}")) from None
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidInput(Fault("key", "is not an Ed25519 key"))
    return key


def public_key_text(key: Ed25519PublicKey) -> str:
    """As it stands in the file."""
    return b64encode(key.public_bytes_raw()).decode()


def sign_document(document: Mapping[str, Any], key: Ed25519PrivateKey) -> bytes:
    """The whole file; the same bytes whenever it is run again."""
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
    """Raises InvalidInput when it is not of this shape. The signature is not looked at."""
    try:
        return msgspec.convert(read_strictly(data), SignedFile)
    except msgspec.ValidationError as error:
        raise InvalidInput(Fault("", f"this is not a signed document: {error}")) from None


def check_signature(file: SignedFile, expected: Ed25519PublicKey | None) -> None:
    """Raises InvalidInput unless the signature fits the document, and is by `expected` where a
    key is given."""
    try:
        key = Ed25519PublicKey.from_public_bytes(
            b64decode(file.signature.public_key, validate=True)
        )
        value = b64decode(file.signature.value, validate=True)
    except (ValueError, binascii.Error):
        raise InvalidInput(Fault("signature", "is not a key and a value in base64")) from None
    if expected is not None and expected.public_bytes_raw() != key.public_bytes_raw():
        raise InvalidInput(Fault("signature.public_key", "is not the key that was given"))
    try:
        key.verify(value, canonical(file.document))
    except InvalidSignature:
        raise InvalidInput(
            Fault("signature.value", "does not fit: the document was changed after signing")
        ) from None
