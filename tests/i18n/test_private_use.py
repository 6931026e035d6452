"""Private-use code points of GB 18030-2000, and numbers as a Chinese keyboard types them."""

from __future__ import annotations

import pytest

from voting_service.i18n.private_use import ENCODED_SINCE, map_private_use
from voting_service.i18n.typed_numbers import is_wide_number, plain_number


def test_the_80_characters_of_the_row_have_todays_code_points() -> None:
    row = range(0xE815, 0xE865)
    mapped = [ENCODED_SINCE[code] for code in row]
    assert len(mapped) == len(set(mapped)) == 80
    assert not any(0xE000 <= code < 0xF900 for code in ENCODED_SINCE.values())
    # The four-byte code of GB 18030 and today's character name the same one.
    for code, (private, today) in zip(
        _two_byte_codes(), zip(row, mapped, strict=True), strict=True
    ):
        assert code.decode("gb18030") in {chr(private), chr(today)}


def _two_byte_codes() -> list[bytes]:
    return [bytes((0xFE, trail)) for trail in range(0x50, 0xA1) if trail != 0x7F]


@pytest.mark.parametrize(
    ("old", "today"),
    [
        ("\ue863", "䶮"),
        ("陈\ue863", "陈䶮"),
        ("\ue81e\ue826\ue82b\ue82c", "龴龵龶龷"),
        ("\ue832\ue843\ue854\ue864", "龸龹龺龻"),
        ("\ue816\ue831", "\U00020087\U000215d7"),
        ("\ue7c7\ue7c8", "ḿǹ"),
        ("\ue78d", "\ufe10"),
        ("\ue000", "\ue000"),
        ("plain", "plain"),
    ],
)
def test_old_names_become_todays(old: str, today: str) -> None:
    assert map_private_use(old) == today


@pytest.mark.parametrize(
    ("typed", "plain"),
    [("９０", "90"), ("８５．５", "85.5"), ("85。5", "85.5"), (" 023—63000000 ", "023-63000000")],
)
def test_numbers_of_a_chinese_keyboard(typed: str, plain: str) -> None:
    assert plain_number(typed) == plain


def test_only_what_is_nothing_but_a_number_counts_as_one() -> None:
    assert all(map(is_wide_number, ["９０", "２０２２－０６－３０", "0９：00", "８5．5"]))
    assert not any(map(is_wide_number, ["90", "", "第９条", "９０分", "Ａ１"]))
