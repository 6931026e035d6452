"""Significance of cells: the permutation null and the false-discovery rate."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from voting_service.antifraud.forensics.prepare import (
    Ballots,
    Bools,
    Floats,
    Votes,
    gather,
    make_votes,
)
from voting_service.antifraud.forensics.thresholds import (
    FALSE_DISCOVERY_RATE,
    MIN_EXPONENT,
    TAIL_START,
)


def permuted_votes(
    ballots: Ballots, votes: Votes, active: Bools, rng: np.random.Generator
) -> Votes:
    """Return the votes with whole ballots permuted among the active ones of a stratum.

    Both margins of every cell within the hour are preserved.
    """
    rows = np.flatnonzero(active)
    stratum = ballots.stratum[rows]
    source = np.arange(len(ballots), dtype=np.int32)
    source[rows[np.argsort(stratum, kind="stable")]] = rows[
        np.lexsort((rng.random(len(rows)), stratum))
    ]
    counts = np.diff(votes.starts)[source]
    row = np.repeat(np.arange(len(ballots), dtype=np.int32), counts)
    target = gather(votes.target, votes.starts[source], counts)
    return make_votes(row, target, votes.targets, len(ballots))


def tail_exponent(null_log_p: Iterable[Floats]) -> float:
    """Return the exponent that makes p-values of permuted cells uniform.

    Beyond TAIL_START, −ln p of a true null decays as an exponential with mean one (Pickands 1975)
    and median ln 2; a larger median means that chance alone gives smaller p-values. The median is
    used because an hour of campaign ballots only stays so under permutation; for the same reason
    the exponent is at least MIN_EXPONENT. It is at most one.
    """
    tail = -np.concatenate([*null_log_p, np.empty(0)])
    beyond = tail[tail > TAIL_START] - TAIL_START
    if len(beyond) < 30:
        return 1.0
    return float(np.clip(np.log(2.0) / np.median(beyond), MIN_EXPONENT, 1.0))


def discoveries(log_p: Floats, tests: int) -> tuple[float, Floats]:
    """Return (ln p of the last discovery, ln q of each cell) by Benjamini and Hochberg (1995)."""
    if not len(log_p):
        return -np.inf, log_p
    order = np.argsort(log_p, kind="stable")
    ranked = log_p[order] + np.log(max(tests, len(log_p))) - np.log(np.arange(1, len(log_p) + 1))
    log_q = np.empty(len(log_p))
    log_q[order] = np.minimum(np.minimum.accumulate(ranked[::-1])[::-1], 0.0)
    discovered = log_p[log_q <= np.log(FALSE_DISCOVERY_RATE)]
    return float(discovered.max(initial=-np.inf)), log_q
