"""What keeps a recommendation from being submitted."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nomination.form.people import complete_form, id_number
from voting_service.errors import Fault
from voting_service.nomination.form.field_names import FIELD_PATHS
from voting_service.nomination.form.industries import PILLAR_INDUSTRIES
from voting_service.nomination.form.model import (
    Achievement,
    Month,
    Opinion,
    RecommendationForm,
)
from voting_service.nomination.form.page_ranges import format_page_ranges, parse_page_ranges
from voting_service.nomination.form.validation import (
    LONGEST,
    FormRules,
    draft_faults,
    faults,
)
from voting_service.nomination.model import Slot

RULES = FormRules(industries=tuple(PILLAR_INDUSTRIES))
TODAY = date(2022, 6, 30)


def all_faults(
    form: RecommendationForm,
    *,
    evidence_pages: int | None = 10,
    attached: Collection[Slot] = get_args(Slot),
) -> tuple[Fault, ...]:
    return faults(form, RULES, evidence_pages=evidence_pages, attached=attached, today=TODAY)


def of_draft(form: RecommendationForm, *, evidence_pages: int | None = 10) -> tuple[Fault, ...]:
    return draft_faults(form, RULES, evidence_pages=evidence_pages, today=TODAY)


def places(result: tuple[Fault, ...]) -> list[str]:
    return [fault.field for fault in result]


def test_a_complete_form_has_no_faults() -> None:
    assert all_faults(complete_form()) == ()
    assert of_draft(complete_form()) == ()


def test_an_empty_form_is_a_valid_draft_and_no_submission() -> None:
    result = all_faults(RecommendationForm(), evidence_pages=None, attached=())
    optional = {"is_central_unit", "industry", "industry_other", "chain", "achievements.pages"}
    required = [path for path in FIELD_PATHS if path not in optional]
    assert places(result) == required
    assert all("请" in fault.zh for fault in result)
    assert all(
        fault.message.startswith(("enter ", "choose ", "upload ", "tick ")) for fault in result
    )
    assert of_draft(RecommendationForm(), evidence_pages=None) == ()


TEXTS = [path for path in LONGEST if path != "achievements.pages"]


def with_text(path: str, text: str) -> RecommendationForm:
    head, _, rest = path.partition(".")
    if not rest:
        return complete_form(**{head: text})
    opinion = getattr(complete_form(), head)
    return complete_form(**{head: msgspec.structs.replace(opinion, **{rest: text})})


@pytest.mark.parametrize("path", TEXTS)
def test_every_text_has_a_limit(path: str) -> None:
    limit = LONGEST[path]
    assert "请压缩到" not in "".join(f.zh for f in of_draft(with_text(path, "字" * limit)))
    result = [f for f in of_draft(with_text(path, "字" * (limit + 1))) if f.field == path]
    assert f"请压缩到{limit}字以内" in result[0].zh
    assert f"at most {limit}" in result[0].message


@pytest.mark.parametrize("path", TEXTS)
@pytest.mark.parametrize("character", ["\0", "\x1b", "\u202e", "\u2028", "\ud800"])
def test_no_text_holds_control_characters(path: str, character: str) -> None:
    result = [f.zh for f in of_draft(with_text(path, f"同意{character}")) if f.field == path]
    assert any("控制字符" in zh for zh in result)


@pytest.mark.parametrize("path", TEXTS)
def test_only_long_texts_have_several_lines(path: str) -> None:
    result = [f.zh for f in of_draft(with_text(path, "同意\r\n\t推荐")) if f.field == path]
    several = path in {"skills", "deeds", "employer_opinion.text", "body_opinion.text"}
    assert any("换行" in zh for zh in result) is not several


def test_another_industry_is_named_and_none_is_needed() -> None:
    assert places(all_faults(complete_form(industry=""))) == []
    assert places(all_faults(complete_form(industry="other", industry_other="\u200b"))) == [
        "industry_other"
    ]
    assert places(all_faults(complete_form(industry="other", industry_other="文旅"))) == []


@pytest.mark.parametrize("path", TEXTS)
def test_blank_text_counts_as_empty(path: str) -> None:
    result = places(all_faults(with_text(path, " \u3000\u200b")))
    assert (path in result) is (path not in {"industry_other", "chain"})


def test_a_thousand_and_fifteen_hundred_characters_fit_with_their_line_breaks() -> None:
    skills, deeds = "技" * 500 + "\r\n\r\n" + "能" * 500, "👩‍🔧" * 1500
    assert all_faults(complete_form(skills=skills, deeds=deeds.replace("\u200d", ""))) != ()
    assert all_faults(complete_form(skills=skills, deeds=deeds)) == ()


def test_stacked_accents_are_refused() -> None:
    assert "叠加符号" in of_draft(complete_form(deeds="e" + "\u0301" * 6000))[0].zh
    assert "空行" in of_draft(complete_form(skills="\n" * 4000 + "技"))[0].zh


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"name": "候选人1"}, "name", "按身份证填写"),
    ({"name": "候选人😀"}, "name", "按身份证填写"),
    ({"birth": Month(1980, 6)}, "birth", "出生年月与身份证号不一致"),
    ({"birth": Month(1979, 5)}, "birth", "出生年月与身份证号不一致"),
    ({"birth": Month(1980, 13), "id_number": ""}, "birth", "1至12的月份"),
    ({"birth": Month(1880, 5), "id_number": ""}, "birth", "1900年以后"),
    ({"birth": Month(2022, 7), "id_number": ""}, "birth", "晚于今天"),
    ({"sex": "female"}, "sex", "性别与身份证号不一致"),
    ({"id_number": id_number()[:-1] + "A"}, "id_number", "17位数字加1位"),
    ({"id_number": id_number(birth=date(2022, 7, 1))}, "id_number", "晚于今天"),
    ({"first_employed": Month(1980, 4)}, "first_employed", "早于出生年月"),
    ({"first_employed": Month(2022, 7)}, "first_employed", "晚于今天"),
    ({"first_employed": Month(2000, 0)}, "first_employed", "1至12的月份"),
    ({"employer_postcode": "40001"}, "employer_postcode", "6位数字"),
    ({"employer_postcode": "4000100"}, "employer_postcode", "6位数字"),
    ({"industry": "finance"}, "industry", "在列表中选择"),
    ({"qualification_pages": "封面"}, "qualification_pages", "3-5,8"),
    ({"qualification_pages": "11"}, "qualification_pages", "第11页，而佐证材料共10页"),
    (
        {"achievements": (Achievement(kind="method", pages="9-11"),)},
        "achievements[0].pages",
        "第11页",
    ),
    (
        {"achievements": (Achievement(kind="method", pages="1"),) * 2},
        "achievements[1]",
        "只能选择一次",
    ),
    ({"evidence_confirmed_on": date(2022, 7, 1)}, "evidence_confirmed_on", "晚于今天"),
    (
        {"employer_opinion": Opinion(text="同意", signer="甲", signed_on=date(2022, 6, 3))},
        "body_opinion.signed_on",
        "早于所在单位意见",
    ),
    (
        {"body_opinion": Opinion(text="同意", signer="甲", signed_on=date(2022, 7, 1))},
        "body_opinion.signed_on",
        "晚于今天",
    ),
]


@pytest.mark.parametrize(("changed", "field", "output"), WRONG)
def test_faults_are_the_same_in_draft_and_submission(
    changed: dict[str, Any], field: str, output: str
) -> None:
    (fault,) = (f for f in of_draft(complete_form(**changed)) if f.field == field)
    assert output in fault.zh
    assert fault.message
    assert fault in all_faults(complete_form(**changed))


def test_sixteen_in_the_month_of_first_employment_is_old_enough() -> None:
    assert of_draft(complete_form(first_employed=Month(1996, 5))) == ()
    assert of_draft(complete_form(first_employed=Month(2022, 6))) == ()


def test_too_many_pages_of_evidence() -> None:
    (fault,) = all_faults(complete_form(), evidence_pages=11)
    assert (fault.field, "共11页" in fault.zh) == ("evidence", True)
    assert places(all_faults(complete_form(), evidence_pages=7)) == ["achievements[1].pages"]
    assert of_draft(complete_form(), evidence_pages=None) == ()


@pytest.mark.parametrize(
    "telephone",
    [
        "13800000000",
        "138 0000 0000",
        "+86 138-0000-0000",
        "１３８００００００００",
        "023-63000000",
        "02363000000",
        "(023)63000000",
        "+86 23 6300 0000",
        "0851-8300000",
        "63000000",
        "023-63000000-801",
        "023—63000000转801",
    ],
)
def test_telephones(telephone: str) -> None:
    assert of_draft(complete_form(employer_telephone=telephone)) == ()


@pytest.mark.parametrize(
    "telephone",
    ["12800000000", "1380000000", "138000000000", "23-63000000", "13800000000/6300", "无"],
)
def test_no_telephones(telephone: str) -> None:
    assert places(of_draft(complete_form(employer_telephone=telephone))) == ["employer_telephone"]


@pytest.mark.parametrize(
    ("text", "pages"),
    [
        ("", ()),
        ("3", (3,)),
        ("3-5,8", (3, 4, 5, 8)),
        ("3–5，8", (3, 4, 5, 8)),
        (" 第3 至 5页、第8页 ", (3, 4, 5, 8)),
        ("p. 3 ~ 4; pp.7和9", (3, 4, 7, 9)),
        ("３—４", (3, 4)),
        ("3页5页", (3, 5)),
        ("8 3 3", (3, 8)),
        ("0", None),
        ("5-3", None),
        ("3.5", None),
        ("3-4-5", None),
        ("全部", None),
        ("10000", None),
    ],
)
def test_pages_are_parsed_as_people_write_them(text: str, pages: tuple[int, ...] | None) -> None:
    assert parse_page_ranges(text) == pages


@given(st.sets(st.integers(1, 9999), max_size=12))
def test_page_ranges_round_trip(pages: set[int]) -> None:
    assert parse_page_ranges(",".join(map(str, pages))) == tuple(sorted(pages))
    printed = format_page_ranges(",".join(map(str, pages)))
    assert parse_page_ranges(printed) == tuple(sorted(pages))


def test_pages_are_printed_as_documents_write_them() -> None:
    assert format_page_ranges("第1页") == "1"
    assert format_page_ranges("2-5 页，第8 9页") == "2—5、8—9"
    assert format_page_ranges(" 全部 ") == "全部"


@given(
    st.builds(RecommendationForm, **dict.fromkeys(RecommendationForm.__struct_fields__, ...)),
    st.none() | st.integers(0, 12),
    st.sets(st.sampled_from(get_args(Slot))),
)
def test_any_form_is_handled_and_draft_faults_are_submission_faults(
    form: RecommendationForm, evidence_pages: int | None, attached: set[Slot]
) -> None:
    submission = all_faults(form, evidence_pages=evidence_pages, attached=attached)
    stamped = {"employer_scan", "body_scan"}
    assert {fault.field for fault in submission} & stamped == stamped - attached
    assert ("conduct_declared" in places(submission)) is not form.conduct_declared
    assert set(of_draft(form, evidence_pages=evidence_pages)) <= set(submission)
    assert all(fault.zh and fault.message for fault in submission)


@given(st.sampled_from(TEXTS), st.from_regex(r"[A-Z]{8}[0-9]{8}", fullmatch=True))
def test_no_fault_quotes_what_is_filled_in(path: str, text: str) -> None:
    assert not any(text in f"{fault}{fault.zh}" for fault in all_faults(with_text(path, text)))
