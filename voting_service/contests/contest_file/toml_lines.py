"""On which line of a TOML text each value stands; tomllib parses, but does not say where.

Only for texts that tomllib has accepted: what is left to do is to find boundaries, so nothing
here judges a value.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

Path = tuple[str | int, ...]
"""`("candidates", 3, "number")` is `candidates[3].number`; arrays count from 0."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY_PART = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)"""
_KEY = re.compile(rf"{_KEY_PART}(?:[ \t]*\.[ \t]*{_KEY_PART})*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?""""{0,2}'  # up to two quotes before the closing three are text
    r"|'''.*?''''{0,2}"
    r'|"(?:[^"\\]|\\.)*"'
    r"|'[^']*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}\n#]+")


def find_lines(text: str) -> Mapping[Path, int]:
    """The line, from 1, of every table, key and array element of a valid TOML text.

    A table stands at its own header, else where it is first mentioned; the root has no entry.
    Raises RecursionError where tomllib would.
    """
    return _Scan(text).lines


class _Scan:
    """One pass over the text; every method takes an offset and returns the one it got to."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._lengths: dict[Path, int] = {}  # of the arrays of tables, so far
        table: Path = ()
        at = self._skip(0)
        while at < len(text):
            if text[at] == "[":
                table, at = self._header(at)
            else:
                at = self._pair(table, at)
            at = self._skip(at)

    def _line(self, at: int) -> int:
        return bisect_right(self._breaks, at - 1) + 1

    def _skip(self, at: int) -> int:
        blank = _BLANK.match(self._text, at)
        return blank.end() if blank else at

    def _key(self, at: int) -> tuple[list[str], int]:
        """The parts of the dotted key at `at`, unescaped."""
        match = _KEY.match(self._text, at)
        if match is None:
            raise RuntimeError(f"no key at line {self._line(at)}: this text is not valid TOML")
        parts: list[str] = []
        value: Any = tomllib.loads(f"{match.group()} = 0")
        while isinstance(value, dict):
            [(part, value)] = value.items()
            parts.append(part)
        return parts, match.end()

    def _header(self, at: int) -> tuple[Path, int]:
        """`[a.b]`, or `[[a.b]]` for a new element; `b` of the newest element where a is many."""
        line = self._line(at)
        brackets = 2 if self._text.startswith("[[", at) else 1
        parts, end = self._key(self._skip(at + brackets))
        table: Path = ()
        for depth, part in enumerate(parts, start=1):
            table += (part,)
            self.lines.setdefault(table, line)
            if brackets == 2 and depth == len(parts):
                self._lengths[table] = self._lengths.get(table, 0) + 1
            if table in self._lengths:
                table += (self._lengths[table] - 1,)
        self.lines[table] = line
        return table, self._skip(end) + brackets

    def _pair(self, table: Path, at: int) -> int:
        line = self._line(at)
        parts, end = self._key(at)
        for part in parts:
            table += (part,)
            self.lines.setdefault(table, line)
        equals = self._skip(end)
        return self._value(table, self._skip(equals + 1))

    def _value(self, path: Path, at: int) -> int:
        opening = self._text[at]
        if opening == "[":
            return self._array(path, at)
        if opening == "{":
            return self._inline_table(path, at)
        match = (_STRING if opening in "\"'" else _SCALAR).match(self._text, at)
        return match.end() if match else at

    def _array(self, path: Path, at: int) -> int:
        index = 0
        at = self._skip(at + 1)
        while self._text[at] != "]":
            element = (*path, index)
            self.lines[element] = self._line(at)
            at = self._skip(self._value(element, at))
            if self._text[at] == ",":
                at = self._skip(at + 1)
            index += 1
        return at + 1

    def _inline_table(self, path: Path, at: int) -> int:
        at = self._skip(at + 1)
        while self._text[at] != "}":
            at = self._skip(self._pair(path, at))
            if self._text[at] == ",":
                at = self._skip(at + 1)
        return at + 1
