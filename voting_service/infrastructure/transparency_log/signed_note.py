"""Signed notes (C2SP signed-note): a text with lines of signatures below it, and the strings by
which keys are handed on.

The kind of a signature is one byte and part of the key's id: 1 is Ed25519 over the text, 4 is a
witness's Ed25519 over the text and a time (checkpoints.py).
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from voting_service.errors import Fault, InvalidInput, MalformedInput

ED25519 = 1
COSIGNATURE = 4
MAX_SIGNATURES = 64
KEY_ID_BYTES = 4
_MARK = "— "
_NAME = re.compile(r"[^\s+]+")


class SignatureLine(NamedTuple):
    """A line of a note: who signed, the id of the key, and the bytes of the signature."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def text(self) -> str:
        """The line, with its end."""
        return f"{_MARK}{self.name} {b64encode(self.key_id + self.signature).decode()}\n"


class SignedNote(NamedTuple):
    """A note whose signatures are not checked yet; the text ends with a line break."""

    text: str
    signatures: tuple[SignatureLine, ...]

    @property
    def data(self) -> bytes:
        """The bytes of the note."""
        return "".join((self.text, "\n", *(line.text for line in self.signatures))).encode()


class VerifierKey(NamedTuple):
    """A public key with the name and the kind of its signatures."""

    name: str
    kind: int
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes by which signatures name the key."""
        named = self.name.encode() + b"\n" + bytes([self.kind]) + self.public_key
        return sha256(named).digest()[:KEY_ID_BYTES]

    @property
    def text(self) -> str:
        """The key as one line: `NAME+ID+KEY`."""
        key = b64encode(bytes([self.kind]) + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    def made(self, line: SignatureLine) -> bool:
        """Return whether a line names this key."""
        return (line.name, line.key_id) == (self.name, self.key_id)

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Return whether an Ed25519 signature of the message is of this key."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def verifier_key(name: str, key: Ed25519PrivateKey, kind: int = ED25519) -> VerifierKey:
    """Return the public half of a key under a name. Raises ValueError for a name that no note can
    have."""
    if not _NAME.fullmatch(name):
        raise ValueError(name)
    return VerifierKey(name, kind, key.public_key().public_bytes_raw())


def read_verifier_key(text: str, kinds: Iterable[int] = (ED25519, COSIGNATURE)) -> VerifierKey:
    """Read `NAME+ID+KEY`. Raises InvalidInput for another form, an id that does not follow from the
    rest, or a kind that is not expected."""
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    data = decode_base64(encoded)
    if data is None or len(data) != 33 or not _NAME.fullmatch(name):
        raise InvalidInput(Fault("key", "infrastructure.transparency_log.not_a_verifier_key"))
    key = VerifierKey(name, data[0], data[1:])
    if key.key_id.hex() != key_id or key.kind not in kinds:
        raise InvalidInput(Fault("key", "infrastructure.transparency_log.not_a_verifier_key"))
    return key


def sign_note(text: str, name: str, key: Ed25519PrivateKey) -> SignatureLine:
    """Return the signature of a text that ends with a line break."""
    key_id = verifier_key(name, key).key_id
    return SignatureLine(name, key_id, key.sign(text.encode()))


def read_note(data: bytes) -> SignedNote:
    """Read a note without checking a signature. Raises MalformedInput."""
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise _malformed() from None
    text, separator, below = whole.rpartition("\n\n")
    lines = below.removesuffix("\n").split("\n")
    if not (separator and text and below.endswith("\n")) or len(lines) > MAX_SIGNATURES:
        raise _malformed()
    if any(character < " " and character != "\n" for character in whole):
        raise _malformed()
    return SignedNote(text + "\n", tuple(map(read_signature_line, lines)))


def read_signature_line(line: str) -> SignatureLine:
    """Read a line of a note, without its end. Raises MalformedInput."""
    name, space, encoded = line.removeprefix(_MARK).partition(" ")
    data = decode_base64(encoded)
    if not (line.startswith(_MARK) and space and _NAME.fullmatch(name)):
        raise _malformed()
    if data is None or len(data) <= KEY_ID_BYTES:
        raise _malformed()
    return SignatureLine(name, data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])


def require_signature(note: SignedNote, key: VerifierKey) -> None:
    """Raise InvalidInput unless the note is signed with this Ed25519 key, or for a line that names
    the key and is not its signature."""
    lines = [line for line in note.signatures if key.made(line)]
    if not lines:
        raise InvalidInput(
            Fault("signature", "infrastructure.transparency_log.not_signed_by", name=key.name)
        )
    for line in lines:
        if not key.verifies(note.text.encode(), line.signature):
            raise InvalidInput(
                Fault("signature", "infrastructure.transparency_log.wrong_signature", name=key.name)
            )


def decode_base64(text: str) -> bytes | None:
    """Return the bytes of standard base64; None for anything that they are not written as."""
    try:
        data = b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None
    return data if b64encode(data).decode() == text else None


def _malformed() -> MalformedInput:
    return MalformedInput(Fault("", "infrastructure.transparency_log.not_a_note"))
