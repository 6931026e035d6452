"""A durable receipt against the log that is verified."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from voting_service.errors import Fault, InvalidInput
from voting_service.infrastructure.transparency_log.checkpoints import open_checkpoint
from voting_service.infrastructure.transparency_log.merkle import tree_root
from voting_service.infrastructure.transparency_log.proof_file import read_proof
from voting_service.infrastructure.transparency_log.signed_note import VerifierKey
from voting_service.voting.public_log.entries import Bundle
from voting_service.voting.public_log.receipt_proof import (
    ReceiptProof,
    verify_receipt,
)
from voting_service.voting.public_log.verification.faults import fault
from voting_service.voting.public_log.verification.tree import (
    LogEntries,
    LogHead,
    check_witnesses,
)


class ReceiptPlace(NamedTuple):
    """A receipt that proves its ballot: the bundle, and the place of the bundle's entry."""

    proof: ReceiptProof
    bundle: Bundle
    place: int


def check_receipt(
    data: bytes, head: LogHead, log: LogEntries, witnesses: Iterable[VerifierKey]
) -> tuple[ReceiptPlace, list[Fault]]:
    """Return a receipt and what is wrong with the signatures of its witnesses, who may be missing.
    Raises InvalidInput unless it proves its ballot in a log that this one continues."""
    try:
        proof = msgspec.json.decode(data, type=ReceiptProof)
        proven = verify_receipt(proof, head.key)
        place = read_proof(proof.tlog_proof)
        checkpoint, signed = open_checkpoint(place.checkpoint, head.key)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput(fault("wrong_receipt", zh_error=error, error=error)) from None
    except InvalidInput as error:
        raise InvalidInput(
            *(
                fault("wrong_receipt", zh_error=broken.zh, error=broken.message)
                for broken in error.faults
            )
        ) from None
    hexadecimal = "".join((proof.tag, *proof.tag_path))
    if hexadecimal != hexadecimal.lower() or place.text != proof.tlog_proof:
        raise InvalidInput(fault("receipt_not_canonical"))
    size = checkpoint.size
    if size > head.checkpoint.size or tree_root(size, log.node) != checkpoint.root:
        raise InvalidInput(fault("receipt_of_another_log", size=size))
    _, faults = check_witnesses(
        LogHead(head.key, checkpoint, signed), witnesses, (), allow_unwitnessed=True
    )
    wrong = [broken for broken in faults if type(broken) is Fault]
    return ReceiptPlace(proof, proven.bundle, place.entry), wrong
