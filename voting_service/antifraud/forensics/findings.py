"""The result of an examination: a verdict for each ballot, and the campaigns that explain it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["network", "device", "accounts", "habits", "mixed", "lockstep", "bloc", "repeat"]
"""What the ballots of a campaign share; `mixed`: only a combination of several attributes;
`repeat`: second ballots of a voter on one day."""


class BallotVerdict(IntEnum):
    """`HOLD`: proposed to be held. `BLOC`: for staff to review, not held."""

    CLEAN = 0
    BLOC = 1
    HOLD = 2


@dataclass(frozen=True, slots=True)
class SharedValue:
    """A value that ballots of a campaign share, such as `device` `a1b2…`, and how many do."""

    name: str
    value: str
    ballots: int
    expected: float


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Votes for a campaign's target by value of an attribute and by time."""

    attribute: str
    values: tuple[str, ...]
    """The tables have one more row, for all other ballots."""
    start: int
    """Milliseconds since 1970, UTC."""
    bin_ms: int
    observed: tuple[tuple[float, ...], ...]
    expected: tuple[tuple[float, ...], ...]
    """For as many ballots in the same hours on the same platforms."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """Ballots that belong together, the evidence, and a sentence for staff in each language."""

    number: int
    kind: Kind
    verdict: BallotVerdict
    attributes: tuple[SharedValue, ...]
    first_at: int
    """Milliseconds since 1970, UTC; so is last_at."""
    last_at: int
    candidates: tuple[int, ...]
    """Numbers of the campaign's candidates, the most frequent first."""
    ballots: int
    """Number of ballots with this campaign in Findings.campaign."""
    voters: int
    observed: float
    """Voters of the target in the significant cells; a voter with several ballots counts once.
    `expected` is the expectation there; the campaign may have ballots of other windows too. For
    accounts that choose the same candidates together: the mean meetings of two of them."""
    expected: float
    p_value: float
    """Of the most significant cell, like the q value, which is over all cells tested. Both are 0
    for repeats, which break a rule and are not tested."""
    q_value: float
    sentence_zh: str
    sentence_en: str
    heat_map: HeatMap


@dataclass(frozen=True, slots=True)
class Findings:
    """Verdicts and campaigns by ballot, in the order of the columns examined."""

    verdict: npt.NDArray[np.int8]
    score: npt.NDArray[np.float32]
    """Probability that the ballot belongs to a campaign, 0 to 1."""
    campaign: npt.NDArray[np.int32]
    """Index into campaigns; -1 none."""
    campaigns: tuple[Campaign, ...] = field(default=())
