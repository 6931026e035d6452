"""What changed between two submissions, word by word. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Literal, NamedTuple, get_args

from voting_service.nomination.model import Slot
from voting_service.nomination.recommendations.model import Submission

_WORD = re.compile(r"[A-Za-z0-9]+|\s+|.", re.DOTALL)
"""A word of letters and digits, white space, or a single character, as Chinese has no spaces."""
_ISLAND_WORDS = 2
"""Fewer words between two changes are part of the change: single characters agree by chance."""
_CONTEXT_CHARACTERS = 40
_MOST_PAIRS = 4_000_000
"""Of words that are compared: two texts of full length take less than a second at worst. Longer
ones, which consist of invisible characters, are shown whole."""
GAP = " … "


class TextPart(NamedTuple):
    """A part of a text that stayed, or of the text before or after."""

    kind: Literal["same", "deleted", "inserted"]
    text: str


def compare_texts(before: str, after: str) -> tuple[TextPart, ...]:
    """Return the parts of both texts in order. Of what stayed, only the surroundings of changes are
    returned, with GAP for the rest."""
    parts: list[TextPart] = []
    for is_same, old, new in _join_islands(_WORD.findall(before), _WORD.findall(after)):
        if is_same:
            parts.append(TextPart("same", "".join(new)))
        else:
            changed = TextPart("deleted", "".join(old)), TextPart("inserted", "".join(new))
            parts += [part for part in changed if part.text]
    last = len(parts) - 1
    return tuple(
        part._replace(text=_shorten(part.text, is_first=place == 0, is_last=place == last))
        if part.kind == "same"
        else part
        for place, part in enumerate(parts)
    )


def _join_islands(
    before: list[str], after: list[str]
) -> Iterator[tuple[bool, list[str], list[str]]]:
    """Yield runs of both texts, alternately the same and changed."""
    if len(before) * len(after) > _MOST_PAIRS:
        yield False, before, after
        return
    old: list[str] = []
    new: list[str] = []
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    blocks = matcher.get_opcodes()
    for place, (tag, old_start, old_end, new_start, new_end) in enumerate(blocks):
        is_inside = 0 < place < len(blocks) - 1
        if tag == "equal" and not (is_inside and new_end - new_start < _ISLAND_WORDS):
            if old or new:
                yield False, old, new
            yield True, before[old_start:old_end], after[new_start:new_end]
            old, new = [], []
        else:
            old = old + before[old_start:old_end]
            new = new + after[new_start:new_end]
    if old or new:
        yield False, old, new


def _shorten(text: str, *, is_first: bool, is_last: bool) -> str:
    head = "" if is_first else text[:_CONTEXT_CHARACTERS]
    tail = "" if is_last else text[-_CONTEXT_CHARACTERS:]
    return text if len(head) + len(tail) >= len(text) else f"{head}{GAP}{tail}"


def changed_files(before: Submission, after: Submission) -> tuple[Slot, ...]:
    """Return the slots whose file was replaced."""
    return tuple(
        slot
        for slot in get_args(Slot)
        if getattr(before, f"{slot}_sha256") != getattr(after, f"{slot}_sha256")
    )
