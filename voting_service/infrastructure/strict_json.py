"""Read JSON from outside strictly: one meaning per body, and every error names its field."""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

import msgspec

from voting_service.errors import (
    Fault,
    InvalidInput,
    MalformedInput,
)
from voting_service.infrastructure.json_shapes import wrong_shape

T = TypeVar("T")

# msgspec's messages; the name of an unknown field comes from the sender and may be anything.
_UNKNOWN = re.compile(
    r"Object contains unknown field `(?P<name>.*)`(?: - at `\$(?P<at>.*)`)?", re.S
)
_MISSING = re.compile(r"Object missing required field `(?P<name>\w+)`(?: - at `\$(?P<at>.*)`)?")


def decode_json(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Decode a body. Raises MalformedInput if it is not JSON, InvalidInput for another shape.

    msgspec keeps the last of two equal keys; where that matters, call `refuse_repeated_keys`
    first.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise InvalidInput(_fault(str(error), decoder.type, body)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedInput(Fault("", "infrastructure.invalid_json", error=error)) from None


def _fault(message: str, kind: Any, body: bytes) -> Fault:
    """Return msgspec's message, such as `Expected … - at `$.choices[0]``, as a fault of a field of
    a `kind`, in plain words."""
    if match := _MISSING.fullmatch(message):
        return Fault(_field(match), "infrastructure.missing_field")
    if match := _UNKNOWN.fullmatch(message):
        return Fault(_field(match), "infrastructure.unknown_field")
    problem, separator, at = message.rpartition(" - at ")
    path = at.strip("`").removeprefix("$") if separator else ""
    plain = wrong_shape(kind, body, path)
    field = path.removeprefix(".")
    if plain is None:
        return Fault.verbatim(field, problem if separator else message)
    return Fault.verbatim(field, plain.en, plain.zh)


def _field(match: re.Match[str]) -> str:
    return f"{match['at'] or ''}.{printable(match['name'])}".removeprefix(".")


def refuse_repeated_keys(body: bytes) -> None:
    """Raises InvalidInput if an object in the body repeats a key.

    Slow: call it only for bodies where a repeated key is possible.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for key, value in pairs:
            if key in members:
                raise InvalidInput(Fault(printable(key), "infrastructure.repeated_key"))
            members[key] = value
        return members

    try:
        json.loads(body, object_pairs_hook=unique)
    except (ValueError, RecursionError):
        return  # not JSON at all: decode_json raises with the place


def printable(text: str, limit: int = 40) -> str:
    """Return the printable part of a text from outside, at most `limit` characters."""
    return "".join(c for c in text[:limit] if c.isprintable())
