"""Unpack a ZIP from outside into memory, within limits."""

from __future__ import annotations

import io
import lzma
import zlib
from contextlib import suppress
from pathlib import PurePosixPath
from typing import NamedTuple
from zipfile import BadZipFile, ZipFile, ZipInfo

from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.private_use import map_private_use

_UTF8_NAME = 0x800
_ENCRYPTED = 0x1
_NO_ZIP = (
    *(BadZipFile, zlib.error, lzma.LZMAError, OSError),  # bz2 raises the last
    *(EOFError, NotImplementedError, RuntimeError, ValueError),
)


class ZipLimits(NamedTuple):
    """How many files a ZIP may hold, how large they may be together, and how much of one file is
    read: a byte more than it may have, so that who takes it can refuse it by name. Other files of
    the same upload have used some of it."""

    files: int
    unpacked_bytes: int
    file_bytes: int
    used_files: int = 0
    used_bytes: int = 0


class PackedFile(NamedTuple):
    """A file of a ZIP, with its folders in the name."""

    name: str
    content: bytes


def unpack_zip(content: bytes, limits: ZipLimits) -> list[PackedFile]:
    """Return the files of a ZIP without those that systems put there. Raises InvalidInput when it
    is none, has a password or is beyond the limits."""
    try:
        with ZipFile(io.BytesIO(content)) as packed:
            entries = [entry for entry in packed.infolist() if not entry.is_dir()]
            if any(entry.flag_bits & _ENCRYPTED for entry in entries):
                raise _fault("with_password")
            if limits.used_bytes + sum(e.file_size for e in entries) > limits.unpacked_bytes:
                raise _fault("too_large", megabytes=limits.unpacked_bytes // 1024**2)
            named = [(_name(entry), entry) for entry in entries]
            of_people = [(name, entry) for name, entry in named if not is_of_a_system(name)]
            if limits.used_files + len(of_people) > limits.files:
                raise _fault("too_many_files", max_files=limits.files)
            return [PackedFile(name, _unpack(packed, entry, limits)) for name, entry in of_people]
    except _NO_ZIP:
        raise _fault("not_a_zip") from None


def _unpack(packed: ZipFile, entry: ZipInfo, limits: ZipLimits) -> bytes:
    with packed.open(entry) as file:
        return file.read(limits.file_bytes)


def _name(entry: ZipInfo) -> str:
    """Return the name; where the ZIP does not say that it is UTF-8, Chinese Windows wrote it."""
    name = entry.filename
    if not entry.flag_bits & _UTF8_NAME:
        with suppress(UnicodeEncodeError, UnicodeDecodeError):
            name = name.encode("cp437").decode("gb18030")
    return map_private_use(name)


def is_of_a_system(name: str) -> bool:
    """Return whether a file is one that a system puts into folders by itself."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return any(part.startswith((".", "__MACOSX")) for part in parts) or (
        bool(parts) and parts[-1].casefold() in {"thumbs.db", "desktop.ini"}
    )


def _fault(code: str, **params: object) -> InvalidInput:
    return InvalidInput(Fault("", f"infrastructure.zip_files.{code}", **params))
