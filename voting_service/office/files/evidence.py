"""Evidence and stamped pages: which kind of file it is, and whether it is what it says.

Pure computing of up to seconds on bytes that anybody may have made: on a server call it through
sandbox.py.
"""

from __future__ import annotations

import unicodedata
from hashlib import sha256
from pathlib import PurePath

from voting_service.contests.pictures import SUFFIXES
from voting_service.office.files.model import (
    EVIDENCE_PAGES,
    MAX_FILE_BYTES,
    SCAN_PAGES,
    Evidence,
    Manuscript,
    Scan,
)
from voting_service.office.files.refusals import FileRefused, Reason

PDF_HEADS = (b"%PDF-1.", b"%PDF-2.")
OLE_HEAD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_MACRO_SUFFIXES = frozenset({".docm", ".dotm", ".xlsm", ".pptm"})
_PICTURE_SUFFIXES = frozenset(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
MAX_NAME_CHARACTERS = 200


def inspect_evidence(name: str, content: bytes) -> Evidence:
    """The whole examination in one go, in this process. Raises FileRefused."""
    from voting_service.office.files.word_pages import set_pages  # noqa: PLC0415 - not in the child

    found = look_inside(name, content)
    if isinstance(found, Manuscript):
        return word_evidence(content, set_pages(found, EVIDENCE_PAGES))
    return found


def look_inside(name: str, content: bytes) -> Evidence | Manuscript:
    """What a PDF is, or what a Word file prints; the latter is still to be set. Raises
    FileRefused."""
    suffix = check_name_and_size(name, content)
    if suffix in _MACRO_SUFFIXES:
        raise FileRefused(Reason.MACROS)
    if suffix == ".doc" or (suffix == ".docx" and content.startswith(OLE_HEAD)):
        raise FileRefused(_old_word(content))
    if suffix == ".pdf":
        return Evidence(
            kind="pdf",
            pages=_pdf_pages(content, EVIDENCE_PAGES),
            exact=True,
            size_bytes=len(content),
            sha256=sha256(content).hexdigest(),
        )
    if suffix != ".docx":
        raise FileRefused(Reason.OTHER_KIND)
    if not content.startswith(b"PK\x03\x04"):
        raise FileRefused(Reason.DISGUISED)
    from voting_service.office.files.word import read_word  # noqa: PLC0415 - a PDF needs no XML

    return read_word(content, EVIDENCE_PAGES)


def word_evidence(content: bytes, pages: int) -> Evidence:
    """A Word file that was looked into and set."""
    return Evidence(
        kind="docx",
        pages=pages,
        exact=False,
        size_bytes=len(content),
        sha256=sha256(content).hexdigest(),
    )


def inspect_scan(name: str, content: bytes) -> Scan:
    """A stamped page as PDF or picture; a picture is encoded anew. Raises FileRefused."""
    suffix = check_name_and_size(name, content)
    if suffix == ".pdf":
        pages = _pdf_pages(content, SCAN_PAGES)
        return Scan(kind="pdf", pages=pages, content=content, sha256=sha256(content).hexdigest())
    if suffix not in _PICTURE_SUFFIXES:
        raise FileRefused(Reason.OTHER_SCAN)
    from voting_service.office.files.photo import encode_scan  # noqa: PLC0415 - a PDF needs none

    kept = encode_scan(name, content)
    return Scan(kind="jpeg", pages=1, content=kept, sha256=sha256(kept).hexdigest())


def check_name_and_size(name: str, content: bytes) -> str:
    """The suffix, in small letters. Raises FileRefused."""
    if not content:
        raise FileRefused(Reason.EMPTY)
    if len(content) > MAX_FILE_BYTES:
        raise FileRefused(Reason.TOO_LARGE, limit=MAX_FILE_BYTES // 2**20)
    # Controls can turn the end of a name round, so that a program looks like a document.
    if len(name) > MAX_NAME_CHARACTERS or any(
        unicodedata.category(character) in {"Cc", "Cf", "Cs"} for character in name
    ):
        raise FileRefused(Reason.BAD_NAME)
    return PurePath(name).suffix.lower()


def _pdf_pages(content: bytes, limit: int) -> int:
    if not content.startswith(PDF_HEADS):
        raise FileRefused(Reason.DISGUISED)
    from voting_service.office.files.pdf import count_pages  # noqa: PLC0415 - pypdf takes a while

    return count_pages(content, limit)


def _old_word(content: bytes) -> Reason:
    """The container of old Word files is also that of encrypted new ones."""
    if not content.startswith(OLE_HEAD):
        return Reason.DISGUISED
    return Reason.ENCRYPTED if _ENCRYPTED_PACKAGE in content else Reason.LEGACY_WORD
