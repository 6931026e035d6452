"""Texts as Excel, editors and messengers leave them."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest

from voting_service.errors import InvalidInput
from voting_service.infrastructure.spreadsheets import read_sheets
from voting_service.infrastructure.text_files import (
    decode_text,
    read_rows,
    read_text_file,
    without_marks,
)

TEXT = "姓名,号码\n张䶮,500101\n"


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("gb18030"),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        TEXT.replace("\n", "\r\n").encode("utf-8-sig"),
        TEXT.replace("\n", "\r").encode(),
        TEXT.replace("䶮", "\ue863").encode(),
    ],
)
def test_every_encoding_and_line_end_gives_the_same_text(content: bytes, tmp_path: Path) -> None:
    assert decode_text(content) == TEXT
    (tmp_path / "list.csv").write_bytes(content)
    assert read_text_file(tmp_path / "list.csv") == TEXT


def test_what_is_no_text_is_refused_with_what_to_do(tmp_path: Path) -> None:
    for content in (b"\x00\x01\x02", b"\xff\xff\xff", b"\x89PNG\r\n\x1a\n\xff"):
        with pytest.raises(InvalidInput, match="save it as UTF-8"):
            decode_text(content)
    (tmp_path / "a.bin").write_bytes(b"\xff\xff\xff")
    with pytest.raises(InvalidInput, match=r"a\.bin"):
        read_text_file(tmp_path / "a.bin")
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_text_file(tmp_path / "absent")


def test_marks_that_nobody_sees_are_taken_away() -> None:
    assert without_marks("\u202a500101\u202c\u200e \u00a0x\ufeff") == "500101  x"
    assert without_marks("👩\u200d🔧") == "👩\u200d🔧"  # a joiner makes one picture of two


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2",
        "a;b\n1;2\n",
        "a\tb\n1\t2\n",
        "a，b\n1，2\n",
        "sep=;\na;b\n1;2\n",
        'SEP=|\n"a"|b\n1|2',
        'a,b\n="1","\u200e2 "\n',
        "a,b\n'1,2\n",
    ],
)
def test_the_separator_is_found_and_excels_wrappings_are_taken_off(text: str) -> None:
    assert list(read_rows(text)) == [("a", "b"), ("1", "2")]


def test_a_number_that_excel_has_rounded_shows_it() -> None:
    workbook = openpyxl.Workbook()
    assert workbook.active is not None
    workbook.active.append([500101197806010011, "\u202a张\ue863\u202c", 12])
    stream = io.BytesIO()
    workbook.save(stream)
    [[row]] = read_sheets(stream.getvalue())
    assert row[:3] == ("5.00101E+17", "张䶮", "12")
