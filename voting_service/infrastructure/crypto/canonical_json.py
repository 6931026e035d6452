"""Canonical JSON (RFC 8785), written by rfc8785, and a reader that accepts nothing ambiguous."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any, NoReturn

import rfc8785

from voting_service.errors import (
    Fault,
    InvalidInput,
    MalformedInput,
)

MAX_INTEGER = 2**53 - 1
"""The largest whole number that a double represents exactly."""


def canonical(value: Any) -> bytes:
    """Return the canonical form: keys sorted, no white space, UTF-8, only necessary escapes.

    Raises ValueError for what has none, such as a whole number beyond ±MAX_INTEGER.
    """
    return rfc8785.dumps(value)


def digest(value: Any) -> str:
    """Return the SHA-256 of the canonical form, in hexadecimal."""
    return sha256(canonical(value)).hexdigest()


def read_strictly(data: bytes) -> Any:
    """Read JSON that has a canonical form. Raises InvalidInput for anything else.

    Not allowed are repeated keys, fractions, true, false, null, numbers beyond MAX_INTEGER and
    invalid UTF-8.
    """
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
        raise MalformedInput(Fault("", "infrastructure.crypto.not_json", error=error)) from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise MalformedInput(Fault("", "infrastructure.crypto.repeated_key"))
    return value


def _refuse(text: str) -> NoReturn:
    raise MalformedInput(Fault("", "infrastructure.crypto.not_integer", text=text[:40]))


def _integer(text: str) -> int:
    if len(text) > len(str(MAX_INTEGER)) + 1 or abs(int(text)) > MAX_INTEGER:
        raise MalformedInput(Fault("", "infrastructure.crypto.number_too_large", text=text[:40]))
    return int(text)
