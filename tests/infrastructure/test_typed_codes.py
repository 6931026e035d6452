"""Codes that people type: spelt differently they are read, mistyped they are noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voting_service.infrastructure.typed_codes import BITS, read_typed_code, typed_code

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 12
values = st.integers(0, 2 ** (BITS * (LENGTH - 1)) - 1)


@given(values)
def test_a_code_is_read_however_it_is_typed(value: int) -> None:
    code = typed_code(value, LENGTH)
    assert len(code) == 14
    for typed in (
        code,
        code.lower(),
        code.replace("-", " "),
        f"  {code.replace('-', '')}\u3000",
        code.replace("0", "O").replace("1", "l"),
        code.replace("0", "o").replace("1", "I").replace("-", "\uff0d"),
    ):
        assert read_typed_code(typed, LENGTH) == value


@given(values, st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET))
def test_a_wrong_character_is_noticed(value: int, place: int, character: str) -> None:
    code = typed_code(value, LENGTH).replace("-", "")
    wrong = code[:place] + character + code[place + 1 :]
    assert (read_typed_code(wrong, LENGTH) is None) == (wrong != code)


@pytest.mark.parametrize("typed", ["", "-", "0" * 11, "0" * 13, "票" * 12, "U" * 12, "0" * 9999])
def test_what_is_no_code_is_none(typed: str) -> None:
    assert read_typed_code(typed, LENGTH) is None
