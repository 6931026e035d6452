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

from dataclasses import dataclass

import numpy as np

from voting_service.antifraud.forensics.attributes import Aspect, Attribute, Attributes
from voting_service.antifraud.forensics.columns import Int32s, Int64s
from voting_service.antifraud.forensics.prepare import Bools, Floats, summed
from voting_service.antifraud.forensics.thresholds import (
    BORROWED_VOTERS,
    WITNESS_DEVIATIONS,
    WITNESS_GAIN,
    WITNESS_WEIGHT_LIMIT,
)

CONFIRMING: dict[Aspect, frozenset[Aspect]] = {
    "network": frozenset({"client", "account"}),
    "client": frozenset({"network", "account", "habit"}),
    "account": frozenset({"client", "habit"}),
    "habit": frozenset({"client", "account"}),
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

    @property
    def confirmed(self) -> bool:
        return any(witness.confirms for witness in self.witnesses)


class Population:
    """How the active ballots of each platform are spread over the values of an attribute."""

    def __init__(self, attributes: Attributes, platform: Int32s, active: Bools) -> None:
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


def judge(family: Attribute, population: Population, crowd: Crowd) -> Judged:
    """Judges who of the crowd voted for the target."""
    rows, chose, rate = crowd.rows, crowd.chose, crowd.rate
    dense_voter = np.unique(crowd.voter, return_inverse=True)[1]
    weight = (1.0 / np.bincount(dense_voter))[dense_voter]
    values, value = np.unique(family.codes[rows], return_inverse=True)
    expected = summed(value, weight * rate)
    observed = summed(value[chose], weight[chose], len(expected))
    logit = np.log(np.maximum(observed - expected, 0.01) / np.maximum(expected, 1e-6))[value]
    whole_weight = weight
    mine, dense_voter, weight = rows[chose], dense_voter[chose], weight[chose]
    scores = logit[chose].clip(-6.0, 8.0)
    prior = 1.0 / (1.0 + np.exp(-scores))
    honest = float(expected.sum())
    allowed = _confirming(family)
    witnesses: list[Witness] = []
    confirming = np.zeros(len(mine))
    for aspect, known in population.witnesses.items():
        if aspect in family.aspects:
            continue
        best: tuple[Witness, Floats] | None = None
        for attribute in known:
            if aspect in _BY_THE_CLOCK:
                share = _usual_times(attribute.codes[rows], whole_weight * rate)[chose]
            else:
                share = population.shares(attribute, mine, mine)
            ratio = _log_ratio(attribute.codes[mine], dense_voter, weight, share, honest)
            gain, certain = _gain(ratio, prior, weight)
            confirms = certain and aspect in allowed and gain >= WITNESS_GAIN
            witness = Witness(aspect, attribute.name, gain, confirms)
            if best is None or witness.gain > best[0].gain:
                best = witness, ratio
        if best is not None and best[0].gain > 0:
            witnesses.append(best[0])
            scores += best[1]
            if best[0].confirms:
                confirming += best[1]
    posterior = 1.0 / (1.0 + np.exp(-_voter_mean(scores, dense_voter)))
    if any(witness.confirms for witness in witnesses):
        # An employer may urge its staff for the candidate whom a farm votes for: a value whose
        # own ballots the second aspect speaks against is no part of what it confirms.
        spoken = summed(value[chose], weight * posterior * confirming)
        posterior[(spoken <= 0)[value[chose]]] = 0.0
    return Judged(
        rows=mine,
        posterior=posterior,
        value=family.codes[mine],
        observed=_spread(observed, values),
        expected=_spread(expected, values),
        witnesses=tuple(witnesses),
    )


def _spread(figures: Floats, values: Int32s) -> Floats:
    """The same figures at the places of the values."""
    spread = np.zeros(int(values.max()) + 1)
    spread[values] = figures
    return spread


def _confirming(family: Attribute) -> frozenset[Aspect]:
    allowed = frozenset[Aspect]().union(*(CONFIRMING[aspect] for aspect in family.aspects))
    return allowed & CONFIRMING["network"] if "network" in family.aspects else allowed


def _log_ratio(
    codes: Int32s, voter: Int64s, weight: Floats, share: Floats, honest: float
) -> Floats:
    """ln P(value | campaign) − ln P(value | honest), by vote, the vote's voter left out.

    `honest`: how many of the voters are expected to be honest; they have the value with the
    probability `share`. Votes without the attribute say nothing (0).
    """
    known = codes >= 0
    ratio = np.zeros(len(codes))
    if not known.any():
        return ratio
    value = np.unique(codes[known], return_inverse=True)[1]
    size = int(value.max()) + 1
    honest *= float(weight[known].sum() / weight.sum())
    seen = summed(value, weight[known])
    usual = np.empty(size)
    usual[value] = share[known]
    _, place = np.unique(voter[known].astype(np.int64) * size + value, return_inverse=True)
    own = summed(place, weight[known])[place]
    excess = np.maximum(seen[value] - own - honest * usual[value], 0.0)
    total = max(float(np.maximum(seen - honest * usual, 0.0).sum()) - 1.0, 0.0)
    campaign = (excess + BORROWED_VOTERS * usual[value]) / (total + BORROWED_VOTERS)
    ratio[known] = np.log(campaign / usual[value])
    return ratio.clip(-WITNESS_WEIGHT_LIMIT, WITNESS_WEIGHT_LIMIT)


def _usual_times(codes: Int32s, honest: Floats) -> Floats:
    """The share of each row's time among the honest votes that the margins explain."""
    expected = summed(codes, honest)
    share: Floats = expected[codes] / max(float(honest.sum()), 1e-12)
    return np.maximum(share, 1e-9)


def _gain(ratio: Floats, prior: Floats, weight: Floats) -> tuple[float, bool]:
    """(what the ratios add for each campaign voter, whether that is more than chance)."""
    added = weight * np.log1p(prior * np.expm1(ratio))
    voters = float((weight * prior).sum())
    certain = added.sum() >= WITNESS_DEVIATIONS * np.sqrt(float((added**2).sum()))
    return float(added.sum()) / max(voters, 1e-9), bool(certain)


def _voter_mean(scores: Floats, voter: Int64s) -> Floats:
    total = summed(voter, scores)
    times = np.maximum(np.bincount(voter), 1)
    mean: Floats = (total / times)[voter]
    return mean
