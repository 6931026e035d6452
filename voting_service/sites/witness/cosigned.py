"""What a witness has cosigned: one file, which one process has."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from voting_service.errors import Refused
from voting_service.infrastructure.durable_files import replace_file
from voting_service.infrastructure.transparency_log.checkpoints import Checkpoint, read_checkpoint
from voting_service.infrastructure.transparency_log.signed_note import read_note


class CosignedLogs:
    """The newest checkpoint that was cosigned of each log, by the log's name."""

    def __init__(self, file: Path, notes: Mapping[str, str]) -> None:
        self._file = file
        self._notes = dict(notes)

    def newest(self, origin: str) -> Checkpoint | None:
        """Return the newest checkpoint of a log; None before the first."""
        note = self._notes.get(origin)
        return None if note is None else read_checkpoint(read_note(note.encode()))

    def keep(self, origin: str, note: bytes) -> None:
        """Keep a checkpoint, which is on disk when this returns."""
        notes = {**self._notes, origin: note.decode()}
        replace_file(self._file, msgspec.json.format(msgspec.json.encode(notes)))
        self._notes = notes


@contextmanager
def open_cosigned_logs(file: Path) -> Iterator[CosignedLogs]:
    """Open the file, which is made at the first checkpoint. Raises Refused if it cannot be read or
    another process has it: two that cosign would not know of each other's checkpoints."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(file.with_name(f"{file.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused("sites.witness.state_in_use", file=file) from None
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            content = b"{}"
        try:
            logs = CosignedLogs(file, msgspec.json.decode(content, type=dict[str, str]))
        except msgspec.DecodeError as error:
            raise Refused("sites.witness.state_unreadable", file=file, error=error) from None
        yield logs
    finally:
        os.close(lock)
