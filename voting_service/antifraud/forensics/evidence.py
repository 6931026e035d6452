"""From significant cells to a probability for each ballot.

A suspicion is a family of attributes and a target, with all values of the family whose cells
were significant. Its votes are a mixture: so many as the margins explain are honest and look
like the people of their platforms; the excess looks like itself. How the excess looks is read
off every other aspect (networks, clients, accounts, habits, days, hours, ballots) as observed
minus expected, and turned round by Bayes' theorem. A voter never testifies about itself: its
own ballots are left out of what they are compared with. So an aspect that does not really tell
the campaign apart has no gain, and a suspicion that no second aspect confirms stays a bloc.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from voting_service.antifraud.forensics.attributes import Aspect, Attribute, Attributes
from voting_service.antifraud.forensics.columns import Int32s, Int64s
from voting_service.antifraud.forensics.prepare import Bools, Floats, summed
from voting_service.antifraud.forensics.thresholds import (
    BORROWED_VOTERS,
    FORETOLD_NATS,
    WITNESS_DEVIATIONS,
    WITNESS_GAIN,
    WITNESS_WEIGHT_LIMIT,
)

CONFIRMING: dict[Aspect, frozenset[Aspect]] = {
    "network": frozenset({"client", "account"}),
    "client": frozenset({"network", "account", "habit"}),
    "account": frozenset({"client", "habit"}),
    "habit": frozenset({"client", "account"}),
    "lockstep": frozenset({"client", "account"}),
}
"""Which second aspect makes a suspicion more than a bloc. People who are called together vote at
one hour, from one network, equally often, with one list, and may have registered for it on one
day: but each with an own phone and from an own home."""

_BY_THE_CLOCK = frozenset({"day", "hour"})


_LARGEST_TABLE = 4_000_000
"""Platforms × values from which platforms are taken together."""


@dataclass(frozen=True, slots=True)
class Witness:
    """How well one aspect tells the campaign from honest voters of the same values."""

    aspect: Aspect
    attribute: str
    gain: float
    """What knowing the aspect adds to the log-likelihood, in nats for each campaign voter."""
    confirms: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """The votes of a suspicion, and how probable it is that each belongs to a campaign."""

    rows: Int64s
    posterior: Floats
    value: Int32s
    """The family's value of each row."""
    observed: Floats
    """Voters who chose the target, by the family's value; so is `expected`."""
    expected: Floats
    witnesses: tuple[Witness, ...]
    alone: bool
    """Whether the family needs no second aspect."""
    evidence: Floats
    """By the family's value: what the second aspects add to its likelihood ratio, in nats."""

    @property
    def confirmed(self) -> bool:
        return self.alone or any(witness.confirms for witness in self.witnesses)


class Population:
    """How the active ballots of each platform are spread over the values of an attribute."""

    def __init__(
        self,
        attributes: Attributes,
        platform: Int32s,
        active: Bools,
        known: Mapping[int, Int64s],
    ) -> None:
        """`known`: by target, ballots of campaigns already found."""
        self.known = known
        self.witnesses = attributes.witnesses
        self._platform = platform
        self._rows = np.flatnonzero(active)
        self._tables: dict[str, tuple[Int32s, Floats]] = {}

    def shares(self, attribute: Attribute, rows: Int64s, without: Int64s) -> Floats:
        """The share of each row's value among all ballots but `without`, on the platforms of
        `rows` taken together. Rows that lack the attribute get 1."""
        platform, table = self._table(attribute)
        platforms, values = table.shape
        codes = attribute.codes

        def counted(some: Int64s) -> Floats:
            some = some[codes[some] >= 0]
            key = platform[some].astype(np.int64) * values + codes[some]
            counts = np.bincount(key, minlength=platforms * values).astype(np.float64)
            return counts.reshape(platforms, values)

        others = table - counted(without)
        known = rows[codes[rows] >= 0]
        mix = np.bincount(platform[known], minlength=platforms) / max(len(known), 1)
        share = mix @ ((others + 0.5 / values) / (others.sum(axis=1, keepdims=True) + 0.5))
        return np.where(codes[rows] >= 0, share[codes[rows]], 1.0)

    def _table(self, attribute: Attribute) -> tuple[Int32s, Floats]:
        if attribute.name not in self._tables:
            rows = self._rows[attribute.codes[self._rows] >= 0]
            values = int(attribute.codes.max()) + 1
            platform = self._platform
            if values * (int(platform.max()) + 1) > _LARGEST_TABLE:
                platform = np.zeros_like(platform)
            key = platform[rows].astype(np.int64) * values + attribute.codes[rows]
            platforms = int(platform.max()) + 1
            table = np.bincount(key, minlength=platforms * values).astype(np.float64)
            self._tables[attribute.name] = platform, table.reshape(platforms, values)
        return self._tables[attribute.name]


