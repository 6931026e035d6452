"""Checks 1 and 2: the key, the checkpoint and its witnesses; tiles, entries and root."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from voting_service.errors import Fault, InvalidInput
from voting_service.infrastructure.transparency_log.checkpoints import (
    Checkpoint,
    cosigned_at,
    open_checkpoint,
)
from voting_service.infrastructure.transparency_log.merkle import (
    HASH_BYTES,
    NodeReader,
    hash_leaf,
    tree_root,
)
from voting_service.infrastructure.transparency_log.signed_note import (
    COSIGNATURE,
    ED25519,
    SignedNote,
    VerifierKey,
    read_verifier_key,
)
from voting_service.infrastructure.transparency_log.sources import LogSource
from voting_service.infrastructure.transparency_log.tiles import (
    MAX_ENTRY_BYTES,
    WIDTH,
    Tile,
    entry_tiles,
    extend_tiles,
    node_reader,
    read_entry_bundle,
    read_tile_path,
    tiles_between,
)
from voting_service.voting.public_log.verification.faults import fault, note

MAX_ENTRIES = 4_000_000
"""More than a contest of three billion ballots has."""
NOTE_BYTES = 1 << 16
TILE_BYTES = WIDTH * HASH_BYTES
ENTRY_BUNDLE_BYTES = WIDTH * (2 + MAX_ENTRY_BYTES)


class LogHead(NamedTuple):
    """The log's key, and the checkpoint that it signed."""

    key: VerifierKey
    checkpoint: Checkpoint
    note: SignedNote


class LogEntries(NamedTuple):
    """The entries of a log, and its tree by node."""

    entries: list[bytes]
    node: NodeReader


def read_key(source: LogSource) -> VerifierKey:
    """Return the log's key. Raises InvalidInput unless the file is exactly one line."""
    data = source.read("key", NOTE_BYTES)
    try:
        key = read_verifier_key(data.decode(), (ED25519,))
    except (UnicodeDecodeError, InvalidInput):
        raise InvalidInput(fault("wrong_key_file")) from None
    if f"{key.text}\n".encode() != data:
        raise InvalidInput(fault("wrong_key_file"))
    return key


def read_head(source: LogSource) -> LogHead:
    """Return key and checkpoint. Raises InvalidInput unless the checkpoint is of this log and
    signed with its key."""
    key = read_key(source)
    data = source.read("checkpoint", NOTE_BYTES)
    try:
        checkpoint, signed = open_checkpoint(data, key)
    except InvalidInput as error:
        raise InvalidInput(*(_of_checkpoint(broken) for broken in error.faults)) from None
    if signed.data != data:
        raise InvalidInput(fault("wrong_checkpoint_file"))
    if not 0 < checkpoint.size <= MAX_ENTRIES:
        raise InvalidInput(fault("impossible_size", size=checkpoint.size, limit=MAX_ENTRIES))
    return LogHead(key, checkpoint, signed)


def _of_checkpoint(broken: Fault) -> Fault:
    return fault("wrong_checkpoint", zh_error=broken.zh, error=broken.message)


def read_witness_keys(texts: Iterable[str]) -> list[VerifierKey]:
    """Return the keys of witnesses. Raises InvalidInput."""
    try:
        return [read_verifier_key(text, (COSIGNATURE,)) for text in texts]
    except InvalidInput:
        raise InvalidInput(fault("wrong_witness_key")) from None


def check_witnesses(
    head: LogHead,
    named: Iterable[VerifierKey],
    required: Iterable[VerifierKey],
    *,
    allow_unwitnessed: bool,
) -> tuple[Mapping[str, int], list[Fault]]:
    """Return when each witness signed, in unix seconds, and what is wrong. `named` are those of
    entry 0, `required` those that the reader wants to have signed."""
    trusted = list(required)
    witnesses = dict.fromkeys([*named, *trusted])
    moments: dict[str, int] = {}
    faults: list[Fault] = []
    for witness in witnesses:
        lines = [
            line
            for line in head.note.signatures
            if line.name == witness.name or line.key_id == witness.key_id
        ]
        signed = [cosigned_at(head.note.text, line, witness) for line in lines]
        if None in signed:
            faults.append(fault("wrong_cosignature", name=witness.name))
        elif signed and signed[0] is not None:
            moments[witness.name] = signed[0]
        elif witness in trusted:
            faults.append(fault("required_witness_missing", name=witness.name))
        else:
            faults.append(note("witness_missing", name=witness.name))
    if not moments:
        faults.append(note("unwitnessed") if allow_unwitnessed else fault("unwitnessed"))
    names = {head.key.name, *(witness.name for witness in witnesses)}
    key_ids = {head.key.key_id, *(witness.key_id for witness in witnesses)}
    for line in head.note.signatures:
        if head.key.made(line):
            continue
        if line.name == head.key.name or line.key_id == head.key.key_id:
            faults.append(fault("wrong_checkpoint_line", name=line.name))
        elif line.name not in names and line.key_id not in key_ids:
            faults.append(note("unknown_signer", name=line.name))
    return moments, faults


