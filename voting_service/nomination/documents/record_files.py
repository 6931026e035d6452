"""A record as PDF, Word and Excel."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import msgspec
import xlsxwriter
from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from voting_service.i18n.text import Language
from voting_service.infrastructure.typesetting.compiler import typeset
from voting_service.nomination.documents.record import Record, RecordTable, SignatureLines
from voting_service.nomination.documents.word_styles import HEADING_FONT, set_font, set_up_page

Suffix = Literal["pdf", "docx", "xlsx"]
SIGNATURE_HEIGHT = Mm(13)
_EXCEL_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_NOT_IN_SHEET_NAMES = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))
_MAX_SHEET_NAME = 31
_MIN_WIDTH, _MAX_WIDTH = 8, 46


class RecordFile(NamedTuple):
    """How a record is written; `write` blocks and belongs in a thread."""

    media_type: str
    write: Callable[[Record, Language], bytes]


def _write_pdf(record: Record, language: Language) -> bytes:
    """Return the PDF on A4."""
    return typeset(
        __package__, "record.typ", {"language": language, "record": msgspec.to_builtins(record)}
    )


# Word


def _write_word(record: Record, language: Language) -> bytes:
    """Return the .docx on A4."""
    document = Document()
    set_up_page(document)
    _paragraph(document, record.title, Pt(18), WD_ALIGN_PARAGRAPH.CENTER)
    _paragraph(document, record.subtitle, Pt(12), WD_ALIGN_PARAGRAPH.CENTER)
    for section in record.sections:
        _heading(document, section.heading)
        for name, value in section.facts:
            document.add_paragraph(f"{name}{'：' if language == 'zh' else ': '}{value}")
        for text in section.paragraphs:
            document.add_paragraph(text)
        for at, text in enumerate(section.numbered, start=1):
            document.add_paragraph(f"{at}. {text}")
        if section.table is not None:
            _word_table(document, section.table)
    _word_signatures(document, record.signatures)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def _paragraph(document: Any, text: str, size: Pt, alignment: Any = None) -> Any:
    paragraph = document.add_paragraph(text)
    paragraph.alignment = alignment
    for run in paragraph.runs:
        set_font(run, HEADING_FONT, size)
    return paragraph


def _heading(document: Any, text: str) -> None:
    """A heading of Word's outline, in our fonts and in black."""
    heading = document.add_heading(level=2)
    run = heading.add_run(text)
    set_font(run, HEADING_FONT, Pt(14))
    run.font.color.rgb = None


def _word_table(document: Any, table: RecordTable) -> None:
    drawn = _grid(document, [column.name for column in table.columns])
    for at, row in enumerate(table.rows):
        cells = drawn.add_row().cells
        for cell, value, column in zip(cells, row, table.columns, strict=True):
            paragraph = cell.paragraphs[0]
            paragraph.add_run(str(value)).bold = at < table.strong
            if column.kind == "figure":
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    document.add_paragraph()


def _word_signatures(document: Any, lines: SignatureLines) -> None:
    _heading(document, lines.heading)
    document.add_paragraph(lines.explained)
    drawn = _grid(document, lines.columns)
    for role, name in lines.people:
        row = drawn.add_row()
        row.height = SIGNATURE_HEIGHT
        row.cells[0].text, row.cells[1].text = role, name


def _grid(document: Any, names: Sequence[str]) -> Any:
    """Add a table whose row of headings is repeated on every page."""
    drawn = document.add_table(rows=1, cols=len(names), style="Table Grid")
    for cell, name in zip(drawn.rows[0].cells, names, strict=True):
        cell.paragraphs[0].add_run(name).bold = True
    repeated = OxmlElement("w:tblHeader")
    repeated.set(qn("w:val"), "true")
    drawn.rows[0]._tr.get_or_add_trPr().append(repeated)
    return drawn


# Excel


def _write_excel(record: Record, language: Language) -> bytes:
    """Return the .xlsx: a sheet of all that is no table, one for each table, one to sign."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, _EXCEL_OPTIONS) as workbook:
        _excel_words(workbook, record)
        for section in record.sections:
            if section.table is not None:
                columns = [column.name for column in section.table.columns]
                _excel_table(workbook, section.heading, columns, section.table.rows)
        lines = record.signatures
        to_sign = tuple((role, name, "", "") for role, name in lines.people)
        sheet = _excel_table(workbook, lines.heading, lines.columns, to_sign)
        for at in range(len(to_sign)):
            sheet.set_row(at + 1, SIGNATURE_HEIGHT.pt)
        sheet.set_column(2, 3, 24)
    return stream.getvalue()


def _excel_words(workbook: Any, record: Record) -> None:
    bold = workbook.add_format({"bold": True})
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    sheet = _add_sheet(workbook, record.title)
    sheet.set_column(0, 0, 30, wrapped)
    sheet.set_column(1, 1, 80, wrapped)
    rows: list[tuple[str, str, Any]] = [(record.title, "", bold), (record.subtitle, "", None)]
    for section in record.sections:
        words = [*(("", text) for text in section.paragraphs + section.numbered), *section.facts]
        if words:
            rows.append((section.heading, "", bold))
            rows.extend((name, text, None) for name, text in words)
    for at, (name, text, style) in enumerate(rows):
        sheet.write_string(at, 0, name, style)
        sheet.write_string(at, 1, text)


def _excel_table(
    workbook: Any, heading: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> Any:
    head = workbook.add_format({"bold": True, "bg_color": "#F6F1E7", "border": 1})
    as_text = workbook.add_format({"num_format": "@", "border": 1})
    as_number = workbook.add_format({"border": 1})
    as_points = workbook.add_format({"num_format": "0.00", "border": 1})
    sheet = _add_sheet(workbook, heading)
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    for place, name in enumerate(columns):
        texts = [name, *(str(row[place]) for row in rows)]
        # An ideograph is as wide as two digits.
        width = max(sum(2 if ord(sign) > 0xFF else 1 for sign in text) for text in texts) + 2
        sheet.set_column(place, place, min(max(width, _MIN_WIDTH), _MAX_WIDTH))
        sheet.write_string(0, place, name, head)
    for at, row in enumerate(rows, start=1):
        for place, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(at, place, cell, as_text)
            else:
                style = as_points if isinstance(cell, Decimal) else as_number
                sheet.write_number(at, place, cell, style)
    return sheet


def _add_sheet(workbook: Any, name: str) -> Any:
    """Add a sheet to print on A4, one page wide, with a name that Excel takes."""
    sheet = workbook.add_worksheet(name.translate(_NOT_IN_SHEET_NAMES)[:_MAX_SHEET_NAME].strip())
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    return sheet


RECORD_FILES: Mapping[Suffix, RecordFile] = {
    "pdf": RecordFile("application/pdf", _write_pdf),
    "docx": RecordFile(
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document", _write_word
    ),
    "xlsx": RecordFile(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _write_excel
    ),
}
