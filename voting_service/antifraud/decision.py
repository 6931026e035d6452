"""④ Decide: a pure function of the signals of one vote.

No single network or device signal may refuse or hold a vote: an honest voter behind a shared
address is never turned away because of the address.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Decision(IntEnum):
    """What happens to a vote; the first two are stored as the ballot's disposition."""

    COUNT = 0
    HOLD = 1
    SLOW_DOWN = 2


class Signals(NamedTuple):
    """What is known of a vote when it is decided; False where unknown."""

    screened: bool = True
    voter_over_limit: bool = False
    network_over_limit: bool = False
    platform_over_ceiling: bool = False


def decide(signals: Signals) -> Decision:
    """Count whatever passes; a platform beyond its announced ceiling has its votes held, with a
    normal receipt, until staff have looked."""
    if signals.voter_over_limit:
        return Decision.SLOW_DOWN
    if signals.platform_over_ceiling:
        return Decision.HOLD
    return Decision.COUNT
