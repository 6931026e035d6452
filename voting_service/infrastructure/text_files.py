"""Texts from outside as Excel, editors and messengers leave them: one reader for all of them.

They come in UTF-8, UTF-16 or GB 18030 (which is what "ANSI" means on Chinese Windows), with or
without a byte order mark, with either line end; a number that was copied from a chat or a contact
list has direction marks around it, one from a web page a no-break space.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.private_use import map_private_use

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_MARKS = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
"""Marks of direction and of order, and what separates words without being seen."""
_SPACES = re.compile("[\u00a0\u2007\u202f]")
_DELIMITERS = ",\t;\uff0c"
_SEPARATOR_LINE = re.compile(r"sep=(.)[ \t,;]*\n", re.IGNORECASE)
"""The line that names the separator of a CSV file to Excel."""


def read_text_file(path: Path) -> str:
    """Return the text of a file, as `decode_text`. Raises InvalidInput at the file's name."""
    try:
        return decode_text(path.read_bytes())
    except OSError as error:
        raise InvalidInput(
            Fault(str(path), "infrastructure.unreadable_file", strerror=error.strerror)
        ) from None
    except InvalidInput as error:
        raise InvalidInput(*(fault.at(path.name) for fault in error.faults)) from None


def decode_text(content: bytes) -> str:
    """Return a text with plain line ends and today's code points, whatever it is encoded in.
    Raises InvalidInput."""
    for encoding in _encodings(content):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        mapped = map_private_use(text.replace("\r\n", "\n").replace("\r", "\n"))
        if "\0" not in text and (b"\0" not in content or _is_plausible(mapped)):
            return mapped
    raise InvalidInput(Fault("", "infrastructure.not_a_text"))


def _encodings(content: bytes) -> tuple[str, ...]:
    if content.startswith(_UTF16_MARKS):
        return ("utf-16",)
    if b"\0" in content:  # UTF-16 without its mark
        low_first = content[1::2].count(0) >= content[::2].count(0)
        return ("utf-16-le" if low_first else "utf-16-be",)
    return ("utf-8-sig", "gb18030")


def _is_plausible(text: str) -> bool:
    """Return whether bytes that may be UTF-16, as nearly all bytes may, gave a text."""
    return all(character.isprintable() or character.isspace() for character in without_marks(text))


def without_marks(text: str) -> str:
    """Return the text without invisible marks, and with plain spaces."""
    return _SPACES.sub(" ", _MARKS.sub("", text))


def read_rows(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each line of a CSV text, without spaces around them. What separates them
    is what the first line has most of. Raises csv.Error."""
    plain = without_marks(text)
    named = _SEPARATOR_LINE.match(plain)
    if named is not None:
        plain = plain[named.end() :]
    first = next((line for line in plain.split("\n") if line.strip()), "")
    delimiter = named[1] if named else max(_DELIMITERS, key=first.count)
    for row in csv.reader(io.StringIO(plain, newline=""), delimiter=delimiter):
        yield tuple(_plain_cell(cell) for cell in row)


def _plain_cell(cell: str) -> str:
    """Return a cell without what keeps Excel from taking it for a number: an apostrophe, or a
    formula whose result is the text."""
    plain = cell.strip()
    formula = re.fullmatch(r'="(.*)"', plain)
    return formula[1] if formula else re.sub(r"^'(?=[\d=+@-])", "", plain)
