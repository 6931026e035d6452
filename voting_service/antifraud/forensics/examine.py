"""The examination of a file of ballots: the way from columns to findings.

Networks are searched first, so that an employer's office is known as such before its staff
could count as anything else; then everything else. What was found is taken out, rates are
estimated again without it, and the search is repeated: a large campaign hides in its own
expectation only once.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from voting_service.antifraud.forensics.assembly import Assembly
from voting_service.antifraud.forensics.attributes import Attribute, Attributes, attributes_of
from voting_service.antifraud.forensics.columns import BallotColumns, Progress
from voting_service.antifraud.forensics.findings import Findings
from voting_service.antifraud.forensics.prepare import Ballots, prepare, votes_of
from voting_service.antifraud.forensics.rates import Rates, choice_rates, shared_weights
from voting_service.antifraud.forensics.scan import Question, question
from voting_service.antifraud.forensics.search import Strictness, calibrate, suspicions
from voting_service.antifraud.forensics.thresholds import MOST_ROUNDS

THREADS = 2


@dataclass(frozen=True, slots=True)
class Options:
    seed: int = 0
    """Decides the exchange of ballots that calibrates the tests, and nothing else."""
    zone: str = "Asia/Shanghai"
    """Where the times in sentences are read."""


def examine(
    columns: BallotColumns, options: Options = Options(), progress: Progress | None = None
) -> Findings:
    """Judges every ballot. Same columns in whatever order and same seed: same findings."""
    tell = progress or (lambda _what, _share: None)
    tell("prepare", 0.0)
    ballots = prepare(columns)
    if not len(ballots):
        nothing = np.empty(0)
        return Findings(
            nothing.astype(np.int8), nothing.astype(np.float32), nothing.astype(np.int32)
        )
    attributes = attributes_of(columns, ballots)
    assembly = Assembly(ballots, attributes.place)
    rates = _search(ballots, attributes, assembly, options, tell)
    tell("describe", 0.95)
    return assembly.findings(columns, rates, ZoneInfo(options.zone))


def _search(
    ballots: Ballots,
    attributes: Attributes,
    assembly: Assembly,
    options: Options,
    tell: Progress,
) -> Rates:
    """Fills the assembly; returns the rates without what was found."""
    votes = votes_of(ballots.choice_row, ballots.choice, ballots.candidates, len(ballots))
    phases = _phases(attributes)
    weights = shared_weights(ballots, attributes.sources)
    with ThreadPoolExecutor(THREADS) as threads:
        rng = np.random.default_rng(options.seed)
        families = attributes.families

        def asked() -> Question:
            rates = choice_rates(ballots, votes, weights * assembly.active)
            return question(ballots, votes, rates, assembly.active)

        exponents = calibrate(asked(), families, rng, threads)
        for number in range(MOST_ROUNDS):
            found = 0
            for phase in phases:
                while True:
                    tell("search", 0.1 + 0.8 * number / MOST_ROUNDS)
                    strictness = Strictness(exponents, assembly.held_by_target())
                    suspected = suspicions(asked(), attributes, phase, strictness, threads)
                    taken = assembly.take(suspected)
                    found += taken
                    if not taken or phase is not phases[0]:
                        break
            if not found:
                break
        return asked().rates


def _phases(attributes: Attributes) -> list[list[Attribute]]:
    network = [each for each in attributes.families if each.aspects == {"network"}]
    others = [each for each in attributes.families if each.aspects != {"network"}]
    return [phase for phase in (network, others) if phase]
