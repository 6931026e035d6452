"""One pass over the families: finds significant cells, and classifies the ballots in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from voting_service.antifraud.forensics.attributes import Attribute, Attributes
from voting_service.antifraud.forensics.columns import Int64s
from voting_service.antifraud.forensics.evidence import (
    ClassifiedBallots,
    Population,
    SuspectedGroup,
    classify,
)
from voting_service.antifraud.forensics.prepare import Bools, Floats
from voting_service.antifraud.forensics.scan import (
    Cells,
    ScanContext,
    scan,
)
from voting_service.antifraud.forensics.significance import (
    discoveries,
    permuted_votes,
    tail_exponent,
)
from voting_service.antifraud.forensics.thresholds import (
    FALSE_DISCOVERY_RATE,
    HINT_LOG_P,
    MIN_EXCESS_SHARE,
)


@dataclass(frozen=True, slots=True)
class SuspectedCampaign:
    """A family of attributes whose values favour one target, with its votes classified."""

    family: Attribute
    target: int
    classified: ClassifiedBallots
    log_p: float
    """Of the most significant cell, like log_q."""
    log_q: float
    predicted: bool = False
    """Whether it was found only because a campaign for the target was known."""

    @property
    def excess(self) -> float:
        return float((self.classified.observed - self.classified.expected).sum())


@dataclass(frozen=True, slots=True)
class Strictness:
    """How significant a cell must be, by family; for some targets a weaker one suffices."""

    exponents: Mapping[str, float]
    """Tail exponents by family, see calibrate."""
    known_ballots: Mapping[int, Int64s]
    """Ballots to be held, by target; similar ballots are searched for in weaker cells too."""


def calibrate(
    context: ScanContext, families: Sequence[Attribute], rng: np.random.Generator, threads: Executor
) -> dict[str, float]:
    """Return the tail exponent of each family, from one permutation of ballots within strata."""
    votes = permuted_votes(context.ballots, context.votes, context.active, rng)
    permuted = replace(context, votes=votes)

    def exponent(family: Attribute) -> float:
        return tail_exponent([cells.log_p for cells in scan(permuted, family.codes).values()])

    exponents = threads.map(exponent, families)
    return dict(zip([family.name for family in families], exponents, strict=True))


def find_suspected_campaigns(
    context: ScanContext,
    attributes: Attributes,
    families: Sequence[Attribute],
    strictness: Strictness,
    threads: Executor,
) -> list[SuspectedCampaign]:
    """Return every family and target with a discovery, the largest excess first."""
    by_family = list(threads.map(lambda family: scan(context, family.codes), families))
    all_cells = [cells for by_window in by_family for cells in by_window.values()]
    log_ps = [
        cells.log_p * strictness.exponents[family.name]
        for family, by_window in zip(families, by_family, strict=True)
        for cells in by_window.values()
    ]
    tests = sum(cells.tests for cells in all_cells)
    limit, log_q = discoveries(np.concatenate(log_ps), tests)
    q_by_cells = np.split(log_q, np.cumsum([*map(len, log_ps)])[:-1])
    tested_by_id = {
        id(cells): _TestedCells(cells, p, q, (p <= limit) & _has_excess(cells))
        for cells, p, q in zip(all_cells, log_ps, q_by_cells, strict=True)
    }
    population = Population(
        attributes, context.ballots.platform, context.active, strictness.known_ballots
    )
    suspected: list[SuspectedCampaign] = []
    for family, by_window in zip(families, by_family, strict=True):
        tested = {window: tested_by_id[id(cells)] for window, cells in by_window.items()}
        for target in _targets(tested):
            suspected += _classify_target(context, population, family, target, tested)
        hints = {window: cells.hints() for window, cells in tested.items()}
        for target in strictness.known_ballots:
            for campaign in _classify_target(context, population, family, target, hints):
                needed = np.log(tests / FALSE_DISCOVERY_RATE)
                suspected += _confirm_prediction(campaign, hints, needed)
    return sorted(suspected, key=lambda campaign: -campaign.excess)


@dataclass(frozen=True, slots=True)
class _TestedCells:
    """Cells, their calibrated ln p and ln q, and which of them are selected."""

    cells: Cells
    log_p: Floats
    log_q: Floats
    selected: Bools

    def hints(self) -> _TestedCells:
        """Return the same cells with the weaker ones selected too."""
        return replace(self, selected=(self.log_p <= HINT_LOG_P) & _has_excess(self.cells))


def _targets(tested: Mapping[int | None, _TestedCells]) -> list[int]:
    selected = [cells.cells.target[cells.selected] for cells in tested.values()]
    return [int(target) for target in np.unique(np.concatenate(selected))]


def _has_excess(cells: Cells) -> Bools:
    return np.asarray(cells.expected <= cells.observed * (1.0 - MIN_EXCESS_SHARE))


def _classify_target(
    context: ScanContext,
    population: Population,
    family: Attribute,
    target: int,
    tested: Mapping[int | None, _TestedCells],
) -> list[SuspectedCampaign]:
    ballots, votes = context.ballots, context.votes
    member = np.zeros(len(ballots), dtype=bool)
    best, best_q = 0.0, 0.0
    for window, cells in tested.items():
        of_target = cells.selected & (cells.cells.target == target)
        if of_target.any():
            member[_rows(context, family, cells.cells, of_target, window)] = True
            best = min(best, float(cells.log_p[of_target].min()))
            best_q = min(best_q, float(cells.log_q[of_target].min()))
    chose = np.zeros(len(ballots), dtype=bool)
    chose[votes.row[votes.target == target]] = True
    rows = np.flatnonzero(member)
    if not chose[rows].any():
        return []
    rate = context.rates[ballots.stratum[rows], target].astype(np.float64)
    similar = population.known_ballots.get(target, np.empty(0, dtype=np.int64))
    group = SuspectedGroup(rows, ballots.voter[rows], chose[rows], rate, similar)
    return [
        SuspectedCampaign(family, target, part, best, best_q)
        for part in classify(family, population, group)
    ]


def _confirm_prediction(
    campaign: SuspectedCampaign, hints: Mapping[int | None, _TestedCells], needed: float
) -> list[SuspectedCampaign]:
    """Return the campaign with those values whose cells and second aspects together are as
    significant as a discovery; empty if there is none."""
    classified = campaign.classified
    log_p = np.zeros(int(campaign.family.codes.max()) + 1)
    for cells in hints.values():
        of_target = cells.selected & (cells.cells.target == campaign.target)
        np.minimum.at(log_p, cells.cells.value[of_target], cells.log_p[of_target])
    enough = classified.second_evidence[classified.value] - log_p[classified.value] >= needed
    if not classified.confirmed or not enough.any():
        return []
    posterior = np.where(enough, classified.posterior, 0.0)
    return [replace(campaign, classified=replace(classified, posterior=posterior), predicted=True)]


def _rows(
    context: ScanContext, family: Attribute, cells: Cells, selected: Bools, window: int | None
) -> Int64s:
    """Return all active ballots of the selected cells' values in their windows, for any target."""
    values = cells.value[selected].astype(np.int64)
    flagged = np.zeros(int(family.codes.max()) + 2, dtype=bool)
    flagged[values] = True
    rows = np.flatnonzero(flagged[family.codes] & context.active)
    if window is None:
        return rows
    times = context.ballots.cast_at
    epoch = int(times[0]) // window
    keys = values << 32 | (cells.window_start[selected] // window - epoch)
    row_keys = family.codes[rows].astype(np.int64) << 32 | (times[rows] // window - epoch)
    return rows[np.isin(row_keys, keys)]
