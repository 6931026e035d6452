"""The organisers of a contest in a form: a row for each, with what they are and their name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from voting_service.contests.contest_file.schema import MAX_ORGANISERS
from voting_service.i18n.text import LANGUAGES, in_both, typed_english

KEY = "organisers"
PARTS = ("role", "name")
LEAST_ROWS, EMPTY_ROWS = 3, 2
"""How many rows are shown at least, and below those that are filled in."""

Form = Mapping[str, str]


def input_name(place: int, part: str, language: str) -> str:
    """Return the name of an input, which is also how the contest file's check names its value."""
    return f"{KEY}[{place}].{part}.{language}"


INPUTS = tuple(
    input_name(place, part, language)
    for place in range(MAX_ORGANISERS)
    for part in PARTS
    for language in LANGUAGES
)


def read_organisers(form: Form) -> list[dict[str, dict[str, str]]]:
    """Return the organisers as in a contest file; rows that are left empty are left out."""
    rows: list[dict[str, dict[str, str]]] = [
        {
            part: msgspec.to_builtins(
                in_both(*(form.get(input_name(place, part, code), "") for code in LANGUAGES))
            )
            for part in PARTS
        }
        for place in range(MAX_ORGANISERS)
    ]
    return [row for row in rows if any(text for both in row.values() for text in both.values())]


def show_organisers(organisers: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return what stands in the inputs, by their names."""
    return {
        input_name(place, part, language): text
        for place, organiser in enumerate(organisers)
        for part in PARTS
        for language, text in (
            ("zh", organiser[part]["zh"]),
            ("en", typed_english(organiser[part]["zh"], organiser[part]["en"])),
        )
    }


def without_gaps(form: Form) -> dict[str, str]:
    """Return the form with its rows moved up over empty ones, as they were read and checked."""
    others = {name: text for name, text in form.items() if name not in INPUTS}
    return others | show_organisers(read_organisers(form))


def count_rows(filled: Form) -> int:
    """Return how many rows to show."""
    count = len(read_organisers(filled)) + EMPTY_ROWS
    return min(MAX_ORGANISERS, max(LEAST_ROWS, count))
