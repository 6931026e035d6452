"""The ZIP archive of a Word file, read as its directory lists it.

Gaps, comments, directory entries, data descriptors and ZIP64 records are harmless, because docx.py
writes a new archive of what is read here. Rejected is what two programs would read differently,
and what would fill the memory.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping

from voting_service.nomination.files.content_safety import (
    MAX_UNPACKED_BYTES,
    holds_markup,
    looks_foreign,
)
from voting_service.nomination.files.rejections import FileRejected, RejectionReason

MAX_ENTRIES = 1_000
MAX_PART_BYTES = 64 * 2**20
"""A scanned A4 page as a bitmap, in colour at 300 dots per inch, is 26 MB."""
MAX_BEHIND_BYTES = 1_024
"""What mail gateways and download pages leave behind the archive."""
ZIP_HEAD, _END = b"PK\x03\x04", b"PK\x05\x06"
_END_BYTES = 22
_LOCAL = struct.Struct("<4s22x2H")
_ENCRYPTED_FLAG, _UTF8_FLAG = 0x1, 0x800
_PADDING = b"\0\t\n\r \x1a"
_PLAIN_NAME = re.compile(r"[^\x00-\x1f\x7f:*?\"<>|]{1,200}")


class Archive:
    """A checked archive. Raises FileRejected when it breaks the rules above."""

    def __init__(self, content: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, EOFError):
            raise FileRejected(RejectionReason.BROKEN) from None
        entries = self._zip.infolist()
        if len(entries) > MAX_ENTRIES:
            raise FileRejected(RejectionReason.BOMB)
        _check_layout(content, entries, self._zip.start_dir)
        _check_ends(content, entries)
        _check_sizes(entries)
        self._files = _named(entries)

    def names(self) -> Iterator[str]:
        """Yield the name of every file: in lower case, with forward slashes."""
        yield from self._files

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def read(self, name: str) -> bytes:
        """Return the content of one file. zipfile decompresses only the stated size, which was
        checked; the checksum shows whether there was more. Raises KeyError, FileRejected."""
        entry = self._files[name]
        try:
            content = self._zip.read(entry)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error):
            raise FileRejected(RejectionReason.BROKEN) from None
        if len(content) != entry.file_size:
            raise FileRejected(RejectionReason.BROKEN)
        return content


def _named(entries: list[zipfile.ZipInfo]) -> Mapping[str, zipfile.ZipInfo]:
    """Return files by name. Word compares names without regard to case, so two must not differ in
    it alone."""
    files: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        name = _text(entry).replace("\\", "/")
        steps = name.removesuffix("/").split("/")
        if not _PLAIN_NAME.fullmatch(name) or any(step in {"", ".", ".."} for step in steps):
            raise FileRejected(RejectionReason.ARCHIVE, what="path")
        if name.endswith("/"):
            continue
        if name.casefold() in files:
            raise FileRejected(RejectionReason.ARCHIVE, what="duplicate name")
        files[name.casefold()] = entry
    return files


def _text(entry: zipfile.ZipInfo) -> str:
    """Return the name; many writers use UTF-8 and do not say so."""
    if entry.flag_bits & _UTF8_FLAG:
        return entry.orig_filename
    try:
        return entry.orig_filename.encode("cp437").decode()
    except UnicodeError:
        return entry.orig_filename


def _check_layout(content: bytes, entries: list[zipfile.ZipInfo], end: int) -> None:
    """Check that no two entries share bytes, and that each is packed as Word packs."""
    place = 0
    for entry in sorted(entries, key=lambda item: item.header_offset):
        start = entry.header_offset
        if start < place or start + _LOCAL.size > end:
            raise FileRejected(RejectionReason.ARCHIVE, what="overlap")
        mark, name_length, extra_length = _LOCAL.unpack_from(content, start)
        if mark != ZIP_HEAD:
            raise FileRejected(RejectionReason.BROKEN)
        if entry.flag_bits & _ENCRYPTED_FLAG:
            raise FileRejected(RejectionReason.ENCRYPTED)
        if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise FileRejected(RejectionReason.ARCHIVE, what="method")
        place = start + _LOCAL.size + name_length + extra_length + entry.compress_size
    if place > end:
        raise FileRejected(RejectionReason.ARCHIVE, what="overlap")


def _check_ends(content: bytes, entries: list[zipfile.ZipInfo]) -> None:
    """Check that no other file stands before the first entry or behind the directory."""
    if min((entry.header_offset for entry in entries), default=1) != 0:
        raise FileRejected(RejectionReason.DISGUISED)
    end = content.rfind(_END)
    (comment,) = struct.unpack_from("<H", content, end + _END_BYTES - 2)
    behind = content[end + _END_BYTES + comment :].strip(_PADDING)
    if (
        len(behind) > MAX_BEHIND_BYTES
        or looks_foreign(behind)
        or looks_foreign(content[end + _END_BYTES :][:comment])
        or holds_markup(content[end:])
    ):
        raise FileRejected(RejectionReason.DISGUISED)


def _check_sizes(entries: list[zipfile.ZipInfo]) -> None:
    sizes = [entry.file_size for entry in entries]
    if max(sizes, default=0) > MAX_PART_BYTES or sum(sizes) > MAX_UNPACKED_BYTES:
        raise FileRejected(RejectionReason.BOMB)
