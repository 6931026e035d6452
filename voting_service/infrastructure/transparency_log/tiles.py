"""Tiles of a tree and bundles of its entries, as files (C2SP tlog-tiles).

A tile holds up to 256 hashes of one level; those of tile level t are nodes of tree level 8 t. A
full tile never changes; a partial one has its width in its path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from struct import pack, unpack_from
from typing import Literal, NamedTuple

from voting_service.errors import Fault, MalformedInput
from voting_service.infrastructure.transparency_log.merkle import (
    HASH_BYTES,
    NodeReader,
    hash_node,
)

WIDTH = 256
HEIGHT = 8
MAX_ENTRY_BYTES = 0xFFFF
LEVELS = 64
TileLevel = int | Literal["entries"]
_PATH = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)


class Tile(NamedTuple):
    """A tile, or with the level `entries` the bundle of entries under the tile of level 0."""

    level: TileLevel
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """The path under the log's address."""
        groups = [f"{self.number % 1000:03}"]
        rest = self.number // 1000
        while rest:
            groups.append(f"x{rest % 1000:03}")
            rest //= 1000
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{self.level}/{'/'.join(reversed(groups))}{partial}"


def tile_in(size: int, level: int, number: int) -> Tile:
    """Return a tile with the width that it has in a tree of `size`."""
    return Tile(level, number, min(WIDTH, (size >> HEIGHT * level) - number * WIDTH))


def read_tile_path(path: str) -> Tile | None:
    """Return the tile of a path; None for a path that no tile has."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    number = int("".join(character for character in match[2] if character.isdigit()))
    level: TileLevel = "entries" if match[1] == "entries" else int(match[1])
    tile = Tile(level, number, int(match[3] or WIDTH))
    return tile if tile.path == path and (level == "entries" or level < LEVELS) else None


def tile_widths(size: int) -> Iterator[tuple[int, int, int]]:
    """Return for each level of a tree of `size` its level, full tiles and the width of the partial
    one, which is 0 where there is none."""
    level = 0
    while size:
        yield level, size // WIDTH, size % WIDTH
        level, size = level + 1, size // WIDTH


def tiles_between(old: int, new: int) -> list[Tile]:
    """Return the tiles of a tree of `new` leaves that one of `old` did not have, level by level."""
    before = {level: (full, width) for level, full, width in tile_widths(old)}
    tiles = []
    for level, full, width in tile_widths(new):
        had_full, had_width = before.get(level, (0, 0))
        tiles += [Tile(level, number) for number in range(had_full, full)]
        if width and (full, width) != (had_full, had_width):
            tiles.append(Tile(level, full, width))
    return tiles


def entry_tiles(tiles: Iterable[Tile]) -> list[Tile]:
    """Return the bundles of entries that belong to those of the tiles that hold leaves."""
    return [Tile("entries", tile.number, tile.width) for tile in tiles if tile.level == 0]


def entry_bundle(entries: Iterable[bytes]) -> bytes:
    """Return entries as a bundle, each after its length. Raises ValueError for one too long."""
    parts = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise ValueError(len(entry))
        parts += [pack(">H", len(entry)), entry]
    return b"".join(parts)


def read_entry_bundle(data: bytes) -> list[bytes]:
    """Return the entries of a bundle. Raises MalformedInput."""
    entries = []
    place = 0
    while place < len(data):
        if place + 2 > len(data):
            raise MalformedInput(Fault("", "infrastructure.transparency_log.bundle_cut_off"))
        (length,) = unpack_from(">H", data, place)
        place += 2 + length
        if place > len(data):
            raise MalformedInput(Fault("", "infrastructure.transparency_log.bundle_cut_off"))
        entries.append(data[place - length : place])
    return entries


TileReader = Callable[[int, int], bytes]
"""Returns the hashes of the tile of a level and an index, as many as there are."""


def node_reader(read_tile: TileReader) -> NodeReader:
    """Return a reader of nodes that takes them from tiles, each of which it reads once."""
    kept: dict[tuple[int, int], bytes] = {}

    def node(level: int, place: int) -> bytes:
        tile_level, above = divmod(level, HEIGHT)
        first = place << above
        index, offset = divmod(first, WIDTH)
        if (tile_level, index) not in kept:
            kept[tile_level, index] = read_tile(tile_level, index)
        tile = kept[tile_level, index]
        hashes = [
            tile[HASH_BYTES * number : HASH_BYTES * (number + 1)]
            for number in range(offset, offset + (1 << above))
        ]
        if len(hashes[-1]) != HASH_BYTES:
            raise MalformedInput(Fault("", "infrastructure.transparency_log.tile_too_short"))
        return subtree_root(hashes)

    return node


def subtree_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over a power of two of hashes of one level."""
    while len(hashes) > 1:
        hashes = [hash_node(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


def extend_tiles(
    size: int, leaf_hashes: Sequence[bytes], read_tile: TileReader
) -> dict[tuple[int, int], bytes]:
    """Return the tiles that change when leaves are added to a tree of `size`, each with all hashes
    that it has then."""
    changed: dict[tuple[int, int], bytes] = {}
    level, added = 0, list(leaf_hashes)
    while added:
        index, width = divmod(size, WIDTH)
        kept = read_tile(level, index)[: width * HASH_BYTES] if width else b""
        data = kept + b"".join(added)
        added = []
        for start in range(0, len(data), WIDTH * HASH_BYTES):
            tile = data[start : start + WIDTH * HASH_BYTES]
            changed[level, index] = tile
            if len(tile) == WIDTH * HASH_BYTES:
                added.append(subtree_root(split_hashes(tile)))
            index += 1
        level, size = level + 1, size // WIDTH
    return changed


def split_hashes(data: bytes) -> list[bytes]:
    """Return the hashes of a tile."""
    return [data[start : start + HASH_BYTES] for start in range(0, len(data), HASH_BYTES)]
