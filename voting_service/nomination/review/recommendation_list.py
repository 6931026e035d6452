"""The list of recommendations as a workbook, as a bureau makes it for the file and for meetings."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import xlsxwriter

from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.formatting import written_day
from voting_service.i18n.text import Language
from voting_service.nomination.model import Selection
from voting_service.nomination.review.repository import SubmittedRecommendation

_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_A4 = 9


class ListedContext(NamedTuple):
    """What a column needs besides the recommendation."""

    selection: Selection
    language: Language


class ListColumn(NamedTuple):
    """A column: its heading's name in the catalogue, its width in characters, and its text; numbers
    are for figures only. `is_contact`: only for who decides about people."""

    name: str
    width: int
    value: Callable[[SubmittedRecommendation, ListedContext], str | float]
    is_contact: bool = False


def _review_text(section: str, key: str, language: Language) -> str:
    return str(load_catalogue("review", language)[section].get(key, ""))


def _industry(submitted: SubmittedRecommendation, context: ListedContext) -> str:
    form = submitted.form
    industry = context.selection.rules.industries.get(form.industry)
    name = getattr(industry, context.language) if industry else form.industry
    return " \u00b7 ".join(filter(None, (name, form.industry_other, form.chain)))


def _central(submitted: SubmittedRecommendation, context: ListedContext) -> str:
    return _review_text("list", "yes", context.language) if submitted.form.is_central_unit else ""


COLUMNS: tuple[ListColumn, ...] = (
    ListColumn("number", 7, lambda s, _: s.id),
    ListColumn("body", 14, lambda s, c: str(getattr(s.body.name, c.language))),
    ListColumn("name", 10, lambda s, _: s.form.name),
    ListColumn("sex", 6, lambda s, c: _review_text("sexes", s.form.sex or "", c.language)),
    ListColumn("birth", 9, lambda s, _: "" if s.form.birth is None else str(s.form.birth)),
    ListColumn("id_number", 21, lambda s, _: s.form.id_number, is_contact=True),
    ListColumn("employer", 26, lambda s, _: s.form.employer),
    ListColumn("central", 10, _central),
    ListColumn("trade", 14, lambda s, _: s.form.trade),
    ListColumn("skill_grade", 14, lambda s, _: s.form.skill_grade),
    ListColumn("industry", 18, _industry),
    ListColumn("contact", 10, lambda s, _: s.form.employer_contact, is_contact=True),
    ListColumn("telephone", 15, lambda s, _: s.form.employer_telephone, is_contact=True),
    ListColumn("state", 10, lambda s, c: _review_text("states", s.state, c.language)),
    ListColumn("reviewers", 14, lambda s, _: s.assignee),
    ListColumn("score", 10, lambda s, _: "" if s.average_score is None else s.average_score),
    ListColumn("lowest", 8, lambda s, _: min(s.preliminary_scores, default="")),
    ListColumn("highest", 8, lambda s, _: max(s.preliminary_scores, default="")),
    ListColumn("scorers", 8, lambda s, _: len(s.preliminary_scores)),
)


def write_list(
    context: ListedContext,
    people: Iterable[SubmittedRecommendation],
    now: datetime,
    *,
    with_contacts: bool,
) -> bytes:
    """Return the workbook: title, who made it and when, then a row for each person. ID numbers and
    telephones are texts, which keeps their digits; they are left out without `with_contacts`."""
    language, selection = context.language, context.selection
    texts = load_catalogue("review", language)["list"]
    columns = [column for column in COLUMNS if with_contacts or not column.is_contact]
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, _OPTIONS) as workbook:
        sheet = workbook.add_worksheet(texts["sheet"])
        title = workbook.add_format({"bold": True, "font_size": 16, "align": "center"})
        last = len(columns)
        name = getattr(selection.title, language)
        sheet.merge_range(0, 0, 0, last, texts["title"].format(selection=name), title)
        issuer = getattr(selection.rules.office, language)
        day = written_day(now.astimezone(selection.zone).date(), language)
        sheet.write_string(1, 0, texts["made"].format(office=issuer, day=day))
        _write_rows(workbook, sheet, context, columns, list(people))
    return stream.getvalue()


def _write_rows(
    workbook: Any,
    sheet: Any,
    context: ListedContext,
    columns: Sequence[ListColumn],
    people: Sequence[SubmittedRecommendation],
) -> None:
    cell = {"border": 1, "valign": "vcenter", "text_wrap": True}
    heading = workbook.add_format({**cell, "bold": True, "align": "center", "bg_color": "#F6F1E7"})
    text = workbook.add_format({**cell, "num_format": "@"})
    figure = workbook.add_format({**cell, "align": "center"})
    headings = load_catalogue("review", context.language)["list"]["columns"]
    sheet.set_column(0, 0, 6)
    sheet.write_string(2, 0, headings["place"], heading)
    for place, column in enumerate(columns, start=1):
        sheet.set_column(place, place, column.width)
        sheet.write_string(2, place, headings[column.name], heading)
    for row, submitted in enumerate(people, start=3):
        sheet.write_number(row, 0, row - 2, figure)
        for place, column in enumerate(columns, start=1):
            value = column.value(submitted, context)
            if isinstance(value, int | float):
                sheet.write_number(row, place, value, figure)
            else:
                sheet.write_string(row, place, value, text)
    bottom = max(len(people) + 2, 3)
    sheet.autofilter(2, 0, bottom, len(columns))
    sheet.ignore_errors({"number_stored_as_text": f"A1:Z{bottom + 1}"})
    sheet.freeze_panes(3, 4)
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(2)
    sheet.set_footer("&C&P / &N")
