"""The protocol between a witness and a log (C2SP tlog-witness). No I/O.

A witness has cosigned one checkpoint of a log; it cosigns another only if that one continues it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import NamedTuple

from voting_service.errors import Fault, InvalidInput, MalformedInput, NotFound, Refused
from voting_service.infrastructure.transparency_log.checkpoints import Checkpoint, read_checkpoint
from voting_service.infrastructure.transparency_log.merkle import HASH_BYTES, verify_consistency
from voting_service.infrastructure.transparency_log.signed_note import (
    SignedNote,
    VerifierKey,
    decode_base64,
    read_note,
    require_signature,
)

PATH = "/add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
"""The media type of an answer with the size that the witness has cosigned."""
MAX_PROOF_HASHES = 63
MAX_REQUEST_BYTES = 16 * 1024
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")


class WitnessRequest(NamedTuple):
    """A checkpoint to cosign, and the proof that it continues the one of `old_size`."""

    old_size: int
    proof: tuple[bytes, ...]
    checkpoint: bytes

    @property
    def data(self) -> bytes:
        """The body of the request."""
        hashes = [b64encode(hash_).decode() for hash_ in self.proof]
        head = "\n".join((f"old {self.old_size}", *hashes, "", ""))
        return head.encode() + self.checkpoint


class UnknownLog(NotFound):
    """The witness does not watch this log."""


class UnsignedByLog(InvalidInput):
    """The checkpoint lacks the signature of the log that it names."""


class CosignedOtherwise(Refused):
    """The witness has cosigned another checkpoint, with `size` entries, than the request has."""

    def __init__(self, size: int) -> None:
        super().__init__("infrastructure.transparency_log.cosigned_otherwise", size=size)
        self.size = size


class NoContinuation(InvalidInput):
    """The proof does not show that the checkpoint continues the one that was cosigned."""


def read_request(body: bytes) -> WitnessRequest:
    """Read the body of a request. Raises MalformedInput."""
    head, separator, checkpoint = body.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise _malformed() from None
    match = _OLD.fullmatch(lines[0])
    proof = [decode_base64(line) for line in lines[1:]]
    if match is None or not separator or len(proof) > MAX_PROOF_HASHES:
        raise _malformed()
    hashes = tuple(hash_ for hash_ in proof if hash_ is not None and len(hash_) == HASH_BYTES)
    if len(hashes) != len(proof):
        raise _malformed()
    return WitnessRequest(int(match[1]), hashes, checkpoint)


def read_named_checkpoint(request: WitnessRequest) -> tuple[Checkpoint, SignedNote]:
    """Return the checkpoint of a request, whose signature is not checked. Raises MalformedInput,
    also for one that is smaller than the old size."""
    note = read_note(request.checkpoint)
    checkpoint = read_checkpoint(note)
    if checkpoint.size < request.old_size:
        raise _malformed()
    return checkpoint, note


def accept(request: WitnessRequest, log: VerifierKey, cosigned: Checkpoint | None) -> SignedNote:
    """Return the note to cosign. `cosigned` is the newest checkpoint of this log that the witness
    has cosigned. Raises UnsignedByLog, CosignedOtherwise, NoContinuation and MalformedInput."""
    checkpoint, note = read_named_checkpoint(request)
    try:
        require_signature(note, log)
    except InvalidInput as error:
        raise UnsignedByLog(*error.faults) from None
    if request.old_size != (cosigned.size if cosigned else 0):
        raise CosignedOtherwise(cosigned.size if cosigned else 0)
    if cosigned is None or not cosigned.size:
        if request.proof:
            raise _no_continuation()
    elif cosigned.size == checkpoint.size and cosigned.root != checkpoint.root:
        raise CosignedOtherwise(cosigned.size)
    elif not verify_consistency(
        cosigned.size, checkpoint.size, cosigned.root, checkpoint.root, request.proof
    ):
        raise _no_continuation()
    return note


def _malformed() -> MalformedInput:
    return MalformedInput(Fault("", "infrastructure.transparency_log.not_a_witness_request"))


def _no_continuation() -> NoContinuation:
    return NoContinuation(Fault("proof", "infrastructure.transparency_log.no_continuation"))
