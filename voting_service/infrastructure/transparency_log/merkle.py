"""The Merkle tree of RFC 6962 over SHA-256: roots, inclusion and consistency proofs.

A node is named by its level and its place in that level: node (0, i) is the hash of leaf i, and
node (k, i) covers the 2**k leaves from i * 2**k on. Only nodes over full 2**k leaves exist; what
lies to the right of them is worked out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256().digest()

NodeReader = Callable[[int, int], bytes]
"""Returns the hash of the node of a level and a place in it."""


def hash_leaf(data: bytes) -> bytes:
    """Return the hash of an entry."""
    return sha256(b"\x00" + data).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return the hash of two neighbours."""
    return sha256(b"\x01" + left + right).digest()


def split_point(size: int) -> int:
    """Return the largest power of two below `size`, which is at least 2."""
    return 1 << (size - 1).bit_length() - 1


class Tree:
    """A tree in memory, from the hashes of its leaves."""

    def __init__(self, leaf_hashes: Iterable[bytes]) -> None:
        self._levels = [list(leaf_hashes)]
        while len(below := self._levels[-1]) > 1:
            pairs = zip(below[::2], below[1::2], strict=False)
            self._levels.append([hash_node(left, right) for left, right in pairs])

    @property
    def size(self) -> int:
        return len(self._levels[0])

    def node(self, level: int, place: int) -> bytes:
        """Return the hash of a node."""
        return self._levels[level][place]

    def root(self) -> bytes:
        return tree_root(self.size, self.node)

    def inclusion_proof(self, index: int) -> list[bytes]:
        """Return the proof of the leaf at `index`."""
        return inclusion_proof(index, self.size, self.node)


class Frontier:
    """The right edge of a growing tree: the roots of the full subtrees that it consists of, the
    largest first, one for each bit of its size. Enough to append to it and to know its root."""

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if len(hashes) != size.bit_count():
            raise ValueError(size)
        self.size = size
        self.hashes = list(hashes)

    def append(self, leaf_hash: bytes) -> None:
        """Add a leaf."""
        self.hashes.append(leaf_hash)
        for _ in range((~self.size & self.size + 1).bit_length() - 1):
            right = self.hashes.pop()
            self.hashes.append(hash_node(self.hashes.pop(), right))
        self.size += 1

    def root(self) -> bytes:
        if not self.hashes:
            return EMPTY_ROOT
        root = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            root = hash_node(left, root)
        return root


def range_root(start: int, end: int, node: NodeReader) -> bytes:
    """Return the root of the leaves from `start` up to but without `end`. The range begins where a
    subtree of its size does."""
    count = end - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return node(level, start >> level)
    middle = start + split_point(count)
    return hash_node(range_root(start, middle, node), range_root(middle, end, node))


def tree_root(size: int, node: NodeReader) -> bytes:
    """Return the root of a tree of so many leaves."""
    return range_root(0, size, node) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, node: NodeReader) -> list[bytes]:
    """Return the hashes that lead from the leaf at `index` to the root, the leaf's neighbour
    first (RFC 6962, 2.1.1)."""
    if not 0 <= index < size:
        raise IndexError(index)
    hashes = []
    start, end = 0, size
    while end - start > 1:
        middle = start + split_point(end - start)
        if index < middle:
            hashes.append(range_root(middle, end, node))
            end = middle
        else:
            hashes.append(range_root(start, middle, node))
            start = middle
    return hashes[::-1]


def consistency_proof(old: int, new: int, node: NodeReader) -> list[bytes]:
    """Return the hashes that show a tree of `old` leaves as the beginning of one of `new` (RFC
    6962, 2.1.2). None where `old` is 0 or `new`."""
    if not 0 <= old <= new:
        raise IndexError(old)
    if old in {0, new}:
        return []
    hashes = []
    start, end = 0, new
    while end != old:
        middle = start + split_point(end - start)
        if old <= middle:
            hashes.append(range_root(middle, end, node))
            end = middle
        else:
            hashes.append(range_root(start, middle, node))
            start = middle
    if start:  # a verifier knows the root of the whole old tree
        hashes.append(range_root(start, end, node))
    return hashes[::-1]


def verify_inclusion(
    leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Return whether the proof leads from the leaf at `index` of `size` to the root (RFC 9162,
    2.1.3.2)."""
    if not 0 <= index < size or len(leaf_hash) != HASH_BYTES:
        return False
    on_left = _siblings_on_left(index, size - 1)
    if len(proof) != len(on_left) or any(len(sibling) != HASH_BYTES for sibling in proof):
        return False
    reached = leaf_hash
    for sibling, is_left in zip(proof, on_left, strict=True):
        reached = hash_node(sibling, reached) if is_left else hash_node(reached, sibling)
    return reached == root


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Return whether the proof shows that the tree of `old` leaves is the beginning of the one of
    `new` (RFC 9162, 2.1.4.2). Never for an empty old tree, about which there is nothing to show."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    hashes = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not proof or any(len(given) != HASH_BYTES for given in hashes):
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    on_left = _siblings_on_left(place, last)
    if len(hashes) != 1 + len(on_left):
        return False
    old_reached = new_reached = hashes[0]
    for sibling, is_left in zip(hashes[1:], on_left, strict=True):
        if is_left:
            old_reached = hash_node(sibling, old_reached)
            new_reached = hash_node(sibling, new_reached)
        else:
            new_reached = hash_node(new_reached, sibling)
    return old_reached == old_root and new_reached == new_root


def _siblings_on_left(place: int, last: int) -> list[bool]:
    """Return for each step from a node up to the root whether its sibling is on the left; `last` is
    the place of the level's last node."""
    on_left = []
    while last:
        is_left = place & 1 == 1 or place == last
        while is_left and not place & 1:  # levels without a sibling
            place, last = place >> 1, last >> 1
        on_left.append(is_left)
        place, last = place >> 1, last >> 1
    return on_left
