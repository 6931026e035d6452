"""Examination of a Word file (.docx): active, external or hidden content is rejected, and the
printed content is returned."""

from __future__ import annotations

from pathlib import PurePosixPath

from voting_service.nomination.files.content_safety import check_picture, looks_foreign
from voting_service.nomination.files.docx_archive import Archive, Part
from voting_service.nomination.files.docx_body import DocxBody
from voting_service.nomination.files.docx_xml import Checks, read_xml
from voting_service.nomination.files.model import (
    Block,
    Drawing,
    Manuscript,
    Paragraph,
    Row,
)
from voting_service.nomination.files.rejections import FileRejected, RejectionReason

TYPES, RELATIONSHIPS = "[Content_Types].xml", "_rels/.rels"
MAIN_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_XML = frozenset({".xml", ".rels", ".svg"})
_PICTURES = frozenset(
    {
        ".png",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".gif",
        ".bmp",
        ".dib",
        ".tif",
        ".tiff",
        ".emf",
        ".wmf",
        ".wdp",
        ".webp",
    }
)
_FONTS = frozenset({".odttf", ".ttf", ".otf", ".fntdata"})


def read_docx(content: bytes, limit: int) -> Manuscript:
    """Return what the file prints. Raises FileRejected, also as soon as the file certainly has more
    than `limit` pages."""
    archive = Archive(content)
    for name in archive.names():
        _check_name(name.lower())
    main = _main_part(archive)
    body = DocxBody(limit=limit)
    for part in archive.parts():
        _check_part(part, body if part.name == main else Checks())
    if not _prints(body.blocks):
        raise FileRejected(RejectionReason.NO_PAGES)
    return body.manuscript()


def _check_name(name: str) -> None:
    path = PurePosixPath(name)
    if path.name.startswith("vba") or "activex" in path.parts[:-1]:
        raise FileRejected(RejectionReason.MACROS)
    if "embeddings" in path.parts[:-1]:
        raise FileRejected(RejectionReason.EMBEDDED, what="embeddings")
    if path.name == ".rels":  # a name to Python, a suffix to Word
        return
    if path.suffix not in _XML | _PICTURES | _FONTS:
        raise FileRejected(RejectionReason.EMBEDDED, what=path.suffix[:12] or "?")


def _main_part(archive: Archive) -> str:
    """Return the name of the document part; its content type and the relationships must agree."""
    if not {TYPES, RELATIONSHIPS} <= set(archive.names()):
        raise FileRejected(RejectionReason.DISGUISED)
    types, relationships = Checks(), Checks()
    read_xml(archive.read(TYPES), types)
    read_xml(archive.read(RELATIONSHIPS), relationships)
    documents = [part for part, kind in types.parts.items() if kind == MAIN_TYPE]
    target = relationships.links.get("officeDocument", "").removeprefix("/")
    if not documents:  # a workbook, a presentation, a template
        raise FileRejected(RejectionReason.DISGUISED)
    if documents != [target] or target not in archive.names():
        raise FileRejected(RejectionReason.BROKEN)
    return target


def _check_part(part: Part, checks: Checks) -> None:
    path = PurePosixPath(part.name.lower())
    if path.suffix in _XML or path.name == ".rels":
        read_xml(part.content, checks)
    elif path.suffix in _PICTURES:
        if looks_foreign(part.content):
            raise FileRejected(
                RejectionReason.EMBEDDED, what=part.content[:4].decode("ascii", "replace")
            )
        check_picture(part.content)


def _prints(blocks: list[Block]) -> bool:
    for block in blocks:
        if isinstance(block, Paragraph):
            if any(isinstance(item, Drawing) or item.strip() for item in block.items):
                return True
        elif isinstance(block, Row) and any(_prints(cell) for cell in block.cells):
            return True
    return False
