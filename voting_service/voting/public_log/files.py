"""Reads a published log: the files that are handed out, and the durable receipt of a ballot."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from voting_service.infrastructure.transparency_log.checkpoints import read_checkpoint
from voting_service.infrastructure.transparency_log.signed_note import read_note
from voting_service.infrastructure.transparency_log.tiles import (
    WIDTH,
    node_reader,
    read_entry_bundle,
    read_tile_path,
    tile_in,
)
from voting_service.voting.public_log.commitments import ballot_tag, split_tags
from voting_service.voting.public_log.receipt_proof import EntryPlace, ReceiptProof, prove
from voting_service.voting.public_log.repository import BallotPlace

CHECKPOINT = "checkpoint"
KEY = "key"
_NAMED = re.compile(r"bundles/[1-9][0-9]{0,9}|documents/[0-9a-f]{64}")


def is_lasting(path: str) -> bool:
    """Return whether a path under a log's address is that of a file that never changes."""
    return bool(_NAMED.fullmatch(path)) or read_tile_path(path) is not None


class LogFiles:
    """The folder of a contest's log."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, path: str) -> bytes | None:
        """Return a file of the log; None for a path that no log has, or no file yet."""
        if path not in {CHECKPOINT, KEY} and not is_lasting(path):
            return None
        try:
            return (self._folder / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def prove(self, ballot_id: bytes, places: Sequence[BallotPlace]) -> ReceiptProof | None:
        """Return the durable receipt of a ballot by the first of the places that is published; None
        while none is."""
        data = self.read(CHECKPOINT)
        if data is None:
            return None
        size = read_checkpoint(read_note(data)).size
        place = next((place for place in places if place.entry < size), None)
        if place is None:
            return None
        tags = split_tags((self._folder / f"bundles/{place.bundle}").read_bytes())
        number, offset = divmod(place.entry, WIDTH)
        tile = tile_in(size, 0, number)._replace(level="entries")
        entry = read_entry_bundle((self._folder / tile.path).read_bytes())[offset]

        def read_tile(level: int, index: int) -> bytes:
            return (self._folder / tile_in(size, level, index).path).read_bytes()

        entry_place = EntryPlace(place.entry, entry, size, data)
        return prove(tags, ballot_tag(ballot_id), entry_place, node_reader(read_tile))
