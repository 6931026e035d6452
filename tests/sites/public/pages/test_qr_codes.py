"""The quick way to the codes of receipts draws what the library draws."""

from __future__ import annotations

import random

import segno

from voting_service.sites.shared.qr_code import QrCode, QrCodes

PREFIX = "https://vote.example.org/zh/bayu-2022/receipts/"


def test_codes_by_sums_are_those_of_the_library() -> None:
    codes, chance = QrCodes(PREFIX, 32), random.Random(5)
    numbers = [digit * 32 for digit in "0123456789abcdef"]
    numbers += [f"{chance.getrandbits(128):032x}" for _ in range(20)]
    for _ in range(32):  # these prepare it
        assert codes.code(numbers[5]) == QrCode.of(PREFIX + numbers[5])
    for number in numbers:
        drawn = segno.make(PREFIX + number, error="m", micro=False, mask=3).svg_inline(
            omitsize=True, light="#fff", svgclass="qr", lineclass=None
        )
        assert codes.code(number).svg() == drawn
