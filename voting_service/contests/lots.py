"""A lot that anybody can draw again: from a seed to an order. No I/O.

Somebody knows the seed only once it is announced elsewhere, such as a lottery's numbers of a named
day; the order follows from it by SHA-256.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import TypeVar

from voting_service.errors import Fault, InvalidInput

Ticket = TypeVar("Ticket", int, str)
_DRAWN = re.compile(r"[0-9]{1,64}")


def plain_drawn(text: str) -> str:
    """The drawn number as it enters the hash: digits, no leading zeros. Raises InvalidInput."""
    digits = text.strip()
    if not _DRAWN.fullmatch(digits):
        raise InvalidInput(
            Fault(
                "drawn",
                "must be a whole number of at most 64 digits",
                "号码须为不超过 64 位的整数。",
            )
        )
    return digits.lstrip("0") or "0"


def lot_order(drawn: str, matter: str, tickets: Iterable[Ticket]) -> tuple[Ticket, ...]:
    """The order that a drawn number gives these tickets; `drawn` as of `plain_drawn`. `matter`,
    a contest or a selection, keeps one number from deciding two lots alike.

    By SHA-256 of `drawn|matter|ticket` in hex; the database draws candidates' numbers by the same
    rule (0013_review.sql: draw_numbers).
    """
    return tuple(sorted(tickets, key=lambda ticket: lot(drawn, matter, ticket)))


def lot(drawn: str, matter: str, ticket: int | str) -> str:
    """What a ticket is ordered by."""
    return sha256(f"{drawn}|{matter}|{ticket}".encode()).hexdigest()
