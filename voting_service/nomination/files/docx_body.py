"""The printed content of a Word file: text with its size, pictures, tables, page breaks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from voting_service.nomination.files.docx_xml import Checks
from voting_service.nomination.files.model import (
    Block,
    Break,
    Drawing,
    Manuscript,
    Paragraph,
    Row,
)
from voting_service.nomination.files.rejections import FileRejected, RejectionReason

MAX_TABLES_DEPTH = 8
MAX_CELLS = 64
"""In a row; Word allows 63."""
MAX_CHARACTERS = 100_000
"""Twice what ten pages of the smallest type hold."""
MAX_BLOCKS = 5_000
"""Ten times what ten pages hold."""
SMALLEST_POINTS, DEFAULT_POINTS, LARGEST_POINTS = 9.0, 10.5, 72.0
_MILLIMETRES_PER_UNIT = 1 / 36_000  # DrawingML's English Metric Unit
_UNKNOWN_DRAWING = Drawing(120, 90)
_LENGTH = re.compile(r"(width|height)\s*:\s*([0-9.]+)(pt|in|cm|mm|px)?")
_MILLIMETRES = {"pt": 25.4 / 72, "in": 25.4, "cm": 10.0, "mm": 1.0, "px": 25.4 / 96}


@dataclass
class DocxBody(Checks):
    """Reader of the main part that collects its blocks in order. Raises FileRejected with TOO_LONG
    as soon as the content cannot fit on `limit` pages."""

    limit: int = 0
    blocks: list[Block] = field(default_factory=list)
    _places: list[list[Block]] = field(default_factory=list)
    _rows: list[list[list[Block]]] = field(default_factory=list)
    _paragraphs: list[_Open] = field(default_factory=list)
    _drawings: list[dict[str, Any]] = field(default_factory=list)
    _shape: Drawing = _UNKNOWN_DRAWING
    _unseen: int = 0
    _texts: int = 0
    _characters: int = 0
    _count: int = 0
    _breaks: int = 0

    def manuscript(self) -> Manuscript:
        return Manuscript(self.blocks)

    def opened(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "Fallback":  # repeats the content for older readers
            self._unseen += 1
        if self._unseen:
            return
        handle = _OPENED.get(name)
        if handle:
            handle(self, attributes)

    def closed(self, name: str) -> None:
        if name == "Fallback":
            self._unseen -= 1
        elif not self._unseen and (handle := _CLOSED.get(name)):
            handle(self)

    def text(self, text: str) -> None:
        if self._texts and not self._unseen:
            self._characters += len(text)
            if self._characters > MAX_CHARACTERS:
                raise FileRejected(RejectionReason.TOO_LONG, limit=self.limit)
            self._write(text)

    def _write(self, item: str | Drawing) -> None:
        if not self._paragraphs:
            return
        items = self._paragraphs[-1].items
        if isinstance(item, str) and items and isinstance(items[-1], str):
            items[-1] += item
        else:
            items.append(item)

    def _place(self, block: Block) -> None:
        if isinstance(block, Break):
            if self._places:  # no page break inside a table row
                return
            self._breaks += 1
        self._count += 1
        if self._count > MAX_BLOCKS or self._breaks > 3 * self.limit:
            raise FileRejected(RejectionReason.TOO_LONG, limit=self.limit)
        (self._places[-1] if self._places else self.blocks).append(block)

    def _open_paragraph(self, _: Mapping[str, str]) -> None:
        self._paragraphs.append(_Open())

    def _close_paragraph(self) -> None:
        if self._paragraphs:
            done = self._paragraphs.pop()
            if done.begins_page:
                self._place(Break())
            self._place(Paragraph(done.size or DEFAULT_POINTS, done.items))
            if done.ends_page:
                self._place(Break())

    def _break(self, attributes: Mapping[str, str]) -> None:
        if attributes.get("type") == "page" and self._paragraphs:
            done, self._paragraphs[-1] = self._paragraphs[-1], _Open()
            self._place(Paragraph(done.size or DEFAULT_POINTS, done.items))
            self._place(Break())
        else:
            self._write("\n")

    def _size(self, attributes: Mapping[str, str]) -> None:
        if self._paragraphs and (half_points := attributes.get("val", "")).isdecimal():
            size = min(max(int(half_points[:6]) / 2, SMALLEST_POINTS), LARGEST_POINTS)
            self._paragraphs[-1].size = max(self._paragraphs[-1].size, size)

    def _page_before(self, attributes: Mapping[str, str]) -> None:
        if self._paragraphs and attributes.get("val", "1") not in {"0", "false", "off"}:
            self._paragraphs[-1].begins_page = True

    def _open_section(self, _: Mapping[str, str]) -> None:
        if self._paragraphs:
            self._paragraphs[-1].ends_page = True

    def _section_type(self, attributes: Mapping[str, str]) -> None:
        if self._paragraphs and attributes.get("val") == "continuous":
            self._paragraphs[-1].ends_page = False

    def _open_row(self, _: Mapping[str, str]) -> None:
        if len(self._rows) >= MAX_TABLES_DEPTH:
            raise FileRejected(RejectionReason.BROKEN)
        self._rows.append([])

    def _close_row(self) -> None:
        cells = self._rows.pop() if self._rows else []
        if len(cells) > MAX_CELLS:
            raise FileRejected(RejectionReason.BROKEN)
        if cells:
            self._place(Row(cells))

    def _open_cell(self, _: Mapping[str, str]) -> None:
        if self._rows:
            cell: list[Block] = []
            self._rows[-1].append(cell)
            self._places.append(cell)

    def _close_cell(self) -> None:
        if self._places:
            self._places.pop()

    def _open_drawing(self, _: Mapping[str, str]) -> None:
        self._drawings.append({})

    def _extent(self, attributes: Mapping[str, str]) -> None:
        if self._drawings and "size" not in self._drawings[-1]:
            sides = [attributes.get(side, "") for side in ("cx", "cy")]
            if all(side.isdecimal() and len(side) < 12 for side in sides):
                width, height = (int(side) * _MILLIMETRES_PER_UNIT for side in sides)
                self._drawings[-1]["size"] = Drawing(width, height)

    def _floats(self, _: Mapping[str, str]) -> None:
        if self._drawings:
            self._drawings[-1]["floats"] = True

    def _close_drawing(self) -> None:
        drawing = self._drawings.pop() if self._drawings else {}
        if "floats" not in drawing:  # such as a stamp over the text
            self._write(drawing.get("size", _UNKNOWN_DRAWING))

    def _old_shape(self, attributes: Mapping[str, str]) -> None:
        sides = {
            side: min(float(number), 10_000) * _MILLIMETRES[unit or "pt"]
            for side, number, unit in _LENGTH.findall(attributes.get("style", ""))
            if number.count(".") <= 1 and number != "."
        }
        self._shape = Drawing(
            sides.get("width", _UNKNOWN_DRAWING.width), sides.get("height", _UNKNOWN_DRAWING.height)
        )

    def _old_picture(self, _: Mapping[str, str]) -> None:
        self._write(self._shape)

    def _open_text(self, _: Mapping[str, str]) -> None:
        self._texts += 1

    def _close_text(self) -> None:
        self._texts -= 1


@dataclass
class _Open:
    """A paragraph being read; `size` is 0 until the file states one."""

    items: list[str | Drawing] = field(default_factory=list)
    size: float = 0
    begins_page: bool = False
    ends_page: bool = False


_OPENED: Mapping[str, Callable[[DocxBody, Mapping[str, str]], None]] = {
    "p": DocxBody._open_paragraph,
    "t": DocxBody._open_text,
    "br": DocxBody._break,
    "cr": DocxBody._break,
    "sz": DocxBody._size,
    "pageBreakBefore": DocxBody._page_before,
    "sectPr": DocxBody._open_section,
    "type": DocxBody._section_type,
    "tr": DocxBody._open_row,
    "tc": DocxBody._open_cell,
    "inline": DocxBody._open_drawing,
    "anchor": DocxBody._open_drawing,
    "extent": DocxBody._extent,
    "wrapNone": DocxBody._floats,
    "shape": DocxBody._old_shape,
    "imagedata": DocxBody._old_picture,
}
_CLOSED: Mapping[str, Callable[[DocxBody], None]] = {
    "p": DocxBody._close_paragraph,
    "t": DocxBody._close_text,
    "tr": DocxBody._close_row,
    "tc": DocxBody._close_cell,
    "inline": DocxBody._close_drawing,
    "anchor": DocxBody._close_drawing,
}
