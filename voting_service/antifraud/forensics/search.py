"""One pass over the families: significant cells, gathered into suspicions and judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from voting_service.antifraud.forensics.attributes import Attribute, Attributes
from voting_service.antifraud.forensics.columns import Int64s
from voting_service.antifraud.forensics.evidence import Crowd, Judged, Population, judge
from voting_service.antifraud.forensics.prepare import Bools, Floats
from voting_service.antifraud.forensics.scan import Cells, Question, scan
from voting_service.antifraud.forensics.significance import (
    discoveries,
    permuted_votes,
    tail_exponent,
)
from voting_service.antifraud.forensics.thresholds import (
    FALSE_DISCOVERIES,
    HINT_LOG_P,
    LEAST_EXCESS,
)


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A family of attributes whose values favour one target, with its votes judged."""

    family: Attribute
    target: int
    judged: Judged
    log_p: float
    """Of the most telling cell; so is log_q."""
    log_q: float
    foretold: bool = False
    """Whether it was only looked for because a campaign for the target was known."""

    @property
    def excess(self) -> float:
        return float((self.judged.observed - self.judged.expected).sum())


@dataclass(frozen=True, slots=True)
class Strictness:
    """How telling a cell must be: by family, and for which targets less will do."""

    exponents: Mapping[str, float]
    """Tail exponents by family, see calibrate."""
    known: Mapping[int, Int64s]
    """Ballots to be held, by target: what they look like is looked for in weaker cells too."""


def calibrate(
    asked: Question, families: Sequence[Attribute], rng: np.random.Generator, threads: Executor
) -> dict[str, float]:
    """The tail exponent of each family, from one exchange of ballots within the hour."""
    votes = permuted_votes(asked.ballots, asked.votes, asked.active, rng)
    exchanged = replace(asked, votes=votes)

    def exponent(family: Attribute) -> float:
        return tail_exponent([each.log_p for each in scan(exchanged, family.codes).values()])

    exponents = threads.map(exponent, families)
    return dict(zip([family.name for family in families], exponents, strict=True))


def suspicions(
    asked: Question,
    attributes: Attributes,
    families: Sequence[Attribute],
    strictness: Strictness,
    threads: Executor,
) -> list[Suspicion]:
    """Every family and target with a discovery, the largest excess first."""
    by_family = list(threads.map(lambda family: scan(asked, family.codes), families))
    cells = [each for found in by_family for each in found.values()]
    log_ps = [
        each.log_p * strictness.exponents[family.name]
        for family, found in zip(families, by_family, strict=True)
        for each in found.values()
    ]
    tests = sum(each.tests for each in cells)
    limit, log_q = discoveries(np.concatenate(log_ps), tests)
    q_by_cells = np.split(log_q, np.cumsum([*map(len, log_ps)])[:-1])
    judged_by = {
        id(each): _Telling(each, p, q, (p <= limit) & _is_more(each))
        for each, p, q in zip(cells, log_ps, q_by_cells, strict=True)
    }
    population = Population(attributes, asked.ballots.platform, asked.active, strictness.known)
    judged = []
    for family, found in zip(families, by_family, strict=True):
        telling = {window: judged_by[id(each)] for window, each in found.items()}
        for target in _targets(telling):
            judged += _judged(asked, population, family, target, telling)
        hints = {window: each.hints() for window, each in telling.items()}
        for target in strictness.known:
            for each in _judged(asked, population, family, target, hints):
                judged += _foretold(each, hints, np.log(tests / FALSE_DISCOVERIES))
    return sorted(judged, key=lambda each: -each.excess)


@dataclass(frozen=True, slots=True)
class _Telling:
    """Cells, their calibrated ln p and ln q, and which of them to look into."""

    cells: Cells
    log_p: Floats
    log_q: Floats
    chosen: Bools

    def hints(self) -> _Telling:
        """The same cells, more of them chosen."""
        return replace(self, chosen=(self.log_p <= HINT_LOG_P) & _is_more(self.cells))


def _targets(found: Mapping[int | None, _Telling]) -> list[int]:
    chosen = [each.cells.target[each.chosen] for each in found.values()]
    return [int(target) for target in np.unique(np.concatenate(chosen))]


def _is_more(cells: Cells) -> Bools:
    return np.asarray(cells.expected <= cells.observed * (1.0 - LEAST_EXCESS))


def _judged(
    asked: Question,
    population: Population,
    family: Attribute,
    target: int,
    found: Mapping[int | None, _Telling],
) -> list[Suspicion]:
    ballots, votes = asked.ballots, asked.votes
    member = np.zeros(len(ballots), dtype=bool)
    best, best_q = 0.0, 0.0
    for window, each in found.items():
        mine = each.chosen & (each.cells.target == target)
        if mine.any():
            member[_rows(asked, family, each.cells, mine, window)] = True
            best = min(best, float(each.log_p[mine].min()))
            best_q = min(best_q, float(each.log_q[mine].min()))
    chose = np.zeros(len(ballots), dtype=bool)
    chose[votes.row[votes.target == target]] = True
    rows = np.flatnonzero(member)
    if not chose[rows].any():
        return []
    rate = asked.rates[ballots.stratum[rows], target].astype(np.float64)
    known = population.known.get(target, np.empty(0, dtype=np.int64))
    crowd = Crowd(rows, ballots.voter[rows], chose[rows], rate, known)
    return [
        Suspicion(family, target, part, best, best_q) for part in judge(family, population, crowd)
    ]


def _foretold(
    suspicion: Suspicion, hints: Mapping[int | None, _Telling], needed: float
) -> list[Suspicion]:
    """The suspicion with those values whose cells and second aspects together are as telling as
    a discovery; none of them may be enough."""
    judged = suspicion.judged
    log_p = np.zeros(int(suspicion.family.codes.max()) + 1)
    for each in hints.values():
        mine = each.chosen & (each.cells.target == suspicion.target)
        np.minimum.at(log_p, each.cells.value[mine], each.log_p[mine])
    enough = judged.evidence[judged.value] - log_p[judged.value] >= needed
    if not judged.confirmed or not enough.any():
        return []
    posterior = np.where(enough, judged.posterior, 0.0)
    return [replace(suspicion, judged=replace(judged, posterior=posterior), foretold=True)]


def _rows(
    asked: Question, family: Attribute, cells: Cells, mine: Bools, window: int | None
) -> Int64s:
    """All active ballots of the cells' values in the cells' windows, whomever they chose."""
    values = cells.value[mine].astype(np.int64)
    flagged = np.zeros(int(family.codes.max()) + 2, dtype=bool)
    flagged[values] = True
    rows = np.flatnonzero(flagged[family.codes] & asked.active)
    if window is None:
        return rows
    times = asked.ballots.cast_at
    epoch = int(times[0]) // window
    keys = values << 32 | (cells.window_start[mine] // window - epoch)
    row_keys = family.codes[rows].astype(np.int64) << 32 | (times[rows] // window - epoch)
    return rows[np.isin(row_keys, keys)]
