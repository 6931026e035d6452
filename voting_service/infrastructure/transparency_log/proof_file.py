"""The place of an entry in a log as a text that can be checked years later (C2SP tlog-proof)."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import NamedTuple

from voting_service.errors import Fault, MalformedInput
from voting_service.infrastructure.transparency_log.merkle import HASH_BYTES
from voting_service.infrastructure.transparency_log.signed_note import decode_base64

_HEADER = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")
_EXTRA = "extra "


class LogProof(NamedTuple):
    """The place of an entry, the hashes from it to the root, and the checkpoint with that root."""

    entry: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes

    @property
    def text(self) -> str:
        """The proof as a text."""
        hashes = [b64encode(hash_).decode() for hash_ in self.hashes]
        lines = (_HEADER, f"index {self.entry}", *hashes, "", "")
        return "\n".join(lines) + self.checkpoint.decode()


def read_proof(text: str) -> LogProof:
    """Read a proof. Raises MalformedInput. What a proof may carry besides (`extra`) is ignored: no
    signature covers it."""
    head, separator, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if lines[0] != _HEADER or not separator or not checkpoint:
        raise _malformed()
    is_extra = len(lines) > 1 and lines[1].startswith(_EXTRA)
    if is_extra and decode_base64(lines.pop(1).removeprefix(_EXTRA)) is None:
        raise _malformed()
    match = _INDEX.fullmatch(lines[1]) if lines[1:] else None
    if match is None:
        raise _malformed()
    hashes = []
    for line in lines[2:]:
        decoded = decode_base64(line)
        if decoded is None or len(decoded) != HASH_BYTES:
            raise _malformed()
        hashes.append(decoded)
    return LogProof(int(match[1]), tuple(hashes), checkpoint.encode())


def _malformed() -> MalformedInput:
    return MalformedInput(Fault("", "infrastructure.transparency_log.not_a_proof"))
