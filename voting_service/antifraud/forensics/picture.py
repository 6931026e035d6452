"""The picture of a campaign: its values × time, observed beside expected."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from voting_service.antifraud.forensics.columns import ABSENT, BallotColumns, Int64s
from voting_service.antifraud.forensics.findings import Picture
from voting_service.antifraud.forensics.prepare import Ballots, summed
from voting_service.antifraud.forensics.rates import Rates

BINS = 48
VALUES = 8
_MARGIN = 0.12
"""How much of the campaign's length is shown before and after it."""


@dataclass(frozen=True, slots=True)
class Material:
    """What campaigns are described from: the ballots, their texts, and what is usual."""

    columns: BallotColumns
    ballots: Ballots
    rates: Rates
    zone: ZoneInfo


def draw(material: Material, target: int, rows: Int64s, name: str) -> Picture:
    """Votes for the target by the most frequent values of the attribute among `rows`, and by
    time; all ballots of the span are counted. The last value is everybody else."""
    columns, ballots, rates = material.columns, material.ballots, material.rates
    times = ballots.cast_at
    first, last = int(times[rows[0]]), int(times[rows[-1]])
    around = max(int((last - first) * _MARGIN), 1_800_000)
    width = max((last - first + 2 * around) // BINS, 1)
    start = first - around
    span = slice(*np.searchsorted(times, (start, start + BINS * width)))
    raw: npt.NDArray[np.int32] = getattr(columns, name)[ballots.order]
    value, kept = _places(raw[span], raw[rows])
    when = (times[span] - start) // width
    cell = value * BINS + when
    voted = np.zeros(len(ballots), dtype=bool)
    voted[ballots.choice_row[ballots.choice == target]] = True
    size = (len(kept) + 1) * BINS
    observed = np.bincount(cell[voted[span]], minlength=size)
    expected = summed(cell, rates[ballots.stratum[span], target].astype(np.float64), size)
    labels = [
        str(np.datetime64(int(each), "D")) if name == "account_day" else columns.label(name, each)
        for each in kept.tolist()
    ]
    return Picture(
        attribute=name,
        values=tuple(labels),
        start=start,
        bin_ms=width,
        observed=_table(observed),
        expected=_table(expected),
    )


def _places(
    values: npt.NDArray[np.int32], mine: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """(row of the picture of each value, the values that have a row of their own)."""
    known, counts = np.unique(mine[mine != ABSENT], return_counts=True)
    kept = known[np.lexsort((known, -counts))[:VALUES]]
    place = np.full(len(values), len(kept), dtype=np.int64)
    for row, value in enumerate(kept):
        place[values == value] = row
    return place, kept


def _table(cells: npt.NDArray[np.generic]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(cell) for cell in row) for row in cells.reshape(-1, BINS))
