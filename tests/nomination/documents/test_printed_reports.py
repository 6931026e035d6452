"""Minutes, the summary report and lists look right in both languages and say what they must."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any

import msgspec
import pytest
from docx import Document
from openpyxl import load_workbook

from tests.nomination.documents.page_layout import (
    A4,
    metadata,
    sheets,
)
from tests.nomination.documents.printed_samples import (
    SENTENCE,
    listed,
    minutes,
    summary,
)
from tests.printed import check_looks_right, printed
from voting_service.i18n.text import Language
from voting_service.nomination.awards.report_texts import REPORT_SECTIONS
from voting_service.nomination.documents.formatting import document_texts
from voting_service.nomination.documents.minutes import (
    PanelMinutes,
    SingleScores,
    minutes_record,
)
from voting_service.nomination.documents.notice_list import NoticeGroup, render_notice_list
from voting_service.nomination.documents.record_files import RECORD_FILES
from voting_service.nomination.documents.summary_report import (
    SelectionSummary,
    render_summary_report,
)


def render_minutes(contents: PanelMinutes, language: Language) -> bytes:
    return RECORD_FILES["pdf"].write(minutes_record(contents, language), language)


DOCUMENTS: Mapping[str, Callable[[Language], bytes]] = {
    "minutes": lambda language: render_minutes(minutes(), language),
    "summary": lambda language: render_summary_report(summary(), language),
    "list": lambda language: render_notice_list(listed(), language),
}


def get_text(pdf: bytes) -> str:
    return re.sub(r"\s", "", printed(pdf).text)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("document", DOCUMENTS)
def test_they_look_right(document: str, language: Language) -> None:
    pdf = DOCUMENTS[document](language)
    check_looks_right(printed(pdf))
    assert {page.size for page in sheets(pdf)} == {A4}
    assert list(metadata(pdf)) == ["Title"]


def test_minutes_name_people_rules_results_and_decisions() -> None:
    text = get_text(render_minutes(minutes(), "zh"))
    for part in (
        *("2022年8月20日09:00", "专家庚（因公出差）", "与候选人同一工作单位", "40%"),
        *(
            "每名候选人去掉1个最高分和1个最低分",
            "98.25",
            "69.25",
            "竞争1个名额",
            "通过提名名单10名。",
        ),
    ):
        assert part in text, part
    assert text.count("当选") == 10 + 1
    assert "打分明细" not in text


def test_everybody_signs_the_minutes() -> None:
    text = get_text(render_minutes(minutes(), "zh"))
    _, _, signatures = text.partition("签名确认")
    for part in ("主持人主持人甲", "记录人记录人甲", *(f"评审专家专家{x}" for x in "甲乙丙丁戊己")):
        assert part in signatures, part
    assert "专家庚" not in signatures, "who was absent does not sign"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_word_and_excel_hold_what_the_pdf_holds(language: Language) -> None:
    record = minutes_record(minutes(), language)
    pdf = get_text(RECORD_FILES["pdf"].write(record, language))
    document = Document(BytesIO(RECORD_FILES["docx"].write(record, language)))
    tables = [[[cell.text for cell in row.cells] for row in t.rows] for t in document.tables]
    workbook = load_workbook(BytesIO(RECORD_FILES["xlsx"].write(record, language)))
    sheets = {sheet.title: [list(row) for row in sheet.values] for sheet in workbook}
    results, signatures = (
        document_texts(language, "minutes")[key] for key in ("results", "signatures")
    )
    assert [[str(cell) for cell in row] for row in sheets[results]][1][:2] == tables[2][1][:2]
    assert sheets[results][1][3] == 98.25, "Excel calculates with scores"
    assert workbook[results]["D2"].number_format == "0.00"
    assert [row[:2] for row in sheets[signatures]] == [row[:2] for row in tables[-1]]
    assert len(tables[-1]) == 1 + 8, "chair, secretary and six experts"
    assert all(row.height for row in document.tables[-1].rows[1:])
    for table in tables:
        for cell in (cell for row in table for cell in row):
            assert re.sub(r"\s", "", cell) in pdf
    for line in (line.text for line in document.paragraphs):
        assert re.sub(r"[\s：:]", "", line)[:20] in re.sub(r"[：:]", "", pdf)


def test_a_notice_has_its_number_whom_to_ask_and_a_place_for_the_stamp() -> None:
    text = get_text(render_notice_list(listed(), "zh"))
    for part in ("渝高技办〔2022〕号", "联系人：联系人甲", "联系电话：", "（签章）"):
        assert part in text, part
    assert text.count("重庆市高技能人才工作联席会办公室") == 2, "at the head and at the foot"
    assert "2022年11月8日" in text


def test_single_scores_are_printed_only_when_given() -> None:
    scores = tuple(SingleScores(f"评委{n}", {30: f"9{n}.5"}) for n in range(1, 8))
    pdf = render_minutes(msgspec.structs.replace(minutes(), single_scores=scores), "zh")
    check_looks_right(printed(pdf))
    assert "打分明细" in get_text(pdf)
    assert "97.5" in get_text(pdf)


def test_minutes_without_absence_conflict_or_tie_say_so() -> None:
    quiet = msgspec.structs.replace(
        minutes(), absent=(), conflicts=(), ties=(), discussion="", method="rank_sum"
    )
    text = get_text(render_minutes(quiet, "zh"))
    assert "没有须回避的情形" in text
    assert "没有并列" in text
    assert "换算为名次" in text
    assert "讨论情况" not in text


def test_the_report_has_the_figures_of_every_stage_under_two_titles() -> None:
    text = get_text(render_summary_report(summary(), "zh"))
    assert "最美巴渝工匠·总结报道" in text
    assert "MostBeautifulBayuCraftsmen·Summaryreport" in text
    for figure in ("152", "140", "1,234,567", "34,567", "23,456", "321", "区县41", "部门30"):
        assert figure in text, figure
    assert text.count(SENTENCE * 4) == len(REPORT_SECTIONS), "what staff wrote about each section"


def test_a_report_without_votes_or_bodies_is_still_a_report() -> None:
    whole = summary()
    bare: SelectionSummary = msgspec.structs.replace(
        whole,
        texts={},
        recommendation=msgspec.structs.replace(
            whole.recommendation, by_district=(), by_department=(), by_industry=()
        ),
        vote=msgspec.structs.replace(whole.vote, by_day=()),
        awarded=(),
    )
    document = printed(render_summary_report(bare, "zh"))
    check_looks_right(document)
    assert "经验和体会" not in document.text


def test_a_list_without_numbers_has_no_such_column() -> None:
    [group] = listed(3).groups
    people = tuple(msgspec.structs.replace(first, number=None) for first in group.people)
    unnumbered = msgspec.structs.replace(listed(), groups=(NoticeGroup(group.heading, people),))
    text = get_text(render_notice_list(unnumbered, "zh"))
    assert "编号" not in text
    assert "候选人3" in text


def test_a_character_without_a_glyph_leaves_a_gap() -> None:
    notice = msgspec.structs.replace(listed(1), contact_person="候选人𠀀·买买提")
    text = get_text(render_notice_list(notice, "zh"))
    assert "候选人" in text
    assert "·买买提" in text


@pytest.mark.parametrize("document", ["notice_list", "minutes", "summary_report", "album"])
def test_both_languages_say_the_same_things(document: str) -> None:
    chinese, english = (
        dict(_leaves(document_texts(language, document))) for language in ("zh", "en")
    )
    assert chinese.keys() == english.keys()
    for key, text in chinese.items():
        assert re.findall(r"\{\w+\}", text) or not re.findall(r"\{\w+\}", english[key]), key
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", english[key]))


def _leaves(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, part in value.items():
        if isinstance(part, Mapping):
            yield from _leaves(part, f"{path}{key}.")
        else:
            yield f"{path}{key}", part
