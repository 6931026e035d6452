"""The process that examines one file: a request on stdin, an outcome on stdout, and nothing else.

Memory and time are bounded from the start; the rights to open, write or start anything are gone
before the first byte of the file is read. Root alone may still start processes (RLIMIT_NPROC does
not bind it): let the service be another user.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from typing import Literal

import msgspec

from voting_service.office.files.model import Evidence, Manuscript, Photo, Scan
from voting_service.office.files.refusals import Detail, FileRefused

Kind = Literal["evidence", "scan", "photo"]
MEMORY_BYTES: dict[Kind, int] = {
    "evidence": 512 * 2**20,
    "scan": 2**30,
    "photo": 2**30,
}
"""Address space: a picture of 25 million pixels is 75 MB, several times over while it is turned
and converted."""
CPU_SECONDS = 15
OUT_OF_MEMORY = 3
"""Exit code; any other but 0 is a crash."""


class Task(msgspec.Struct, frozen=True):
    name: str
    content: bytes


class Refusal(msgspec.Struct, frozen=True, tag=True):
    """A FileRefused on its way to the parent."""

    reason: str
    details: dict[str, Detail]


Outcome = Evidence | Manuscript | Scan | Photo | Refusal


def main(kind: Kind) -> None:
    """Examines the file on stdin."""
    _limit(resource.RLIMIT_AS, MEMORY_BYTES[kind])
    _limit(resource.RLIMIT_CPU, CPU_SECONDS)
    _limit(resource.RLIMIT_CORE, 0)
    examine = _examiner(kind)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NPROC, 0)
    _limit(resource.RLIMIT_NOFILE, 0)
    try:
        task = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Task)
        outcome: Outcome = examine(task.name, task.content)
    except FileRefused as refused:
        outcome = Refusal(refused.reason.name, refused.details)
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
    sys.stdout.buffer.write(msgspec.msgpack.encode(outcome))


def _examiner(kind: Kind) -> Callable[[str, bytes], Outcome]:
    """What examines this kind, with all it will need loaded: later no file can be opened."""
    if kind == "photo":
        from voting_service.office.files.photo import inspect_photo  # noqa: PLC0415

        _load_decoders()
        return inspect_photo
    import pypdf.filters  # noqa: F401, PLC0415

    from voting_service.office.files import evidence, pdf  # noqa: F401, PLC0415

    _load_decoders()
    if kind == "scan":
        from voting_service.office.files import photo  # noqa: F401, PLC0415

        return evidence.inspect_scan
    from voting_service.office.files import word  # noqa: F401, PLC0415

    return evidence.look_inside


def _load_decoders() -> None:
    from PIL import AvifImagePlugin, Image  # noqa: PLC0415

    Image.init()
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # no further ones may be started
    for encoding in ("cp437", "latin-1", "utf-16", "utf-16-le", "utf-16-be", "ascii", "idna"):
        "".encode(encoding)


def _limit(what: int, most: int) -> None:
    resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main(sys.argv[1])  # type: ignore[arg-type] # the parent's own word
