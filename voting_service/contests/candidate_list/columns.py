"""The columns of a list of candidates, and the headings by which they are recognised."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from voting_service.contests.model import Candidate
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.patterns import load_patterns
from voting_service.i18n.text import LANGUAGES, Language

CATALOGUE = "candidate_list"


class CandidateColumn(NamedTuple):
    """A column: the key of the candidate's section in a contest file, and its language, None where
    it has none. A cell of a list has one item a line."""

    key: str
    language: Language | None = None
    is_required: bool = False
    width: int = 12
    is_list: bool = False

    @property
    def id(self) -> str:
        """Return the name of its texts in the catalogue."""
        return self.key if self.language is None else f"{self.key}_{self.language}"

    def heading(self, reader: Language) -> str:
        """Return its heading in the template."""
        text: str = load_catalogue(CATALOGUE, reader)["headings"][self.id]
        return text

    def note(self, reader: Language) -> str:
        """Return what to write in it."""
        text: str = load_catalogue(CATALOGUE, reader)["notes"][self.id]
        return text


def _texts(
    key: str, width: int, *, is_required: bool = True, is_list: bool = False
) -> tuple[CandidateColumn, CandidateColumn]:
    """Return the columns of a text in both languages. Without English the Chinese stands for
    both."""
    return (
        CandidateColumn(key, "zh", is_required, width, is_list),
        CandidateColumn(key, "en", False, width, is_list),
    )


_ALL = (
    CandidateColumn("number", is_required=True, width=8),
    *_texts("name", 14),
    *_texts("trade", 16),
    *_texts("district", 14),
    *_texts("employer", 20, is_required=False),
    *_texts("skill_grade", 14, is_required=False),
    *_texts("honours", 30, is_required=False, is_list=True),
    *_texts("summary", 36),
    *_texts("story", 60),
    CandidateColumn("film", width=24),
    CandidateColumn("portrait", width=18),
)
COLUMNS = tuple(
    column for column in _ALL if column.key in {*Candidate.__struct_fields__, "portrait"}
)
"""Those of the model, in the order of the template; a list may have them in any order. A new field
of a candidate is a line above, its pattern in patterns.toml, and its texts in the catalogue."""


def find_columns(cells: Sequence[str]) -> Mapping[int, CandidateColumn]:
    """Return the recognised columns of a row of headings, by their place from 0. Of two headings
    for one column the first counts."""
    recognised: dict[int, CandidateColumn] = {}
    for place, cell in enumerate(cells):
        column = find_column(cell)
        if column is not None and column not in recognised.values():
            recognised[place] = column
    return recognised


def find_column(heading: str) -> CandidateColumn | None:
    """Return the column that a heading names."""
    plain = plain_heading(heading)
    return next((column for column in COLUMNS if plain and _pattern(column).fullmatch(plain)), None)


def plain_heading(heading: str) -> str:
    """Return a heading in lower case without spaces and punctuation."""
    folded = unicodedata.normalize("NFKC", heading).casefold()
    return "".join(character for character in folded if character.isalnum())


def is_example(cell: str) -> bool:
    """Return whether the number of a row marks it as an example."""
    return re.fullmatch(load_patterns(__package__)["example"], plain_heading(cell)) is not None


@cache
def _pattern(column: CandidateColumn) -> re.Pattern[str]:
    words = load_patterns(__package__)
    name, remark = f"(?:{words[column.key]})", f"(?:{words['remark']})?"
    if column.language is None:
        return re.compile(name + remark)
    language = f"(?:{words[column.language]})"
    if column.language == LANGUAGES[0]:  # a heading without a language is the first one's
        return re.compile(f"{language}?{name}{language}?{remark}")
    return re.compile(f"(?:{language}{name}|{name}{language}){remark}")
