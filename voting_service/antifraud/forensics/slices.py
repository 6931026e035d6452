"""How many votes of each candidate a slice of the file has that the other slices do not explain.

A slice is a platform, a class of networks or of accounts' ages, or the ballots with one name. Its
votes are compared twice: over the whole file with what the other slices predict, and over the days
with the slice's own quiet days, so that readers who favour their own candidate every day are no
surprise. Hours and devices are too many to be compared one by one; for them the votes beyond three
standard errors are added up. How far candidates differ without any fraud is not assumed: each
figure is measured in the robust standard deviations of the same figure of all candidates (median
and median absolute deviation).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from voting_service.antifraud.forensics.columns import ABSENT, Int32s, Int64s
from voting_service.antifraud.forensics.prepare import AnyInts, Bools, Floats, sorted_distinct
from voting_service.antifraud.forensics.thresholds import (
    BURST_RATIO,
    DEVICE_DEVIATIONS,
    LEAST_DEVICE_DEVIATION,
    MIN_COMPARED_CANDIDATES,
    MIN_COMPARED_DAYS,
    MIN_COMPARED_SHARE,
    MIN_DAY_SHARE,
    MIN_DAY_VOTES,
    PRIOR_DAY_BALLOTS,
    PRIOR_HOUR_BALLOTS,
    PUBLIC_BALLOTS,
    PUBLIC_RATIO,
    QUIET_SHARE,
    RARE_DEVICE_VOTERS,
    SLICE_DEVIATIONS,
    SURPLUS_ERRORS,
)

_MAX_HOUR_CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class SeatVotes:
    """The counted votes of a file. `row` and `choice` are the ballot and the dense candidate of
    each vote, `day` and `hour` those of each ballot, local and from 0."""

    row: Int32s
    choice: Int64s
    counted: Bools
    voter: Int32s
    day: Int64s
    hour: Int64s
    candidates: int

    def table(self, code: AnyInts, size: int) -> Floats:
        """Return the votes by code of the ballot and candidate; −1 is left out."""
        codes = code[self.row].astype(np.int64)
        present = codes >= 0
        key = codes[present] * self.candidates + self.choice[present]
        counts = np.bincount(key, minlength=size * self.candidates).astype(np.float64)
        return counts.reshape(size, self.candidates)

    def ballots(self, code: AnyInts, size: int) -> Floats:
        """Return the counted ballots by code."""
        return np.bincount(code[self.counted & (code >= 0)], minlength=size).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Surplus:
    """Votes for a candidate in a slice, as many as `expected` explained."""

    slicing: str
    value: int | None
    """The code of the slice; None for hours and devices."""
    candidate: int
    """Dense."""
    votes: float
    expected: float
    error: float
    """One standard deviation of `expected`."""

    @property
    def surplus(self) -> float:
        return self.votes - self.expected


def public_hours(sliced: SeatVotes) -> Bools:
    """Return which hours everybody knows of: those with far more ballots than are usual at that
    time of the day, as after a television programme.

    They must have so many without what one candidate gained in them, whichever it is; otherwise
    a buyer of enough votes in an hour would make it public.
    """
    days = int(sliced.day.max(initial=0)) + 1
    ballots = sliced.ballots(sliced.hour, days * 24).reshape(days, 24)
    cast = ballots.sum(axis=1)
    usual_days = cast >= MIN_DAY_SHARE * cast.max()
    least = np.maximum(PUBLIC_RATIO * np.median(ballots[usual_days], axis=0), PUBLIC_BALLOTS)
    public = ballots > least
    for hour in np.flatnonzero(public.any(axis=0)).tolist():
        votes = sliced.table(np.where(sliced.hour % 24 == hour, sliced.day, ABSENT), days)
        gained = np.max(votes - np.median(votes[usual_days], axis=0), axis=1)
        public[:, hour] &= ballots[:, hour] - gained > least[hour]
    return np.ravel(public)


def find_surpluses(
    sliced: SeatVotes, slicings: Mapping[str, AnyInts], device: Int32s
) -> list[Surplus]:
    """Return the surpluses that differ significantly from those of other candidates; none where
    there are too few of these."""
    surpluses: list[Surplus] = []
    if sliced.candidates < MIN_COMPARED_CANDIDATES:
        return surpluses
    for slicing, code in slicings.items():
        size = int(code.max(initial=-1)) + 1
        if size < 2:
            continue
        beside_others = list(_compare_slices(sliced, code, size))
        beside_itself = list(_compare_days(sliced, code, size))
        least = SLICE_DEVIATIONS[slicing]
        for value, figures in enumerate(beside_others):
            surpluses += _significant(slicing, value, figures, figures[0] >= least[0])
        for value, figures in enumerate(beside_itself):
            # Where others have more, the slice only seems to have gained on its quiet days.
            gained = (figures[0] >= least[1]) & (beside_others[value][0] > 0)
            surpluses += _significant(slicing, value, figures, gained)
    return surpluses + _bursts(sliced) + _shared_devices(sliced, device)


def _spread(values: Floats) -> tuple[float, float]:
    """Return the median and the robust standard deviation."""
    middle = float(np.median(values))
    return middle, 1.4826 * float(np.median(np.abs(values - middle))) + 1e-9


_Figures = tuple[Floats, Floats, Floats, Floats]
"""By candidate: z, votes, expected votes, and a standard deviation of these."""


def _significant(slicing: str, value: int, figures: _Figures, which: Bools) -> list[Surplus]:
    _, votes, expected, error = figures
    return [
        Surplus(
            slicing,
            value,
            int(candidate),
            float(votes[candidate]),
            float(expected[candidate]),
            float(error[candidate]),
        )
        for candidate in np.flatnonzero(which & (votes > expected))
    ]


def _not_compared(own: Floats) -> _Figures:
    return np.full(len(own), -np.inf), own, own, np.zeros(len(own))


def _compare_slices(sliced: SeatVotes, code: AnyInts, size: int) -> Iterator[_Figures]:
    """Compare the votes of each slice with what all others predict."""
    votes = sliced.table(code, size)
    for own in votes:
        others = votes.sum(axis=0) - own
        if not own.any() or others.sum() < MIN_COMPARED_SHARE * own.sum():
            yield _not_compared(own)
            continue
        predicted = others / max(float(others.sum()), 1.0) * own.sum()
        ratio = np.log((own + 0.5) / (predicted + 0.5))
        middle, deviation = _spread(ratio)
        deviations = np.sqrt(np.maximum(deviation**2, 1.0 / (predicted + 0.5)))
        expected = predicted * np.exp(middle)
        yield (ratio - middle) / deviations, own, expected, expected * deviations


def _compare_days(sliced: SeatVotes, code: AnyInts, size: int) -> Iterator[_Figures]:
    """Compare the votes of each slice with its quiet days, the other slices' days considered."""
    days = int(sliced.day.max(initial=0)) + 1
    if days < MIN_COMPARED_DAYS:
        return
    key = np.where(code >= 0, code.astype(np.int64) * days + sliced.day, ABSENT)
    votes = sliced.table(key, size * days).reshape(size, days, -1)
    ballots = sliced.ballots(key, size * days).reshape(size, days)
    all_votes, all_ballots = votes.sum(axis=0), ballots.sum(axis=0)
    usual = PRIOR_DAY_BALLOTS * all_votes.sum(axis=0) / max(float(all_ballots.sum()), 1.0)
    for own, cast in zip(votes, ballots, strict=True):
        rate = (all_votes - own + usual) / (all_ballots - cast + PRIOR_DAY_BALLOTS)[:, None]
        predicted = rate * cast[:, None]
        cast_on = cast > 0
        # Of few votes a day, most days have none, and any day with some would be a surprise.
        compared = predicted.sum(axis=0) >= MIN_DAY_VOTES * np.count_nonzero(cast_on)
        if (
            np.count_nonzero(cast_on) < MIN_COMPARED_DAYS
            or np.count_nonzero(compared) < MIN_COMPARED_CANDIDATES
        ):
            yield _not_compared(own.sum(axis=0))
            continue
        ratios = own[cast_on] / np.maximum(predicted[cast_on], 1e-9)
        quiet = np.quantile(ratios, QUIET_SHARE, axis=0)
        total, scale = own.sum(axis=0), np.sqrt(own.sum(axis=0) + 1.0)
        excess = (total - quiet * predicted.sum(axis=0)) / scale
        middle, deviation = _spread(excess[compared])
        deviation = max(deviation, 1.0)
        yield (
            np.where(compared, (excess - middle) / deviation, -np.inf),
            total,
            np.maximum(total - (excess - middle) * scale, 0.0),
            deviation * scale,
        )


