"""From significant cells to a probability for each ballot.

A suspected campaign is a family of attributes and a target, with all values of the family whose
cells were significant. Its votes are a mixture: as many as the margins explain are honest and look
like the voters of their platforms; the excess has a distribution of its own. That distribution is
estimated for every other aspect (networks, clients, accounts, habits, days, hours, ballots) as
observed minus expected, and applied to each ballot by Bayes' theorem. A voter's own ballots are
left out of the estimate that they are compared with (leave one out). So an aspect that does not
separate the campaign from honest voters has no gain, and a suspected campaign that no second aspect
confirms remains a bloc.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from voting_service.antifraud.forensics.attributes import (
    Aspect,
    Attribute,
    Attributes,
)
from voting_service.antifraud.forensics.columns import Int32s, Int64s
from voting_service.antifraud.forensics.prepare import (
    Bools,
    Floats,
    sum_by_code,
)
from voting_service.antifraud.forensics.thresholds import (
    EVIDENCE_DEVIATIONS,
    EVIDENCE_GAIN,
    EVIDENCE_LIMIT,
    PREDICTED_NATS,
    PRIOR_VOTERS,
)

CONFIRMING: dict[Aspect, frozenset[Aspect]] = {
    "network": frozenset({"client", "account"}),
    "client": frozenset({"network", "account", "habit"}),
    "account": frozenset({"client", "habit"}),
    "habit": frozenset({"client", "account"}),
    "lockstep": frozenset({"client", "account"}),
}
"""The second aspects that make a suspected campaign more than a bloc. People whom an employer
calls to vote do so in one hour, from one network, equally often, with one list, and may have
registered on one day: but each with their own phone and from their own home."""

_TIME_ASPECTS = frozenset({"day", "hour"})


_MAX_TABLE_CELLS = 4_000_000
"""Platforms × values above which the platforms are pooled."""


@dataclass(frozen=True, slots=True)
class AspectEvidence:
    """How well one aspect separates the campaign from honest voters with the same values."""

    aspect: Aspect
    attribute: str
    gain: float
    """Gain of log-likelihood from the aspect, in nats per campaign voter."""
    confirms: bool


@dataclass(frozen=True, slots=True)
class ClassifiedBallots:
    """The votes of a suspected campaign, and the probability that each belongs to one."""

    rows: Int64s
    posterior: Floats
    value: Int32s
    """The family's value of each row."""
    observed: Floats
    """Voters who chose the target, by the family's value, like `expected`."""
    expected: Floats
    aspects: tuple[AspectEvidence, ...]
    alone: bool
    """Whether the family is held without a second aspect."""
    second_evidence: Floats
    """By the family's value: the log-likelihood ratio of the second aspects, in nats."""

    @property
    def confirmed(self) -> bool:
        return self.alone or any(evidence.confirms for evidence in self.aspects)


class Population:
    """Distribution of the active ballots of each platform over the values of an attribute."""

    def __init__(
        self,
        attributes: Attributes,
        platform: Int32s,
        active: Bools,
        known_ballots: Mapping[int, Int64s],
    ) -> None:
        """`known_ballots`: by target, ballots of campaigns already found."""
        self.known_ballots = known_ballots
        self.by_aspect = attributes.by_aspect
        self._platform = platform
        self._rows = np.flatnonzero(active)
        self._tables: dict[str, tuple[Int32s, Floats]] = {}

    def shares(self, attribute: Attribute, rows: Int64s, without: Int64s) -> Floats:
        """Return the share of each row's value among all ballots but `without`, for the mix of
        platforms of `rows`. Rows without the attribute get 1."""
        platform, table = self._table(attribute)
        platforms, values = table.shape
        codes = attribute.codes

        def counted(some: Int64s) -> Floats:
            some = some[codes[some] >= 0]
            key = platform[some].astype(np.int64) * values + codes[some]
            counts = np.bincount(key, minlength=platforms * values).astype(np.float64)
            return counts.reshape(platforms, values)

        others = table - counted(without)
        classified = rows[codes[rows] >= 0]
        mix = np.bincount(platform[classified], minlength=platforms) / max(len(classified), 1)
        share = mix @ ((others + 0.5 / values) / (others.sum(axis=1, keepdims=True) + 0.5))
        return np.where(codes[rows] >= 0, share[codes[rows]], 1.0)

    def _table(self, attribute: Attribute) -> tuple[Int32s, Floats]:
        if attribute.name not in self._tables:
            rows = self._rows[attribute.codes[self._rows] >= 0]
            values = int(attribute.codes.max()) + 1
            platform = self._platform
            if values * (int(platform.max()) + 1) > _MAX_TABLE_CELLS:
                platform = np.zeros_like(platform)
            key = platform[rows].astype(np.int64) * values + attribute.codes[rows]
            platforms = int(platform.max()) + 1
            table = np.bincount(key, minlength=platforms * values).astype(np.float64)
            self._tables[attribute.name] = platform, table.reshape(platforms, values)
        return self._tables[attribute.name]


