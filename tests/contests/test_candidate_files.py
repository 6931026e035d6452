"""Lists of candidates: headings in either language and any order, every fault at its cell."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZipFile

import openpyxl
import pytest

from voting_service.contests.candidate_list.columns import COLUMNS, find_column
from voting_service.contests.candidate_list.picture_files import (
    ListedCandidate,
    PictureFile,
    assign_pictures,
    read_pictures,
    unpack_pictures,
)
from voting_service.contests.candidate_list.reader import (
    CandidateList,
    ListRefused,
    read_candidates,
)
from voting_service.contests.candidate_list.template import write_candidates, write_template
from voting_service.contests.contest_file.schema import CandidateSection
from voting_service.contests.drafts.model import with_candidates
from voting_service.errors import InvalidInput
from voting_service.i18n.text import LANGUAGES, Language
from voting_service.infrastructure.spreadsheets import MAX_ROWS

CHINESE = ("编号", "姓名", "职业工种", "区县", "一句话事迹", "事迹材料")
ENGLISH = ("Story", "District", "No.", "Name", "Name (English)", "Trade", "Summary")
ROW = ("1", "甲", "焊工", "万盛", "摘要", "第一段\n第二段")


def workbook(*rows: tuple[Any, ...], title: str = "Sheet") -> bytes:
    opened = openpyxl.Workbook()
    sheet: Any = opened.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    stream = io.BytesIO()
    opened.save(stream)
    return stream.getvalue()


def comma_separated(*rows: tuple[str, ...], encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter).writerows(rows)
    return stream.getvalue().encode(encoding)


@pytest.mark.parametrize(
    "content",
    [
        workbook(CHINESE, ROW),
        workbook((1.0, "名单"), (), CHINESE, (1.0, *ROW[1:])),  # below a title; a number as such
        comma_separated(CHINESE, ROW),
        comma_separated(CHINESE, ROW, encoding="utf-8-sig"),
        comma_separated(CHINESE, ROW, encoding="gb18030"),
        comma_separated(CHINESE, ROW, encoding="utf-16", delimiter="\t"),
        comma_separated(CHINESE, ROW, delimiter=";"),
    ],
)
def test_openedand_csv_in_every_encoding_give_the_same(content: bytes) -> None:
    [entry] = read_candidates(content).entries
    assert entry == {
        "number": 1,
        "name": "甲",
        "trade": "焊工",
        "district": "万盛",
        "summary": "摘要",
        "story": "第一段\n第二段",
    }


def test_english_headings_in_another_order_and_both_languages_of_a_text() -> None:
    content = workbook(ENGLISH, ("story", "Wansheng", "7", "甲", "Jia", "Welder", "s"))
    [entry] = read_candidates(content).entries
    assert entry["number"] == 7
    assert entry["name"] == {"zh": "甲", "en": "Jia"}
    assert entry["trade"] == "Welder"


@pytest.mark.parametrize(
    ("heading", "column"),
    [
        ("编号（必填）", "number"),
        (" 候选人 姓名 * ", "name_zh"),
        ("姓名（英文）", "name_en"),
        ("英文姓名", "name_en"),
        ("name_en", "name_en"),
        ("Name (Chinese)", "name_zh"),
        ("工种", "trade_zh"),
        ("District", "district_zh"),
        ("照片文件名", "portrait"),
        ("ＮＡＭＥ", "name_zh"),
        ("联系电话", None),
        ("", None),
    ],
)
def test_headings(heading: str, column: str | None) -> None:
    recognised = find_column(heading)
    assert (recognised and recognised.id) == column


def test_every_text_of_a_candidate_is_a_column() -> None:
    fields = set(CandidateSection.model_fields) - {"pictures"}
    assert {column.key for column in COLUMNS} == fields


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_template_is_read_and_its_example_is_no_candidate(language: Language) -> None:
    listed = read_candidates(write_template(language))
    assert listed.entries == ()
    assert set(listed.columns.values()) == set(COLUMNS)
    entry = {**read_candidates(workbook(CHINESE, ROW)).entries[0], "portrait": "07.jpg"}
    both = {**entry, "number": 2, "name": {"zh": "乙", "en": "Yi"}}
    again = read_candidates(write_candidates([entry, both], language))
    assert [{**e, "portrait": p} for e, p in zip(again.entries, again.portraits, strict=True)] == [
        entry,
        both,
    ]


def refused(listed: CandidateList) -> dict[str, str]:
    with pytest.raises(ListRefused) as error:
        with_candidates({"title": {"zh": "x", "en": "x"}}, listed)
    return {fault.cell.reference: fault.fault.zh for fault in error.value.cell_faults}


def test_every_fault_at_once_with_its_cell_in_the_reader_s_language() -> None:
    content = workbook(
        CHINESE,
        ROW,
        (),
        ("1", "乙", "", "d", "s", "x"),
        ("七", "丙", "t", "d", "s" * 301, "x"),
        ("0", "丁", "t", "d", "s", "字" * 1501),
    )
    assert refused(read_candidates(content)) == {
        "A4": "编号 1 已用于 A2 (编号)。",
        "C4": "请填写。",
        "A5": "须为整数。",
        "E5": "有 301 个字，最多 300 个字。",
        "A6": "不能小于 1。",
        "F6": "有 1501 个字，最多 1500 个字。",
    }


def test_headings_that_are_missing_unknown_or_doubled() -> None:
    listed = read_candidates(
        workbook(
            ("编号", "姓名", "工种", "手机", "职业"),
            ("x", "甲", "", "139", ""),
            (datetime(2027, 1, 7), "乙", "焊工"),
        )
    )
    with pytest.raises(ListRefused) as error:
        with_candidates({"title": {"zh": "x", "en": "x"}}, listed)
    faults = [(str(fault.cell), fault.fault.text("zh")) for fault in error.value.cell_faults]
    assert ("D1 (手机)", "不认识这一列。请改用模板中的列名，或删去此列。") in faults
    assert ("E1 (职业)", "此列与前面一列重复，请删去一列。") in faults
    assert ("1:1", "缺少“事迹材料”列。") in faults
    assert "1:1: the column “Story (Chinese)” is missing" in str(error.value)
    assert ("A2 (编号)", "须为整数。") in faults
    assert ("C2 (工种)", "请填写。") in faults
    [(_, dated)] = [fault for fault in faults if fault[0] == "A3 (编号)"]
    assert "改为“数值”" in dated
    assert len(faults) == 8, "a missing column is said once, and not for each row"


def test_the_number_column_of_the_template_is_formatted_as_a_number() -> None:
    sheet: Any = openpyxl.load_workbook(io.BytesIO(write_template("zh"))).active
    assert sheet.column_dimensions["A"].number_format == "0" or sheet["A2"].number_format == "0"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "contests.candidate_list.no_headings"),
        (workbook(("a", "b")), "contests.candidate_list.no_headings"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
            "infrastructure.spreadsheets.old_excel",
        ),
        (b"PK\x03\x04 broken", "infrastructure.spreadsheets.damaged"),
        (workbook(CHINESE, ROW)[:-200], "infrastructure.spreadsheets.damaged"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "infrastructure.spreadsheets.not_a_table"),
    ],
)
def test_what_is_no_list(content: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as error:
        read_candidates(content)
    [fault] = error.value.faults
    assert fault.code == code
    assert fault.zh and fault.message


def test_a_list_has_an_end() -> None:
    with pytest.raises(InvalidInput) as error:
        read_candidates(workbook(CHINESE, *[ROW] * MAX_ROWS))
    assert [fault.code for fault in error.value.faults] == [
        "infrastructure.spreadsheets.too_many_rows"
    ]


def test_another_zip_is_no_workbook() -> None:
    stream = io.BytesIO()
    with ZipFile(stream, "w") as packed:
        packed.writestr("word/document.xml", "x")
    with pytest.raises(InvalidInput, match="not an Excel workbook"):
        read_candidates(stream.getvalue())


PEOPLE = (
    ListedCandidate(1, "甲"),
    ListedCandidate(7, "乙", "厂里的照片.JPG"),
    ListedCandidate(12, "丙"),
    ListedCandidate(13, "丁", "nowhere.png"),
)


def names(*files: str) -> list[PictureFile]:
    return [PictureFile(name, b"") for name in files]


def test_pictures_find_their_candidate_by_number_by_name_and_by_the_list() -> None:
    resolved = assign_pictures(
        names("a/01.jpg", "厂里的照片.jpg", "丙.png", "7-2 在车间.webp", "007-1_Award.jpg"), PEOPLE
    )
    assert [(p.number, p.order, p.file.name, p.caption) for p in resolved.pictures] == [
        (1, 0, "a/01.jpg", None),
        (7, 0, "厂里的照片.jpg", None),
        (7, 1, "007-1_Award.jpg", "Award"),
        (7, 2, "7-2 在车间.webp", "在车间"),
        (12, 0, "丙.png", None),
    ]
    assert resolved.missing == {13: "nowhere.png"}
    assert (resolved.without, resolved.rejected) == ((), ())


def test_every_picture_that_is_left_over_is_named() -> None:
    resolved = assign_pictures(
        names("1.jpg", "01 again.png", "2.jpg", "IMG.jpg", "12.heic", "1-1.jpg", "notes.txt"),
        PEOPLE,
    )
    assert {(file.name, file.why) for file in resolved.rejected} == {
        ("01 again.png", "second_portrait"),
        ("2.jpg", "nobody"),
        ("IMG.jpg", "nobody"),
        ("12.heic", "not_a_picture"),
        ("1-1.jpg", "no_caption"),
        ("notes.txt", "not_a_picture"),
    }
    assert resolved.without == (12,)


def test_a_zip_of_a_chinese_windows_and_a_folder_give_the_same_names(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with ZipFile(stream, "w") as packed:
        packed.writestr("QQQQ/01.jpg", b"x")
        packed.writestr("照片/02 乙.jpg", b"x")  # marked as UTF-8
        packed.writestr("__MACOSX/._02.jpg", b"x")
        packed.writestr("照片/Thumbs.db", b"x")
    content = stream.getvalue().replace(b"QQQQ", "照片".encode("gb18030"))
    in_both = ["照片/01.jpg", "照片/02 乙.jpg"]
    assert [file.name for file in unpack_pictures(content)] == in_both
    (tmp_path / "照片").mkdir()
    for name in ("01.jpg", "02 乙.jpg", "Thumbs.db"):
        (tmp_path / "照片" / name).write_bytes(b"x")
    assert [file.name for file in read_pictures(tmp_path)] == in_both
    for broken in (b"Rar!\x1a\x07", content[:-30]):
        with pytest.raises(InvalidInput, match="not a ZIP"):
            unpack_pictures(broken)


def packed(names: Sequence[str], compression: int = ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with ZipFile(stream, "w", compression) as file:
        for name in names:
            file.writestr(name, b"x" * 1000)
    return stream.getvalue()


def test_the_zips_of_one_upload_share_the_limits_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    several = packed([f"{number}.jpg" for number in range(300)])
    files = unpack_pictures(several)
    with pytest.raises(InvalidInput, match="500"):
        unpack_pictures(several, files)
    monkeypatch.setattr(
        "voting_service.contests.candidate_list.picture_files.MAX_UNPACKED_BYTES", 500_000
    )
    with pytest.raises(InvalidInput, match="MB"):
        unpack_pictures(packed([f"{number}.jpg" for number in range(201)]), files)


@pytest.mark.parametrize("compression", [ZIP_BZIP2, ZIP_LZMA, ZIP_DEFLATED])
def test_what_any_method_packed_badly_is_no_zip(compression: int) -> None:
    content = bytearray(packed(["1.jpg"], compression))
    content[40:60] = b"\xff" * 20
    with pytest.raises(InvalidInput, match="not a ZIP"):
        unpack_pictures(bytes(content))


def test_a_caption_in_a_file_name_is_a_text_like_any_other() -> None:
    names = [
        f"1-{order} {caption}.jpg"
        for order, caption in enumerate(("车间", "x" * 121, "a\u202eb", "a\x07b"), 1)
    ]
    files = [PictureFile(name, b"x") for name in names]
    resolved = assign_pictures(files, [ListedCandidate(1, "甲")])
    assert [picture.caption for picture in resolved.pictures] == ["车间"]
    assert {file.why for file in resolved.rejected} == {"bad_caption"}