@dataclass(frozen=True, slots=True)
class Crowd:
    """All ballots of suspicious values in their windows."""

    rows: Int64s
    voter: Int32s
    chose: Bools
    """Who voted for the target."""
    rate: Floats
    """How probable that was for each."""
    known: Int64s
    """Ballots of campaigns already found for the target: they say what to look for."""

    def only(self, some: Bools) -> Crowd:
        """Some of the crowd."""
        return replace(
            self,
            rows=self.rows[some],
            voter=self.voter[some],
            chose=self.chose[some],
            rate=self.rate[some],
        )


@dataclass(frozen=True, slots=True)
class _Counted:
    """How the crowd counts: `weight` for all of it, the rest for who chose the target."""

    weight: Floats
    voter: Int64s
    prior: Floats
    honest: float


def judge(family: Attribute, population: Population, crowd: Crowd) -> tuple[Judged, ...]:
    """Judges who of the crowd voted for the target: together, or in two parts.

    An employer may urge its staff for the candidate whom a farm votes for, and drown the farm.
    So where nothing confirms the whole, the values for which second aspects speak are asked
    again without the others.
    """
    whole, agreeing = _judge(family, population, crowd)
    inside = agreeing[family.codes[crowd.rows]]
    if whole.confirmed or not inside[crowd.chose].any() or inside.all():
        return (whole,)
    part, _ = _judge(family, population, crowd.only(inside))
    if not part.confirmed:
        return (whole,)
    rest, _ = _judge(family, population, crowd.only(~inside))
    return part, rest


def _judge(family: Attribute, population: Population, crowd: Crowd) -> tuple[Judged, Bools]:
    """(the verdict on the whole crowd, for which of the family's values second aspects speak)"""
    chose, mine = crowd.chose, crowd.rows[crowd.chose]
    dense_voter = np.unique(crowd.voter, return_inverse=True)[1]
    weight = (1.0 / np.bincount(dense_voter))[dense_voter]
    values, value = np.unique(family.codes[crowd.rows], return_inverse=True)
    expected = summed(value, weight * crowd.rate)
    observed = summed(value[chose], weight[chose], len(expected))
    logit = np.log(np.maximum(observed - expected, 0.01) / np.maximum(expected, 1e-6))
    value, voter = value[chose], dense_voter[chose]
    scores = logit.clip(-6.0, 8.0)[value]
    prior = 1.0 / (1.0 + np.exp(-scores))
    counted = _Counted(weight, voter, prior, float(expected.sum()))
    witnesses, confirming = [], np.zeros(len(mine))
    spoken, evidence = np.zeros(len(values)), np.zeros(len(values))
    for aspect, attributes in population.witnesses.items():
        if aspect in family.aspects:
            continue
        heard = [_hear(attribute, population, crowd, counted) for attribute in attributes]
        witness, ratio = max(heard, key=lambda each: each[0].gain)
        allowed = aspect in _confirming(family)
        if allowed:
            spoken += summed(value, weight[chose] * prior * ratio, len(values))
            added = weight[chose] * np.log1p(prior * np.expm1(ratio))
            evidence += summed(value, added, len(values))
        if witness.gain > 0:
            witness = replace(witness, confirms=witness.confirms and allowed)
            witnesses.append(witness)
            scores = scores + ratio
            confirming += ratio if witness.confirms else 0.0
    posterior = 1.0 / (1.0 + np.exp(-_voter_mean(scores, voter)))
    if any(witness.confirms for witness in witnesses):
        # A value that the second aspect speaks against is no part of what it confirms.
        against = summed(value, weight[chose] * posterior * confirming, len(values)) <= 0
        posterior[against[value]] = 0.0
        if "network" in family.aspects:
            # Staff may share a busy exit with the farm: nobody is held for the network alone.
            posterior[_voter_mean(confirming, voter) <= 0] = 0.0
    judged = Judged(
        rows=mine,
        posterior=posterior,
        value=family.codes[mine],
        observed=_spread(observed, values),
        expected=_spread(expected, values),
        witnesses=tuple(witnesses),
        alone=family.alone,
        evidence=_spread(evidence, values),
    )
    return judged, _spread(spoken, values) > 0