def _bursts(sliced: SeatVotes) -> list[Surplus]:
    """Add up each candidate's votes of hours in which it had far more than in the rest of the day.

    Supporters remind each other, so a candidate must exceed what nine in ten others have by far.
    """
    hours = int(sliced.hour.max(initial=0)) + 1
    if hours * sliced.candidates > _MAX_HOUR_CELLS:
        return []
    votes, ballots = sliced.table(sliced.hour, hours), sliced.ballots(sliced.hour, hours)
    begins = np.arange(0, hours, 24)
    day = np.arange(hours) // 24
    usual = PRIOR_HOUR_BALLOTS * votes.sum(axis=0) / max(float(ballots.sum()), 1.0)
    other_votes = np.add.reduceat(votes, begins)[day] - votes
    other_ballots = np.add.reduceat(ballots, begins)[day] - ballots
    expected = (other_votes + usual) / (other_ballots + PRIOR_HOUR_BALLOTS)[:, None]
    expected *= ballots[:, None]
    beyond = votes > expected + SURPLUS_ERRORS * np.sqrt(expected) + 2.0
    surplus = np.where(beyond, votes - expected, 0.0).sum(axis=0)
    return [
        Surplus(
            "hours",
            None,
            int(candidate),
            float(votes[beyond[:, candidate], candidate].sum()),
            float(expected[beyond[:, candidate], candidate].sum()),
            float(np.sqrt(expected[beyond[:, candidate], candidate].sum())),
        )
        for candidate in np.flatnonzero(surplus > 1.0)
        if surplus[candidate] > BURST_RATIO * np.quantile(np.delete(surplus, candidate), 0.9)
    ]


