"""OLE containers for tests, written sector by sector, so that they can hold anything."""

from __future__ import annotations

import struct
from typing import NamedTuple

SECTOR = 512
MINI_STREAM_BELOW = 4096
FREE, END, TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
FIELD_TABLE_AT = 0x11A
"""Where the head of a Word file has the place of the fields of its text."""


class Entry(NamedTuple):
    """A line of the directory; `children` are lines, `content` is None for a storage."""

    name: str
    content: bytes | None
    children: list[int]


def ole(streams: dict[tuple[str, ...], bytes]) -> bytes:
    """A container with these streams, by path. Short ones are padded to stand in plain sectors."""
    entries = [Entry("Root Entry", None, [])]
    places: dict[tuple[str, ...], int] = {(): 0}
    for path, content in streams.items():
        for depth in range(1, len(path) + 1):
            if path[:depth] not in places:
                is_stream = depth == len(path)
                padded = content.ljust(MINI_STREAM_BELOW, b"\0") if is_stream else None
                entries.append(Entry(path[depth - 1], padded, []))
                places[path[:depth]] = len(entries) - 1
                entries[places[path[: depth - 1]]].children.append(len(entries) - 1)
    return _written(entries)


def _written(entries: list[Entry]) -> bytes:
    directory_sectors = -(-len(entries) // 4)
    chains = [list(range(1, 1 + directory_sectors))]
    starts: dict[int, int] = {}
    data = b""
    free = 1 + directory_sectors
    for number, entry in enumerate(entries):
        if entry.content is not None:
            sectors = -(-len(entry.content) // SECTOR)
            starts[number] = free
            chains.append(list(range(free, free + sectors)))
            data += entry.content.ljust(sectors * SECTOR, b"\0")
            free += sectors
    table = [FREE] * (SECTOR // 4)
    assert free <= len(table), "one sector of the table is enough for tests"
    table[0] = TABLE
    for chain in chains:
        for here, after in zip(chain, [*chain[1:], END], strict=True):
            table[here] = after
    lines = b"".join(_line(entries, number, starts) for number in range(len(entries)))
    head = struct.pack(
        "<8s16xHHHHH6x9L109L",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        *(0x3E, 3, 0xFFFE, 9, 6),
        *(0, 1, 1, 0, MINI_STREAM_BELOW, END, 0, END, 0),
        *(0, *[FREE] * 108),
    )
    allocation = struct.pack(f"<{len(table)}L", *table)
    return head + allocation + lines.ljust(directory_sectors * SECTOR, b"\0") + data


def _line(entries: list[Entry], number: int, starts: dict[int, int]) -> bytes:
    """A line of the directory. Children form a tree; here each hangs to the right of the last."""
    entry = entries[number]
    siblings = next((parent.children for parent in entries if number in parent.children), [])
    after = siblings[siblings.index(number) + 1 :] if siblings else []
    kind = 5 if number == 0 else (1 if entry.content is None else 2)
    return struct.pack(
        "<64sHBBLLL36xLLL",
        entry.name.encode("utf-16-le"),
        2 * len(entry.name) + 2,
        kind,
        1,
        FREE,
        after[0] if after else FREE,
        entry.children[0] if entry.children else FREE,
        starts.get(number, END),
        len(entry.content or b""),
        0,
    )


def old_word_file(
    *more: tuple[str, ...],
    flags: int = 0,
    version: int = 0xC1,
    field_kind: int = 33,
    text: bytes = b"",
    document: str = "WordDocument",
) -> bytes:
    """What is looked at of a Word file of 1997, with one field (33 is PAGE) and `more` streams."""
    head = bytearray(1024)
    struct.pack_into("<HH", head, 0, 0xA5EC, version)
    struct.pack_into("<H", head, 10, flags)
    fields = struct.pack("<LLL", 0, 5, 6) + bytes([0x13, field_kind, 0x15, 0])
    struct.pack_into("<LL", head, FIELD_TABLE_AT, 16, len(fields))
    return ole(
        {
            (document,): bytes(head) + text,
            ("0Table",): bytes(16) + fields,
            **dict.fromkeys(more, b"x"),
        }
    )
