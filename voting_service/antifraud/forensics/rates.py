"""How a candidate fares among all ballots of an hour and platform: p(candidate | hour, platform).

Busy hours are split in ten minutes, so that a burst may begin within. Small counts borrow: a
stratum's own are joined by `BORROWED_BALLOTS` imaginary ballots that choose as the whole slot
does, tilted to the platform's taste over the whole contest; a slot borrows from its hour, an
hour from its day, a day from the contest. So a burst that everybody takes
part in (a television programme) raises the rate everywhere at once. A burst from few networks
or few devices does not: in a stratum each of them weighs as one ballot, whomever it chooses.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from voting_service.antifraud.forensics.columns import Int32s
from voting_service.antifraud.forensics.prepare import DAY_MS, Ballots, Floats, Votes, summed
from voting_service.antifraud.forensics.thresholds import BORROWED_BALLOTS

Rates = npt.NDArray[np.float32]

_BLOCK_VOTES = 4_000_000
"""Votes, or rates, that are worked on at once."""


def shared_weights(ballots: Ballots, sources: Sequence[Int32s]) -> Floats:
    """One divided by how many ballots of the stratum share a source (network, device) with it."""
    most = np.ones(len(ballots))
    for source in sources:
        known = np.flatnonzero(source >= 0)
        key = ballots.stratum[known].astype(np.int64) << 32 | source[known]
        _, place, counts = np.unique(key, return_inverse=True, return_counts=True)
        most[known] = np.maximum(most[known], counts[place])
    return 1.0 / most


def choice_rates(ballots: Ballots, votes: Votes, weights: Floats) -> Rates:
    """strata × targets: the weighted share of the ballots that choose the target."""
    strata, targets = len(ballots.stratum_slot), votes.targets
    chosen = np.zeros(strata * targets)
    for begin in range(0, len(votes.row), _BLOCK_VOTES):
        row = votes.row[begin : begin + _BLOCK_VOTES]
        target = votes.target[begin : begin + _BLOCK_VOTES]
        key = ballots.stratum[row].astype(np.int64) * targets + target
        chosen += summed(key, weights[row], strata * targets)
    by_stratum = chosen.reshape(strata, targets)
    cast = summed(ballots.stratum, weights, strata)
    overall = (by_stratum.sum(axis=0) + 0.5) / (cast.sum() + 1.0)
    slots = int(ballots.slot[-1]) + 1
    by_slot, cast_slot = _summed(by_stratum, cast, ballots.stratum_slot, slots)
    first = np.searchsorted(ballots.slot, np.arange(slots))
    hour_of_slot = ballots.hour[first]
    day_of_slot = np.unique(ballots.cast_at[first] // DAY_MS, return_inverse=True)[1]
    days, hours = int(day_of_slot[-1]) + 1, int(hour_of_slot[-1]) + 1
    day_rate = _borrow(*_summed(by_slot, cast_slot, day_of_slot, days), overall[None, :])
    day_of_hour = day_of_slot[np.searchsorted(hour_of_slot, np.arange(hours))]
    by_hour = _summed(by_slot, cast_slot, hour_of_slot, hours)
    hour_rate = _borrow(*by_hour, day_rate[day_of_hour])
    slot_rate = _borrow(by_slot, cast_slot, hour_rate[hour_of_slot])
    platforms = int(ballots.platform.max()) + 1
    of_platform = _summed(by_stratum, cast, ballots.stratum_platform, platforms)
    taste = _borrow(*of_platform, overall[None, :]) / overall
    rates = np.empty((strata, targets), dtype=np.float32)
    step = max(_BLOCK_VOTES // max(targets, 1), 1)
    for begin in range(0, strata, step):
        some = slice(begin, begin + step)
        usual = slot_rate[ballots.stratum_slot[some]] * taste[ballots.stratum_platform[some]]
        rates[some] = _borrow(by_stratum[some], cast[some], np.minimum(usual, 1.0))
    return rates


def _summed(
    chosen: Floats, cast: Floats, group: npt.NDArray[np.integer], size: int
) -> tuple[Floats, Floats]:
    total = np.zeros((size, chosen.shape[1]))
    np.add.at(total, group, chosen)
    return total, summed(group, cast, size)


def _borrow(chosen: Floats, cast: Floats, prior: Floats) -> Floats:
    borrowed: Floats = (chosen + BORROWED_BALLOTS * prior) / (cast + BORROWED_BALLOTS)[:, None]
    return borrowed
