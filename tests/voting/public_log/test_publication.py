"""A log as files: what is published continues what was, whatever stops the publication."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voting.public_log.log_data import LOG, LOG_KEY, ORIGIN
from voting_service.errors import InvalidInput, Refused
from voting_service.infrastructure.http_clients.client import BoundedClient
from voting_service.infrastructure.transparency_log.checkpoints import (
    Checkpoint,
    open_checkpoint,
    sign_checkpoint,
)
from voting_service.infrastructure.transparency_log.merkle import (
    Tree,
    hash_leaf,
    inclusion_proof,
    verify_inclusion,
)
from voting_service.infrastructure.transparency_log.tiles import (
    Tile,
    read_entry_bundle,
    tiles_between,
)
from voting_service.voting.public_log.publication import LogContent, LogFiles, publish
from voting_service.voting.public_log.witness_client import LogFork, WitnessPanel

NOBODY = WitnessPanel(BoundedClient(httpx.AsyncClient()))


class Stopped(Exception):
    """The power cut of a test."""


class FailingLog(LogFiles):
    """A log whose publication stops after so many files."""

    left: int

    def _write(self, path: str, content: bytes) -> None:
        if self.left == 0:
            raise Stopped
        self.left -= 1
        super()._write(path, content)


def numbered(count: int, first: int = 0) -> list[bytes]:
    return [b"entry %d" % number for number in range(first, first + count)]


def content(entries: Sequence[bytes], start: int) -> LogContent:
    """What the database has of a log of these entries; each tenth announces a bundle and names a
    document."""
    root = Tree(map(hash_leaf, entries)).root()
    note = sign_checkpoint(Checkpoint(ORIGIN, len(entries), root), LOG_KEY)
    tenths = range(start - start % 10, len(entries), 10)
    return LogContent(
        checkpoint=note.data,
        start=start,
        entries=entries[start:],
        bundles={number: [hash_leaf(b"%d" % number)] for number in tenths},
        documents={f"{number:064x}": b"document %d" % number for number in tenths},
    )


def files(folder: Path) -> Mapping[str, bytes]:
    """Every file but the partial tiles, which depend on when was published."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    names = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
    return {name: data for name, data in names.items() if ".p/" not in name}


async def publish_all(log: LogFiles, entries: Sequence[bytes]) -> None:
    await publish(log, content(entries, log.start), NOBODY)


@given(
    steps=st.lists(st.integers(1, 300), min_size=1, max_size=4),
    stops=st.lists(st.integers(0, 12), max_size=3),
)
async def test_it_is_the_same_however_it_grew_and_wherever_it_stopped(
    steps: list[int], stops: list[int]
) -> None:
    size = 0
    with TemporaryDirectory() as first, TemporaryDirectory() as second:
        grown = FailingLog(Path(first), LOG)
        for step, stop in zip(steps, [*stops, *[-1] * len(steps)], strict=False):
            size += step
            grown.left = stop
            with suppress(Stopped):
                await publish_all(grown, numbered(size))
        grown.left = -1
        await publish_all(grown, numbered(size))
        at_once = LogFiles(Path(second), LOG)
        await publish_all(at_once, numbered(size))
        assert files(grown.folder) == files(at_once.folder)
        for tile in tiles_between(0, size):
            for path in (tile.path, tile._replace(level="entries").path):
                if tile.level == 0 or not path.startswith("tile/entries"):
                    assert (grown.folder / path).read_bytes() == (
                        at_once.folder / path
                    ).read_bytes()


async def test_every_entry_can_be_proved_from_the_files_alone(tmp_path: Path) -> None:
    log = LogFiles(tmp_path, LOG)
    for size in (3, 300, 600):
        await publish_all(log, numbered(size))
    data = (tmp_path / "checkpoint").read_bytes()
    checkpoint, _ = open_checkpoint(data, LOG)
    entries = [
        entry
        for number, width in ((0, 256), (1, 256), (2, 88))
        for entry in read_entry_bundle(
            (tmp_path / Tile("entries", number, width).path).read_bytes()
        )
    ]
    assert entries == numbered(600)
    for index in (0, 255, 256, 599):
        proof = inclusion_proof(index, 600, log.nodes(600))
        leaf = hash_leaf(entries[index])
        assert verify_inclusion(leaf, index, 600, proof, checkpoint.root)


async def test_a_database_set_back_to_a_backup_publishes_nothing(tmp_path: Path) -> None:
    log = LogFiles(tmp_path, LOG)
    await publish_all(log, numbered(300))
    before = files(tmp_path)
    with pytest.raises(LogFork, match="300 entries of the public log are published"):
        await publish_all(log, numbered(299))
    others = [*numbered(299), b"something else", b"and more"]
    with pytest.raises(LogFork, match="another history"):
        await publish_all(log, others)
    with pytest.raises(LogFork, match="another history"):
        await publish_all(log, [b"something else", *numbered(400)])
    assert files(tmp_path) == before


async def test_what_is_missing_or_of_another_log_is_said(tmp_path: Path) -> None:
    log = LogFiles(tmp_path, LOG)
    await publish_all(log, numbered(300))
    (tmp_path / Tile(1, 0, 1).path).unlink()
    with pytest.raises(Refused, match=r"lacks tile/1/000\.p/1"):
        await publish_all(log, numbered(301))
    other = LogFiles(tmp_path, LOG._replace(name="vote.example/log/other"))
    with pytest.raises(InvalidInput):
        await publish_all(other, numbered(300))
