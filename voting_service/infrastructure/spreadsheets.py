"""Read a spreadsheet from outside: an Excel workbook (.xlsx) or CSV. No cell is ever executed."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from openpyxl import load_workbook

from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.private_use import map_private_use
from voting_service.infrastructure.text_files import decode_text, read_rows, without_marks

MAX_BYTES = 20 * 1024 * 1024
MAX_UNPACKED_BYTES = 200 * 1024 * 1024
MAX_ROWS = 2_000
MAX_COLUMNS = 60
MAX_SHEETS = 20

EXACT_BELOW = 10**15
"""Excel keeps 15 digits of a number: of a longer one, such as an ID number, the rest is lost."""

Row = tuple[str, ...]
"""The cells of a row as text."""

_OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The first bytes of an .xls, and of a workbook with a password."""
_ZIP = b"PK\x03\x04"


def read_file(path: Path) -> bytes:
    """Return the content of a file. Raises InvalidInput when it cannot be read or is too large."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _fault("too_large", megabytes=MAX_BYTES // 1024**2)
        return path.read_bytes()
    except OSError as error:
        raise _fault("unreadable", path=str(path), strerror=error.strerror) from None


def read_sheets(content: bytes) -> Sequence[Sequence[Row]]:
    """Return the rows of each sheet, those of a CSV file as one sheet.

    Raises InvalidInput when the content is neither, or is beyond the limits.
    """
    if len(content) > MAX_BYTES:
        raise _fault("too_large", megabytes=MAX_BYTES // 1024**2)
    if content.startswith(_OLD_EXCEL):
        raise _fault("old_excel")
    if content.startswith(_ZIP):
        return _read_workbook(content)
    return [_bounded(_read_csv(content))]


def _read_workbook(content: bytes) -> list[list[Row]]:
    try:
        with ZipFile(io.BytesIO(content)) as packed:
            names = packed.namelist()
            unpacked = sum(entry.file_size for entry in packed.infolist())
    except BadZipFile:
        raise _fault("damaged") from None
    if "xl/workbook.xml" not in names:
        raise _fault("not_a_workbook")
    if unpacked > MAX_UNPACKED_BYTES:
        raise _fault("too_large", megabytes=MAX_UNPACKED_BYTES // 1024**2)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about features that we do not read
            workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            return [
                _bounded(tuple(_as_text(cell) for cell in row) for row in _cells(sheet))
                for sheet in workbook.worksheets[:MAX_SHEETS]
                if sheet.sheet_state == "visible"
            ]
    except InvalidInput:
        raise
    except Exception:  # openpyxl fails in many ways on what is no workbook
        raise _fault("damaged") from None


def _cells(sheet: object) -> Iterator[tuple[object, ...]]:
    sheet.reset_dimensions()  # type: ignore[attr-defined]  # what the file claims may be wrong
    return sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True)  # type: ignore[attr-defined, no-any-return]


def _as_text(value: object) -> str:
    """Return what Excel shows, nearly."""
    match value:
        case None:
            return ""
        case float() | int() if abs(value) >= EXACT_BELOW:
            return f"{value:.5E}"
        case float() if value.is_integer():
            return str(int(value))
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime() | date() | time():
            return value.isoformat()
    text = str(value).replace("\r\n", "\n").replace("_x000D_", "")
    return map_private_use(without_marks(text)).strip()


def _read_csv(content: bytes) -> Iterator[Row]:
    try:
        text = decode_text(content)
    except InvalidInput:
        raise _fault("not_a_table") from None
    try:
        for row in read_rows(text):
            yield row[:MAX_COLUMNS]
    except csv.Error:
        raise _fault("damaged") from None


def _bounded(rows: Iterable[Row]) -> list[Row]:
    """Return the rows, without the empty ones at the end."""
    bounded = list(islice(rows, MAX_ROWS + 1))
    while bounded and not any(bounded[-1]):
        bounded.pop()
    if len(bounded) > MAX_ROWS:
        raise _fault("too_many_rows", max_rows=MAX_ROWS)
    return bounded


def _fault(code: str, **params: object) -> InvalidInput:
    return InvalidInput(Fault("", f"infrastructure.spreadsheets.{code}", **params))
