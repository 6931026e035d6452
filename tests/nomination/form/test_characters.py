"""Both counts of a text's characters, the server's and the browser's."""

from __future__ import annotations

import random
from collections.abc import Sequence
from importlib import resources
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.async_api import Browser

from voting_service.nomination.form.text_length import count_characters

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
def test_a_line_break_does_not_count_and_separates_characters(before: str, after: str) -> None:
    whole = count_characters(f"{before}\n{after}")
    assert whole == count_characters(f"{before}\r\n{after}")
    assert whole == count_characters(before) + count_characters(after)


@given(st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)))
def test_chinese_characters_are_one_each(text: str) -> None:
    assert count_characters(text) == len(text)


async def counted_in(chromium: Browser, texts: Sequence[str], *, segmenter: bool) -> list[int]:
    """What the browser counts, with Intl.Segmenter or without."""
    module = resources.files("voting_service.sites.nomination.recommendations").joinpath(
        "static/count_characters.js"
    )
    address = f"data:text/javascript,{quote(module.read_text(encoding='utf-8'))}"
    page = await chromium.new_page()
    if not segmenter:
        await page.evaluate("delete Intl.Segmenter")
    counted: list[int] = await page.evaluate(
        "async ([address, texts]) => texts.map((await import(address)).countCharacters)",
        [address, list(texts)],
    )
    await page.close()
    return counted


@pytest.mark.parametrize("segmenter", [True, False])
async def test_the_browser_counts_the_same(chromium: Browser, segmenter: bool) -> None:
    counted = await counted_in(chromium, list(COUNTED), segmenter=segmenter)
    assert dict(zip(COUNTED, counted, strict=True)) == COUNTED


ORDINARY = [
    *"工匠技师葛𠮷㐂，。、；：？！“”‘’（）《》…—·￥％℃㎡①ⅣⅨ",
    *"abcXYZ0123456789 .,;:!?()[]{}<>@#*+-=/%&_|~^'\"\\",
    "\n", "\r\n", "\t", "\u3000", "\u00a0", "\u200b", "\ufeff",
    "é", "e\u0301", "o\u0308\u0304", "ñ", "ü", "Ω", "Ж", "\U000e0100", "\ufe0f", "\ufe0e",
    "👍", "👍🏽", "👩\u200d🔧", "👨\u200d👩\u200d👧\u200d👦", "❤️", "1️⃣", "#️⃣", "©", "™", "☎", "✔",
    "🇨🇳", "🇬🇧", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "🏳️\u200d🌈",
    "한", "국", "\u1100\u1161\u11a8", "가\u11a8", "བོད", "སྐ", "རྒྱ", "ᠮᠣᠩ", "\u180b", "ئۇيغۇر",
    "مُ", "นี้", "กำ", "ꆈꌠ",
    "か\u3099", "ﾊﾟ", "हि", "தி",
]  # fmt: skip
"""What texts of officers may hold, with the scripts of the country's peoples."""


@pytest.mark.parametrize("segmenter", [True, False])
async def test_ordinary_texts_are_counted_alike(chromium: Browser, segmenter: bool) -> None:
    drawn = random.Random(20220718)
    texts = ["".join(drawn.choices(ORDINARY, k=drawn.randint(1, 40))) for _ in range(3000)]
    counted = await counted_in(chromium, texts, segmenter=segmenter)
    assert [
        (text, here, count_characters(text))
        for text, here in zip(texts, counted, strict=True)
        if here != count_characters(text)
    ] == []
