"""Page count of a Word file.

A Word file has no fixed pages, and the number in its properties can be any. Its text, pictures,
tables and page breaks are therefore typeset on A4: margins of 20 mm, one and a half line spacing,
the type sizes that the text states (at least 9 pt; 10.5 pt where it states none), table columns
of equal width, pictures in their printed size. Styles are ignored. Where the exact number
matters, a PDF is needed.
"""

from __future__ import annotations

import io
import re

import msgspec
from pypdf import PdfReader

from voting_service.errors import Unavailable
from voting_service.infrastructure.typesetting.compiler import TypesettingFailed, typeset
from voting_service.infrastructure.typesetting.glyph_coverage import missing_glyphs
from voting_service.nomination.files.model import (
    Block,
    Manuscript,
    Paragraph,
    Row,
)
from voting_service.nomination.files.rejections import FileRejected, RejectionReason

TIMEOUT_SECONDS = 20.0
_STAND_IN = "\u56fd"
"""Replaces characters that our fonts lack; as wide as most of them."""
_LONG_WORD = re.compile(r"[^\s\u2e80-\uffff]{20}")
_BREAK_HERE = "\u200b"


def count_docx_pages(manuscript: Manuscript, limit: int) -> int:
    """Return the number of pages, at most `limit`. Blocks while another process typesets. Raises
    FileRejected."""
    printable = Manuscript([_printable(block) for block in manuscript.blocks])
    try:
        pdf = typeset(__package__, "docx_pages.typ", printable, timeout_seconds=TIMEOUT_SECONDS)
    except (Unavailable, TypesettingFailed):
        raise FileRejected(RejectionReason.NOT_EXAMINED) from None
    pages = len(PdfReader(io.BytesIO(pdf)).pages)
    if pages > limit:
        raise FileRejected(RejectionReason.TOO_LONG, limit=limit)
    return pages


def _printable(block: Block) -> Block:
    if isinstance(block, Paragraph):
        items = [_plain(item) if isinstance(item, str) else item for item in block.items]
        return msgspec.structs.replace(block, items=items)
    if isinstance(block, Row):
        return Row([[_printable(inner) for inner in cell] for cell in block.cells])
    return block


def _plain(text: str) -> str:
    """Replace characters without a glyph and allow a line break in every long word."""
    printable = text.translate({ord(lacking): _STAND_IN for lacking in missing_glyphs(text)})
    return _LONG_WORD.sub(rf"\g<0>{_BREAK_HERE}", printable)