def _shared_devices(sliced: SeatVotes, device: Int32s) -> list[Surplus]:
    """Add up each candidate's voters who share rare devices, and project them to all devices.

    Significant are groups of four and more; their size follows from groups of three and more.
    Smaller groups are not seen, so the projection is a lower estimate.
    """
    devices = device[sliced.row]
    shown = devices != ABSENT
    if not shown.any():
        return []
    candidates, voters = sliced.candidates, int(sliced.voter.max()) + 1
    pair = devices[shown].astype(np.int64) * voters + sliced.voter[sliced.row][shown]
    chosen = sorted_distinct(pair * candidates + sliced.choice[shown])
    users = np.bincount(sorted_distinct(pair) // voters)
    times = np.bincount(chosen % candidates, minlength=candidates).astype(np.float64)
    rate = times / users.sum()
    cells, counts = np.unique(
        chosen // candidates // voters * candidates + chosen % candidates, return_counts=True
    )
    target = cells % candidates
    expected = users[cells // candidates] * rate[target]
    rare = expected <= RARE_DEVICE_VOTERS
    large = rare & (counts >= 4) & (counts > expected + SURPLUS_ERRORS * np.sqrt(expected))
    scale = np.sqrt(times + 1.0)
    z, _, _ = _deviations(
        np.bincount(target[large], (counts - expected)[large], candidates) / scale
    )
    some = rare & (counts >= 3)
    by_chance, covered = _chance_groups(users, rate)
    seen = np.bincount(target[some], counts[some], candidates)
    grouped = seen - by_chance
    _, middle, deviation = _deviations(grouped / scale)
    votes = np.bincount(sliced.choice, minlength=candidates)
    projected = votes / np.maximum(times, 1.0) / np.maximum(covered, 0.05)
    surplus = np.minimum((grouped - middle * scale) * projected, votes)
    error = np.sqrt((deviation * scale) ** 2 + seen) * projected
    return [
        Surplus(
            "devices",
            None,
            int(candidate),
            float(votes[candidate]),
            float(votes[candidate] - surplus[candidate]),
            float(error[candidate]),
        )
        for candidate in np.flatnonzero((z >= DEVICE_DEVIATIONS) & (surplus > 0))
    ]


def _deviations(figures: Floats) -> tuple[Floats, float, float]:
    """Return (z of each candidate, median, robust standard deviation)."""
    middle, deviation = _spread(figures)
    deviation = max(deviation, LEAST_DEVICE_DEVIATION)
    return (figures - middle) / deviation, middle, deviation


def _chance_groups(users: Int64s, rate: Floats) -> tuple[Floats, Floats]:
    """Return by candidate the voters in groups of three and more on rare devices that chance makes
    (Poisson), and the share of all voters who have rare devices."""
    sizes, devices = np.unique(users[users > 0], return_counts=True)
    expected = np.outer(sizes, rate)
    rare = expected <= RARE_DEVICE_VOTERS
    in_groups = expected * (1.0 - np.exp(-expected) * (1.0 + expected))
    groups: Floats = (devices[:, None] * np.where(rare, in_groups, 0.0)).sum(axis=0)
    covered: Floats = ((devices * sizes)[:, None] * rare).sum(axis=0) / users.sum()
    return groups, covered
