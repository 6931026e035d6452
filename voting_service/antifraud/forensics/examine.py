"""The examination of a file of ballots: from columns to findings.

Rings of accounts that meet again and again are taken out first. Networks are searched next, so that
the ballots from a workplace become a bloc before they can join another campaign; then all other
attributes. The campaigns found are removed, rates are estimated again without them, and the search
is repeated, because a large campaign raises its own expectation. The first targets are candidates,
then lists of candidates that occur too often.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from voting_service.antifraud.forensics.assembly import Assembly
from voting_service.antifraud.forensics.attributes import (
    Attribute,
    Attributes,
    build_attributes,
)
from voting_service.antifraud.forensics.columns import BallotColumns, Int64s, Progress
from voting_service.antifraud.forensics.findings import Findings
from voting_service.antifraud.forensics.heat_map import (
    CampaignData,
    TargetBaseline,
    TargetSet,
)
from voting_service.antifraud.forensics.prepare import Ballots, make_votes, prepare
from voting_service.antifraud.forensics.rates import (
    Rates,
    choice_rates,
    sharing_weights,
)
from voting_service.antifraud.forensics.repeats import second_ballots
from voting_service.antifraud.forensics.rings import Ring, find_rings
from voting_service.antifraud.forensics.scan import ScanContext, prepare_scan
from voting_service.antifraud.forensics.search import (
    Strictness,
    SuspectedCampaign,
    calibrate,
    find_suspected_campaigns,
)
from voting_service.antifraud.forensics.signatures import find_signatures
from voting_service.antifraud.forensics.thresholds import MAX_ROUNDS

THREADS = 2


@dataclass(frozen=True, slots=True)
class Options:
    seed: int = 0
    """Of the permutation that calibrates the tests."""
    zone: str = "Asia/Shanghai"
    """The zone in which days begin, and of the times in sentences."""


def examine(
    columns: BallotColumns, options: Options = Options(), progress: Progress | None = None
) -> Findings:
    """Return a verdict for every ballot. The same columns in any order and the same seed give the
    same findings."""
    report = progress or (lambda _what, _share: None)
    report("prepare", 0.0)
    ballots = prepare(columns)
    if not len(ballots):
        none = np.empty(0)
        return Findings(none.astype(np.int8), none.astype(np.float32), none.astype(np.int32))
    attributes = build_attributes(columns, ballots)
    zone = ZoneInfo(options.zone)
    repeats = second_ballots(ballots, zone)
    assembly = Assembly(ballots, attributes.network, repeats, _rings(ballots, attributes, repeats))
    votes = make_votes(ballots.choice_row, ballots.choice, ballots.candidates, len(ballots))
    lists = find_signatures(ballots, votes.starts)
    target_sets = [TargetSet(votes, 0), TargetSet(lists.votes, votes.targets)]
    rates = _search(assembly, attributes, target_sets, options, report)
    report("describe", 0.95)
    baselines = tuple(
        TargetBaseline(target_set, rate)
        for target_set, rate in zip(target_sets, rates, strict=True)
    )
    return assembly.findings(CampaignData(columns, ballots, baselines, lists.names, zone))


def _rings(ballots: Ballots, attributes: Attributes, repeats: Int64s) -> list[Ring]:
    """Return the rings to be held."""
    active = np.ones(len(ballots), dtype=bool)
    active[repeats] = False
    return find_rings(ballots, active, attributes.network)


def _search(
    assembly: Assembly,
    attributes: Attributes,
    target_sets: Sequence[TargetSet],
    options: Options,
    report: Progress,
) -> list[Rates]:
    """Add the campaigns to the assembly; return the rates of each target set without them."""
    ballots = assembly.ballots
    weights = sharing_weights(ballots, attributes.sources)

    def context(target_set: TargetSet) -> ScanContext:
        rates = choice_rates(ballots, target_set.votes, weights * assembly.active)
        return prepare_scan(ballots, target_set.votes, rates, assembly.active)

    with ThreadPoolExecutor(THREADS) as threads:
        rng = np.random.default_rng(options.seed)
        families, phases = attributes.families, _phases(attributes)
        searched = [target_set for target_set in target_sets if target_set.votes.targets]
        exponents = [
            calibrate(context(target_set), families, rng, threads) for target_set in searched
        ]
        for number in range(MAX_ROUNDS):
            added = 0
            for target_set, exponent in zip(searched, exponents, strict=True):
                for phase in phases:
                    while True:
                        report("search", 0.1 + 0.8 * number / MAX_ROUNDS)
                        strictness = Strictness(
                            exponent, target_set.own_targets(assembly.held_by_target())
                        )
                        suspected = find_suspected_campaigns(
                            context(target_set), attributes, phase, strictness, threads
                        )
                        newly_added = assembly.add(
                            _relevant(target_set, suspected), target_set.first
                        )
                        added += newly_added
                        if not newly_added or phase is not phases[0]:
                            break
            if not added:
                break
    return [context(target_set).rates for target_set in target_sets]


def _relevant(
    target_set: TargetSet, suspected: Sequence[SuspectedCampaign]
) -> list[SuspectedCampaign]:
    """Return the suspected campaigns to keep: fans of a candidate have lists too, so a list counts
    only for a network or where a second aspect confirms it."""
    return [
        campaign
        for campaign in suspected
        if not target_set.first
        or campaign.classified.confirmed
        or campaign.family.aspects == {"network"}
    ]


def _phases(attributes: Attributes) -> list[list[Attribute]]:
    network = [family for family in attributes.families if family.aspects == {"network"}]
    others = [family for family in attributes.families if family.aspects != {"network"}]
    return [phase for phase in (network, others) if phase]
