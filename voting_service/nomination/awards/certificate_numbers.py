"""The serial number of a certificate: the year, and a number from 001 in the order of issue."""

from __future__ import annotations

import re

DIGITS = 3
_SERIAL_NUMBER = re.compile(rf"[0-9]{{4}}-[0-9]{{{DIGITS}}}")


def format_serial_number(year: int, place: int) -> str:
    """Return the serial number of the `place`-th certificate of a year: `2022-001`."""
    return f"{year:04}-{place:0{DIGITS}}"


def is_serial_number(text: str) -> bool:
    """Whether a text has the form of a serial number."""
    return _SERIAL_NUMBER.fullmatch(text) is not None


def serial_place(serial: str) -> int:
    """Return the number within the year."""
    return int(serial.rpartition("-")[2])