@dataclass(frozen=True, slots=True)
class SuspectedGroup:
    """All ballots of suspicious values in their windows, for whomever they voted."""

    rows: Int64s
    voter: Int32s
    chose: Bools
    """Whether the ballot chose the target."""
    rate: Floats
    """The expected probability of that."""
    known_ballots: Int64s
    """Ballots of campaigns already found for the target; they predict what others look like."""

    def only(self, some: Bools) -> SuspectedGroup:
        """Return the part of the group that `some` selects."""
        return replace(
            self,
            rows=self.rows[some],
            voter=self.voter[some],
            chose=self.chose[some],
            rate=self.rate[some],
        )


@dataclass(frozen=True, slots=True)
class _GroupWeights:
    """Weights of the group's ballots; `voter` and `prior` are of those that chose the target."""

    weight: Floats
    voter: Int64s
    prior: Floats
    honest: float


def classify(
    family: Attribute, population: Population, group: SuspectedGroup
) -> tuple[ClassifiedBallots, ...]:
    """Classify the group's votes for the target: together, or in two parts.

    An employer may call its staff to vote for the candidate of a farm, and the staff then outnumber
    the farm. So where nothing confirms the whole, the values with evidence from second aspects are
    classified again without the others.
    """
    whole, supported = _classify(family, population, group)
    inside = supported[family.codes[group.rows]]
    if whole.confirmed or not inside[group.chose].any() or inside.all():
        return (whole,)
    part, _ = _classify(family, population, group.only(inside))
    if not part.confirmed:
        return (whole,)
    rest, _ = _classify(family, population, group.only(~inside))
    return part, rest


def _classify(
    family: Attribute, population: Population, group: SuspectedGroup
) -> tuple[ClassifiedBallots, Bools]:
    """Return the classified group, and which of the family's values second aspects support."""
    chose, mine = group.chose, group.rows[group.chose]
    dense_voter = np.unique(group.voter, return_inverse=True)[1]
    weight = (1.0 / np.bincount(dense_voter))[dense_voter]
    values, value = np.unique(family.codes[group.rows], return_inverse=True)
    expected = sum_by_code(value, weight * group.rate)
    observed = sum_by_code(value[chose], weight[chose], len(expected))
    logit = np.log(np.maximum(observed - expected, 0.01) / np.maximum(expected, 1e-6))
    value, voter = value[chose], dense_voter[chose]
    scores = logit.clip(-6.0, 8.0)[value]
    prior = 1.0 / (1.0 + np.exp(-scores))
    counted = _GroupWeights(weight, voter, prior, float(expected.sum()))
    aspects, confirming = [], np.zeros(len(mine))
    support, second_evidence = np.zeros(len(values)), np.zeros(len(values))
    for aspect, attributes in population.by_aspect.items():
        if aspect in family.aspects:
            continue
        measured = [
            _measure_evidence(attribute, population, group, counted) for attribute in attributes
        ]
        evidence, ratio = max(measured, key=lambda pair: pair[0].gain)
        allowed = aspect in _confirming(family)
        if allowed:
            support += sum_by_code(value, weight[chose] * prior * ratio, len(values))
            added = weight[chose] * np.log1p(prior * np.expm1(ratio))
            second_evidence += sum_by_code(value, added, len(values))
        if evidence.gain > 0:
            evidence = replace(evidence, confirms=evidence.confirms and allowed)
            aspects.append(evidence)
            scores = scores + ratio
            confirming += ratio if evidence.confirms else 0.0
    posterior = 1.0 / (1.0 + np.exp(-_voter_mean(scores, voter)))
    if any(evidence.confirms for evidence in aspects):
        # A value that the second aspect contradicts is not part of what it confirms.
        against = sum_by_code(value, weight[chose] * posterior * confirming, len(values)) <= 0
        posterior[against[value]] = 0.0
        if "network" in family.aspects:
            # Staff may share a busy exit with the farm: no ballot is held for the network alone.
            posterior[_voter_mean(confirming, voter) <= 0] = 0.0
    classified = ClassifiedBallots(
        rows=mine,
        posterior=posterior,
        value=family.codes[mine],
        observed=_spread(observed, values),
        expected=_spread(expected, values),
        aspects=tuple(aspects),
        alone=family.alone,
        second_evidence=_spread(second_evidence, values),
    )
    return classified, _spread(support, values) > 0


