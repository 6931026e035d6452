"""Made-up personal data for tests; it belongs to nobody."""

from __future__ import annotations

from datetime import date

from voting_service.office.id_numbers import check_character


def id_number(division: str = "500101", birth: date = date(1980, 5, 17), serial: int = 11) -> str:
    """A number that obeys the standard."""
    digits = f"{division}{birth:%Y%m%d}{serial:03}"
    return digits + check_character(digits)
