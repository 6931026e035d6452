"""Read a list of ID numbers from outside: a text, a CSV file or a workbook. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

from voting_service.errors import Fault, InvalidInput
from voting_service.infrastructure.spreadsheets import read_sheets
from voting_service.nomination.form.id_numbers import parse_id_number


def read_id_numbers(content: bytes) -> Sequence[str]:
    """Return the number of each line that is not empty: of several cells the one with the most
    digits. A first line without any digit is a heading.

    Raises InvalidInput with every line that has no valid number.
    """
    numbers: list[str] = []
    faults: list[Fault] = []
    for sheet in read_sheets(content):
        lines = [(line, row) for line, row in enumerate(sheet, start=1) if any(row)]
        if lines and not _count_digits("".join(lines[0][1])):
            del lines[0]
        for line, row in lines:
            try:
                numbers.append(parse_id_number(max(row, key=_count_digits)).text)
            except InvalidInput as error:
                faults.append(_at_line(line, error.faults[0]))
    if faults:
        raise InvalidInput(*faults)
    return numbers


def _count_digits(cell: str) -> int:
    return sum(character.isdigit() for character in cell)


def _at_line(line: int, fault: Fault) -> Fault:
    params = {"line": line, "why_zh": fault.zh, "why_en": fault.message}
    return Fault("", "nomination.form.listed_id", **params)
