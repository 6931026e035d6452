"""Publishes a log as files that any server can hand out (docs/public-log-format.md).

Nothing is written before at least one of the witnesses has cosigned the checkpoint, and the
checkpoint is replaced last, when everything that it signs is on disk. A stop at any moment leaves
files that the next publication writes again with the same bytes. What does not continue the
published checkpoint is not published.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from voting_service.errors import Refused, Unavailable
from voting_service.infrastructure.durable_files import replace_file
from voting_service.infrastructure.transparency_log.checkpoints import (
    Checkpoint,
    check_cosignatures,
    open_checkpoint,
    read_checkpoint,
)
from voting_service.infrastructure.transparency_log.merkle import (
    HASH_BYTES,
    NodeReader,
    consistency_proof,
    hash_leaf,
    tree_root,
)
from voting_service.infrastructure.transparency_log.signed_note import SignedNote, VerifierKey
from voting_service.infrastructure.transparency_log.tiles import (
    WIDTH,
    Tile,
    TileReader,
    entry_bundle,
    extend_tiles,
    node_reader,
    tile_in,
)
from voting_service.voting.public_log.files import CHECKPOINT, KEY
from voting_service.voting.public_log.witness_client import LogFork, WitnessPanel


class LogContent(NamedTuple):
    """A written log from the entry `start` on, which begins a tile: its signed checkpoint, the
    entries, and of those that are not published the sorted tags of the bundles and the documents
    that they name."""

    checkpoint: bytes
    start: int
    entries: Sequence[bytes]
    bundles: Mapping[int, Sequence[bytes]]
    documents: Mapping[str, bytes]


class Published(NamedTuple):
    """What is public now: the size, when each witness cosigned (unix seconds, by name), and the
    witnesses that are missing."""

    size: int
    cosigned: Mapping[str, int]
    missing: tuple[str, ...]


class _ExtendedTree(NamedTuple):
    """The tree of a log with what is to be published: the tiles that change, by level and number,
    and a reader of all nodes."""

    changed: Mapping[tuple[int, int], bytes]
    node: NodeReader


class PublishedLog:
    """The folder of a log with the verifier key `key`."""

    def __init__(self, folder: Path, key: VerifierKey) -> None:
        self.folder = folder
        self.key = key

    def newest(self) -> tuple[Checkpoint, SignedNote] | None:
        """Return the published checkpoint; None before the first. Raises InvalidInput for one of
        another log, or a damaged one."""
        try:
            data = (self.folder / CHECKPOINT).read_bytes()
        except FileNotFoundError:
            return None
        return open_checkpoint(data, self.key)

    @property
    def start(self) -> int:
        """The entry from which a publication needs the content."""
        newest = self.newest()
        return 0 if newest is None else newest[0].size // WIDTH * WIDTH

    def nodes(self, size: int) -> NodeReader:
        """Return a reader of the nodes of the published tree of a size."""
        return node_reader(self._tiles(size))

    def _tiles(self, size: int) -> TileReader:
        def read_tile(level: int, number: int) -> bytes:
            path = tile_in(size, level, number).path
            try:
                return (self.folder / path).read_bytes()
            except FileNotFoundError:
                raise Refused(
                    "voting.public_log.folder_incomplete", folder=self.folder, path=path
                ) from None

        return read_tile

    def extend(self, content: LogContent, size: int, root: bytes) -> _ExtendedTree:
        """Return the tree of `size` and `root` without writing anything. Raises LogFork if the
        entries do not lead from what is published to the root, and if more is published."""
        newest = self.newest()
        published = newest[0].size if newest else 0
        if published > size:
            raise LogFork("voting.public_log.more_is_published", size=published, ours=size)
        tiles = self._tiles(published)
        changed = extend_tiles(content.start, [*map(hash_leaf, content.entries)], tiles)
        node = node_reader(
            lambda level, number: changed.get((level, number)) or tiles(level, number)
        )
        if size and tree_root(size, node) != root:
            raise LogFork("voting.public_log.another_is_published", size=published)
        if newest and published and tree_root(published, node) != newest[0].root:
            raise LogFork("voting.public_log.another_is_published", size=published)
        return _ExtendedTree(changed, node)

    def write(self, content: LogContent, tree: _ExtendedTree) -> None:
        """Write everything but the checkpoint."""
        for name, document in content.documents.items():
            self._write(f"documents/{name}", document)
        for number, tags in content.bundles.items():
            self._write(f"bundles/{number}", b"".join(tags))
        for place in range(0, len(content.entries), WIDTH):
            entries = content.entries[place : place + WIDTH]
            tile = Tile("entries", (content.start + place) // WIDTH, len(entries))
            self._write(tile.path, entry_bundle(entries))
        for (level, number), hashes in tree.changed.items():
            self._write(Tile(level, number, len(hashes) // HASH_BYTES).path, hashes)
        self._write(KEY, f"{self.key.text}\n".encode())

    def show(self, note: SignedNote) -> None:
        """Replace the published checkpoint. Raises LogFork if another process has published more
        since."""
        newest, size = self.newest(), read_checkpoint(note).size
        if newest and newest[0].size > size:
            raise LogFork("voting.public_log.more_is_published", size=newest[0].size, ours=size)
        self._write(CHECKPOINT, note.data)

    def _write(self, path: str, content: bytes) -> None:
        publish_file(self.folder / path, content)


def publish_file(file: Path, content: bytes) -> None:
    """Write a file unless it is there as it should be."""
    try:
        is_there = file.read_bytes() == content
    except FileNotFoundError:
        is_there = False
    if not is_there:
        replace_file(file, content)


def publish_key(folder: Path, key: VerifierKey) -> None:
    """Publish the key of all logs, which a witness of all of them takes."""
    publish_file(folder / KEY, f"{key.text}\n".encode())


async def publish(
    log: PublishedLog, content: LogContent, witnesses: WitnessPanel, *, needs_all: bool = False
) -> Published:
    """Publish a written log, once witnesses have cosigned it: one of them at least. With
    `needs_all` every one is asked and must answer, whatever is published.

    Raises LogFork where the folder or a witness has more or another history: then nothing is
    published, and people have to look. Raises Unavailable while too few witnesses answer, and
    InvalidInput where the folder's checkpoint is not the log's, Refused where files are missing.
    """
    checkpoint, note = open_checkpoint(content.checkpoint, log.key)
    tree = await asyncio.to_thread(log.extend, content, checkpoint.size, checkpoint.root)
    newest = log.newest()
    if newest and newest[0] == checkpoint and not needs_all:
        note = newest[1]
    keys = [witness.key for witness in witnesses.witnesses]
    moments = dict(check_cosignatures(note, keys))
    missing: tuple[str, ...] = ()
    if len(moments) < len(keys):
        old = newest[0].size if newest else 0
        cosigned = await witnesses.without(moments).cosign(
            note,
            checkpoint,
            old,
            lambda size: consistency_proof(size, checkpoint.size, tree.node),
        )
        missing = cosigned.missing
        note = note._replace(signatures=(*note.signatures, *cosigned.lines))
        moments = dict(check_cosignatures(note, keys))
        if not moments or (needs_all and missing):
            raise Unavailable("voting.public_log.no_witness_answers", names=", ".join(missing))
    if newest is None or note != newest[1]:
        await asyncio.to_thread(log.write, content, tree)
        await asyncio.to_thread(log.show, note)
    return Published(checkpoint.size, moments, missing)
