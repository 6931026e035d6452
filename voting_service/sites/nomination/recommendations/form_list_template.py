"""The empty list of recommendations as an Excel workbook, with what may be chosen in its cells."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import Language
from voting_service.nomination.model import SelectionRules
from voting_service.nomination.recommendations.model import MAX_DRAFTS
from voting_service.sites.nomination.recommendations.form_list import COLUMNS, options

_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_WIDTHS = {"lines": 50, "tick": 10, "month": 12, "day": 12}


def write_template(rules: SelectionRules, reader: Language) -> bytes:
    """Return a workbook: the empty list, a filled-in row on a sheet of its own, the choices."""
    texts = load_catalogue("recommendations", reader)
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, _OPTIONS) as workbook:
        people = _sheet(workbook, texts["bulk"]["sheet"], texts, reader)
        example = _sheet(workbook, texts["bulk"]["example"], texts, reader)
        listed = workbook.add_worksheet(texts["bulk"]["choices"])
        wrapped = workbook.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
        for place, column in enumerate(COLUMNS):
            example.write_string(1, place, texts["sample"].get(column.name, ""), wrapped)
            chosen = [
                *options(column, rules, reader).values(),
                *load_catalogue("recommendations", "zh")["lists"].get(column.name, ()),
            ]
            if chosen:
                listed.write_column(0, place, chosen)
                letter = xl_col_to_name(place)
                source = f"='{texts['bulk']['choices']}'!${letter}$1:${letter}${len(chosen)}"
                # What is in no list, such as another ethnic group, may be typed all the same.
                rule = {"validate": "list", "source": source, "error_type": "information"}
                people.data_validation(1, place, MAX_DRAFTS, place, rule)
    return stream.getvalue()


def _sheet(workbook: Any, name: str, texts: Mapping[str, Any], reader: Language) -> Any:
    heading = workbook.add_format({"bold": True, "bg_color": "#F6F1E7", "border": 1})
    as_text = workbook.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
    sheet = workbook.add_worksheet(name)
    sheet.freeze_panes(1, 1)
    for place, column in enumerate(COLUMNS):
        width = 20 if column.field is None else _WIDTHS.get(column.field.kind, 18)
        sheet.set_column(place, place, width, as_text)
        sheet.write_string(0, place, column.heading(reader), heading)
        hint = texts["hints"].get(column.name) if column.field else texts["bulk"]["file_hint"]
        if hint:
            sheet.write_comment(0, place, hint)
    return sheet
