"""Resident identity numbers. Those here belong to nobody: their serial numbers are made up."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.nomination.form.people import id_number
from voting_service.errors import InvalidInput
from voting_service.nomination.form.id_numbers import (
    PROVINCES,
    check_character,
    is_old_id_number,
    parse_id_number,
)

NUMBERS = st.builds(
    id_number,
    st.sampled_from(sorted(PROVINCES)).flatmap(
        lambda province: st.from_regex(rf"{province}[0-9]{{4}}", fullmatch=True)
    ),
    st.dates(date(1900, 1, 1), date(2022, 12, 31)),
    st.integers(0, 999),
)
FULL_WIDTH = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")


def refused(text: str) -> str:
    """What is said in Chinese about a number that is refused."""
    with pytest.raises(InvalidInput) as refusal:
        parse_id_number(text)
    (fault,) = refusal.value.faults
    assert fault.field == "id_number"
    assert not any(part in f"{fault.message} {fault.zh}" for part in {text} - {""})
    return fault.zh


def test_the_standards_example() -> None:
    """GB 11643-1999 gives 11010519491231002X and 440524188001010014 as examples; the second was
    born before 1900."""
    assert check_character("11010519491231002") == "X"
    assert check_character("44052418800101001") == "4"
    assert parse_id_number("11010519491231002X") == (
        "11010519491231002X",
        date(1949, 12, 31),
        "female",
    )
    assert "出生日期" in refused("440524188001010014")


@given(NUMBERS)
def test_a_number_is_parsed_in_every_spelling(number: str) -> None:
    parsed = parse_id_number(number)
    assert parsed.text == number
    assert parsed.birth is not None
    assert parsed.birth.strftime("%Y%m%d") == number[6:14]
    assert (parsed.sex == "male") is (number[16] in "13579")
    spaced = f" {number[:6]} {number[6:14]}\u3000{number[14:].lower()} "
    assert parse_id_number(spaced) == parse_id_number(number.translate(FULL_WIDTH)) == parsed


@given(NUMBERS, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_every_single_wrong_character_is_detected(number: str, place: int, other: str) -> None:
    assume(number[place] != other)
    refused(number[:place] + other + number[place + 1 :])


@given(NUMBERS, st.integers(0, 16))
def test_every_swap_of_neighbours_is_detected(number: str, place: int) -> None:
    first, second = number[place], number[place + 1]
    assume(first != second)
    refused(number[:place] + second + first + number[place + 2 :])


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("", "应为18位，现为0位"),
        ("1234567", "现为7位"),
        ("110105491231002", "旧号码"),
        ("11010519491231002XX", "现为19位"),
        ("A1010519491231002X", "17位数字加1位"),
        ("٠1010519491231002X", "17位数字加1位"),
        (id_number("990105", date(1970, 1, 1), 1), "省级代码"),
        ("11010519490231002X", "出生日期"),
        ("110105194912310021", "校验不通过"),
    ],
)
def test_each_fault_has_its_own_sentence(text: str, output: str) -> None:
    assert output in refused(text)


def test_numbers_of_the_first_generation() -> None:
    assert is_old_id_number("510105491231002")
    assert not is_old_id_number("990105491231002")
    assert not is_old_id_number("510105491331002")
    assert not is_old_id_number("51010549123100")
