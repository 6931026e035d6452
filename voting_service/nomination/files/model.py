"""Results of an examination: plain data that the examining process sends to its parent."""

from __future__ import annotations

from typing import Literal

import msgspec

MAX_FILE_BYTES = 20 * 2**20
"""Of any uploaded file."""
EVIDENCE_PAGES = 10
SCAN_PAGES = 5
"""Of one scan: an opinion is one page, sometimes with an annex."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A PDF or Word file that may be stored unchanged. `exact` is False for a Word file, whose
    `pages` are the pages of A4 that its text and pictures fill."""

    kind: Literal["pdf", "docx"]
    pages: int
    exact: bool
    size_bytes: int
    sha256: str


class Scan(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A stamped page: the PDF itself, or a re-encoded picture; `content` is what is stored."""

    kind: Literal["pdf", "jpeg"]
    pages: int
    content: bytes
    sha256: str


class Photo(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A two-inch photo, re-encoded as JPEG; `sha256` is of `content`."""

    width: int
    height: int
    content: bytes
    sha256: str


class Drawing(msgspec.Struct, frozen=True, tag="drawing"):
    """The space of a picture, in millimetres."""

    width: float
    height: float


class Paragraph(msgspec.Struct, frozen=True, tag="paragraph"):
    """A paragraph; `size` of its type in points."""

    size: float
    items: list[str | Drawing]


class Row(msgspec.Struct, frozen=True, tag="row"):
    """A table row; its cells have equal widths."""

    cells: list[list[Block]]


class Break(msgspec.Struct, frozen=True, tag="break"):
    """A page break."""


Block = Paragraph | Row | Break


class Manuscript(msgspec.Struct, frozen=True, tag=True):
    """The printed content of a Word file; see docx_pages.py."""

    blocks: list[Block]
