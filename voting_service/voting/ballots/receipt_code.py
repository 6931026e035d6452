"""The short code of a receipt, which its holder can type from paper instead of the ballot's id.

An id has 48 bits of time in milliseconds and 74 random bits (commit.py: `ballot_ids`). The code has
16 characters: 40 bits of the time, enough until 2054, and the first 35 random ones. Two ballots of
the same millisecond have the same code once in thirty thousand million, and nobody guesses one.
"""

from __future__ import annotations

from voting_service.infrastructure.typed_codes import read_typed_code, typed_code

LENGTH = 16
_EPOCH_MS = 1_577_836_800_000
"""1 January 2020, UTC."""
_TIME_BITS, _RANDOM_A_BITS, _RANDOM_B_BITS = 40, 12, 23
_REST_BITS = 62 - _RANDOM_B_BITS
"""Of an id, which a code leaves out."""
_VERSION, _VARIANT = 0x7, 0b10


def receipt_code(ballot_id: bytes) -> str:
    """Return the short code of a ballot."""
    number = int.from_bytes(ballot_id)
    moment = (number >> 80) - _EPOCH_MS & (1 << _TIME_BITS) - 1
    random_a = number >> 64 & (1 << _RANDOM_A_BITS) - 1
    random_b = number >> _REST_BITS & (1 << _RANDOM_B_BITS) - 1
    return typed_code((moment << _RANDOM_A_BITS | random_a) << _RANDOM_B_BITS | random_b, LENGTH)


def ids_of_receipt_code(text: str) -> tuple[bytes, bytes] | None:
    """Return the first and the last id that a ballot with this code may have; None for text that
    is no code."""
    value = read_typed_code(text, LENGTH)
    if value is None:
        return None
    random_b = value & (1 << _RANDOM_B_BITS) - 1
    random_a = value >> _RANDOM_B_BITS & (1 << _RANDOM_A_BITS) - 1
    moment = (value >> _RANDOM_B_BITS + _RANDOM_A_BITS) + _EPOCH_MS
    front = (moment << 4 | _VERSION) << _RANDOM_A_BITS | random_a
    first = ((front << 2 | _VARIANT) << _RANDOM_B_BITS | random_b) << _REST_BITS
    last = first | (1 << _REST_BITS) - 1
    return first.to_bytes(16), last.to_bytes(16)
