"""The ZIP archive that a Word file is: every byte accounted for, and bounded before it is unpacked.

A reader that goes through the archive from its start and one that follows the directory at its
end must find the same: entries neither overlap nor leave room between them, and nothing stands
before or behind.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from voting_service.office.files.bounds import MAX_UNPACKED_BYTES
from voting_service.office.files.refusals import FileRefused, Reason

MAX_ENTRIES = 1_000
MAX_PART_BYTES = 64 * 2**20
MAX_RATIO = 200
"""Of what is unpacked to what is packed. Word's XML reaches 50."""
UNSUSPICIOUS_BYTES = 2**20
"""Below it no ratio is looked at: a white picture of a few KiB may reach any."""
_END = struct.Struct("<4s4H2LH")
_LOCAL = struct.Struct("<4s5H3L2H")
_ENCRYPTED_FLAG, _LATER_SIZES_FLAG = 0x1, 0x8
_PLAIN_NAME = re.compile(r"[^\x00-\x1f\x7f\\:*?\"<>|]{1,200}")


class Part(NamedTuple):
    """One entry; `name` without a leading slash, as in the archive."""

    name: str
    content: bytes


class Archive:
    """Raises FileRefused where it is not an honest one; see the module."""

    def __init__(self, content: bytes) -> None:
        _check_end(content)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError):
            raise FileRefused(Reason.BROKEN) from None
        self._entries = self._zip.infolist()
        if len(self._entries) > MAX_ENTRIES:
            raise FileRefused(Reason.BOMB)
        _check_names([entry.orig_filename for entry in self._entries])
        _check_layout(content, self._entries, self._zip.start_dir)
        _check_sizes(self._entries)

    def names(self) -> list[str]:
        return [entry.filename for entry in self._entries if not entry.is_dir()]

    def parts(self) -> Iterator[Part]:
        """Every file in it, one at a time, as large as it said. Raises FileRefused."""
        for entry in self._entries:
            if not entry.is_dir():
                yield Part(entry.filename, self._read(entry))

    def read(self, name: str) -> bytes:
        """One file of it; KeyError when there is none."""
        return self._read(self._zip.getinfo(name))

    def _read(self, entry: zipfile.ZipInfo) -> bytes:
        """As much as it said, which was bounded; zipfile unpacks no more, and the checksum tells
        that there was more."""
        try:
            content = self._zip.read(entry)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
            raise FileRefused(Reason.BROKEN) from None
        if len(content) != entry.file_size:
            raise FileRefused(Reason.BROKEN)
        return content


def _check_end(content: bytes) -> None:
    """The directory is at the very end, and says where it begins as it does."""
    if len(content) < _END.size:
        raise FileRefused(Reason.BROKEN)
    mark, disk, first_disk, _, entries, size, start, comment = _END.unpack(content[-_END.size :])
    if mark != b"PK\x05\x06":
        # A directory further up: something was added behind it, a comment or another file.
        behind = content.rfind(b"PK\x05\x06") >= 0
        raise FileRefused(Reason.DISGUISED if behind else Reason.BROKEN)
    if disk or first_disk or comment or 0xFFFFFFFF in {size, start}:
        raise FileRefused(Reason.ARCHIVE, what="ZIP64")
    if start + size != len(content) - _END.size:
        raise FileRefused(Reason.DISGUISED)
    if entries > MAX_ENTRIES:
        raise FileRefused(Reason.BOMB)


def _check_names(names: list[str]) -> None:
    folded = [name.casefold() for name in names]
    if len(set(folded)) != len(folded):
        raise FileRefused(Reason.ARCHIVE, what="same name twice")
    for name in names:
        steps = name.removesuffix("/").split("/")
        if not _PLAIN_NAME.fullmatch(name) or any(step in {"", ".", ".."} for step in steps):
            raise FileRefused(Reason.ARCHIVE, what="path")


def _check_layout(content: bytes, entries: list[zipfile.ZipInfo], end: int) -> None:
    """Entries follow each other without gap or overlap, and their own heads agree."""
    place = 0
    for entry in sorted(entries, key=lambda each: each.header_offset):
        if entry.header_offset != place or place + _LOCAL.size > end:
            raise FileRefused(Reason.ARCHIVE, what="overlap")
        head = _LOCAL.unpack_from(content, place)
        mark, _, flags, method, _, _, _, packed, size, name_length, extra_length = head
        name_at = place + _LOCAL.size
        later = bool(flags & _LATER_SIZES_FLAG)
        if (flags | entry.flag_bits) & _ENCRYPTED_FLAG:
            raise FileRefused(Reason.ENCRYPTED)
        if method not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise FileRefused(Reason.ARCHIVE, what="method")
        name = content[name_at : name_at + name_length]
        if (
            mark != b"PK\x03\x04"
            or method != entry.compress_type
            or name not in {entry.orig_filename.encode(), entry.orig_filename.encode("cp437", "?")}
            or not (later or (packed, size) == (entry.compress_size, entry.file_size))
        ):
            raise FileRefused(Reason.ARCHIVE, what="heads")
        place = name_at + name_length + extra_length + entry.compress_size
        if later:
            place += 16 if content[place : place + 4] == b"PK\x07\x08" else 12
    if place != end:
        raise FileRefused(Reason.ARCHIVE, what="gap")


def _check_sizes(entries: list[zipfile.ZipInfo]) -> None:
    for entry in entries:
        ratio = entry.file_size / max(entry.compress_size, 1)
        if entry.file_size > MAX_PART_BYTES or (
            entry.file_size > UNSUSPICIOUS_BYTES and ratio > MAX_RATIO
        ):
            raise FileRefused(Reason.BOMB)
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
        raise FileRefused(Reason.BOMB)
