"""What is in a Word file (.docx): nothing that acts, fetches or hides, and what it prints."""

from __future__ import annotations

from pathlib import PurePosixPath

from voting_service.office.files.archive import Archive, Part
from voting_service.office.files.bounds import check_picture, looks_foreign
from voting_service.office.files.model import Block, Drawing, Manuscript, Paragraph, Row
from voting_service.office.files.refusals import FileRefused, Reason
from voting_service.office.files.word_body import Body
from voting_service.office.files.word_xml import Checks, read_xml

TYPES, RELATIONSHIPS = "[Content_Types].xml", "_rels/.rels"
MAIN_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_XML = frozenset({".xml", ".rels", ".svg"})
_PICTURES = frozenset({
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".emf",
    ".wmf", ".wdp", ".webp",
})  # fmt: skip
_FONTS = frozenset({".odttf", ".ttf", ".otf", ".fntdata"})


def read_word(content: bytes, limit: int) -> Manuscript:
    """What it prints. Raises FileRefused, also as soon as it is certain to need more than `limit`
    pages."""
    archive = Archive(content)
    for name in archive.names():
        _check_name(name.lower())
    main = _main_part(archive)
    body = Body(limit=limit)
    for part in archive.parts():
        _check_part(part, body if part.name == main else Checks())
    if not _prints(body.blocks):
        raise FileRefused(Reason.NO_PAGES)
    return body.manuscript()


def _check_name(name: str) -> None:
    path = PurePosixPath(name)
    if path.name.startswith("vba") or "activex" in path.parts[:-1]:
        raise FileRefused(Reason.MACROS)
    if "embeddings" in path.parts[:-1]:
        raise FileRefused(Reason.EMBEDDED, what="embeddings")
    if path.name == ".rels":  # a name to Python, a suffix to Word
        return
    if path.suffix not in _XML | _PICTURES | _FONTS:
        raise FileRefused(Reason.EMBEDDED, what=path.suffix[:12] or "?")


def _main_part(archive: Archive) -> str:
    """The one part that is the document, by what it is and by what the file leads to."""
    if not {TYPES, RELATIONSHIPS} <= set(archive.names()):
        raise FileRefused(Reason.DISGUISED)
    types, relationships = Checks(), Checks()
    read_xml(archive.read(TYPES), types)
    read_xml(archive.read(RELATIONSHIPS), relationships)
    documents = [part for part, kind in types.parts.items() if kind == MAIN_TYPE]
    led_to = relationships.links.get("officeDocument", "").removeprefix("/")
    if not documents:  # a workbook, a presentation, a template
        raise FileRefused(Reason.DISGUISED)
    if documents != [led_to] or led_to not in archive.names():
        raise FileRefused(Reason.BROKEN)
    return led_to


def _check_part(part: Part, checks: Checks) -> None:
    path = PurePosixPath(part.name.lower())
    if path.suffix in _XML or path.name == ".rels":
        read_xml(part.content, checks)
    elif path.suffix in _PICTURES:
        if looks_foreign(part.content):
            raise FileRefused(Reason.EMBEDDED, what=part.content[:4].decode("ascii", "replace"))
        check_picture(part.content)


def _prints(blocks: list[Block]) -> bool:
    for block in blocks:
        if isinstance(block, Paragraph):
            if any(isinstance(item, Drawing) or item.strip() for item in block.items):
                return True
        elif isinstance(block, Row) and any(_prints(cell) for cell in block.cells):
            return True
    return False
