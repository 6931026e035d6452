"""Read a TOML text; a syntax error names the line, and what to type there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from voting_service.contests.contest_file import toml_lines
from voting_service.errors import Fault, InvalidInput
from voting_service.infrastructure.text_files import decode_text

_SYNTAX_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")
_TOKEN = re.compile(
    r'#[^\n]*|"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL
)
"""Comments and whole strings, in which every character is allowed."""
_ASCII = {
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u301d\u301e\uff02\u300c\u300d", '"'),
    **dict.fromkeys("\u2018\u2019\u201a\u201b\uff07", "'"),
    **dict.fromkeys("\uff0c\u3001", ","),
    **dict.fromkeys("\uff3b\u3010", "["),
    **dict.fromkeys("\uff3d\u3011", "]"),
    **dict.fromkeys("\uff0e\u3002", "."),
    **dict.fromkeys("\u3000\u00a0", "\u2423"),  # a space, shown as the sign for one
    **{chr(wide): chr(wide - 0xFEE0) for wide in range(0xFF10, 0xFF1B)},  # digits and the colon
    "\uff1d": "=",
    "\uff5b": "{",
    "\uff5d": "}",
    "\uff03": "#",
}
"""What to type instead of the characters of a Chinese keyboard or of a word processor."""
_SINGLE_QUOTED = re.compile("[" + "".join(c for c, plain in _ASCII.items() if plain in "\"'") + "]")
_CODES = {
    "Invalid value": "toml_value",
    "Expected '=' after": "toml_equals",
    "Unterminated string": "toml_open_string",
    "Illegal character '\\n'": "toml_open_string",
    'Expected "\'"': "toml_open_string",
    "Unescaped '\\'": "toml_backslash",
    "Cannot overwrite": "toml_twice",
    "Cannot declare": "toml_twice",
    "Unclosed": "toml_open_bracket",
    "Expected newline or end of document": "toml_one_a_line",
    "Invalid statement": "toml_key",
    "Invalid initial character for a key": "toml_key",
    "Expected ']'": "toml_open_bracket",
}
"""Our error codes by the beginning of tomllib's messages."""


class _Typed(NamedTuple):
    """A character that only looks like one of TOML's, and its place, from 1."""

    line: int
    column: int
    character: str

    @property
    def fault(self) -> Fault:
        return Fault(
            f"line {self.line}, column {self.column}",
            "contests.contest_file.toml_typed_wide",
            character=self.character,
            plain=_ASCII[self.character],
        )


def read_toml(path: Path) -> str:
    """Return the text of a file, whatever an editor saved it in. Raises InvalidInput."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(
            Fault(str(path), "contests.contest_file.unreadable", strerror=error.strerror)
        ) from error
    try:
        return decode_text(content)
    except InvalidInput:
        line = content.count(b"\n", 0, _first_strange_byte(content)) + 1
        raise InvalidInput(Fault(f"line {line}", "contests.contest_file.not_utf8")) from None


def _first_strange_byte(content: bytes) -> int:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return error.start
    return 0


def parse_toml(text: str) -> tuple[dict[str, Any], Mapping[toml_lines.Path, int]]:
    """Return the values and their lines. Raises InvalidInput with every character that was typed
    for one of TOML's, else with the first thing that is no TOML."""
    try:
        return tomllib.loads(text), toml_lines.find_lines(text)
    except RecursionError as error:
        raise InvalidInput(Fault("", "contests.contest_file.nested_too_deeply")) from error
    except ValueError as error:  # TOMLDecodeError is one; int() raises another for 5,000 digits
        raise InvalidInput(*_syntax_faults(text, str(error))) from error


def _syntax_faults(text: str, message: str) -> list[Fault]:
    place = _SYNTAX_PLACE.search(message)
    line = int(place[1]) if place else text.count("\n") + 1
    typed = list(_typed_outside_strings(text)) or list(_quotes_of_line(text, line))
    if typed:
        return [character.fault for character in typed]
    code = next((code for start, code in _CODES.items() if message.startswith(start)), None)
    if place is None and "end of document" not in message:
        return [Fault("", "contests.contest_file.not_toml_text", message=message)]
    if place is None and code == "toml_open_string":
        line = _line_of_open_string(text) or line
    field = f"line {line}, column {place[2]}" if place else f"line {line}"
    if code is None:
        what = message[: place.start()] if place else message
        return [Fault(field, "contests.contest_file.not_toml", what=what)]
    return [Fault(field, f"contests.contest_file.{code}")]


def _typed_outside_strings(text: str) -> Iterator[_Typed]:
    blank = _TOKEN.sub(lambda token: re.sub(r"[^\n]", " ", token[0]), text)
    for number, line in enumerate(blank.split("\n"), start=1):
        straight = min((line.find(quote) for quote in "\"'" if quote in line), default=len(line))
        for column, character in enumerate(line, start=1):
            is_quote = _SINGLE_QUOTED.match(character) is not None
            if character in _ASCII and (column <= straight or is_quote):
                yield _Typed(number, column, character)


def _quotes_of_line(text: str, number: int) -> Iterator[_Typed]:
    """Yield the quotes of the line with the error: a straight one may have opened a string there
    that one of them was to close."""
    line = text.split("\n")[number - 1]
    for quote in _SINGLE_QUOTED.finditer(line.partition("#")[0]):
        yield _Typed(number, quote.start() + 1, quote[0])


def _line_of_open_string(text: str) -> int | None:
    """Return the line of the first quote that opens a string without an end."""
    blank = _TOKEN.sub(lambda token: re.sub(r"[^\n]", " ", token[0]), text)
    opening = re.search("[\"']", blank)
    return blank.count("\n", 0, opening.start()) + 1 if opening else None
