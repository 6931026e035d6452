"""Cards, telephones and dates as offices have them; lists of ID numbers; notes."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from tests.nomination.form.people import complete_form, id_number
from voting_service.errors import InvalidInput, Note
from voting_service.nomination.form.id_number_list import read_id_numbers
from voting_service.nomination.form.id_numbers import fill_from_id_number, parse_id_number
from voting_service.nomination.form.model import Month, RecommendationForm
from voting_service.nomination.form.notes import notes
from voting_service.nomination.form.telephones import are_telephones
from voting_service.nomination.privacy.personal_data import find_personal_data
from voting_service.nomination.privacy.text_normalization import PlainText
from voting_service.sites.nomination.recommendations.form_steps import parse_day, parse_month

OLD_CARD = "USA500080010116"
"""A foreigner's card of before 2023; its check digit is that of ICAO 9303."""


@pytest.mark.parametrize("division", ["810000", "820000", "830000", "950840", "931276"])
def test_permits_of_hong_kong_macao_taiwan_and_of_foreigners(division: str) -> None:
    number = id_number(division, date(1985, 3, 9), 12)
    assert parse_id_number(number) == (number, date(1985, 3, 9), "female")
    with pytest.raises(InvalidInput):
        parse_id_number(number[:16] + str(9 - int(number[16])) + number[17])


def test_a_foreigners_number_needs_a_province_after_the_nine() -> None:
    with pytest.raises(InvalidInput, match="province"):
        parse_id_number(id_number("999840", date(1985, 3, 9), 12))


def test_old_cards_of_foreigners_have_letters_and_tell_neither_birth_nor_sex() -> None:
    assert parse_id_number(f" {OLD_CARD.lower()} ") == (OLD_CARD, None, None)
    for wrong in (OLD_CARD[:-1] + "4", OLD_CARD.replace("USA", "UAS"), "USA500080013315"):
        with pytest.raises(InvalidInput):
            parse_id_number(wrong)
    assert list(find_personal_data(PlainText.of(f"号码{OLD_CARD}。")))


def test_a_number_that_excel_rounded_is_named_as_that() -> None:
    with pytest.raises(InvalidInput, match="spreadsheet"):
        parse_id_number("5.00101E+17")


def test_sex_and_birth_come_from_the_number_and_overwrite_nothing() -> None:
    number = id_number(birth=date(1978, 6, 1), serial=11)
    filled = fill_from_id_number(RecommendationForm(id_number=number))
    assert (filled.sex, filled.birth) == ("male", Month(1978, 6))
    typed = RecommendationForm(id_number=number, sex="female", birth=Month(1979, 1))
    assert fill_from_id_number(typed) == typed
    unreadable = RecommendationForm(id_number="12")
    assert fill_from_id_number(unreadable) == unreadable


@pytest.mark.parametrize(
    "text",
    [
        *("400-820-8820", "4008208820", "400-8208-820", "95519", "96388", "12333", "8008108888"),
        *("023-63000000", "023-63000000转8001", "(023)63000000-12", "023-6300 0000 分机 5"),
        *("13800000000", "138 0000 0000", "+86 138-0000-0000", "０２３－６３００００００"),
        *("023-63000000、13800000000", "63000000/63000001", "023-63000000 13800000000"),
        *(
            "023-63000000，13800000000；95519",
            "13800000000或13900000000",
            "\u202a13800000000\u202c",
        ),
        "023—63000000",
        "",
    ],
)
def test_telephones_as_offices_write_them(text: str) -> None:
    assert are_telephones(text)


@pytest.mark.parametrize(
    "text", ["1234", "0", "tel", "1380000000", "400-820-88", "023-6300000x", "13800000000," * 6]
)
def test_what_is_no_telephone(text: str) -> None:
    assert not are_telephones(text)


@pytest.mark.parametrize(
    "text",
    ["196503", "1965-03", "1965.3", "1965年3月", "１９６５０３", "1965-03-08", "1965年3月8日"],
)
def test_months_as_people_and_systems_write_them(text: str) -> None:
    assert parse_month(text) == Month(1965, 3)


@pytest.mark.parametrize("text", ["20220630", "2022-06-30", "２０２２．６．３０", "2022年6月30日"])
def test_days_as_people_and_systems_write_them(text: str) -> None:
    assert parse_day(text) == date(2022, 6, 30)


@pytest.mark.parametrize("text", ["196513", "19653", "65-03", "1965", "1965-03-", "三月"])
def test_what_is_no_month(text: str) -> None:
    assert parse_month(text) is None


def test_work_before_sixteen_is_a_note_and_no_fault() -> None:
    young = complete_form(first_employed=Month(1994, 7))
    [note] = notes(young)
    assert isinstance(note, Note)
    assert (note.field, note.code) == ("first_employed", "nomination.form.employed_young")
    assert "16" in note.zh
    assert notes(complete_form()) == ()
    assert notes(msgspec.structs.replace(young, first_employed=None)) == ()


A, B = id_number(serial=11), id_number(serial=13)


@pytest.mark.parametrize(
    "content",
    [
        f"{A}\n{B}\n".encode(),
        f"\ufeff{A}\r\n\r\n{B}".encode(),
        f"身份证号\n{A}\n{B}\n".encode("gb18030"),
        f"姓名,身份证号,年份\n张三,{A},2021\n李四,'{B},2021\n".encode("utf-8-sig"),
        f'sep=;\n"{A}";x\n="{B}";y\n'.encode(),
        f"\u202a{A}\u202c\n\u200e{B}\u00a0\n".encode("utf-16"),
    ],
)
def test_a_list_of_numbers_as_excel_and_messengers_leave_it(content: bytes) -> None:
    assert read_id_numbers(content) == [A, B]


def test_every_bad_line_is_named_with_its_number() -> None:
    with pytest.raises(InvalidInput) as refused:
        read_id_numbers(f"{A}\n12345\n\n{B}\n5.00101E+17\n{B[:-1]}a\n".encode())
    places = [fault.message.partition(":")[0] for fault in refused.value.faults]
    assert places == ["line 2", "line 5", "line 6"]
    assert "第2行" in refused.value.text("zh")
    assert "第6行" in refused.value.text("zh")
    assert A not in refused.value.text("zh")
