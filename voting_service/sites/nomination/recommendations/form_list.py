"""Recommendations as a list: one person a row, one field a column, files by name. No I/O.

The columns are the fields of the pages with their labels, so a new field has its column at once; a
list may have its headings in either language and its columns in any order.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import LANGUAGES, Language
from voting_service.infrastructure.spreadsheets import Row, read_sheets
from voting_service.nomination.form.model import RecommendationForm
from voting_service.nomination.model import SelectionRules, Slot
from voting_service.nomination.recommendations.model import MAX_DRAFTS
from voting_service.sites.nomination.recommendations.form_steps import (
    ACHIEVEMENTS,
    FIELDS,
    QUALIFICATIONS,
    SEXES,
    SLOTS,
    STEPS,
    Step,
    StepField,
    Values,
    apply_values,
)

HEADING_ROWS = 10
"""The headings stand in one of the first rows, below a title."""
_FEWEST_HEADINGS = 3
_PAGES = "achievements."
YES = "yes"


class FormColumn(NamedTuple):
    """A column: a field, or a slot whose cells name a file."""

    step: Step
    name: str
    field: StepField | None = None

    def heading(self, reader: Language) -> str:
        """Return its heading in the template."""
        texts = load_catalogue("recommendations", reader)
        heading: str = texts["slots" if self.field is None else "fields"][self.name]
        return heading


COLUMNS: tuple[FormColumn, ...] = tuple(
    column
    for step in STEPS
    for column in (
        *(FormColumn(step, field.name, field) for field in FIELDS[step] if field.kind != "ticks"),
        *(FormColumn(step, slot) for slot in SLOTS[step]),
    )
)
"""An achievement is ticked by the pages that show it."""


class ListedRecommendation(NamedTuple):
    """A row: the form, the name of each file, and the faults of its cells, by field or slot."""

    row: int
    form: RecommendationForm
    files: Mapping[Slot, str]
    faults: tuple[Fault, ...]


def options(column: FormColumn, rules: SelectionRules, reader: Language) -> Mapping[str, str]:
    """Return what a cell may hold, by the value that a page posts; empty for any text."""
    texts = load_catalogue("recommendations", reader)
    match column.name:
        case "sex":
            return {sex: texts["sexes"][sex] for sex in SEXES}
        case "qualification":
            return {key: texts["qualifications"][key] for key in QUALIFICATIONS}
        case "industry":
            return {key: getattr(name, reader) for key, name in rules.industries.items()}
    if column.field is not None and column.field.kind == "tick":
        return {YES: texts["check"]["yes"], "": texts["check"]["no"]}
    return {}


def read_form_list(content: bytes, rules: SelectionRules) -> Sequence[ListedRecommendation]:
    """Return the people of a workbook or CSV file. Raises InvalidInput for one that is no list of
    recommendations, with every heading that is not known, or too long."""
    for sheet in read_sheets(content):
        headings = range(min(len(sheet), HEADING_ROWS))
        at = max(headings, key=lambda place: len(_find_columns(sheet[place])), default=0)
        if sheet and len(_find_columns(sheet[at])) >= _FEWEST_HEADINGS:
            return list(_people(sheet, at, rules))
    raise InvalidInput(Fault("list", "sites.nomination.recommendations.list_without_headings"))


def _people(sheet: Sequence[Row], at: int, rules: SelectionRules) -> Iterator[ListedRecommendation]:
    columns = _find_columns(sheet[at])
    unknown = [cell for place, cell in enumerate(sheet[at]) if cell and place not in columns]
    if unknown:
        code = "sites.nomination.recommendations.list_heading_unknown"
        raise InvalidInput(*(Fault("list", code, heading=heading) for heading in unknown))
    rows = [(number, row) for number, row in enumerate(sheet, start=1) if any(row)]
    rows = [(number, row) for number, row in rows if number > at + 1]
    if len(rows) > MAX_DRAFTS:
        code = "sites.nomination.recommendations.list_too_long"
        raise InvalidInput(Fault("list", code, rows=len(rows), limit=MAX_DRAFTS))
    for number, row in rows:
        cells = {column: _cell(row, place) for place, column in columns.items()}
        yield _person(number, cells, rules)


def _person(
    number: int, cells: Mapping[FormColumn, str], rules: SelectionRules
) -> ListedRecommendation:
    form, faults = RecommendationForm(), list[Fault]()
    for step in STEPS:
        form, unreadable = apply_values(form, step, _values(step, cells, rules), rules.industries)
        faults += unreadable
    files = {
        slot: cells.get(FormColumn(step, slot), "")
        for step in STEPS
        for slot in SLOTS[step]
        if cells.get(FormColumn(step, slot))
    }
    return ListedRecommendation(number, form, files, tuple(faults))


def _values(step: Step, cells: Mapping[FormColumn, str], rules: SelectionRules) -> Values:
    """Return the values as the page of a step would post them."""
    texts = {c.name: _value(c, cell, rules) for c, cell in cells.items() if c.step == step}
    values: dict[str, str | tuple[str, ...]] = {}
    for field in FIELDS[step]:
        values[field.name] = texts.get(field.name, "")
        if field.kind == "ticks":
            values[field.name] = tuple(
                kind for kind in ACHIEVEMENTS if texts.get(f"{_PAGES}{kind}.pages")
            )
    return values


def _value(column: FormColumn, cell: str, rules: SelectionRules) -> str:
    """Return the value that a page posts for the text of a cell in either language."""
    for reader in LANGUAGES:
        for value, shown in options(column, rules, reader).items():
            if _plain(cell) in {_plain(shown), _plain(value)}:
                return value
    return cell


def _find_columns(headings: Row) -> Mapping[int, FormColumn]:
    """Return the columns of a row of headings by their place; of two for one the first."""
    columns: dict[int, FormColumn] = {}
    for place, heading in enumerate(headings):
        column = _BY_HEADING.get(_plain(heading))
        if column is not None and column not in columns.values():
            columns[place] = column
    return columns


def _cell(row: Row, place: int) -> str:
    return row[place] if place < len(row) else ""


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum())


_BY_HEADING = {_plain(c.heading(reader)): c for reader in LANGUAGES for c in COLUMNS}
