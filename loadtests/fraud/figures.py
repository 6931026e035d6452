"""Figures by seed from the scores of runs, and their means with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from loadtests.fraud.intervals import Mean, mean_with_interval, upper_bound
from loadtests.fraud.records import ATTACKS, Truth
from loadtests.fraud.scoring import Score

Figure = Callable[[Sequence[Score]], float | None]
"""A figure of the runs of one seed; None where it is not defined."""

LINE_ATTACKS = ("A1", "A2", "A3")
LINE_MULTIPLE = 2.0
"""Wrong seats have a target for these attacks up to this size."""


def by_seed(scores: Sequence[Score], figure: Figure) -> list[float]:
    """Return the figure of each seed that has one."""
    seeds = sorted({score.seed for score in scores})
    values = [figure([score for score in scores if score.seed == seed]) for seed in seeds]
    return [value for value in values if value is not None]


def mean(scores: Sequence[Score], figure: Figure) -> Mean:
    return mean_with_interval(by_seed(scores, figure))


def held_share(*truths: Truth) -> Figure:
    """Return the share of the ballots of these truths that was held."""

    def figure(scores: Sequence[Score]) -> float | None:
        cast = sum(score.cast.get(truth.name, 0) for score in scores for truth in truths)
        held = sum(score.held.get(truth.name, 0) for score in scores for truth in truths)
        return held / cast if cast else None

    return figure


def bloc_share(truth: Truth) -> Figure:
    """Return the share of the ballots of this truth that was shown to staff as a bloc."""

    def figure(scores: Sequence[Score]) -> float | None:
        cast = sum(score.cast.get(truth.name, 0) for score in scores)
        return sum(score.blocs.get(truth.name, 0) for score in scores) / cast if cast else None

    return figure


def precision(scores: Sequence[Score]) -> float | None:
    """Return the share of held ballots that was bought; None if none was held."""
    held = sum(sum(score.held.values()) for score in scores)
    bought = sum(score.held.get(truth.name, 0) for score in scores for truth in ATTACKS)
    return bought / held if held else None


def wrong_seats(scores: Sequence[Score]) -> float | None:
    return sum(score.wrong_seats for score in scores) / len(scores) if scores else None


def not_certifiable(scores: Sequence[Score]) -> float | None:
    return sum(score.doubtful_seats > 0 for score in scores) / len(scores) if scores else None


def unwarned_seats(scores: Sequence[Score]) -> float | None:
    """Return the wrong seats that were not reported as not certifiable."""
    return sum(score.unwarned_seats for score in scores) / len(scores) if scores else None


def honest_bound(scores: Sequence[Score], *truths: Truth) -> float:
    """Return the 95% upper bound of the share of such honest ballots that is held.

    A seed's honest ballots are the same in all its runs, so they count once.
    """
    rates = by_seed(scores, held_share(*truths))
    seeds = {score.seed: score for score in scores}
    cast = sum(score.cast.get(truth.name, 0) for score in seeds.values() for truth in truths)
    return upper_bound(rates, cast / len(seeds)) if seeds else float("nan")


def select(
    scores: Sequence[Score],
    *,
    method: str | None = None,
    attacks: Sequence[str] | None = None,
    most: float | None = None,
    exactly: float | None = None,
) -> list[Score]:
    """Return the scores of a method, of attacks, of sizes."""
    return [
        score
        for score in scores
        if (method is None or score.method == method)
        and (attacks is None or score.attack in attacks)
        and (most is None or score.multiple <= most)
        and (exactly is None or score.multiple == exactly)
    ]
