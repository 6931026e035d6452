"""The examination of a file of ballots: the way from columns to findings.

Networks are searched first, so that an employer's office is known as such before its staff
could count as anything else; then everything else. What was found is taken out, rates are
estimated again without it, and the search is repeated: a large campaign hides in its own
expectation only once. Candidates are asked about first, then lists of names that stand out.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from voting_service.antifraud.forensics.assembly import Assembly
from voting_service.antifraud.forensics.attributes import Attribute, Attributes, attributes_of
from voting_service.antifraud.forensics.columns import BallotColumns, Progress
from voting_service.antifraud.forensics.findings import Findings
from voting_service.antifraud.forensics.picture import Aim, Aimed, Material
from voting_service.antifraud.forensics.prepare import prepare, votes_of
from voting_service.antifraud.forensics.rates import Rates, choice_rates, shared_weights
from voting_service.antifraud.forensics.repeats import second_ballots
from voting_service.antifraud.forensics.scan import Question, question
from voting_service.antifraud.forensics.search import (
    Strictness,
    Suspicion,
    calibrate,
    suspicions,
)
from voting_service.antifraud.forensics.signatures import signatures_of
from voting_service.antifraud.forensics.thresholds import MOST_ROUNDS

THREADS = 2


@dataclass(frozen=True, slots=True)
class Options:
    seed: int = 0
    """Decides the exchange of ballots that calibrates the tests, and nothing else."""
    zone: str = "Asia/Shanghai"
    """Where days begin, and where the times in sentences are read."""


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
    zone = ZoneInfo(options.zone)
    assembly = Assembly(ballots, attributes.place, second_ballots(ballots, zone))
    votes = votes_of(ballots.choice_row, ballots.choice, ballots.candidates, len(ballots))
    lists = signatures_of(ballots, votes.starts)
    aims = [Aim(votes, 0), Aim(lists.votes, votes.targets)]
    rates = _search(assembly, attributes, aims, options, tell)
    tell("describe", 0.95)
    aimed = tuple(Aimed(aim, rate) for aim, rate in zip(aims, rates, strict=True))
    return assembly.findings(Material(columns, ballots, aimed, lists.names, zone))


def _search(
    assembly: Assembly,
    attributes: Attributes,
    aims: Sequence[Aim],
    options: Options,
    tell: Progress,
) -> list[Rates]:
    """Fills the assembly; returns the rates of each aim without what was found."""
    ballots = assembly.ballots
    weights = shared_weights(ballots, attributes.sources)

    def asked(aim: Aim) -> Question:
        rates = choice_rates(ballots, aim.votes, weights * assembly.active)
        return question(ballots, aim.votes, rates, assembly.active)

    with ThreadPoolExecutor(THREADS) as threads:
        rng = np.random.default_rng(options.seed)
        families, phases = attributes.families, _phases(attributes)
        searched = [aim for aim in aims if aim.votes.targets]
        exponents = [calibrate(asked(aim), families, rng, threads) for aim in searched]
        for number in range(MOST_ROUNDS):
            found = 0
            for aim, exponent in zip(searched, exponents, strict=True):
                for phase in phases:
                    while True:
                        tell("search", 0.1 + 0.8 * number / MOST_ROUNDS)
                        strictness = Strictness(exponent, aim.own(assembly.held_by_target()))
                        suspected = suspicions(asked(aim), attributes, phase, strictness, threads)
                        taken = assembly.take(_worth(aim, suspected), aim.first)
                        found += taken
                        if not taken or phase is not phases[0]:
                            break
            if not found:
                break
    return [asked(aim).rates for aim in aims]


def _worth(aim: Aim, suspected: Sequence[Suspicion]) -> list[Suspicion]:
    """Fans have lists too: only a list that a second aspect confirms, or a place, is worth it."""
    return [
        each
        for each in suspected
        if not aim.first or each.judged.confirmed or each.family.aspects == {"network"}
    ]


def _phases(attributes: Attributes) -> list[list[Attribute]]:
    network = [each for each in attributes.families if each.aspects == {"network"}]
    others = [each for each in attributes.families if each.aspects != {"network"}]
    return [phase for phase in (network, others) if phase]
