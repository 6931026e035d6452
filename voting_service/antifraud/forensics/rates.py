"""Expected rates: p(candidate | hour, platform), over all ballots of an hour and platform.

Busy hours are split into ten minutes, because a burst may begin within an hour. Small counts are
shrunk: a stratum's ballots are joined by `PRIOR_BALLOTS` prior ballots that choose as the whole
slot does, adjusted for the platform's preferences over the whole contest; a slot's prior is its
hour, an hour's its day, a day's the contest. So a burst in which everybody takes part (a
television programme) raises the rate everywhere. A burst from few networks or few devices does
not: in a stratum the ballots of each of them together have the weight of one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from voting_service.antifraud.forensics.columns import Int32s
from voting_service.antifraud.forensics.prepare import (
    DAY_MS,
    Ballots,
    Floats,
    Votes,
    sum_by_code,
)
from voting_service.antifraud.forensics.thresholds import PRIOR_BALLOTS

Rates = npt.NDArray[np.float32]

_BLOCK_VOTES = 4_000_000
"""Votes, or rates, that are processed at once."""


def sharing_weights(ballots: Ballots, sources: Sequence[Int32s]) -> Floats:
    """Return one divided by the ballots of the stratum that share a source (network, device)."""
    most = np.ones(len(ballots))
    for source in sources:
        present = np.flatnonzero(source >= 0)
        key = ballots.stratum[present].astype(np.int64) << 32 | source[present]
        _, place, counts = np.unique(key, return_inverse=True, return_counts=True)
        most[present] = np.maximum(most[present], counts[place])
    return 1.0 / most


def choice_rates(ballots: Ballots, votes: Votes, weights: Floats) -> Rates:
    """Return strata × targets: the weighted share of the ballots that choose the target."""
    strata, targets = len(ballots.stratum_slot), votes.targets
    chosen = np.zeros(strata * targets)
    for begin in range(0, len(votes.row), _BLOCK_VOTES):
        row = votes.row[begin : begin + _BLOCK_VOTES]
        target = votes.target[begin : begin + _BLOCK_VOTES]
        key = ballots.stratum[row].astype(np.int64) * targets + target
        chosen += sum_by_code(key, weights[row], strata * targets)
    by_stratum = chosen.reshape(strata, targets)
    cast = sum_by_code(ballots.stratum, weights, strata)
    overall = (by_stratum.sum(axis=0) + 0.5) / (cast.sum() + 1.0)
    slots = int(ballots.slot[-1]) + 1
    by_slot, cast_slot = _sum_groups(by_stratum, cast, ballots.stratum_slot, slots)
    first = np.searchsorted(ballots.slot, np.arange(slots))
    hour_of_slot = ballots.hour[first]
    day_of_slot = np.unique(ballots.cast_at[first] // DAY_MS, return_inverse=True)[1]
    days, hours = int(day_of_slot[-1]) + 1, int(hour_of_slot[-1]) + 1
    day_rate = _shrink(*_sum_groups(by_slot, cast_slot, day_of_slot, days), overall[None, :])
    day_of_hour = day_of_slot[np.searchsorted(hour_of_slot, np.arange(hours))]
    by_hour = _sum_groups(by_slot, cast_slot, hour_of_slot, hours)
    hour_rate = _shrink(*by_hour, day_rate[day_of_hour])
    slot_rate = _shrink(by_slot, cast_slot, hour_rate[hour_of_slot])
    platforms = int(ballots.platform.max()) + 1
    of_platform = _sum_groups(by_stratum, cast, ballots.stratum_platform, platforms)
    preference = _shrink(*of_platform, overall[None, :]) / overall
    rates = np.empty((strata, targets), dtype=np.float32)
    step = max(_BLOCK_VOTES // max(targets, 1), 1)
    for begin in range(0, strata, step):
        block = slice(begin, begin + step)
        prior_rate = (
            slot_rate[ballots.stratum_slot[block]] * preference[ballots.stratum_platform[block]]
        )
        rates[block] = _shrink(by_stratum[block], cast[block], np.minimum(prior_rate, 1.0))
    return rates


def _sum_groups(
    chosen: Floats, cast: Floats, group: npt.NDArray[np.integer], size: int
) -> tuple[Floats, Floats]:
    total = np.zeros((size, chosen.shape[1]))
    np.add.at(total, group, chosen)
    return total, sum_by_code(group, cast, size)


def _shrink(chosen: Floats, cast: Floats, prior: Floats) -> Floats:
    borrowed: Floats = (chosen + PRIOR_BALLOTS * prior) / (cast + PRIOR_BALLOTS)[:, None]
    return borrowed
