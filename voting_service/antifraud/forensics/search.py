"""One pass over the families: significant cells, gathered into suspicions and judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from voting_service.antifraud.forensics.attributes import Attribute, Attributes
from voting_service.antifraud.forensics.columns import Int64s
from voting_service.antifraud.forensics.evidence import Judged, Population, judge
from voting_service.antifraud.forensics.prepare import Ballots, Bools, Floats, Votes
from voting_service.antifraud.forensics.rates import Rates
from voting_service.antifraud.forensics.scan import Cells, scan, window_weights
from voting_service.antifraud.forensics.significance import (
    discoveries,
    permuted_votes,
    tail_exponent,
)
from voting_service.antifraud.forensics.thresholds import LEAST_EXCESS, WINDOWS_SECONDS

ByWindow = Mapping[int | None, Cells]
WINDOWS_MS = tuple(None if w is None else w * 1_000 for w in WINDOWS_SECONDS)


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A family of attributes whose values favour one target, with its votes judged."""

    family: Attribute
    target: int
    judged: Judged
    log_p: float
    """Of the most telling cell; so is log_q."""
    log_q: float

    @property
    def excess(self) -> float:
        return float((self.judged.observed - self.judged.expected).sum())


def calibrate(
    ballots: Ballots,
    votes: Votes,
    families: Sequence[Attribute],
    rates: Rates,
    active: Bools,
    rng: np.random.Generator,
    threads: Executor,
) -> dict[str, float]:
    """The tail exponent of each family, from one exchange of ballots within the hour."""
    exchanged = permuted_votes(ballots, votes, active, rng)
    weights = {window: window_weights(ballots, window, active) for window in WINDOWS_MS}

    def exponent(family: Attribute) -> float:
        cells = scan(ballots, exchanged, family.codes, rates, weights, active)
        return tail_exponent([each.log_p for each in cells.values()])

    exponents = threads.map(exponent, families)
    return dict(zip([family.name for family in families], exponents, strict=True))


def suspicions(
    ballots: Ballots,
    votes: Votes,
    attributes: Attributes,
    families: Sequence[Attribute],
    rates: Rates,
    active: Bools,
    exponents: Mapping[str, float],
    threads: Executor,
) -> list[Suspicion]:
    """Every family and target with a discovery, the largest excess first."""
    weights = {window: window_weights(ballots, window, active) for window in WINDOWS_MS}

    def scanned(family: Attribute) -> ByWindow:
        return scan(ballots, votes, family.codes, rates, weights, active)

    by_family = list(threads.map(scanned, families))
    cells = [each for found in by_family for each in found.values()]
    log_ps = [
        each.log_p * exponents[family.name]
        for family, found in zip(families, by_family, strict=True)
        for each in found.values()
    ]
    limit, log_q = discoveries(np.concatenate(log_ps), sum(each.tests for each in cells))
    if limit == -np.inf:
        return []
    q_of = dict(
        zip(
            map(id, cells),
            np.split(log_q, np.cumsum([len(p) for p in log_ps])[:-1]),
            strict=True,
        )
    )
    population = Population(ballots.platform, active)
    judged = [
        _judged(ballots, votes, attributes, population, family, found, target, rates, active,
                limit / exponents[family.name], q_of)
        for family, found in zip(families, by_family, strict=True)
        for target in _targets(found, limit / exponents[family.name])
    ]  # fmt: skip
    return sorted(judged, key=lambda each: -each.excess)


def _targets(found: ByWindow, limit: float) -> list[int]:
    chosen = [each.target[_telling(each, limit)] for each in found.values()]
    return [int(target) for target in np.unique(np.concatenate(chosen))]


def _telling(cells: Cells, limit: float) -> Bools:
    enough = cells.expected <= cells.observed * (1.0 - LEAST_EXCESS)
    return np.asarray((cells.log_p <= limit) & enough)


def _judged(
    ballots: Ballots,
    votes: Votes,
    attributes: Attributes,
    population: Population,
    family: Attribute,
    found: ByWindow,
    target: int,
    rates: Rates,
    active: Bools,
    limit: float,
    q_of: Mapping[int, Floats],
) -> Suspicion:
    member = np.zeros(len(ballots), dtype=bool)
    best, best_q = 0.0, 0.0
    for window, cells in found.items():
        mine = _telling(cells, limit) & (cells.target == target)
        if mine.any():
            member[_rows(ballots, family, cells, mine, window, active)] = True
            best = min(best, float(cells.log_p[mine].min()))
            best_q = min(best_q, float(q_of[id(cells)][mine].min()))
    rows = np.flatnonzero(member)
    chose = np.zeros(len(ballots), dtype=bool)
    chose[votes.row[votes.target == target]] = True
    rate = rates[ballots.stratum[rows], target].astype(np.float64)
    judged = judge(family, attributes, population, ballots.voter, rows, chose[rows], rate)
    return Suspicion(family, target, judged, best, best_q)


def _rows(
    ballots: Ballots,
    family: Attribute,
    cells: Cells,
    mine: Bools,
    window: int | None,
    active: Bools,
) -> Int64s:
    """All active ballots of the cells' values in the cells' windows, whomever they chose."""
    values = cells.value[mine].astype(np.int64)
    flagged = np.zeros(int(family.codes.max()) + 2, dtype=bool)
    flagged[values] = True
    rows = np.flatnonzero(flagged[family.codes] & active)
    if window is None:
        return rows
    epoch = int(ballots.cast_at[0]) // window
    keys = values << 32 | (cells.window_start[mine] // window - epoch)
    row_keys = family.codes[rows].astype(np.int64) << 32 | (ballots.cast_at[rows] // window - epoch)
    return rows[np.isin(row_keys, keys)]
