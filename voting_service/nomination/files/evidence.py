"""Examination of evidence and stamped pages by their kind of file.

Works on untrusted bytes and may take seconds: a server calls it through sandbox.py.
"""

from __future__ import annotations

from hashlib import sha256

from voting_service.infrastructure.images.model import SUFFIXES
from voting_service.nomination.files.docx import read_docx
from voting_service.nomination.files.model import (
    EVIDENCE_PAGES,
    SCAN_PAGES,
    Evidence,
    Manuscript,
    Scan,
)
from voting_service.nomination.files.pdf import count_pages
from voting_service.nomination.files.photo import encode_scan
from voting_service.nomination.files.rejections import FileRejected, RejectionReason
from voting_service.nomination.files.upload_checks import check_name_and_size

PDF_HEADS = (b"%PDF-1.", b"%PDF-2.")
OLE_HEAD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_MACRO_SUFFIXES = frozenset({".docm", ".dotm", ".xlsm", ".pptm"})
_PICTURE_SUFFIXES = frozenset(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)


def examine_content(name: str, content: bytes) -> Evidence | Manuscript:
    """Return a PDF's evidence, or the printed content of a Word file, whose pages are still to be
    counted (docx_pages.py). Raises FileRejected."""
    suffix = check_name_and_size(name, content)
    if suffix in _MACRO_SUFFIXES:
        raise FileRejected(RejectionReason.MACROS)
    if suffix == ".doc" or (suffix == ".docx" and content.startswith(OLE_HEAD)):
        raise FileRejected(_ole_rejection(content))
    if suffix == ".pdf":
        return Evidence(
            kind="pdf",
            pages=_pdf_pages(content, EVIDENCE_PAGES),
            exact=True,
            size_bytes=len(content),
            sha256=sha256(content).hexdigest(),
        )
    if suffix != ".docx":
        raise FileRejected(RejectionReason.OTHER_KIND)
    if not content.startswith(b"PK\x03\x04"):
        raise FileRejected(RejectionReason.DISGUISED)
    return read_docx(content, EVIDENCE_PAGES)


def docx_evidence(content: bytes, pages: int) -> Evidence:
    """Return the evidence of an examined Word file of `pages` pages."""
    return Evidence(
        kind="docx",
        pages=pages,
        exact=False,
        size_bytes=len(content),
        sha256=sha256(content).hexdigest(),
    )


def inspect_scan(name: str, content: bytes) -> Scan:
    """Return a stamped page as PDF, or as a re-encoded picture. Raises FileRejected."""
    suffix = check_name_and_size(name, content)
    if suffix == ".pdf":
        pages = _pdf_pages(content, SCAN_PAGES)
        return Scan(kind="pdf", pages=pages, content=content, sha256=sha256(content).hexdigest())
    if suffix not in _PICTURE_SUFFIXES:
        raise FileRejected(RejectionReason.OTHER_SCAN)
    jpeg = encode_scan(name, content)
    return Scan(kind="jpeg", pages=1, content=jpeg, sha256=sha256(jpeg).hexdigest())


def _pdf_pages(content: bytes, limit: int) -> int:
    if not content.startswith(PDF_HEADS):
        raise FileRejected(RejectionReason.DISGUISED)
    return count_pages(content, limit)


def _ole_rejection(content: bytes) -> RejectionReason:
    """The OLE container holds old Word files and encrypted new ones."""
    if not content.startswith(OLE_HEAD):
        return RejectionReason.DISGUISED
    return (
        RejectionReason.ENCRYPTED if _ENCRYPTED_PACKAGE in content else RejectionReason.LEGACY_WORD
    )
