"""The kind of a file by its first bytes: a name is a label that people and programs get wrong."""

from __future__ import annotations

from typing import Literal

from voting_service.nomination.files.content_safety import looks_foreign

FileKind = Literal["pdf", "picture", "word"]

PDF_HEAD = b"%PDF-"
PDF_HEAD_WITHIN_BYTES = 1024
"""Printers and mail programs put lines before the header; readers look for it this far."""
_WORD_HEADS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{\\rtf")
_PICTURE_HEADS = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    b"II*\0",
    b"MM\0*",
    b"BM",
)
_HEIF_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)
_BRANDS = _HEIF_BRANDS | {b"avif", b"avis"}
"""Behind `ftyp`."""


def file_kind(content: bytes) -> FileKind | None:
    """Return the kind, None for every other. An archive counts as `word`: word.py looks inside."""
    if content.startswith(_WORD_HEADS):
        return "word"
    if content.startswith(_PICTURE_HEADS) or _is_riff_or_heif(content[:12]):
        return "picture"
    before, head, _ = content[: PDF_HEAD_WITHIN_BYTES + len(PDF_HEAD)].partition(PDF_HEAD)
    return "pdf" if head and not looks_foreign(before) else None


def needs_thread(content: bytes) -> bool:
    """Whether the decoder of a picture starts a thread: that of HEIC cannot do without."""
    return content[4:8] == b"ftyp" and content[8:12] in _HEIF_BRANDS


def _is_riff_or_heif(head: bytes) -> bool:
    return (head[:4] == b"RIFF" and head[8:] == b"WEBP") or (
        head[4:8] == b"ftyp" and head[8:] in _BRANDS
    )
