"""What an examination finds. These travel from the examining process, so they are plain data."""

from __future__ import annotations

from typing import Literal

import msgspec

MAX_FILE_BYTES = 20 * 2**20
"""Of a file that is uploaded, whatever it is."""
EVIDENCE_PAGES = 10
SCAN_PAGES = 5
"""Of one scan: an opinion is one page, now and then with a sheet behind it."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One PDF or Word file that may be kept as it is. `exact` tells whether `pages` was counted,
    or is what the text and pictures of a Word file fill on A4."""

    kind: Literal["pdf", "docx"]
    pages: int
    exact: bool
    size_bytes: int
    sha256: str


class Scan(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A stamped page: a PDF as it is, or a picture encoded anew; `content` is what to keep."""

    kind: Literal["pdf", "jpeg"]
    pages: int
    content: bytes
    sha256: str


class Photo(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A two-inch photo as JPEG, nothing but its pixels; `sha256` is of `content`."""

    width: int
    height: int
    content: bytes
    sha256: str


class Drawing(msgspec.Struct, frozen=True, tag="drawing"):
    """Room that a picture takes, in millimetres."""

    width: float
    height: float


class Paragraph(msgspec.Struct, frozen=True, tag="paragraph"):
    """`size` in points."""

    size: float
    items: list[str | Drawing]


class Row(msgspec.Struct, frozen=True, tag="row"):
    """A row of a table; its cells are as wide as each other."""

    cells: list[list[Block]]


class Break(msgspec.Struct, frozen=True, tag="break"):
    """A new page begins."""


Block = Paragraph | Row | Break


class Manuscript(msgspec.Struct, frozen=True, tag=True):
    """What of a Word file takes room on paper; see word_pages.py."""

    blocks: list[Block]
