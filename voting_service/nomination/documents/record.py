"""A record of the panel, such as its minutes: headings, sentences, tables, and lines to sign.

One value is written as PDF, Word and Excel (record_files.py), so that all three say the same.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

Cell = str | int | Decimal
"""Excel calculates with numbers; everywhere they are shown as they are written here."""
ColumnKind = Literal["figure", "text"]


class RecordColumn(msgspec.Struct, frozen=True):
    """A column's heading; a `figure` is narrow and right-aligned."""

    name: str
    kind: ColumnKind = "text"


class RecordTable(msgspec.Struct, frozen=True):
    """Rows under headings; the first `strong` rows are emphasised."""

    columns: tuple[RecordColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    strong: int = 0


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A part under its heading: facts by name, paragraphs, a numbered list, a table."""

    heading: str
    facts: tuple[tuple[str, str], ...] = ()
    paragraphs: tuple[str, ...] = ()
    numbered: tuple[str, ...] = ()
    table: RecordTable | None = None


class SignatureLines(msgspec.Struct, frozen=True):
    """A line for each of `people` (role and name) to sign and date."""

    heading: str
    explained: str
    columns: tuple[str, str, str, str]
    people: tuple[tuple[str, str], ...]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A whole record; `closing` stands under its end."""

    title: str
    subtitle: str
    closing: str
    sections: tuple[Section, ...]
    signatures: SignatureLines
