"""Read a list of candidates into the entries of a contest file, with the cell of each value.

Whether a value may be shown is checked as for a contest file (contest_file/reader.py).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NamedTuple

from openpyxl.utils import get_column_letter

from voting_service.contests.candidate_list.columns import (
    COLUMNS,
    CandidateColumn,
    find_column,
    find_columns,
    is_example,
)
from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.text import LANGUAGES
from voting_service.infrastructure.spreadsheets import Row, read_sheets

HEADING_ROWS = 10
"""The headings stand in one of the first rows, below a title."""
_FEWEST_HEADINGS = 3

_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d")
"""What a cell holds that shows a number as a date or time."""
_REQUIRED = frozenset(column.key for column in COLUMNS if column.is_required)

Path = tuple[str | int, ...]


class ListCell(NamedTuple):
    """A cell, or a whole row without a column, of the list; `heading` is as it was written."""

    row: int
    column: int | None
    heading: str

    @property
    def reference(self) -> str:
        """Return `C5` as spreadsheets name it, and `5:5` for a row."""
        if self.column is None:
            return f"{self.row}:{self.row}"
        return f"{get_column_letter(self.column + 1)}{self.row}"

    def __str__(self) -> str:
        return f"{self.reference} ({self.heading})" if self.heading else self.reference


class CellFault(NamedTuple):
    """What is wrong with a cell."""

    cell: ListCell
    fault: Fault


class ListRefused(InvalidInput):
    """A list of candidates with faults, in the order of its rows."""

    def __init__(self, cell_faults: Sequence[CellFault]) -> None:
        super().__init__(*(fault.at(str(cell)) for cell, fault in cell_faults))
        self.cell_faults = tuple(cell_faults)


@dataclass(frozen=True, slots=True)
class CandidateList:
    """The candidates of a list: `entries` have the keys of `[[candidates]]` in a contest file,
    `portraits` the picture file that an entry names, `faults` what is wrong with headings and with
    cells that hold something else than text or a number."""

    entries: tuple[dict[str, Any], ...]
    portraits: tuple[str, ...]
    rows: tuple[int, ...]
    columns: Mapping[int, CandidateColumn]
    headings: Row
    faults: tuple[CellFault, ...] = ()

    def has_fault(self, path: Path) -> bool:
        """Return whether `faults` already have what is wrong with a value."""
        cell = self.cell(path)
        if cell.column is None:
            return len(path) > 2 and path[2] in _REQUIRED
        return any(fault.cell == cell for fault in self.faults)

    def cell(self, path: Path) -> ListCell:
        """Return the cell of `("candidates", 3, "name", "zh")`, or of a part of it; a candidate
        has the cell of its number, a value without a cell the whole row."""
        row = self.rows[path[1]] if len(path) > 1 and isinstance(path[1], int) else 0
        key = path[2] if len(path) > 2 else "number"
        language = next((part for part in path[3:] if part in LANGUAGES), None)
        for place, column in self.columns.items():
            if column.key == key and language in {column.language, None}:
                return ListCell(row, place, self.headings[place])
        return ListCell(row, None, "")


def read_candidates(content: bytes) -> CandidateList:
    """Return the candidates of an .xlsx or CSV file, in the order of the list.

    Raises InvalidInput for a file that is no list. Headings that are missing, unknown or doubled
    are faults of the list, so that they are listed together with those of its values.
    """
    sheets = read_sheets(content)
    rows, at = max(
        ((rows, _find_headings(rows)) for rows in sheets),
        key=lambda sheet: len(find_columns(sheet[0][sheet[1]])) if sheet[0] else 0,
        default=((), 0),
    )
    if not rows or len(find_columns(rows[at])) < _FEWEST_HEADINGS:
        raise InvalidInput(Fault("", "contests.candidate_list.no_headings"))
    headings, columns = rows[at], find_columns(rows[at])
    number = next((place for place, column in columns.items() if column.key == "number"), None)
    numbered = [
        (place, row)
        for place, row in enumerate(rows[at + 1 :], start=at + 2)
        if any(row) and (number is None or not is_example(_value(row, number)))
    ]
    dates = (
        CellFault(
            ListCell(place, number, headings[number]),
            Fault("", "contests.candidate_list.number_is_date"),
        )
        for place, row in numbered
        if number is not None and _DATE.match(_value(row, number))
    )
    return CandidateList(
        entries=tuple(_entry(row, columns) for _, row in numbered),
        portraits=tuple(_portrait(row, columns) for _, row in numbered),
        rows=tuple(place for place, _ in numbered),
        columns=columns,
        headings=headings,
        faults=(*_heading_faults(headings, columns, at + 1), *dates),
    )


def _find_headings(rows: Sequence[Row]) -> int:
    """Return the place of the row, among the first, that names the most columns."""
    first = range(min(len(rows), HEADING_ROWS))
    return max(first, key=lambda place: len(find_columns(rows[place])), default=0)


def _heading_faults(
    headings: Row, columns: Mapping[int, CandidateColumn], row: int
) -> Sequence[CellFault]:
    faults = [
        CellFault(
            ListCell(row, place, heading),
            Fault(
                "",
                "contests.candidate_list.unknown_heading"
                if find_column(heading) is None
                else "contests.candidate_list.heading_twice",
                heading=heading,
            ),
        )
        for place, heading in enumerate(headings)
        if heading and place not in columns
    ]
    given = set(columns.values())
    faults.extend(
        CellFault(
            ListCell(row, None, ""),
            Fault(
                "",
                "contests.candidate_list.heading_missing",
                heading_zh=column.heading("zh"),
                heading_en=column.heading("en"),
            ),
        )
        for column in COLUMNS
        if column.is_required and column not in given
    )
    return faults


def _value(row: Row, place: int) -> str:
    return row[place] if place < len(row) else ""


def _entry(row: Row, columns: Mapping[int, CandidateColumn]) -> dict[str, Any]:
    """Return the section of a contest file. An empty cell is an empty text, so that its fault names
    the cell; a text that only Chinese is given for is that in both languages."""
    entry: dict[str, Any] = {}
    for place, column in columns.items():
        value = _value(row, place)
        if column.key == "number":
            entry["number"] = _number(value)
        elif column.language is not None:
            entry.setdefault(column.key, {})[column.language] = value
        elif value and column.key != "portrait":
            entry[column.key] = value
    for column in COLUMNS:
        both = entry.get(column.key)
        if isinstance(both, dict) and column.is_list:
            entry[column.key] = _items(both.get("zh", ""), both.get("en", ""))
        elif isinstance(both, dict) and not both.get("en"):
            entry[column.key] = both.get("zh", "")
        if not entry.get(column.key) and column.key not in _REQUIRED:
            entry.pop(column.key, None)
    return entry


def _items(chinese: str, english: str) -> list[str | dict[str, str]]:
    """Return the items of a list, one a line; an item without English is Chinese in both."""
    pairs = zip_longest(_lines(chinese), _lines(english), fillvalue="")
    return [{"zh": zh, "en": en} if en else zh for zh, en in pairs]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _number(value: str) -> int | str:
    plain = unicodedata.normalize("NFKC", value).strip()
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 10 else value


def _portrait(row: Row, columns: Mapping[int, CandidateColumn]) -> str:
    return next((_value(row, p) for p, column in columns.items() if column.key == "portrait"), "")
