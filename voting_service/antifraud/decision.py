"""④ Decide: a pure function of the signals of one vote. Every threshold is in this folder:
rates in limits.py, the rest here.

No single network or device signal refuses or holds a vote. One of them asks for a challenge, a
price that an honest browser pays unnoticed; a ballot is held, with a normal receipt, when two
that have nothing to do with each other coincide:

| signal          | lit when                                                     | kind   |
|-----------------|--------------------------------------------------------------|--------|
| crowded network | the /24 or /64 is over its rate                              | priced |
| repeated device | one fingerprint on one network is over its rate              | priced, soft |
| few devices     | a busy network's hundreds of votes show few fingerprints     | holds  |
| cloud network   | the address is a hosting company's, where no voter lives     | priced, strong |
| automated agent | the user agent says that it is a program                     | strong |
| young account   | the platform's account is younger than YOUNG_ACCOUNT_DAYS    | soft   |
| hurried         | cast within HURRIED_SECONDS of signing in                    | soft   |

Held: few devices (a network and a device signal in one: a thousand voters with one telephone),
two strong ones, or a strong and a soft one. Asked for a challenge: any that is priced. A solved
challenge proves work, not a person, so it never takes a hold away. A platform beyond its
announced ceiling has its votes held until staff have looked.

Where signals mean nothing they are not lit: networks that the operator exempts
(VOTING_EXEMPT_NETWORKS), such as the servers of a platform that passes its votes on.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import NamedTuple

YOUNG_ACCOUNT_DAYS = 2
HURRIED_SECONDS = 3


class Decision(IntEnum):
    """What happens to a vote; the first two are stored as the ballot's disposition."""

    COUNT = 0
    HOLD = 1
    SLOW_DOWN = 2
    CHALLENGE = 3


class Suspicion(IntFlag):
    """The lit signals, stored with the ballot for staff; values never change their meaning."""

    CROWDED_NETWORK = 1
    REPEATED_DEVICE = 2
    FEW_DEVICES = 4
    CLOUD_NETWORK = 8
    AUTOMATED_AGENT = 16
    YOUNG_ACCOUNT = 32
    HURRIED = 64
    PLATFORM_CEILING = 128
    CHALLENGE_SOLVED = 256


STRONG = Suspicion.CLOUD_NETWORK | Suspicion.AUTOMATED_AGENT
SOFT = Suspicion.REPEATED_DEVICE | Suspicion.YOUNG_ACCOUNT | Suspicion.HURRIED
PRICED = Suspicion.CROWDED_NETWORK | Suspicion.REPEATED_DEVICE | Suspicion.CLOUD_NETWORK


class Policy(NamedTuple):
    """What a contest wants of the screening; in its file, section `screening`."""

    challenge: bool = True
    hold: bool = True


class Verdict(NamedTuple):
    """A decision, and the signals it was made on."""

    decision: Decision
    lit: int


def _decide(lit: int, policy: Policy) -> Decision:
    if policy.challenge and lit & PRICED and not lit & Suspicion.CHALLENGE_SOLVED:
        return Decision.CHALLENGE
    if lit & Suspicion.PLATFORM_CEILING:
        return Decision.HOLD
    strong = (lit & STRONG).bit_count()
    several = strong == STRONG.bit_count() or (strong and lit & SOFT)
    coincide = lit & Suspicion.FEW_DEVICES or several
    return Decision.HOLD if policy.hold and coincide else Decision.COUNT


_ALL = 2 * max(Suspicion)
_VERDICTS = {
    policy: tuple(Verdict(_decide(lit, policy), lit) for lit in range(_ALL))
    for policy in (Policy(challenge, hold) for challenge in (False, True) for hold in (False, True))
}
"""Every answer there is, worked out once: a decision costs a look-up."""


class Price(IntEnum):
    """When a vote is asked for a challenge, known before anything is counted; for admit.lua, which
    counts only votes that are not asked."""

    NEVER = 0
    OVER_RATE = 1
    ALWAYS = 2


def _price(lit: int, policy: Policy) -> Price:
    if _decide(lit, policy) is Decision.CHALLENGE:
        return Price.ALWAYS
    over_rate = _decide(lit | Suspicion.CROWDED_NETWORK, policy) is Decision.CHALLENGE
    return Price.OVER_RATE if over_rate else Price.NEVER


_PRICES = {policy: tuple(int(_price(lit, policy)) for lit in range(_ALL)) for policy in _VERDICTS}


def price(lit: int, policy: Policy) -> int:
    """The price (Price) of a vote of which the signals `lit` are known without counting."""
    return _PRICES[policy][lit]


def decide(lit: int, *, voter_over_limit: bool, policy: Policy) -> Verdict:
    """The verdict on a vote whose signals `lit` (Suspicion) are lit; a voter over the limit has
    earned to be slowed down."""
    if voter_over_limit:
        return Verdict(Decision.SLOW_DOWN, lit)
    return _VERDICTS[policy][lit]
