"""A draw that anyone can repeat: an order computed from a number drawn in public. No I/O.

The number is published elsewhere at an announced time, such as the lottery numbers of a day; the
order follows from it by SHA-256.
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
    """Return the drawn number without leading zeros, as it enters the hash. Raises InvalidInput."""
    digits = text.strip()
    if not _DRAWN.fullmatch(digits):
        raise InvalidInput(Fault("drawn", "infrastructure.crypto.drawn_number_invalid"))
    return digits.lstrip("0") or "0"


def lot_order(drawn: str, purpose: str, tickets: Iterable[Ticket]) -> tuple[Ticket, ...]:
    """Return the tickets in the order of SHA-256 of `drawn|matter|ticket`, in hex.

    `drawn` is a result of `plain_drawn`. `purpose` names what is drawn for, so that one number
    gives two draws different orders. The database uses the same rule in `draw_numbers`.
    """
    return tuple(sorted(tickets, key=lambda ticket: lot(drawn, purpose, ticket)))


def lot(drawn: str, purpose: str, ticket: int | str) -> str:
    """Return the hash by which a ticket is ordered."""
    return sha256(f"{drawn}|{purpose}|{ticket}".encode()).hexdigest()
