"""The durable receipt: it proves with the log's key alone, and nothing changed in it does."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voting.public_log.log_data import (
    LOG,
    WITNESSES,
    cosigned_checkpoint,
    logged_bundle,
)
from voting_service.errors import InvalidInput
from voting_service.infrastructure.transparency_log.merkle import Tree, hash_leaf
from voting_service.voting.public_log.bundling import MAX_BALLOTS
from voting_service.voting.public_log.receipt_proof import (
    EntryPlace,
    ReceiptProof,
    prove,
    verify_receipt,
)

MOST_BUNDLES = 1_100
"""Of a contest of a million ballots."""
MOST_BYTES = 2_048


def make_proof() -> ReceiptProof:
    bundles = {number: logged_bundle(number, MAX_BALLOTS) for number in (3, 700)}
    entries = [bundles.get(n, bundles[3]).entry.data for n in range(MOST_BUNDLES)]
    tree = Tree(map(hash_leaf, entries))
    tags = list(bundles[700].contents.tags)
    entry = EntryPlace(700, entries[700], MOST_BUNDLES, cosigned_checkpoint(entries))
    return prove(tags, tags[500], entry, tree.node)


PROOF = make_proof()
WHOLE = msgspec.json.encode(PROOF)
EVERYBODY = {witness.name: 1_658_106_000 for witness in WITNESSES}


def test_a_durable_receipt_proves_its_ballot_and_fits_into_two_kilobytes() -> None:
    proven = verify_receipt(PROOF, LOG, WITNESSES)
    assert proven.bundle.bundle == 700
    assert proven.checkpoint.size == MOST_BUNDLES
    assert proven.witnessed == EVERYBODY
    assert len(WHOLE) <= MOST_BYTES


@given(st.integers(0, 8 * len(WHOLE) - 1))
def test_no_durable_receipt_with_one_bit_changed_proves_anything_else(bit: int) -> None:
    """Of what it proves nothing may differ: the tag, the entry, and who saw it when."""
    changed = bytearray(WHOLE)
    changed[bit // 8] ^= 1 << bit % 8
    try:
        proof = msgspec.json.decode(bytes(changed), type=ReceiptProof)
        proven = verify_receipt(proof, LOG, WITNESSES)
    except (msgspec.MsgspecError, UnicodeDecodeError, InvalidInput):
        return
    assert proof.tag.lower() == PROOF.tag
    assert (proof.entry, proof.tag_index) == (PROOF.entry, PROOF.tag_index)
    assert proven.witnessed.items() <= EVERYBODY.items()


@pytest.mark.parametrize(
    "change",
    [
        {"tag": "00" * 32},
        {"tag": "zz"},
        {"tag_index": 501},
        {"tag_count": MAX_BALLOTS - 1},
        {"tag_path": PROOF.tag_path[:-1]},
        {"entry": logged_bundle(3, MAX_BALLOTS).entry.data.decode()},
        {"tlog_proof": PROOF.tlog_proof.replace("index 700", "index 701")},
        {"tlog_proof": PROOF.tlog_proof.replace("\n1100\n", "\n1101\n")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_does_not_belong_together_proves_nothing(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        verify_receipt(msgspec.structs.replace(PROOF, **change), LOG, WITNESSES)


def test_a_checkpoint_without_its_witnesses_proves_only_the_place_in_the_log() -> None:
    head, _, _ = PROOF.tlog_proof.partition("\n— unions")
    alone = msgspec.structs.replace(PROOF, tlog_proof=head + "\n")
    assert verify_receipt(alone, LOG, WITNESSES).witnessed == {}
