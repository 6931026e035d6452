"""Rows as CSV, JSON, JSON Lines and XLSX, one batch in memory at a time."""

from __future__ import annotations

import asyncio
import csv
import io
import tempfile
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import msgspec
import xlsxwriter

from voting_service.voting.tally.exports import safe_text

Cell: TypeAlias = str | int | None
Rows: TypeAlias = AsyncGenerator[Sequence[tuple[Cell, ...]], None]
"""Batches of rows."""

SHEET_ROWS = 1_048_576
"""Rows of a sheet in XLSX, including the header (ECMA-376)."""
FILE_PIECE_BYTES = 256 * 1024


class ExportTable(NamedTuple):
    """Column names and rows."""

    columns: tuple[str, ...]
    rows: Rows


async def csv_pieces(table: ExportTable) -> AsyncGenerator[bytes, None]:
    """RFC 4180 in UTF-8 with a byte order mark for Excel; texts that would start a formula are
    or for a number are escaped."""
    yield b"\xef\xbb\xbf" + _csv([table.columns])
    async with aclosing(table.rows) as batches:
        async for batch in batches:
            yield _csv(
                [safe_text(cell) if isinstance(cell, str) else cell for cell in row]
                for row in batch
            )


def _csv(rows: Any) -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(rows)
    return stream.getvalue().encode()


async def json_lines_pieces(table: ExportTable) -> AsyncGenerator[bytes, None]:
    """One object per line."""
    encoder = msgspec.json.Encoder()
    async with aclosing(table.rows) as batches:
        async for batch in batches:
            objects = [dict(zip(table.columns, row, strict=True)) for row in batch]
            yield encoder.encode_lines(objects)


async def json_pieces(table: ExportTable) -> AsyncGenerator[bytes, None]:
    """One list of objects."""
    between = b"[\n"
    async with aclosing(table.rows) as batches:
        async for batch in batches:
            for row in batch:
                yield between + msgspec.json.encode(dict(zip(table.columns, row, strict=True)))
                between = b",\n"
    yield b"\n]\n" if between == b",\n" else b"[]\n"


async def xlsx_pieces(
    table: ExportTable, *, sheet_rows: int = SHEET_ROWS
) -> AsyncGenerator[bytes, None]:
    """A workbook, written row by row into a temporary file before it is sent. A full sheet
    continues on the next. Texts are never formulas or links."""
    with tempfile.TemporaryDirectory(prefix="voting-export-") as folder:
        path = Path(folder) / "export.xlsx"
        workbook = _Book(path, table.columns, sheet_rows)
        try:
            async with aclosing(table.rows) as batches:
                async for batch in batches:
                    await asyncio.to_thread(workbook.write, batch)
        finally:
            await asyncio.to_thread(workbook.close)
        with path.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, FILE_PIECE_BYTES):
                yield piece


class _Book:
    """A workbook that starts a new sheet when one is full."""

    def __init__(self, path: Path, columns: Sequence[str], sheet_rows: int) -> None:
        options = {
            "constant_memory": True,
            "tmpdir": str(path.parent),
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self._workbook: Any = xlsxwriter.Workbook(str(path), options)
        self._bold = self._workbook.add_format({"bold": True})
        self._columns = columns
        self._sheet_rows = sheet_rows
        self._begin_sheet()

    def _begin_sheet(self) -> None:
        self._sheet = self._workbook.add_worksheet()
        self._sheet.freeze_panes(1, 0)
        self._sheet.ignore_errors({"number_stored_as_text": "A1:Z1048576"})
        self._sheet.set_column(0, len(self._columns) - 1, 18)
        for place, name in enumerate(self._columns):
            self._sheet.write_string(0, place, name, self._bold)
        self._next = 1

    def write(self, rows: Sequence[tuple[Cell, ...]]) -> None:
        for row in rows:
            if self._next == self._sheet_rows:
                self._begin_sheet()
            for place, cell in enumerate(row):
                if isinstance(cell, str):
                    self._sheet.write_string(self._next, place, cell)
                elif cell is not None:
                    self._sheet.write_number(self._next, place, cell)
            self._next += 1

    def close(self) -> None:
        self._workbook.close()


class Format(NamedTuple):
    """How rows are written to a file."""

    media_type: str
    pieces: Callable[[ExportTable], AsyncGenerator[bytes, None]]


FORMATS: Mapping[str, Format] = {
    "csv": Format("text/csv; charset=utf-8", csv_pieces),
    "xlsx": Format(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xlsx_pieces
    ),
    "json": Format("application/json", json_pieces),
    "jsonl": Format("application/x-ndjson", json_lines_pieces),
}
