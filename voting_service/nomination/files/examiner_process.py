"""The process that examines one file: a task on stdin, a result on stdout.

Memory and CPU time are limited from the start. Before the first byte of the file is read, the
process loses the right to open files, write files and start processes. RLIMIT_NPROC does not bind
root, so run the service as another user. All modules are imported at the top: later no file can
be opened.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from typing import Literal

import msgspec
import pypdf.filters  # noqa: F401 - pypdf would load it on first use
from PIL import AvifImagePlugin, Image

from voting_service.nomination.files.evidence import examine_content, inspect_scan
from voting_service.nomination.files.model import (
    Evidence,
    Manuscript,
    Photo,
    Scan,
)
from voting_service.nomination.files.photo import inspect_photo
from voting_service.nomination.files.rejections import Detail, FileRejected

Kind = Literal["evidence", "scan", "photo"]
MEMORY_BYTES: dict[Kind, int] = {
    "evidence": 512 * 2**20,
    "scan": 2**30,
    "photo": 2**30,
}
"""Address space. A picture of 25 million pixels takes 75 MB, several times that while it is rotated
and converted."""
CPU_SECONDS = 15
OUT_OF_MEMORY = 3
"""Exit code; any other code except 0 is a crash."""


class ExaminationTask(msgspec.Struct, frozen=True):
    """One uploaded file."""

    name: str
    content: bytes


class Rejection(msgspec.Struct, frozen=True, tag=True):
    """A FileRejected as plain data for the parent process."""

    reason: str
    details: dict[str, Detail]


ExaminationResult = Evidence | Manuscript | Scan | Photo | Rejection


def main(kind: Kind) -> None:
    """Examine the file on stdin."""
    _limit(resource.RLIMIT_AS, MEMORY_BYTES[kind])
    _limit(resource.RLIMIT_CPU, CPU_SECONDS)
    _limit(resource.RLIMIT_CORE, 0)
    _load_decoders()
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NPROC, 0)
    _limit(resource.RLIMIT_NOFILE, 0)
    try:
        task = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=ExaminationTask)
        result: ExaminationResult = _EXAMINERS[kind](task.name, task.content)
    except FileRejected as error:
        result = Rejection(error.reason.name, error.details)
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
    sys.stdout.buffer.write(msgspec.msgpack.encode(result))


_EXAMINERS: dict[Kind, Callable[[str, bytes], ExaminationResult]] = {
    "evidence": examine_content,
    "scan": inspect_scan,
    "photo": inspect_photo,
}


def _load_decoders() -> None:
    """Load what Pillow and Python would load on first use: later no file can be opened."""
    Image.init()
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # no thread may be started
    for encoding in ("cp437", "latin-1", "utf-16", "utf-16-le", "utf-16-be", "ascii", "idna"):
        "".encode(encoding)


def _limit(limit: int, value: int) -> None:
    resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    main(sys.argv[1])  # type: ignore[arg-type]  # the parent passes a Kind
