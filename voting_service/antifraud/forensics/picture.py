"""The picture of a campaign: its values × time, observed beside expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from voting_service.antifraud.forensics.columns import ABSENT, BallotColumns, Int64s
from voting_service.antifraud.forensics.findings import Picture
from voting_service.antifraud.forensics.prepare import Ballots, Bools, Votes, summed
from voting_service.antifraud.forensics.rates import Rates

BINS = 48
VALUES = 8
_MARGIN = 0.12
"""How much of the campaign's length is shown before and after it."""


@dataclass(frozen=True, slots=True)
class Aim:
    """Votes that campaigns may be for; campaigns number their targets from `first` on."""

    votes: Votes
    first: int

    def own(self, rows: Mapping[int, Int64s]) -> dict[int, Int64s]:
        """Those of campaigns' targets that are of this aim, numbered as its votes are."""
        mine = range(self.first, self.first + self.votes.targets)
        return {target - self.first: rows[target] for target in rows if target in mine}


@dataclass(frozen=True, slots=True)
class Aimed:
    """An aim, and what is usual."""

    aim: Aim
    rates: Rates


@dataclass(frozen=True, slots=True)
class Material:
    """What campaigns are described from: the ballots, their texts, and what is usual."""

    columns: BallotColumns
    ballots: Ballots
    aimed: tuple[Aimed, ...]
    lists: tuple[tuple[int, ...], ...]
    """Candidates of the targets beyond the candidates."""
    zone: ZoneInfo

    def names(self, target: int) -> tuple[int, ...]:
        """The dense candidates of a target: one, or a list."""
        beyond = target - self.ballots.candidates
        return (target,) if beyond < 0 else self.lists[beyond]

    def usual(self, target: int, rows: slice) -> npt.NDArray[np.float32]:
        """How probable it is that each of the ballots is for the target."""
        aimed = self._aimed(target)
        usual: npt.NDArray[np.float32] = aimed.rates[:, target - aimed.aim.first]
        return usual[self.ballots.stratum[rows]]

    def voted(self, target: int) -> Bools:
        """Which ballots are for the target."""
        aim = self._aimed(target).aim
        voted = np.zeros(len(self.ballots), dtype=bool)
        voted[aim.votes.row[aim.votes.target == target - aim.first]] = True
        return voted

    def _aimed(self, target: int) -> Aimed:
        return max(
            (each for each in self.aimed if each.aim.first <= target),
            key=lambda each: each.aim.first,
        )


def draw(material: Material, target: int, rows: Int64s, name: str) -> Picture:
    """Votes for the target by the most frequent values of the attribute among `rows`, and by
    time; all ballots of the span are counted. The last value is everybody else."""
    columns, ballots = material.columns, material.ballots
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
    voted = material.voted(target)
    size = (len(kept) + 1) * BINS
    observed = np.bincount(cell[voted[span]], minlength=size)
    expected = summed(cell, material.usual(target, span).astype(np.float64), size)
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
