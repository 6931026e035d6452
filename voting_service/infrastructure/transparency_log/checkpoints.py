"""Checkpoints (C2SP tlog-checkpoint): a log's name, size and root as a signed note; and what
witnesses add below it (C2SP tlog-cosignature, version 1)."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from struct import pack, unpack
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voting_service.errors import Fault, InvalidInput, MalformedInput
from voting_service.infrastructure.transparency_log.merkle import HASH_BYTES
from voting_service.infrastructure.transparency_log.signed_note import (
    COSIGNATURE,
    SignatureLine,
    SignedNote,
    VerifierKey,
    decode_base64,
    read_note,
    require_signature,
    sign_note,
    verifier_key,
)

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_TIME_BYTES = 8
_SIGNATURE_BYTES = 64


class Checkpoint(NamedTuple):
    """A state of a log: `origin` is its name, `root` the hash over `size` entries."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


def read_checkpoint(note: SignedNote) -> Checkpoint:
    """Return the checkpoint of a note, whose signatures the caller checks. Raises MalformedInput;
    also for further lines, which our logs do not have."""
    lines = note.text.removesuffix("\n").split("\n")
    if len(lines) != 3 or not lines[0] or not _SIZE.fullmatch(lines[1]):
        raise _malformed()
    root = decode_base64(lines[2])
    if root is None or len(root) != HASH_BYTES:
        raise _malformed()
    return Checkpoint(lines[0], int(lines[1]), root)


def open_checkpoint(data: bytes, key: VerifierKey) -> tuple[Checkpoint, SignedNote]:
    """Read a checkpoint of the log that has this key. Raises InvalidInput for another log's, and
    for one without its signature."""
    note = read_note(data)
    require_signature(note, key)
    checkpoint = read_checkpoint(note)
    if checkpoint.origin != key.name:
        raise InvalidInput(
            Fault("origin", "infrastructure.transparency_log.another_log", origin=checkpoint.origin)
        )
    return checkpoint, note


def sign_checkpoint(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> SignedNote:
    """Return the checkpoint signed with the log's key, whose name is the origin."""
    line = sign_note(checkpoint.text, checkpoint.origin, key)
    return SignedNote(checkpoint.text, (line,))


def cosign(text: str, name: str, key: Ed25519PrivateKey, unix_seconds: int) -> SignatureLine:
    """Return a witness's signature below a checkpoint's text."""
    signature = key.sign(_cosigned(text, unix_seconds))
    key_id = verifier_key(name, key, COSIGNATURE).key_id
    return SignatureLine(name, key_id, pack(">Q", unix_seconds) + signature)


def cosigned_at(text: str, line: SignatureLine, witness: VerifierKey) -> int | None:
    """Return when a witness signed, in unix seconds; None if the line is not its signature."""
    if witness.kind != COSIGNATURE or not witness.made(line):
        return None
    if len(line.signature) != _TIME_BYTES + _SIGNATURE_BYTES:
        return None
    (unix_seconds,) = unpack(">Q", line.signature[:_TIME_BYTES])
    message = _cosigned(text, unix_seconds)
    return unix_seconds if witness.verifies(message, line.signature[_TIME_BYTES:]) else None


def check_cosignatures(note: SignedNote, witnesses: Iterable[VerifierKey]) -> Mapping[str, int]:
    """Return when each of the witnesses signed, in unix seconds, by its name. Raises InvalidInput
    for a line that names one of them and is not its signature."""
    moments: dict[str, int] = {}
    for witness in witnesses:
        for line in note.signatures:
            if not witness.made(line):
                continue
            moment = cosigned_at(note.text, line, witness)
            if moment is None:
                raise InvalidInput(
                    Fault(
                        "signature",
                        "infrastructure.transparency_log.wrong_signature",
                        name=witness.name,
                    )
                )
            moments[witness.name] = moment
    return moments


def _cosigned(text: str, unix_seconds: int) -> bytes:
    return f"cosignature/v1\ntime {unix_seconds}\n{text}".encode()


def _malformed() -> MalformedInput:
    return MalformedInput(Fault("", "infrastructure.transparency_log.not_a_checkpoint"))