def read_tree(source: LogSource, checkpoint: Checkpoint) -> LogEntries:
    """Return the entries and the tree, of which every file was read. Raises InvalidInput where
    entries, tiles and root do not belong together."""
    tiles = tiles_between(0, checkpoint.size)
    bundles = entry_tiles(tiles)
    entries: list[bytes] = []
    files = source.read_many((bundle.path for bundle in bundles), ENTRY_BUNDLE_BYTES)
    for bundle, data in zip(bundles, files, strict=True):
        try:
            inside = read_entry_bundle(data)
        except InvalidInput:
            raise InvalidInput(fault("entries_unreadable", path=bundle.path)) from None
        if len(inside) != bundle.width:
            raise InvalidInput(fault("entries_unreadable", path=bundle.path))
        entries += inside
    expected = extend_tiles(0, [hash_leaf(entry) for entry in entries], _no_tile)
    hashes = source.read_many((tile.path for tile in tiles), TILE_BYTES)
    for tile, data in zip(tiles, hashes, strict=True):
        if data != expected[_place(tile)]:
            raise InvalidInput(fault("wrong_tile", path=tile.path))
    node = node_reader(lambda level, index: expected[level, index])
    if tree_root(checkpoint.size, node) != checkpoint.root:
        raise InvalidInput(fault("wrong_root", size=checkpoint.size))
    return LogEntries(entries, node)


def _place(tile: Tile) -> tuple[int, int]:
    assert tile.level != "entries"
    return tile.level, tile.number


def _no_tile(_level: int, _index: int) -> bytes:
    return b""


def check_older(data: bytes, head: LogHead, tree: LogEntries) -> Checkpoint:
    """Return an older checkpoint of the log. Raises InvalidInput if it is another log's, or if the
    log is not the continuation of what it had then."""
    try:
        older, _ = open_checkpoint(data, head.key)
    except InvalidInput as error:
        broken = error.faults[0]
        raise InvalidInput(
            fault("wrong_older_checkpoint", zh_error=broken.zh, error=broken.message)
        ) from None
    if older.size > head.checkpoint.size:
        raise InvalidInput(fault("log_shorter", older=older.size, size=head.checkpoint.size))
    if tree_root(older.size, tree.node) != older.root:
        raise InvalidInput(fault("log_forked", older=older.size))
    return older


def check_strangers(source: LogSource, size: int, named: Iterable[str]) -> list[Fault]:
    """Return the files that a log of this size with these files does not have, and older partial
    tiles that differ from the newer ones."""
    tiles = tiles_between(0, size)
    newest = {(tile.level, tile.number): tile for tile in [*tiles, *entry_tiles(tiles)]}
    expected = {"key", "checkpoint", *named, *(tile.path for tile in newest.values())}
    faults: list[Fault] = []
    for path in source.paths():
        if path in expected:
            continue
        tile = read_tile_path(path)
        newer = newest.get((tile.level, tile.number)) if tile else None
        if tile is None or newer is None or tile.width >= newer.width:
            faults.append(note("unnamed_file", path=path))
        elif not _is_beginning(source, tile, newer):
            faults.append(fault("wrong_tile", path=path))
    return faults


def _is_beginning(source: LogSource, older: Tile, newer: Tile) -> bool:
    limit = ENTRY_BUNDLE_BYTES if older.level == "entries" else TILE_BYTES
    before, after = source.read(older.path, limit), source.read(newer.path, limit)
    if older.level != "entries":
        return before == after[: older.width * HASH_BYTES]
    try:
        entries = read_entry_bundle(before)
    except InvalidInput:
        return False
    return len(entries) == older.width and after.startswith(before)
