"""Both counts of a text's characters, the server's and the browser's."""

from __future__ import annotations

from importlib import resources
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.async_api import Browser

from voting_service.office.characters import count_characters

COUNTED = {
    "": 0,
    "工匠": 2,
    "技师，一级。": 6,
    "CNC-3000 数控": 10,
    "一\r\n二\n三": 3,
    "一\n\n\n\u3000\u3000二\t三 ": 3,
    "é": 1,  # one code point
    "e\u0301": 1,  # two
    "👍🏽": 1,
    "👩‍🔧": 1,
    "👨‍👩‍👧‍👦": 1,
    "🇨🇳🇨🇳": 2,
    "1️⃣2️⃣": 2,
    "𠮷𪚥": 2,  # pairs of surrogates
    "㐂\ue000": 2,
    "\u200b\ufeff\u2060\u00ad": 0,
    "葛\U000e0100": 1,  # a variation of one character
    "한국": 2,
    "각": 1,
    "นี้": 1,
    "５‰℃㎡①": 5,
    "……——": 4,
    "“”（）": 4,
    "\u0000\u001b": 0,
    "\u3164": 0,
}


@pytest.mark.parametrize(("text", "count"), COUNTED.items())
def test_characters_are_counted_as_people_do(text: str, count: int) -> None:
    assert count_characters(text) == count


@given(st.text(), st.text())
def test_a_line_break_is_free_and_parts_what_it_stands_between(before: str, after: str) -> None:
    whole = count_characters(f"{before}\n{after}")
    assert whole == count_characters(f"{before}\r\n{after}")
    assert whole == count_characters(before) + count_characters(after)


@given(st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)))
def test_chinese_characters_are_one_each(text: str) -> None:
    assert count_characters(text) == len(text)


async def test_the_browser_counts_the_same(chromium: Browser) -> None:
    module = resources.files("voting_service.office").joinpath("static/count_characters.js")
    address = f"data:text/javascript,{quote(module.read_text(encoding='utf-8'))}"
    page = await chromium.new_page()
    counted = await page.evaluate(
        "async ([address, texts]) => texts.map((await import(address)).countCharacters)",
        [address, list(COUNTED)],
    )
    await page.close()
    assert dict(zip(COUNTED, counted, strict=True)) == COUNTED
