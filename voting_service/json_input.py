"""JSON from outside, read strictly: one meaning a body, and every refusal names its field."""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

import msgspec

from voting_service.errors import Fault, InvalidInput, MalformedInput

T = TypeVar("T")

# msgspec's own words; the name of an unknown field is the sender's, so it may hold anything.
_UNKNOWN = re.compile(
    r"Object contains unknown field `(?P<name>.*)`(?: - at `\$(?P<at>.*)`)?", re.S
)
_MISSING = re.compile(r"Object missing required field `(?P<name>\w+)`(?: - at `\$(?P<at>.*)`)?")


def decode_json(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Raises MalformedInput when the body is not JSON, InvalidInput when it has another shape.

    msgspec keeps the last of two equal keys, so look for them first where that may matter
    (`refuse_repeated_keys`).
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise InvalidInput(_fault(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedInput(Fault("", f"the body is not valid JSON: {error}")) from None


def _fault(message: str) -> Fault:
    """msgspec says `Expected … - at `$.choices[0]``; a person wants the field by itself."""
    for pattern, what in ((_MISSING, "is missing"), (_UNKNOWN, "there is no such field")):
        if found := pattern.fullmatch(message):
            place = f"{found['at'] or ''}.{_printable(found['name'])}"
            return Fault(place.removeprefix("."), what)
    what, separator, path = message.rpartition(" - at ")
    if separator:
        return Fault(path.strip("`").removeprefix("$").removeprefix("."), what)
    return Fault("", message)


def refuse_repeated_keys(body: bytes) -> None:
    """Raises InvalidInput when an object in the body says something twice. Slow: call it only
    for bodies in which that cannot be ruled out at a glance."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise InvalidInput(Fault(_printable(key), "this key is given twice"))
            found[key] = value
        return found

    try:
        json.loads(body, object_pairs_hook=unique)
    except (ValueError, RecursionError):
        return  # not JSON at all: decode_json says where


def _printable(key: str) -> str:
    """A key from outside, fit to be shown: no lone surrogates, no control characters."""
    return "".join(c for c in key[:40] if c.isprintable())
