"""Page and fonts of the Word files that we write."""

from __future__ import annotations

from typing import Any

from docx.oxml.ns import qn
from docx.shared import Mm, Pt

FONT, HEADING_FONT = "FangSong", "SimSun"


def set_up_page(document: Any) -> None:
    """Set A4 with margins of 20 mm, the font and language of the text; name no author."""
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(20)
    section.top_margin = section.bottom_margin = Mm(20)
    set_font(document.styles["Normal"], FONT, Pt(12))
    for language in document.styles.element.iter(qn("w:lang")):
        language.set(qn("w:eastAsia"), "zh-CN")  # python-docx sets English: full stops in mid-line
    document.core_properties.author = ""
    document.core_properties.comments = ""


def set_font(styled: Any, name: str, size: Pt) -> None:
    """Set the font of letters and, which Word keeps apart, of ideographs."""
    styled.font.name, styled.font.size = name, size
    styled.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), name)
