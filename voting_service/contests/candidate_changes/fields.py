"""The fields of a profile as somebody types them: `name.zh`, `name.en`, `remove.1`.

A text in both languages has one input for each; a list of texts has a line for each, in both
languages alike. Without English the Chinese stands for both. Pictures are named by their place
among those shown, from 0: `remove.1` removes one, `caption.1.zh` is its caption.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_type_hints

import msgspec

from voting_service.contests.candidate_changes.model import CORRECTABLE, PICTURES, Fields
from voting_service.contests.model import Candidate
from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.text import LANGUAGES, Text, in_both, typed_english

Shape = Literal["text", "texts", "plain"]
_SHAPES: Mapping[Any, Shape] = {
    Text: "text",
    Text | None: "text",
    tuple[Text, ...]: "texts",
    str: "plain",
    str | None: "plain",
}
SHAPES: Mapping[str, Shape] = {
    name: _SHAPES[hint]
    for name, hint in get_type_hints(Candidate).items()
    if name in CORRECTABLE and hint in _SHAPES
}
"""By field, in the order of a profile."""
REQUIRED = frozenset(name for name, hint in get_type_hints(Candidate).items() if hint == Text)
Typed = Mapping[str, str]


def typed_values(shown: Fields) -> dict[str, str]:
    """Return the inputs of a form that show the fields as they are."""
    values = {}
    for name, shape in SHAPES.items():
        value = shown[name]
        if shape == "plain":
            values[name] = value or ""
            continue
        texts = value if shape == "texts" else [value] if value else []
        chinese, english = ("\n".join(text[language] for text in texts) for language in LANGUAGES)
        values |= _inputs(name, chinese, english)
    for place, picture in enumerate(shown[PICTURES]):
        if picture["caption"]:
            values |= _inputs(f"caption.{place}", **picture["caption"])
    return values


def _inputs(name: str, zh: str, en: str) -> dict[str, str]:
    return {f"{name}.zh": zh, f"{name}.en": typed_english(zh, en)}


def read_fields(typed: Typed, shown: Fields) -> dict[str, Any]:
    """Return the fields that the inputs give; those that are not among the inputs stay as shown.

    Raises InvalidInput for a list whose languages have different numbers of lines.
    """
    values = {**typed_values(shown), **{name: text.strip() for name, text in typed.items()}}
    fields: dict[str, Any] = {}
    for name, shape in SHAPES.items():
        if shape == "plain":
            fields[name] = values[name] or None
            continue
        both = [values[f"{name}.{language}"] for language in LANGUAGES]
        if shape == "text":
            text = msgspec.to_builtins(in_both(*both))
            fields[name] = text if any(both) or name in REQUIRED else None
        else:
            fields[name] = _paired_lines(name, both)
    fields[PICTURES] = [
        _captioned(place, picture, values)
        for place, picture in enumerate(shown[PICTURES])
        if not values.get(f"remove.{place}")
    ]
    return fields


def _paired_lines(name: str, both: list[str]) -> list[dict[str, str]]:
    lines = [[line.strip() for line in text.split("\n") if line.strip()] for text in both]
    lines[1] = lines[1] or lines[0]
    if len({len(listed) for listed in lines}) > 1:
        raise InvalidInput(Fault(name, "contests.candidate_changes.unequal_lines"))
    return [dict(zip(LANGUAGES, pair, strict=True)) for pair in zip(*lines, strict=True)]


def _captioned(place: int, picture: Fields, values: Typed) -> dict[str, Any]:
    if picture["caption"] is None:
        return dict(picture)
    caption = in_both(*(values[f"caption.{place}.{language}"] for language in LANGUAGES))
    return {**picture, "caption": msgspec.to_builtins(caption)}