def _measure_evidence(
    attribute: Attribute, population: Population, group: SuspectedGroup, counted: _GroupWeights
) -> tuple[AspectEvidence, Floats]:
    """Return the evidence of the attribute about the votes for the target, and their log ratios."""
    mine = group.rows[group.chose]
    (aspect,) = attribute.aspects
    if aspect in _TIME_ASPECTS:
        honest = counted.weight * group.rate
        share = _honest_time_shares(attribute.codes[group.rows], honest)[group.chose]
    else:
        share = population.shares(attribute, mine, mine)
    weight = counted.weight[group.chose]
    similar = attribute.codes[group.known_ballots]
    ratio = _log_ratio(attribute.codes[mine], counted, weight, share, similar[similar >= 0])
    gain, total, significant = _gain(ratio, counted.prior, weight)
    # What known campaigns predict is a plain likelihood ratio (Wald 1945).
    significant = significant or (len(group.known_ballots) > 0 and total >= PREDICTED_NATS)
    return AspectEvidence(
        aspect, attribute.name, gain, significant and gain >= EVIDENCE_GAIN
    ), ratio


def _spread(figures: Floats, values: Int32s) -> Floats:
    """Return the figures at the positions of their values."""
    spread = np.zeros(int(values.max()) + 1)
    spread[values] = figures
    return spread


def _confirming(family: Attribute) -> frozenset[Aspect]:
    allowed = frozenset[Aspect]().union(*(CONFIRMING[aspect] for aspect in family.aspects))
    return allowed & CONFIRMING["network"] if "network" in family.aspects else allowed


def _log_ratio(
    codes: Int32s, counted: _GroupWeights, weight: Floats, share: Floats, predicted: Int32s
) -> Floats:
    """Return ln P(value | campaign) − ln P(value | honest) by vote, its voter left out.

    Honest voters have the value with the probability `share`; `predicted` are the values in
    campaigns already known. Votes without the attribute get 0.
    """
    present = codes >= 0
    ratio = np.zeros(len(codes))
    if not present.any():
        return ratio
    values, value = np.unique(codes[present], return_inverse=True)
    size = len(values)
    honest = counted.honest * float(weight[present].sum() / weight.sum())
    observed = sum_by_code(value, weight[present])
    expected = np.empty(size)
    expected[value] = share[present]
    pair = counted.voter[present].astype(np.int64) * size + value
    _, place = np.unique(pair, return_inverse=True)
    own = sum_by_code(place, weight[present])[place]
    in_known = np.bincount(predicted, minlength=int(values[-1]) + 1)[values].astype(np.float64)
    excess = np.maximum(observed[value] - own - honest * expected[value], 0.0) + in_known[value]
    total = max(float(np.maximum(observed - honest * expected, 0.0).sum()) - 1.0, 0.0) + len(
        predicted
    )
    campaign = (excess + PRIOR_VOTERS * expected[value]) / (total + PRIOR_VOTERS)
    ratio[present] = np.log(campaign / expected[value])
    return ratio.clip(-EVIDENCE_LIMIT, EVIDENCE_LIMIT)


def _honest_time_shares(codes: Int32s, honest: Floats) -> Floats:
    """Return the share of each row's time among the honest votes that the margins explain."""
    expected = sum_by_code(codes, honest)
    share: Floats = expected[codes] / max(float(honest.sum()), 1e-12)
    return np.maximum(share, 1e-9)


def _gain(ratio: Floats, prior: Floats, weight: Floats) -> tuple[float, float, bool]:
    """Return (gain per campaign voter, total gain, whether it is significant)."""
    added = weight * np.log1p(prior * np.expm1(ratio))
    voters, total = float((weight * prior).sum()), float(added.sum())
    significant = total >= EVIDENCE_DEVIATIONS * np.sqrt(float((added**2).sum()))
    return total / max(voters, 1e-9), total, bool(significant)


def _voter_mean(scores: Floats, voter: Int64s) -> Floats:
    total = sum_by_code(voter, scores)
    times = np.maximum(np.bincount(voter), 1)
    mean: Floats = (total / times)[voter]
    return mean
