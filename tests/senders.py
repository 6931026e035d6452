"""Senders of votes for tests: an address and a device that are only names."""

from __future__ import annotations

from hashlib import blake2b

from voting_service.antifraud.screening.client_signals import (
    NOWHERE,
    Device,
    Origin,
    Sender,
)
from voting_service.antifraud.screening.user_agents import UNKNOWN

LONG_AGO = 3_600


def hashed(name: str) -> str:
    return blake2b(name.encode(), digest_size=8).hexdigest()


def sender(network: str = "", device: str = "", around: tuple[str, ...] = ()) -> Sender:
    """A vote's sender; without a network from nowhere, where nothing is limited."""
    origin = Origin(hashed(network), hashed(network), False, False, tuple(map(hashed, around)))
    return Sender(origin if network else NOWHERE, Device(hashed(device), UNKNOWN), 0, LONG_AGO)
