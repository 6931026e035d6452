"""The durable receipt: one document that shows, without us and years later, that a ballot is in the
log. It never has a choice. No I/O."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from voting_service.errors import Fault, InvalidInput
from voting_service.infrastructure.transparency_log.checkpoints import (
    Checkpoint,
    check_cosignatures,
    open_checkpoint,
)
from voting_service.infrastructure.transparency_log.merkle import (
    HASH_BYTES,
    NodeReader,
    hash_leaf,
    inclusion_proof,
    verify_inclusion,
)
from voting_service.infrastructure.transparency_log.proof_file import LogProof, read_proof
from voting_service.infrastructure.transparency_log.signed_note import VerifierKey, decode_base64
from voting_service.voting.public_log.commitments import tag_tree
from voting_service.voting.public_log.entries import Bundle, read_entry


class ReceiptProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`tag` is the ballot's, at `tag_index` of `tag_count` in the bundle that `entry` announces;
    `tag_path` leads from it to the bundle's root, in hexadecimal. `tlog_proof` shows the entry's
    place in the log."""

    tag: str
    tag_index: int
    tag_count: int
    tag_path: tuple[str, ...]
    entry: str
    tlog_proof: str


class EntryPlace(NamedTuple):
    """An entry with its place, and the published checkpoint of a log that has it."""

    number: int
    data: bytes
    size: int
    checkpoint: bytes


def prove(tags: list[bytes], tag: bytes, entry: EntryPlace, node: NodeReader) -> ReceiptProof:
    """Return the durable receipt of the ballot with a tag, which is one of `tags` of its bundle;
    `node` reads the log's tree."""
    index = tags.index(tag)
    path = tag_tree(tags).inclusion_proof(index)
    hashes = tuple(inclusion_proof(entry.number, entry.size, node))
    return ReceiptProof(
        tag=tag.hex(),
        tag_index=index,
        tag_count=len(tags),
        tag_path=tuple(hash_.hex() for hash_ in path),
        entry=entry.data.decode(),
        tlog_proof=LogProof(entry.number, hashes, entry.checkpoint).text,
    )


class ProofResult(NamedTuple):
    """What a durable receipt shows: the bundle, the log, and when each witness saw it."""

    bundle: Bundle
    checkpoint: Checkpoint
    witnessed: dict[str, int]


def verify_receipt(
    proof: ReceiptProof, key: VerifierKey, witnesses: tuple[VerifierKey, ...] = ()
) -> ProofResult:
    """Check a durable receipt with the log's key alone, or its witnesses' too. Raises InvalidInput
    with what is wrong."""
    entry = read_entry(proof.entry.encode())
    if not isinstance(entry, Bundle) or entry.ballots != proof.tag_count:
        raise InvalidInput(Fault("entry", "voting.public_log.not_its_bundle"))
    try:
        tag, *path = map(bytes.fromhex, (proof.tag, *proof.tag_path))
    except ValueError:
        raise InvalidInput(Fault("tag_path", "voting.public_log.not_hexadecimal")) from None
    root = decode_base64(entry.tags) or b""
    if len(tag) != HASH_BYTES or not verify_inclusion(
        hash_leaf(tag), proof.tag_index, proof.tag_count, path, root
    ):
        raise InvalidInput(Fault("tag_path", "voting.public_log.not_in_bundle"))
    place = read_proof(proof.tlog_proof)
    checkpoint, note = open_checkpoint(place.checkpoint, key)
    leaf = hash_leaf(proof.entry.encode())
    if not verify_inclusion(leaf, place.entry, checkpoint.size, place.hashes, checkpoint.root):
        raise InvalidInput(Fault("tlog_proof", "voting.public_log.not_in_log"))
    return ProofResult(entry, checkpoint, dict(check_cosignatures(note, witnesses)))
