"""Canonical JSON (RFC 8785, for texts, whole numbers, lists and objects): one value, one form."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any, NoReturn

from voting_service.errors import Fault, InvalidInput, MalformedInput

MAX_INTEGER = 2**53 - 1
"""Beyond this, readers that keep numbers as doubles would see another number."""


def canonical(value: Any) -> bytes:
    """Keys sorted, no white space, UTF-8, no escapes but the needed ones.

    Keys must be ASCII, and leaves texts or whole numbers within ±MAX_INTEGER.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def digest(value: Any) -> str:
    """SHA-256 of the canonical form, in hexadecimal."""
    return sha256(canonical(value)).hexdigest()


def read_strictly(data: bytes) -> Any:
    """Reads JSON that has exactly one reading. Raises InvalidInput for anything else:
    repeated keys, fractions, true, false or null, numbers that do not fit, broken text."""
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=_refuse,
            parse_int=_integer,
            parse_constant=_refuse,
        )
        canonical(value)
    except InvalidInput:
        raise
    except (ValueError, RecursionError) as error:
        raise MalformedInput(Fault("", f"this is not a JSON document: {error}")) from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise MalformedInput(Fault("", "an object names a key twice"))
    return value


def _refuse(text: str) -> NoReturn:
    raise MalformedInput(Fault("", f"{text[:40]} is not a whole number"))


def _integer(text: str) -> int:
    if len(text) > len(str(MAX_INTEGER)) + 1 or abs(int(text)) > MAX_INTEGER:
        raise MalformedInput(Fault("", f"{text[:40]} is too large"))
    return int(text)
