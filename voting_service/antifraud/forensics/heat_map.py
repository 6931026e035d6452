"""The heat map of a campaign: its values × time, observed and expected votes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from voting_service.antifraud.forensics.columns import (
    ABSENT,
    BallotColumns,
    Int64s,
)
from voting_service.antifraud.forensics.findings import HeatMap
from voting_service.antifraud.forensics.prepare import (
    Ballots,
    Bools,
    Votes,
    sum_by_code,
)
from voting_service.antifraud.forensics.rates import Rates

BINS = 48
VALUES = 8
_MARGIN = 0.12
"""How much of the campaign's length is shown before and after it."""


@dataclass(frozen=True, slots=True)
class TargetSet:
    """Votes by target. Targets are numbered over all sets; those of this one start at `first`."""

    votes: Votes
    first: int

    def own_targets(self, rows: Mapping[int, Int64s]) -> dict[int, Int64s]:
        """Return the rows of the targets of this set, numbered as in `votes`."""
        own = range(self.first, self.first + self.votes.targets)
        return {target - self.first: rows[target] for target in rows if target in own}


@dataclass(frozen=True, slots=True)
class TargetBaseline:
    """A target set and the expected rates of its targets, by stratum."""

    target_set: TargetSet
    rates: Rates


@dataclass(frozen=True, slots=True)
class CampaignData:
    """What campaigns are described from: the ballots, their texts, and the expected rates."""

    columns: BallotColumns
    ballots: Ballots
    baselines: tuple[TargetBaseline, ...]
    lists: tuple[tuple[int, ...], ...]
    """Dense candidates of each list; lists are the targets after the candidates."""
    zone: ZoneInfo

    def target_candidates(self, target: int) -> tuple[int, ...]:
        """Return the dense candidates of a target: one, or a list."""
        list_number = target - self.ballots.candidates
        return (target,) if list_number < 0 else self.lists[list_number]

    def expected_rates(self, target: int, rows: slice) -> npt.NDArray[np.float32]:
        """Return the expected probability that each of the ballots is for the target."""
        baseline = self._find_baseline(target)
        first = baseline.target_set.first
        rates: npt.NDArray[np.float32] = baseline.rates[:, target - first]
        return rates[self.ballots.stratum[rows]]

    def chose_target(self, target: int) -> Bools:
        """Which ballots are for the target."""
        target_set = self._find_baseline(target).target_set
        chosen = np.zeros(len(self.ballots), dtype=bool)
        chosen[target_set.votes.row[target_set.votes.target == target - target_set.first]] = True
        return chosen

    def _find_baseline(self, target: int) -> TargetBaseline:
        return max(
            (base for base in self.baselines if base.target_set.first <= target),
            key=lambda base: base.target_set.first,
        )


def draw_heat_map(data: CampaignData, target: int, rows: Int64s, name: str) -> HeatMap:
    """Count the votes for the target by time and by the most frequent values of the attribute among
    `rows`; all ballots of the span are counted. The last row is for all other ballots."""
    columns, ballots = data.columns, data.ballots
    times = ballots.cast_at
    first, last = int(times[rows[0]]), int(times[rows[-1]])
    around = max(int((last - first) * _MARGIN), 1_800_000)
    width = max((last - first + 2 * around) // BINS, 1)
    start = first - around
    span = slice(*np.searchsorted(times, (start, start + BINS * width)))
    raw: npt.NDArray[np.int32] = getattr(columns, name)[ballots.order]
    value, kept = _rows_of_values(raw[span], raw[rows])
    when = (times[span] - start) // width
    cell = value * BINS + when
    chosen = data.chose_target(target)
    size = (len(kept) + 1) * BINS
    observed = np.bincount(cell[chosen[span]], minlength=size)
    expected = sum_by_code(cell, data.expected_rates(target, span).astype(np.float64), size)
    labels = [columns.value_label(name, code) for code in kept.tolist()]
    return HeatMap(
        attribute=name,
        values=tuple(labels),
        start=start,
        bin_ms=width,
        observed=_table(observed),
        expected=_table(expected),
    )


def _rows_of_values(
    values: npt.NDArray[np.int32], campaign_values: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Return the row of each value in the heat map, and the values that have a row."""
    present, counts = np.unique(campaign_values[campaign_values != ABSENT], return_counts=True)
    kept = present[np.lexsort((present, -counts))[:VALUES]]
    row_of_value = np.full(len(values), len(kept), dtype=np.int64)
    for row, value in enumerate(kept):
        row_of_value[values == value] = row
    return row_of_value, kept


def _table(cells: npt.NDArray[np.generic]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(cell) for cell in row) for row in cells.reshape(-1, BINS))
