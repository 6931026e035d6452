"""Which cells are more than chance: the permutation null and the false-discovery rate."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from voting_service.antifraud.forensics.prepare import (
    Ballots,
    Bools,
    Floats,
    Votes,
    joined,
    votes_of,
)
from voting_service.antifraud.forensics.thresholds import (
    FALSE_DISCOVERIES,
    LEAST_EXPONENT,
    TAIL_FROM,
)


def permuted_votes(
    ballots: Ballots, votes: Votes, active: Bools, rng: np.random.Generator
) -> Votes:
    """The same votes with whole ballots exchanged among the active ones of a stratum.

    Both margins of every cell within the hour stay as they are.
    """
    rows = np.flatnonzero(active)
    stratum = ballots.stratum[rows]
    source = np.arange(len(ballots), dtype=np.int32)
    source[rows[np.argsort(stratum, kind="stable")]] = rows[
        np.lexsort((rng.random(len(rows)), stratum))
    ]
    counts = np.diff(votes.starts)[source]
    row = np.repeat(np.arange(len(ballots), dtype=np.int32), counts)
    target = joined(votes.target, votes.starts[source], counts)
    return votes_of(row, target, votes.targets, len(ballots))


def tail_exponent(null_log_p: Iterable[Floats]) -> float:
    """How much thinner ln p must be made for permuted cells to be as rare as they say.

    Beyond TAIL_FROM, −ln p of a true null decays as an exponential with mean one (Pickands 1975)
    and median ln 2; a larger median means that chance alone reaches further. The median, because
    hours that are all campaign stay so whatever is exchanged; and for the same reason never
    below LEAST_EXPONENT. Never above one.
    """
    tail = -np.concatenate([*null_log_p, np.empty(0)])
    beyond = tail[tail > TAIL_FROM] - TAIL_FROM
    if len(beyond) < 30:
        return 1.0
    return float(np.clip(np.log(2.0) / np.median(beyond), LEAST_EXPONENT, 1.0))


def discoveries(log_p: Floats, tests: int) -> tuple[float, Floats]:
    """(ln p of the last discovery, ln q of each cell) by Benjamini and Hochberg (1995)."""
    if not len(log_p):
        return -np.inf, log_p
    order = np.argsort(log_p, kind="stable")
    ranked = log_p[order] + np.log(max(tests, len(log_p))) - np.log(np.arange(1, len(log_p) + 1))
    log_q = np.empty(len(log_p))
    log_q[order] = np.minimum(np.minimum.accumulate(ranked[::-1])[::-1], 0.0)
    found = log_p[log_q <= np.log(FALSE_DISCOVERIES)]
    return float(found.max(initial=-np.inf)), log_q
