"""The ZIP archive of a Word file, checked before anything is decompressed.

A reader that scans the archive from the start and one that follows the directory at its end must
find the same: entries neither overlap nor leave gaps, and nothing precedes or follows them.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from voting_service.nomination.files.content_safety import MAX_UNPACKED_BYTES
from voting_service.nomination.files.rejections import FileRejected, RejectionReason

MAX_ENTRIES = 1_000
MAX_PART_BYTES = 64 * 2**20
MAX_RATIO = 200
"""Decompressed to compressed size. Word's XML reaches 50."""
RATIO_FREE_BYTES = 2**20
"""Smaller parts may have any ratio: a white picture of a few KiB is one example."""
_END = struct.Struct("<4s4H2LH")
_LOCAL = struct.Struct("<4s5H3L2H")
_ENCRYPTED_FLAG, _LATER_SIZES_FLAG = 0x1, 0x8
_PLAIN_NAME = re.compile(r"[^\x00-\x1f\x7f\\:*?\"<>|]{1,200}")


class Part(NamedTuple):
    """One file of the archive; `name` has no leading slash."""

    name: str
    content: bytes


class Archive:
    """A checked archive. Raises FileRejected when it breaks the rules above."""

    def __init__(self, content: bytes) -> None:
        _check_end(content)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError):
            raise FileRejected(RejectionReason.BROKEN) from None
        self._entries = self._zip.infolist()
        if len(self._entries) > MAX_ENTRIES:
            raise FileRejected(RejectionReason.BOMB)
        _check_names([entry.orig_filename for entry in self._entries])
        _check_layout(content, self._entries, self._zip.start_dir)
        _check_sizes(self._entries)

    def names(self) -> list[str]:
        return [entry.filename for entry in self._entries if not entry.is_dir()]

    def parts(self) -> Iterator[Part]:
        """Yield every file, one at a time. Raises FileRejected when a size is wrong."""
        for entry in self._entries:
            if not entry.is_dir():
                yield Part(entry.filename, self._read(entry))

    def read(self, name: str) -> bytes:
        """Return the content of one file. Raises KeyError."""
        return self._read(self._zip.getinfo(name))

    def _read(self, entry: zipfile.ZipInfo) -> bytes:
        """zipfile decompresses only the stated size, which was checked; the checksum shows whether
        there was more."""
        try:
            content = self._zip.read(entry)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
            raise FileRejected(RejectionReason.BROKEN) from None
        if len(content) != entry.file_size:
            raise FileRejected(RejectionReason.BROKEN)
        return content


def _check_end(content: bytes) -> None:
    """Check that the directory ends the file and states its own position correctly."""
    if len(content) < _END.size:
        raise FileRejected(RejectionReason.BROKEN)
    mark, disk, first_disk, _, entries, size, start, comment = _END.unpack(content[-_END.size :])
    if mark != b"PK\x05\x06":
        # A directory further up: a comment or another file was appended.
        has_appendix = content.rfind(b"PK\x05\x06") >= 0
        raise FileRejected(RejectionReason.DISGUISED if has_appendix else RejectionReason.BROKEN)
    if disk or first_disk or comment or 0xFFFFFFFF in {size, start}:
        raise FileRejected(RejectionReason.ARCHIVE, what="ZIP64")
    if start + size != len(content) - _END.size:
        raise FileRejected(RejectionReason.DISGUISED)
    if entries > MAX_ENTRIES:
        raise FileRejected(RejectionReason.BOMB)


def _check_names(names: list[str]) -> None:
    folded = [name.casefold() for name in names]
    if len(set(folded)) != len(folded):
        raise FileRejected(RejectionReason.ARCHIVE, what="duplicate name")
    for name in names:
        steps = name.removesuffix("/").split("/")
        if not _PLAIN_NAME.fullmatch(name) or any(step in {"", ".", ".."} for step in steps):
            raise FileRejected(RejectionReason.ARCHIVE, what="path")


def _check_layout(content: bytes, entries: list[zipfile.ZipInfo], end: int) -> None:
    """Check that entries follow each other without gap or overlap and match their local headers."""
    place = 0
    for entry in sorted(entries, key=lambda item: item.header_offset):
        if entry.header_offset != place or place + _LOCAL.size > end:
            raise FileRejected(RejectionReason.ARCHIVE, what="overlap")
        head = _LOCAL.unpack_from(content, place)
        mark, _, flags, method, _, _, _, packed, size, name_length, extra_length = head
        name_at = place + _LOCAL.size
        later = bool(flags & _LATER_SIZES_FLAG)
        if (flags | entry.flag_bits) & _ENCRYPTED_FLAG:
            raise FileRejected(RejectionReason.ENCRYPTED)
        if method not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise FileRejected(RejectionReason.ARCHIVE, what="method")
        name = content[name_at : name_at + name_length]
        if (
            mark != b"PK\x03\x04"
            or method != entry.compress_type
            or name not in {entry.orig_filename.encode(), entry.orig_filename.encode("cp437", "?")}
            or not (later or (packed, size) == (entry.compress_size, entry.file_size))
        ):
            raise FileRejected(RejectionReason.ARCHIVE, what="heads")
        place = name_at + name_length + extra_length + entry.compress_size
        if later:
            place += 16 if content[place : place + 4] == b"PK\x07\x08" else 12
    if place != end:
        raise FileRejected(RejectionReason.ARCHIVE, what="gap")


def _check_sizes(entries: list[zipfile.ZipInfo]) -> None:
    for entry in entries:
        ratio = entry.file_size / max(entry.compress_size, 1)
        if entry.file_size > MAX_PART_BYTES or (
            entry.file_size > RATIO_FREE_BYTES and ratio > MAX_RATIO
        ):
            raise FileRejected(RejectionReason.BOMB)
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
        raise FileRejected(RejectionReason.BOMB)
