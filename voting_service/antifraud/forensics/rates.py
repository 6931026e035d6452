"""How a candidate fares among all ballots of an hour and platform: p(candidate | hour, platform).

Small hours borrow: a stratum's own counts are joined by `BORROWED_BALLOTS` imaginary ballots
that choose as the whole hour does, tilted to the platform's taste over the whole contest; an
hour in turn borrows from its day, and a day from the contest. So a burst that everybody takes
part in (a television programme) raises the rate everywhere at once.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voting_service.antifraud.forensics.prepare import DAY_MS, Ballots, Bools, Floats
from voting_service.antifraud.forensics.thresholds import BORROWED_BALLOTS

Rates = npt.NDArray[np.float32]


def choice_rates(ballots: Ballots, active: Bools, *, by_platform: bool = True) -> Rates:
    """strata × candidates: the share of the active ballots that choose the candidate.

    With `by_platform` False every platform of an hour has the hour's rate, which is what a
    platform's own ballots are to be compared with.
    """
    votes = active[ballots.choice_row]
    choice, row = ballots.choice[votes], ballots.choice_row[votes]
    candidates = ballots.candidates

    def counted(codes: npt.NDArray[np.integer], size: int) -> tuple[Floats, Floats]:
        key = codes[row].astype(np.int64) * candidates + choice
        chosen = np.bincount(key, minlength=size * candidates).reshape(size, candidates)
        return chosen.astype(np.float64), np.bincount(codes[active], minlength=size).astype(float)

    strata = len(ballots.stratum_hour)
    by_stratum, cast = counted(ballots.stratum, strata)
    hours = int(ballots.hour[-1]) + 1 if len(ballots) else 0
    first = np.searchsorted(ballots.hour, np.arange(hours))
    day_of_hour = np.unique(ballots.cast_at[first] // DAY_MS, return_inverse=True)[1]
    overall = (by_stratum.sum(axis=0) + 0.5) / (cast.sum() + 1.0)
    by_hour, cast_hour = _summed(by_stratum, cast, ballots.stratum_hour, hours)
    days = int(day_of_hour.max(initial=-1)) + 1
    by_day, cast_day = _summed(by_hour, cast_hour, day_of_hour, days)
    day_rate = _borrow(by_day, cast_day, overall[None, :])
    hour_rate = _borrow(by_hour, cast_hour, day_rate[day_of_hour])
    expected = hour_rate[ballots.stratum_hour]
    if not by_platform:
        return expected.astype(np.float32)
    platforms = int(ballots.platform.max(initial=-1)) + 1
    by_platform_, cast_platform = _summed(by_stratum, cast, ballots.stratum_platform, platforms)
    taste = _borrow(by_platform_, cast_platform, overall[None, :]) / overall
    tilted = np.minimum(expected * taste[ballots.stratum_platform], 1.0)
    return _borrow(by_stratum, cast, tilted).astype(np.float32)


def _summed(
    chosen: Floats, cast: Floats, group: npt.NDArray[np.integer], size: int
) -> tuple[Floats, Floats]:
    total = np.zeros((size, chosen.shape[1]))
    np.add.at(total, group, chosen)
    return total, np.bincount(group, weights=cast, minlength=size)


def _borrow(chosen: Floats, cast: Floats, prior: Floats) -> Floats:
    borrowed: Floats = (chosen + BORROWED_BALLOTS * prior) / (cast + BORROWED_BALLOTS)[:, None]
    return borrowed
