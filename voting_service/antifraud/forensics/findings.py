"""What an examination says: a verdict for each ballot, and the campaigns that explain it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["network", "device", "accounts", "habits", "mixed", "lockstep", "bloc", "repeat"]
"""What the ballots of a campaign share most tellingly; `mixed`: only several things together;
`repeat`: voters who had voted on the day already."""


class Verdict(IntEnum):
    """`BLOC` is for staff to look at and holds nothing; `HOLD` is proposed to be held."""

    CLEAN = 0
    BLOC = 1
    HOLD = 2


@dataclass(frozen=True, slots=True)
class Shared:
    """One thing the ballots of a campaign share: `device` = `a1b2…`, in so many of them."""

    name: str
    value: str
    ballots: int
    expected: float


@dataclass(frozen=True, slots=True)
class Picture:
    """Votes for a campaign's first candidate by value of an attribute and by time."""

    attribute: str
    values: tuple[str, ...]
    """The tables have one row more: everybody else."""
    start: int
    """Milliseconds since 1970, UTC."""
    bin_ms: int
    observed: tuple[tuple[float, ...], ...]
    expected: tuple[tuple[float, ...], ...]
    """What is usual for as many ballots in the same hours on the same platforms."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """Ballots that belong together and why; the texts are ready to be read out by staff."""

    number: int
    kind: Kind
    verdict: Verdict
    attributes: tuple[Shared, ...]
    first_at: int
    """Milliseconds since 1970, UTC; so is last_at."""
    last_at: int
    candidates: tuple[int, ...]
    """What the campaign votes for, the most frequent first."""
    ballots: int
    """How many ballots point here in Findings.campaign."""
    voters: int
    observed: float
    """Voters of the candidate behind the cells that gave it away; a voter with several ballots
    counts once. `expected` is how many are usual there; ballots of other windows may join."""
    expected: float
    p_value: float
    """Of the most telling cell; so is the q value, over all cells tested. Both 0 for repeats: they
    break a rule, whatever chance does."""
    q_value: float
    sentence_zh: str
    sentence_en: str
    picture: Picture


@dataclass(frozen=True, slots=True)
class Findings:
    """By ballot, in the order of the columns examined."""

    verdict: npt.NDArray[np.int8]
    score: npt.NDArray[np.float32]
    """How probable it is that the ballot belongs to a campaign, 0 to 1."""
    campaign: npt.NDArray[np.int32]
    """Index into campaigns; -1 none."""
    campaigns: tuple[Campaign, ...] = field(default=())
