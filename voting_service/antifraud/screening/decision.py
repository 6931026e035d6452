"""④ Decide: a pure function of the signals of one vote. Every threshold is in this folder: rates in
rate_limits.py, the others here.

No single network or device signal rejects or holds a vote. One of them requires a challenge, which
an honest browser solves unnoticed; a ballot is held, with a normal receipt, when two independent
signals coincide:

| signal          | active when                                               | kind              |
| --------------- | --------------------------------------------------------- | ----------------- |
| crowded network | the /24, or the /64, /56 or /48, is over its rate         | challenge         |
| repeated device | one fingerprint on one of them is over its rate           | challenge, soft   |
| few devices     | a busy network's hundreds of votes have few fingerprints  | hold              |
| cloud network   | the address belongs to a hosting company                  | challenge, strong |
| automated agent | the user agent names a program                            | strong            |
| young account   | the platform's account is younger than YOUNG_ACCOUNT_DAYS | soft              |
| hurried         | cast within HURRIED_SECONDS of signing in                 | soft              |

Held: few devices (a network and a device signal in one: a thousand voters with one telephone),
two strong signals, or a strong and a soft one. A challenge is required by any signal of that kind.
A solved challenge proves work, not a person, so it never releases a hold. The votes of a platform
above its announced ceiling are held until staff have reviewed them.

No signal is active where signals mean nothing: on networks that the operator exempts
(VOTING_EXEMPT_NETWORKS), such as the servers of a platform that forwards its votes.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import NamedTuple

YOUNG_ACCOUNT_DAYS = 2
HURRIED_SECONDS = 3


class ScreeningDecision(IntEnum):
    """The decision about a vote; the first two are stored as the ballot's disposition."""

    COUNT = 0
    HOLD = 1
    SLOW_DOWN = 2
    CHALLENGE = 3


class Signal(IntFlag):
    """A signal of one vote, stored with the ballot for staff; values never change their meaning."""

    CROWDED_NETWORK = 1
    REPEATED_DEVICE = 2
    FEW_DEVICES = 4
    CLOUD_NETWORK = 8
    AUTOMATED_AGENT = 16
    YOUNG_ACCOUNT = 32
    HURRIED = 64
    PLATFORM_CEILING = 128
    CHALLENGE_SOLVED = 256


def signal_names(active_signals: int) -> tuple[str, ...]:
    """Return the names of active signals in lower case, as catalogues have them."""
    return tuple(
        signal.name.lower() for signal in Signal if signal & active_signals and signal.name
    )


STRONG = Signal.CLOUD_NETWORK | Signal.AUTOMATED_AGENT
SOFT = Signal.REPEATED_DEVICE | Signal.YOUNG_ACCOUNT | Signal.HURRIED
CHALLENGED = Signal.CROWDED_NETWORK | Signal.REPEATED_DEVICE | Signal.CLOUD_NETWORK


class Policy(NamedTuple):
    """The screening that a contest uses; section `screening` of its contest file."""

    challenge: bool = True
    hold: bool = True


class Verdict(NamedTuple):
    """A decision, and the active signals."""

    decision: ScreeningDecision
    active_signals: int


def _decide(active_signals: int, policy: Policy) -> ScreeningDecision:
    if (
        policy.challenge
        and active_signals & CHALLENGED
        and not active_signals & Signal.CHALLENGE_SOLVED
    ):
        return ScreeningDecision.CHALLENGE
    if active_signals & Signal.PLATFORM_CEILING:
        return ScreeningDecision.HOLD
    strong = (active_signals & STRONG).bit_count()
    several = strong == STRONG.bit_count() or (strong and active_signals & SOFT)
    coincide = active_signals & Signal.FEW_DEVICES or several
    return ScreeningDecision.HOLD if policy.hold and coincide else ScreeningDecision.COUNT


_ALL = 2 * max(Signal)
_VERDICTS = {
    policy: tuple(
        Verdict(_decide(active_signals, policy), active_signals) for active_signals in range(_ALL)
    )
    for policy in (Policy(challenge, hold) for challenge in (False, True) for hold in (False, True))
}
"""The verdict for every combination, computed once: a decision is a look-up."""


class Price(IntEnum):
    """When a vote requires a challenge, known before anything is counted; for admit.lua, which
    counts only votes that require none."""

    NEVER = 0
    OVER_RATE = 1
    ALWAYS = 2


def _price(active_signals: int, policy: Policy) -> Price:
    if _decide(active_signals, policy) is ScreeningDecision.CHALLENGE:
        return Price.ALWAYS
    over_rate = (
        _decide(active_signals | Signal.CROWDED_NETWORK, policy) is ScreeningDecision.CHALLENGE
    )
    return Price.OVER_RATE if over_rate else Price.NEVER


_PRICES = {
    policy: tuple(int(_price(active_signals, policy)) for active_signals in range(_ALL))
    for policy in _VERDICTS
}


def price(active_signals: int, policy: Policy) -> int:
    """Return when (Price) a vote with these active signals, known without counting, requires a
    challenge."""
    return _PRICES[policy][active_signals]


def decide(active_signals: int, *, voter_over_limit: bool, policy: Policy) -> Verdict:
    """Return the verdict on a vote with these active signals (Signal); a voter over the limit is
    slowed down."""
    if voter_over_limit:
        return Verdict(ScreeningDecision.SLOW_DOWN, active_signals)
    return _VERDICTS[policy][active_signals]
