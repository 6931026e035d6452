"""The process that makes a Word file safe to convert: the file on stdin, a result on stdout.

Memory and CPU time are limited from the start, and before the first byte is read the process loses
the right to open files, write files and start processes. All modules are imported at the top:
later no file can be opened.
"""

from __future__ import annotations

import resource
import sys

import msgspec
from PIL import Image

from voting_service.nomination.files.docx import clean_docx
from voting_service.nomination.files.docx_archive import ZIP_HEAD
from voting_service.nomination.files.model import Rejection, WordFormat
from voting_service.nomination.files.rejections import FileRejected, RejectionReason
from voting_service.nomination.files.word_ole import OLE_HEAD, check_ole
from voting_service.nomination.files.word_rtf import RICH_TEXT_HEAD, check_rich_text

MEMORY_BYTES = 512 * 2**20
"""Address space: a part of 16 MiB, taken to pieces, and the pictures of the file."""
CPU_SECONDS = 20
OUT_OF_MEMORY = 3
"""Exit code; any other code except 0 is a crash."""


class CleanWord(msgspec.Struct, frozen=True, tag=True):
    """A Word file that the converter may read. One of the old format or of rich text is only
    checked: it has to be converted to the new one and cleaned then."""

    content: bytes
    format: WordFormat = "docx"


CleaningResult = CleanWord | Rejection


def main() -> None:
    """Clean the file on stdin."""
    _limit(resource.RLIMIT_AS, MEMORY_BYTES)
    _limit(resource.RLIMIT_CPU, CPU_SECONDS)
    _limit(resource.RLIMIT_CORE, 0)
    Image.init()  # what Pillow and Python load on first use
    for encoding in ("cp437", "utf-16-le", "utf-16-be", "latin-1", "ascii", "idna"):
        "".encode(encoding)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NPROC, 0)
    _limit(resource.RLIMIT_NOFILE, 0)
    try:
        result = clean_word(sys.stdin.buffer.read())
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
    sys.stdout.buffer.write(msgspec.msgpack.encode(result))


def clean_word(content: bytes) -> CleaningResult:
    """Return what the converter may read, or why the file is rejected."""
    try:
        if content.startswith(OLE_HEAD):
            check_ole(content)
            return CleanWord(content, "doc")
        if content.startswith(ZIP_HEAD):
            return CleanWord(clean_docx(content))
        if content.startswith(RICH_TEXT_HEAD):
            check_rich_text(content)
            return CleanWord(content, "rtf")
    except FileRejected as error:
        return Rejection(error.reason.name, error.details)
    return Rejection(RejectionReason.DISGUISED.name, {})


def _limit(limit: int, value: int) -> None:
    resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    main()
