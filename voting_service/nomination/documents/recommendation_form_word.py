"""The recommendation form as a Word file, for officers who correct on paper before they type.

Everything that the pages ask for stands in it, in their order, with room where nothing is filled in
yet. It is a working copy: what is submitted and printed is the PDF. Word brings its own fonts, so
no character is missing.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.shared import Mm, Pt

from voting_service.i18n.catalogues import load_catalogue
from voting_service.nomination.documents.formatting import document_texts, paragraphs
from voting_service.nomination.documents.word_styles import HEADING_FONT, set_font, set_up_page
from voting_service.nomination.form.field_names import FIELD_PATHS
from voting_service.nomination.form.model import ACHIEVEMENT_KINDS, Month, RecommendationForm
from voting_service.nomination.form.validation import STAMPED_PAGES
from voting_service.nomination.model import SelectionRules

_LINES = ("skills", "deeds", "employer_opinion.text", "body_opinion.text")
_NOT_TYPED = ("photo", "evidence", "achievements.pages", *STAMPED_PAGES)
_LABEL_WIDTH, _VALUE_WIDTH = Mm(45), Mm(125)
_EMPTY_LINES = 4


def write_recommendation_form(form: RecommendationForm, rules: SelectionRules, body: str) -> bytes:
    """Return the .docx of a form, in Chinese like the paper form. Blocks for some milliseconds."""
    texts = document_texts("zh", "recommendation_form_word")
    document = Document()
    set_up_page(document)
    title = document.add_paragraph(texts["title"].format(selection=rules.title.zh))
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for run in title.runs:
        set_font(run, HEADING_FONT, Pt(18))
    document.add_paragraph(texts["about"].format(body=body))
    table = document.add_table(rows=0, cols=2, style="Table Grid")
    table.autofit = False
    for label, value, is_long in _rows(form, rules):
        cells = table.add_row().cells
        cells[0].width, cells[1].width = _LABEL_WIDTH, _VALUE_WIDTH
        cells[0].text = label
        lines = paragraphs(value) or [""] * (_EMPTY_LINES if is_long else 1)
        cells[1].text = lines[0]
        for line in lines[1:]:
            cells[1].add_paragraph(line)
    document.add_paragraph(texts["corrected"])
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def _rows(form: RecommendationForm, rules: SelectionRules) -> Iterator[tuple[str, str, bool]]:
    """Yield label, value and whether it is a long text, of everything that is typed or chosen."""
    texts = load_catalogue("recommendations", "zh")
    chosen = {
        "sex": texts["sexes"],
        "qualification": texts["qualifications"],
        "industry": {key: name.zh for key, name in rules.industries.items()},
    }
    for path in FIELD_PATHS:
        if path not in _NOT_TYPED:
            value = _value(form, path, texts)
            yield texts["fields"][path], chosen.get(path, {}).get(value, value), path in _LINES


def _conditions(pages: Mapping[str, str], texts: Mapping[str, Any]) -> Iterator[str]:
    """Yield every condition, ticked with its pages or with room for both."""
    marks = document_texts("zh", "recommendation_form_word")
    for kind in ACHIEVEMENT_KINDS:
        mark = marks["ticked" if kind in pages else "unticked"]
        shown = pages.get(kind) or marks["no_pages"]
        words = texts["step"]["pages_of"].format(
            achievement=texts["achievements"][kind], pages=shown
        )
        yield f"{mark} {words}"


def _value(form: RecommendationForm, path: str, texts: Mapping[str, Any]) -> str:
    value: Any = form
    for part in path.split("."):
        value = getattr(value, part)
    if isinstance(value, Month):
        month: str = document_texts("zh", "recommendation_form")["month"]
        return month.format(year=value.year, month=value.month)
    if isinstance(value, bool):
        return str(texts["check"]["yes" if value else "no"])
    if path == "achievements":
        return "\n".join(_conditions({shown.kind: shown.pages for shown in value}, texts))
    return str(value or "")
