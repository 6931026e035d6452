"""The tree against the definition in RFC 6962, written down as slowly as it stands there, and
against the test data of transparency-dev/merkle."""

from __future__ import annotations

import json
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voting_service.infrastructure.transparency_log.merkle import (
    EMPTY_ROOT,
    Frontier,
    Tree,
    consistency_proof,
    hash_leaf,
    hash_node,
    verify_consistency,
    verify_inclusion,
)

VECTORS = Path(__file__).with_name("merkle_vectors.json")
LARGEST = 40
LEAVES = [hash_leaf(bytes([number])) for number in range(LARGEST)]
sizes = st.integers(1, LARGEST)


def frontier_nodes(size: int) -> list[tuple[int, int]]:
    """Return the nodes of the frontier of a tree, the largest first."""
    levels = [level for level in reversed(range(size.bit_length())) if size >> level & 1]
    return [(level, (size >> level) - 1) for level in levels]


def slow_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else sha256(b"").digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return sha256(b"\x01" + slow_root(leaves[:half]) + slow_root(leaves[half:])).digest()


def one_bit_changed(hashes: list[bytes], bit: int) -> list[bytes]:
    number, bit = divmod(bit % (256 * len(hashes)), 256)
    changed = bytearray(hashes[number])
    changed[bit // 8] ^= 1 << bit % 8
    return [*hashes[:number], bytes(changed), *hashes[number + 1 :]]


def test_hashes_are_those_of_rfc_6962() -> None:
    """The four hashes of transparency-dev/merkle's rfc6962_test.go."""
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    empty = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert hash_leaf(b"").hex() == empty
    leaf = "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    assert hash_leaf(b"L123456").hex() == leaf
    node = "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    assert hash_node(b"N123", b"N456").hex() == node


@pytest.mark.parametrize("kind", ["inclusion", "consistency"])
def test_proofs_of_the_peers_are_taken_and_their_forgeries_refused(kind: str) -> None:
    vectors = json.loads(VECTORS.read_text())[kind]
    assert len(vectors) == 98
    wrong = [v["name"] for v in vectors if accepted(kind, v) == v["wantErr"]]
    assert wrong == []
    assert any(v["wantErr"] for v in vectors) and not all(v["wantErr"] for v in vectors)


def accepted(kind: str, vector: dict[str, Any]) -> bool:
    proof = [b64decode(hash_) for hash_ in vector["proof"] or ()]
    if kind == "inclusion":
        leaf, root = b64decode(vector["leafHash"]), b64decode(vector["root"])
        return verify_inclusion(leaf, vector["leafIdx"], vector["treeSize"], proof, root)
    old_root, root = b64decode(vector["root1"]), b64decode(vector["root2"])
    return verify_consistency(vector["size1"], vector["size2"], old_root, root, proof)


def test_every_root_is_that_of_the_definition() -> None:
    frontier = Frontier()
    for size in range(LARGEST + 1):
        tree = Tree(LEAVES[:size])
        assert tree.root() == frontier.root() == slow_root(LEAVES[:size])
        kept = Frontier(size, [tree.node(*place) for place in frontier_nodes(size)])
        assert kept.hashes == frontier.hashes
        if size < LARGEST:
            frontier.append(LEAVES[size])


def test_every_inclusion_and_every_consistency_of_all_sizes_verifies() -> None:
    tree, roots = Tree(LEAVES), [slow_root(LEAVES[:size]) for size in range(LARGEST + 1)]
    for size in range(1, LARGEST + 1):
        partial = Tree(LEAVES[:size])
        for index in range(size):
            proof = partial.inclusion_proof(index)
            assert verify_inclusion(LEAVES[index], index, size, proof, roots[size])
        for old in range(1, size + 1):
            proof = consistency_proof(old, size, tree.node)
            assert verify_consistency(old, size, roots[old], roots[size], proof)
    assert consistency_proof(0, 7, tree.node) == []


@given(sizes, st.integers(0, 10**6), st.integers(0, 10**6))
def test_no_inclusion_proof_with_one_bit_changed_verifies(size: int, index: int, bit: int) -> None:
    tree, index = Tree(LEAVES[:size]), index % size
    leaf, proof, root = LEAVES[index], tree.inclusion_proof(index), tree.root()
    forged = one_bit_changed([leaf, *proof, root], bit)
    assert not verify_inclusion(forged[0], index, size, forged[1:-1], forged[-1])
    other = (index + 1 + bit % max(size - 1, 1)) % size
    assert other == index or not verify_inclusion(leaf, other, size, proof, root)
    assert not verify_inclusion(leaf, index, size, [*proof, leaf], root)
    assert not (proof and verify_inclusion(leaf, index, size, proof[:-1], root))


@given(sizes, sizes, st.integers(0, 10**6))
def test_no_consistency_proof_with_one_bit_changed_verifies(a: int, b: int, bit: int) -> None:
    old, new = sorted((a, b))
    tree = Tree(LEAVES)
    old_root, root = slow_root(LEAVES[:old]), slow_root(LEAVES[:new])
    proof = consistency_proof(old, new, tree.node)
    forged = one_bit_changed([old_root, root, *proof], bit)
    assert not verify_consistency(old, new, forged[0], forged[1], forged[2:])
    assert not verify_consistency(old, new, old_root, root, [*proof, root])
    assert old == new or not verify_consistency(new, old, root, old_root, proof)
