"""How many pages a Word file comes to.

A Word file has no pages of its own: they are made by whoever prints it, and the number in its
properties is only what somebody wrote there. So its text, pictures, tables and page breaks are
set on A4 with our own typesetting: 20 mm of margin, one and a half lines, the sizes of print that
the text names (9 pt at least, 10.5 pt where it names none), every column of a table as wide as
the next, pictures as large as they are to be printed. That is generous with margins and blind to
styles; whoever needs certainty sends a PDF.
"""

from __future__ import annotations

import io
import re

import msgspec
from pypdf import PdfReader

from voting_service.errors import Unavailable
from voting_service.office.files.model import Block, Manuscript, Paragraph, Row
from voting_service.office.files.refusals import FileRefused, Reason
from voting_service.typesetting.compile import TypesettingFailed, typeset
from voting_service.typesetting.glyphs import missing_glyphs

TIMEOUT_SECONDS = 20.0
_STAND_IN = "国"
"""For characters that our fonts lack: as wide as most of them."""
_ENDLESS = re.compile(r"[^\s\u2e80-\uffff]{20}")
_BREAK_HERE = "\u200b"


def set_pages(manuscript: Manuscript, limit: int) -> int:
    """The number of pages, at most `limit`. Blocks while another process sets them. Raises
    FileRefused."""
    printable = Manuscript([_printable(block) for block in manuscript.blocks])
    try:
        pdf = typeset(__package__, "word_pages.typ", printable, timeout_seconds=TIMEOUT_SECONDS)
    except (Unavailable, TypesettingFailed):
        raise FileRefused(Reason.NOT_EXAMINED) from None
    pages = len(PdfReader(io.BytesIO(pdf)).pages)
    if pages > limit:
        raise FileRefused(Reason.TOO_LONG, limit=limit)
    return pages


def _printable(block: Block) -> Block:
    if isinstance(block, Paragraph):
        items = [_plain(item) if isinstance(item, str) else item for item in block.items]
        return msgspec.structs.replace(block, items=items)
    if isinstance(block, Row):
        return Row([[_printable(inner) for inner in cell] for cell in block.cells])
    return block


def _plain(text: str) -> str:
    """With a glyph for every character, and a place to break the line in every word."""
    known = text.translate({ord(lacking): _STAND_IN for lacking in missing_glyphs(text)})
    return _ENDLESS.sub(rf"\g<0>{_BREAK_HERE}", known)
