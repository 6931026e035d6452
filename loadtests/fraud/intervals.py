"""Means over seeds with their 95% intervals. Seeds are independent, ballots of a seed are not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from scipy.stats import beta, t


class Mean(NamedTuple):
    mean: float
    low: float
    high: float
    seeds: int


def mean_with_interval(values: Sequence[float]) -> Mean:
    """Mean with Student's two-sided 95% interval."""
    if not values:
        return Mean(math.nan, math.nan, math.nan, 0)
    middle = fmean(values)
    half = _half_width(values, 0.975)
    return Mean(middle, middle - half, middle + half, len(values))


def upper_bound(rates: Sequence[float], ballots_a_seed: float) -> float:
    """A one-sided 95% upper bound of a rare rate.

    The larger of Student's bound over the seeds and of the exact binomial bound (Clopper and
    Pearson, 1934) over their ballots: the first sees that holds come in clusters, the second
    that no holds at all prove little among few ballots.
    """
    if not rates or not ballots_a_seed:
        return math.nan
    middle = fmean(rates)
    ballots = ballots_a_seed * len(rates)
    held = middle * ballots
    exact = float(beta.ppf(0.95, held + 1, max(ballots - held, 1e-9)))
    return max(exact, middle + _half_width(rates, 0.95))


def _half_width(values: Sequence[float], quantile: float) -> float:
    if len(values) < 2:
        return 0.0
    return float(t.ppf(quantile, len(values) - 1)) * stdev(values) / math.sqrt(len(values))
