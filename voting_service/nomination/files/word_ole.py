"""Word files of 1997 to 2003 and of WPS (.doc, .wps): what they may hold.

They are OLE containers: storages and streams, as a small file system. The stream `WordDocument`
begins with a table of where everything stands (MS-DOC, section 2.5); from it the fields are read.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator

import olefile

from voting_service.nomination.files.rejections import FileRejected, RejectionReason

OLE_HEAD = olefile.MAGIC
MAX_ENTRIES = 2_000
_MACROS = frozenset({"macros", "vba", "_vba_project", "_vba_project_cur"})
_ENCRYPTED = frozenset({"encryptedpackage", "encryptioninfo", "\x06dataspaces"})
_OBJECTS = "objectpool"
_WORD_97 = 0xC1
"""Version number in the head; older files are laid out otherwise."""
_WORD_MARK = 0xA5EC
_SECOND_TABLE_FLAG, _ENCRYPTED_FLAG, _GARBLED_FLAG = 0x200, 0x100, 0x8000
_FIELD_TABLES = (0x11A, 0x122, 0x12A, 0x132, 0x21A, 0x262, 0x272)
"""Where the head has the places of the fields: of the text, of headers, footnotes, comments,
endnotes, text boxes, text boxes in headers."""
_FIELD_BEGIN = 0x13
_ACTIVE_FIELDS = {
    36: "INCLUDE",
    45: "DDE",
    46: "DDEAUTO",
    55: "IMPORT",
    56: "LINK",
    58: "EMBED",
    68: "INCLUDETEXT",
    78: "DATABASE",
    87: "CONTROL",
    91: "HTMLCONTROL",
}
_ACTIVE_WORDS = b"|".join(name.encode() for name in _ACTIVE_FIELDS.values() if name != "CONTROL")
_ACTIVE_CODE = re.compile(rb"\x13[ \t\x14]*(?:" + _ACTIVE_WORDS + rb")\b", re.IGNORECASE)
_FAULTS = (OSError, ValueError, IndexError, KeyError, TypeError, AttributeError, struct.error)
"""What olefile raises for damaged files."""


def check_ole(content: bytes) -> None:
    """Check that an OLE container is a Word file without macros, objects and encryption. Raises
    FileRejected."""
    try:
        with olefile.OleFileIO(io.BytesIO(content)) as container:
            _check_entries(container)
            _check_document(container)
    except RecursionError:
        raise FileRejected(RejectionReason.BROKEN) from None
    except _FAULTS:
        raise FileRejected(RejectionReason.BROKEN) from None


def _check_entries(container: olefile.OleFileIO) -> None:
    entries = [
        [step.lower() for step in path] for path in container.listdir(streams=True, storages=True)
    ]
    if len(entries) > MAX_ENTRIES:
        raise FileRejected(RejectionReason.BOMB)
    names = {step for path in entries for step in path}
    if names & _ENCRYPTED:
        raise FileRejected(RejectionReason.ENCRYPTED)
    if "worddocument" not in names:  # a workbook, an installer, a file of another program
        raise FileRejected(RejectionReason.DISGUISED)
    if names & _MACROS:
        raise FileRejected(RejectionReason.MACROS)
    if any(path[0] == _OBJECTS and len(path) > 1 for path in entries):
        raise FileRejected(RejectionReason.EMBEDDED, what="ObjectPool")


def _check_document(container: olefile.OleFileIO) -> None:
    text = container.openstream("WordDocument").read()
    mark, version = struct.unpack_from("<HH", text)
    (flags,) = struct.unpack_from("<H", text, 10)
    if mark != _WORD_MARK or version < _WORD_97:
        raise FileRejected(RejectionReason.LEGACY_WORD)
    if flags & (_ENCRYPTED_FLAG | _GARBLED_FLAG):
        raise FileRejected(RejectionReason.ENCRYPTED)
    table = container.openstream("1Table" if flags & _SECOND_TABLE_FLAG else "0Table").read()
    for kind in _field_kinds(text, table):
        if kind in _ACTIVE_FIELDS:
            raise FileRejected(RejectionReason.FIELD, what=_ACTIVE_FIELDS[kind])
    # A code may differ from its kind; text has one byte or two for a character.
    if _ACTIVE_CODE.search(text) or _ACTIVE_CODE.search(text.replace(b"\0", b"")):
        raise FileRejected(RejectionReason.FIELD, what="DDE")


def _field_kinds(text: bytes, table: bytes) -> Iterator[int]:
    """Yield the kind of each field. A table has n + 1 positions of four bytes, then n entries of
    two: what the character is, and for the first of a field its kind."""
    for place in _FIELD_TABLES:
        start, size = struct.unpack_from("<LL", text, place)
        count = max(size - 4, 0) // 6
        for number in range(count):
            mark, kind = struct.unpack_from("<BB", table, start + 4 * (count + 1) + 2 * number)
            if mark & 0x1F == _FIELD_BEGIN:
                yield kind
