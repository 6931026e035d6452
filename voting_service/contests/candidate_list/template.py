"""Write a list of candidates as an Excel workbook: the empty template, or a list that exists."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import xlsxwriter

from voting_service.contests.candidate_list.columns import CATALOGUE, COLUMNS, CandidateColumn
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import Language

_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def write_template(reader: Language) -> bytes:
    """Return a workbook with headings in the reader's language, an example row, which is not read,
    and a sheet that explains the columns."""
    example: Mapping[str, str] = load_catalogue(CATALOGUE, reader)["example"]
    return _write(reader, [[example[column.id] for column in COLUMNS]])


def write_candidates(candidates: Iterable[Mapping[str, Any]], reader: Language) -> bytes:
    """Return the same with candidates, entries of a contest file, instead of the example."""
    return _write(reader, [[_cell(entry, column) for column in COLUMNS] for entry in candidates])


def _cell(entry: Mapping[str, Any], column: CandidateColumn) -> str | int:
    value = entry.get(column.key) or ""
    if column.is_list:
        items = [_cell({column.key: item}, column._replace(is_list=False)) for item in value]
        return "\n".join(str(item) for item in items).rstrip()
    if isinstance(value, Mapping):
        text: str = value[column.language]
        return "" if column.language == "en" and text == value["zh"] else text
    return "" if column.language == "en" else value


def _write(reader: Language, rows: Sequence[Sequence[str | int]]) -> bytes:
    texts = load_catalogue(CATALOGUE, reader)
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, _OPTIONS) as workbook:
        heading = workbook.add_format({"bold": True, "bg_color": "#F6F1E7", "border": 1})
        wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
        sheet = workbook.add_worksheet(texts["sheets"]["candidates"])
        sheet.freeze_panes(1, 1)
        # Without a format of its own Excel turns a number such as 1-2 into a date.
        whole = workbook.add_format({"num_format": "0", "valign": "top"})
        formats = [whole if column.key == "number" else wrapped for column in COLUMNS]
        for place, column in enumerate(COLUMNS):
            sheet.set_column(place, place, column.width, formats[place])
            sheet.write_string(0, place, column.heading(reader), heading)
            sheet.write_comment(0, place, column.note(reader))
        for at, row in enumerate(rows, start=1):
            for place, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(at, place, value, formats[place])
                else:
                    sheet.write_number(at, place, value, formats[place])
        _write_notes(workbook, texts["sheets"], reader)
    return stream.getvalue()


def _write_notes(workbook: Any, texts: Mapping[str, str], reader: Language) -> None:
    bold = workbook.add_format({"bold": True, "valign": "top"})
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    notes = workbook.add_worksheet(texts["notes"])
    notes.set_column(0, 0, 24, bold)
    notes.set_column(1, 1, 90, wrapped)
    lines = [
        (texts["columns"], texts["columns_note"]),
        *((column.heading(reader), column.note(reader)) for column in COLUMNS),
        (texts["pictures"], texts["pictures_note"]),
    ]
    for at, (name, note) in enumerate(lines):
        notes.write_string(at, 0, name, bold)
        notes.write_string(at, 1, note, wrapped)
