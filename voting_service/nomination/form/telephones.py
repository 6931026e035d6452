"""Telephone numbers as offices write them. No I/O."""

from __future__ import annotations

import re

from voting_service.i18n.patterns import load_patterns
from voting_service.i18n.typed_numbers import plain_number
from voting_service.infrastructure.text_files import without_marks

_WORDS = load_patterns(__package__)
_AREA = r"(?:10|2[0-9]|[3-9][0-9]{2})"
_EXTENSION = rf"(?:\s*(?:-|{_WORDS['extension']}|ext\.?)\s*[0-9]{{1,6}})"
_NUMBER = (
    r"(?:"
    # mobile
    r"(?:(?:\+|00)?86[- ]?)?1[3-9][0-9][- ]?[0-9]{4}[- ]?[0-9]{4}"
    # landline, with or without its area code
    rf"|(?:(?:\+|00)86[- ]?\(?0?|\(?0){_AREA}\)?[- ]?[2-8][0-9]{{2,3}}[- ]?[0-9]{{4}}{_EXTENSION}?"
    rf"|[2-8][0-9]{{2,3}}[- ]?[0-9]{{4}}{_EXTENSION}?"
    # one number for the whole country: 400-820-8820, 800...
    rf"|[48]00(?:[- ]?[0-9]){{7}}{_EXTENSION}?"
    # a service number: 95519, 96388, 12333
    rf"|(?:9[56][0-9]{{3,6}}|1[0-9]{{4}}){_EXTENSION}?"
    r")"
)
_SEPARATOR = rf"(?:\s*[,;/|\u3001{_WORDS['and']}{_WORDS['or']}]\s*|\s+)"
_NUMBERS = re.compile(rf"{_NUMBER}(?:{_SEPARATOR}{_NUMBER}){{0,4}}", re.IGNORECASE)


def are_telephones(text: str) -> bool:
    """Return whether a text is empty or has one to five numbers, each with its extension."""
    plain = plain_number(without_marks(text))
    return not plain or _NUMBERS.fullmatch(plain) is not None
