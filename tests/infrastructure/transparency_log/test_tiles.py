"""Tiles: their paths, which there are, and trees and proofs from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voting_service.errors import MalformedInput
from voting_service.infrastructure.transparency_log.merkle import (
    Frontier,
    hash_leaf,
    inclusion_proof,
    tree_root,
    verify_inclusion,
)
from voting_service.infrastructure.transparency_log.tiles import (
    Tile,
    entry_bundle,
    entry_tiles,
    extend_tiles,
    node_reader,
    read_entry_bundle,
    read_tile_path,
    tile_widths,
    tiles_between,
)

LEAVES = [hash_leaf(number.to_bytes(4)) for number in range(2_000)]

PATHS = {  # the first from C2SP tlog-tiles, the others in its language
    "tile/0/x001/x234/067": Tile(0, 1_234_067),
    "tile/0/000": Tile(0, 0),
    "tile/1/000.p/1": Tile(1, 0, 1),
    "tile/entries/x123/456.p/255": Tile("entries", 123_456, 255),
    "tile/63/999": Tile(63, 999),
}
NO_PATHS = (
    *("tile/0/1234", "tile/0/x001/x234", "tile/00/000", "tile/0/000.p/256", "tile/0/000.p/0"),
    *("tile/0/000.p/01", "tile/64/000", "tile/0/x000/001", "tile/0/001/002", "tile/data/000"),
    *("tile/0/../000", "tile/0/000/", "/tile/0/000", "tile/0/٠٠٠"),
)


def test_paths_lead_to_tiles_and_back() -> None:
    assert {path: read_tile_path(path) for path in PATHS} == PATHS
    assert [tile.path for tile in PATHS.values()] == list(PATHS)
    assert {path for path in NO_PATHS if read_tile_path(path)} == set()


def test_a_tree_has_the_tiles_of_the_specification() -> None:
    """The two sizes that C2SP tlog-tiles works out."""
    assert list(tile_widths(70_000)) == [(0, 273, 112), (1, 1, 17), (2, 0, 1)]
    assert list(tile_widths(256)) == [(0, 1, 0), (1, 0, 1)]
    assert tiles_between(256, 256) == []
    assert tiles_between(255, 257) == [Tile(0, 0), Tile(0, 1, 1), Tile(1, 0, 1)]
    assert entry_tiles(tiles_between(255, 257)) == [Tile("entries", 0), Tile("entries", 1, 1)]


@given(st.lists(st.integers(0, 700), min_size=1, max_size=4), st.integers(0, 10**6))
def test_a_tree_that_grows_in_steps_is_in_its_tiles(steps: list[int], index: int) -> None:
    """However it grows, tiles have what they would have at once, and lead to the same root."""
    kept: dict[tuple[int, int], bytes] = {}

    def read_tile(level: int, index: int) -> bytes:
        return kept[level, index]

    frontier, size = Frontier(), 0
    for step in steps:
        added = LEAVES[size : size + step]
        changed = extend_tiles(size, added, read_tile)
        for tile in tiles_between(size, size + len(added)):
            assert len(changed[int(tile.level), tile.number]) == tile.width * 32
        assert len(changed) == len(tiles_between(size, size + len(added)))
        kept |= changed
        size += len(added)
        for leaf in added:
            frontier.append(leaf)
    node = node_reader(read_tile)
    assert tree_root(size, node) == frontier.root()
    assert kept == extend_tiles(0, LEAVES[:size], lambda level, index: b"")
    if size:
        index %= size
        proof = inclusion_proof(index, size, node)
        assert verify_inclusion(LEAVES[index], index, size, proof, frontier.root())


def test_a_tile_that_is_too_short_is_not_taken_for_a_tree() -> None:
    node = node_reader(lambda level, index: b"".join(LEAVES[:4])[:-1])
    with pytest.raises(MalformedInput):
        tree_root(4, node)


@given(st.lists(st.binary(max_size=300)))
def test_entries_come_back_from_their_bundle(entries: list[bytes]) -> None:
    bundle = entry_bundle(entries)
    assert read_entry_bundle(bundle) == entries
    if bundle:
        with pytest.raises(MalformedInput):
            read_entry_bundle(bundle + b"\x00")
        with pytest.raises(MalformedInput):
            read_entry_bundle(bundle + b"\x00\x05abcd")


def test_an_entry_that_no_length_can_name_is_refused() -> None:
    assert len(entry_bundle([b"x" * 65_535])) == 65_537
    with pytest.raises(ValueError, match="65536"):
        entry_bundle([b"x" * 65_536])
