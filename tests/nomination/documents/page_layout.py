"""What a reader of pictures cannot see in a page: where its texts stand, and its boxes."""

from __future__ import annotations

from io import BytesIO
from itertools import combinations
from typing import NamedTuple

import pypdfium2
import pypdfium2.raw as pdfium

from voting_service.nomination.documents import photos

MILLIMETRE = 72 / photos.MILLIMETRES_PER_INCH
A4 = (210, 297)


class Box(NamedTuple):
    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: Box) -> bool:
        """Whether they share more than a hair."""
        slack = 0.75  # points
        return (
            self.left + slack < other.right
            and other.left + slack < self.right
            and self.bottom + slack < other.top
            and other.bottom + slack < self.top
        )


class Sheet(NamedTuple):
    """A page in millimetres; `dots` are the dots an inch of each of its pictures."""

    size: tuple[int, int]
    trimmed: tuple[int, int]
    texts: tuple[Box, ...]
    """In points, from the corner at the bottom left of what is left when it is trimmed."""
    dots: tuple[int, ...]


def sheets(pdf: bytes) -> list[Sheet]:
    document = pypdfium2.PdfDocument(BytesIO(pdf))
    try:
        return [_sheet(page) for page in document]
    finally:
        document.close()


def metadata(pdf: bytes) -> dict[str, str]:
    """What the document states of itself, without what it leaves empty and the program's name."""
    document = pypdfium2.PdfDocument(BytesIO(pdf))
    try:
        metadata = document.get_metadata_dict(skip_empty=True)
    finally:
        document.close()
    return {key: value for key, value in metadata.items() if key != "Creator"}


def check_texts(pdf: bytes, *, margin_millimetres: float) -> None:
    """Every text stands within the margins of its page, and none over another."""
    for number, page in enumerate(sheets(pdf), start=1):
        wide, high = (side * MILLIMETRE for side in page.trimmed)
        margin = margin_millimetres * MILLIMETRE
        for text in page.texts:
            assert text.left >= margin, f"page {number}: {text}"
            assert text.bottom >= margin, f"page {number}: {text}"
            assert text.right <= wide - margin + 0.5, f"page {number}: {text}"
            assert text.top <= high - margin, f"page {number}: {text}"
        for first, other in combinations(page.texts, 2):
            assert not first.meets(other), f"page {number}: {first} and {other}"


def _sheet(page: pypdfium2.PdfPage) -> Sheet:
    left, bottom, right, top = page.get_mediabox()
    trim = page.get_trimbox()
    texts, dots = [], []
    for item in page.get_objects(max_depth=6):
        if item.type == pdfium.FPDF_PAGEOBJ_TEXT:
            x0, y0, x1, y1 = item.get_bounds()
            texts.append(Box(x0 - trim[0], y0 - trim[1], x1 - trim[0], y1 - trim[1]))
        elif isinstance(item, pypdfium2.PdfImage):
            dots.append(round(item.get_metadata().horizontal_dpi))
    return Sheet(
        _millimetres(right - left, top - bottom),
        _millimetres(trim[2] - trim[0], trim[3] - trim[1]),
        tuple(texts),
        tuple(dots),
    )


def _millimetres(wide: float, high: float) -> tuple[int, int]:
    return round(wide / MILLIMETRE), round(high / MILLIMETRE)