def _hear(
    attribute: Attribute, population: Population, crowd: Crowd, counted: _Counted
) -> tuple[Witness, Floats]:
    """What the attribute says of those who chose the target, and how telling that is."""
    mine = crowd.rows[crowd.chose]
    (aspect,) = attribute.aspects
    if aspect in _BY_THE_CLOCK:
        honest = counted.weight * crowd.rate
        share = _usual_times(attribute.codes[crowd.rows], honest)[crowd.chose]
    else:
        share = population.shares(attribute, mine, mine)
    weight = counted.weight[crowd.chose]
    known = attribute.codes[crowd.known]
    ratio = _log_ratio(attribute.codes[mine], counted, weight, share, known[known >= 0])
    gain, total, certain = _gain(ratio, counted.prior, weight)
    # What known campaigns foretold is a plain likelihood ratio (Wald 1945).
    certain = certain or (len(crowd.known) > 0 and total >= FORETOLD_NATS)
    return Witness(aspect, attribute.name, gain, certain and gain >= WITNESS_GAIN), ratio


def _spread(figures: Floats, values: Int32s) -> Floats:
    """The same figures at the places of the values."""
    spread = np.zeros(int(values.max()) + 1)
    spread[values] = figures
    return spread


def _confirming(family: Attribute) -> frozenset[Aspect]:
    allowed = frozenset[Aspect]().union(*(CONFIRMING[aspect] for aspect in family.aspects))
    return allowed & CONFIRMING["network"] if "network" in family.aspects else allowed


def _log_ratio(
    codes: Int32s, counted: _Counted, weight: Floats, share: Floats, foretold: Int32s
) -> Floats:
    """ln P(value | campaign) − ln P(value | honest), by vote, the vote's voter left out.

    Honest voters have the value with the probability `share`; `foretold` are the values in
    campaigns already known. Votes without the attribute say nothing (0).
    """
    known = codes >= 0
    ratio = np.zeros(len(codes))
    if not known.any():
        return ratio
    values, value = np.unique(codes[known], return_inverse=True)
    size = len(values)
    honest = counted.honest * float(weight[known].sum() / weight.sum())
    seen = summed(value, weight[known])
    usual = np.empty(size)
    usual[value] = share[known]
    pair = counted.voter[known].astype(np.int64) * size + value
    _, place = np.unique(pair, return_inverse=True)
    own = summed(place, weight[known])[place]
    before = np.bincount(foretold, minlength=int(values[-1]) + 1)[values].astype(np.float64)
    excess = np.maximum(seen[value] - own - honest * usual[value], 0.0) + before[value]
    total = max(float(np.maximum(seen - honest * usual, 0.0).sum()) - 1.0, 0.0) + len(foretold)
    campaign = (excess + BORROWED_VOTERS * usual[value]) / (total + BORROWED_VOTERS)
    ratio[known] = np.log(campaign / usual[value])
    return ratio.clip(-WITNESS_WEIGHT_LIMIT, WITNESS_WEIGHT_LIMIT)


def _usual_times(codes: Int32s, honest: Floats) -> Floats:
    """The share of each row's time among the honest votes that the margins explain."""
    expected = summed(codes, honest)
    share: Floats = expected[codes] / max(float(honest.sum()), 1e-12)
    return np.maximum(share, 1e-9)


def _gain(ratio: Floats, prior: Floats, weight: Floats) -> tuple[float, float, bool]:
    """(what the ratios add for each campaign voter, in all, whether that is beyond chance)."""
    added = weight * np.log1p(prior * np.expm1(ratio))
    voters, total = float((weight * prior).sum()), float(added.sum())
    certain = total >= WITNESS_DEVIATIONS * np.sqrt(float((added**2).sum()))
    return total / max(voters, 1e-9), total, bool(certain)


def _voter_mean(scores: Floats, voter: Int64s) -> Floats:
    total = summed(voter, scores)
    times = np.maximum(np.bincount(voter), 1)
    mean: Floats = (total / times)[voter]
    return mean
