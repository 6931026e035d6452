"""A PDF as a reader sees it: pictures of its pages, their texts and fonts."""

from __future__ import annotations

from ctypes import create_string_buffer
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image, ImageChops

from voting_service.infrastructure.typesetting.glyph_coverage import missing_glyphs

DOTS_PER_POINT = 2
MILLIMETRE = 72 / 25.4 * DOTS_PER_POINT
SIDE_MARGIN_MILLIMETRES = 20
"""As in base.typ; head and foot of a page stand further out, but never nearer than EDGE."""
EDGE_MILLIMETRES = 8


@dataclass(frozen=True, slots=True)
class Page:
    """`picture` is in grey, at DOTS_PER_POINT."""

    text: str
    picture: Image.Image

    @property
    def ink(self) -> float:
        """How much of the page is not white, from 0 to 1."""
        histogram = self.picture.histogram()
        return 1 - sum(histogram[250:]) / sum(histogram)


@dataclass(frozen=True, slots=True)
class Printed:
    pages: tuple[Page, ...]
    fonts: frozenset[tuple[str, bool]]
    """(name, whether it is embedded) of every font that a text is set in."""

    @property
    def text(self) -> str:
        return "".join(page.text for page in self.pages)


def printed(pdf: bytes) -> Printed:
    document = pypdfium2.PdfDocument(BytesIO(pdf))
    try:
        fonts = frozenset(
            _font(item)
            for page in document
            for item in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_TEXT], max_depth=4)
        )
        pages = tuple(
            Page(
                text=_text(page),
                picture=page.render(scale=DOTS_PER_POINT, grayscale=True).to_pil(),
            )
            for page in document
        )
    finally:
        document.close()
    return Printed(pages, fonts)


def _text(page: pypdfium2.PdfPage) -> str:
    """Without line ends, which are the page's and not the text's; PDFium takes a hyphen at the
    end of a line for one that it may drop."""
    text: str = page.get_textpage().get_text_range()
    return text.replace("\r\n", "").replace("\ufffe", "-").replace("\x02", "-")


def _font(item: pypdfium2.PdfObject) -> tuple[str, bool]:
    font = pdfium.FPDFTextObj_GetFont(item.raw)
    name = create_string_buffer(256)
    pdfium.FPDFFont_GetBaseFontName(font, name, len(name))
    return name.value.decode(), bool(pdfium.FPDFFont_GetIsEmbedded(font))


def check_looks_right(document: Printed) -> None:
    """No page is empty, unless it tells so, or runs over its margins; fonts are embedded, only what
    is used of them, and have every character."""
    assert document.pages
    for number, page in enumerate(document.pages, start=1):
        is_blank = "此页无正文" in page.text
        assert is_blank or page.ink > 0.005, f"page {number} is empty"
        assert outside_margins(page) is None, f"page {number} runs over its margins"
    assert document.fonts
    for name, embedded in document.fonts:
        assert embedded, f"{name} is not embedded"
        prefix, plus, _ = name.partition("+")
        assert plus, f"{name} is embedded whole"
        assert len(prefix) == 6
    assert missing_glyphs(document.text) == ()


def outside_margins(page: Page) -> tuple[int, int, int, int] | None:
    """The box of what is printed outside, None when nothing is."""
    picture = page.picture.copy()
    side, edge = SIDE_MARGIN_MILLIMETRES * MILLIMETRE, EDGE_MILLIMETRES * MILLIMETRE
    slack = MILLIMETRE  # half the width of a line, a letter's overhang
    inside = (
        int(side - slack),
        int(edge),
        int(picture.width - side + slack),
        int(picture.height - edge),
    )
    picture.paste(255, inside)
    return ImageChops.invert(picture).point(lambda level: 255 * (level > 5)).getbbox()


def get_keys(value: Any, prefix: str = "") -> set[str]:
    """Return the paths of all texts of a template."""
    if not isinstance(value, dict):
        return {prefix}
    return {key for name, part in value.items() for key in get_keys(part, f"{prefix}.{name}")}
