"""QR codes on pages, as inline SVG that scales to its frame.

The SVG has no styles, which the content security policy would block.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import segno
from markupsafe import Markup

_MASK = 3
"""A fixed mask: all eight are readable, and choosing the best takes 3.4 ms, more than the rest of a
vote."""
_MARGIN = 4
_RUN = re.compile("1+")
_HEXADECIMAL = "0123456789abcdef"


class QrCode(NamedTuple):
    """The modules of a code as a number: rows from the top, each from the left, dark is 1."""

    modules: int
    size: int

    @classmethod
    def of(cls, text: str) -> QrCode:
        """Return the code of a text."""
        matrix = segno.make(text, error="m", micro=False, mask=_MASK).matrix
        return cls(int("".join(str(module) for row in matrix for module in row), 2), len(matrix))

    def svg(self) -> Markup:
        """Return the code as SVG."""
        size = self.size
        bits = format(self.modules, f"0{size * size}b")
        path, pen, down = [f"M{_MARGIN} {_MARGIN}.5"], 0, 0
        for row in range(size):
            for run in _RUN.finditer(bits[row * size : (row + 1) * size]):
                start, end = run.span()
                if start != pen or down:
                    path.append(f"m{start - pen} {down}")
                path.append(f"h{end - start}")
                pen, down = end, 0
            down += 1
        side = size + 2 * _MARGIN
        svg = (
            f'<svg viewBox="0 0 {side} {side}" class="qr"><path fill="#fff" d="M0 0h{side}v{side}'
            f'h-{side}z"/><path stroke="#000" d="{"".join(path)}"/></svg>'
        )
        return Markup(svg)  # noqa: S704 — paths and numbers, none of the text


class QrCodes:
    """The codes of addresses that end in a hexadecimal number, each for an eighth of the time.

    With version, mask and length fixed, a module of a code is a sum modulo 2 of bits of the text,
    because Reed-Solomon codes are linear (ISO/IEC 18004, 7.5). So the code of an address is the sum
    of that of the number 0 and of what each of its digits changes. The first codes are made by the
    library, and each prepares one digit, which takes ten milliseconds.
    """

    def __init__(self, prefix: str, digits: int) -> None:
        self._prefix = prefix
        self._digits = digits
        self._zero = QrCode.of(prefix + "0" * digits)
        self._changes: list[dict[str, int]] = []

    def _prepare_digit(self) -> None:
        place, changes = len(self._changes), {}
        for digit in "1248a":
            number = "0" * place + digit + "0" * (self._digits - place - 1)
            changes[digit] = QrCode.of(self._prefix + number).modules ^ self._zero.modules
        letter = changes["a"] ^ changes["1"]
        self._changes.append({d: _change(d, changes, letter) for d in _HEXADECIMAL})

    def code(self, number: str) -> QrCode:
        """Return the code of the prefix and a number in lower-case hexadecimal digits."""
        if len(self._changes) < self._digits:
            self._prepare_digit()
            return QrCode.of(self._prefix + number)
        modules = self._zero.modules
        for changes, digit in zip(self._changes, number, strict=True):
            modules ^= changes[digit]
        return QrCode(modules, self._zero.size)


def _change(digit: str, changes: dict[str, int], letter: int) -> int:
    """Return what a digit changes, by the bits of its character: 0x30 to 0x39, 0x61 to 0x66."""
    total = letter if digit.isalpha() else 0
    for bit in (1, 2, 4, 8):
        if ord(digit) & 0xF & bit:
            total ^= changes[str(bit)]
    return total
