"""From scores of single runs to figures a seed, and from those to means with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from loadtests.fraud.intervals import Mean, mean_of, upper_bound
from loadtests.fraud.records import ATTACKS, Truth
from loadtests.fraud.scoring import Score

Figure = Callable[[Sequence[Score]], float | None]
"""A figure of the runs of one seed; None where they cannot bear it."""

LINE_ATTACKS = ("A1", "A2", "A3")
LINE_MULTIPLE = 2.0
"""Wrong seats have a target for these attacks up to this size."""


def by_seed(scores: Sequence[Score], figure: Figure) -> list[float]:
    """The figure of each seed that has one."""
    seeds = sorted({one.seed for one in scores})
    values = [figure([one for one in scores if one.seed == seed]) for seed in seeds]
    return [value for value in values if value is not None]


def mean(scores: Sequence[Score], figure: Figure) -> Mean:
    return mean_of(by_seed(scores, figure))


def held_share(*truths: Truth) -> Figure:
    """Which share of ballots of these truths was held."""

    def figure(scores: Sequence[Score]) -> float | None:
        cast = sum(one.cast.get(truth.name, 0) for one in scores for truth in truths)
        held = sum(one.held.get(truth.name, 0) for one in scores for truth in truths)
        return held / cast if cast else None

    return figure


def bloc_share(truth: Truth) -> Figure:
    """Which share of ballots of this truth was shown to staff as a bloc and not held."""

    def figure(scores: Sequence[Score]) -> float | None:
        cast = sum(one.cast.get(truth.name, 0) for one in scores)
        return sum(one.blocs.get(truth.name, 0) for one in scores) / cast if cast else None

    return figure


def precision(scores: Sequence[Score]) -> float | None:
    """Which share of held ballots was bought; None where nothing was held."""
    held = sum(sum(one.held.values()) for one in scores)
    bought = sum(one.held.get(truth.name, 0) for one in scores for truth in ATTACKS)
    return bought / held if held else None


def wrong_seats(scores: Sequence[Score]) -> float | None:
    return sum(one.wrong_seats for one in scores) / len(scores) if scores else None


def not_certifiable(scores: Sequence[Score]) -> float | None:
    return sum(not one.certifiable for one in scores) / len(scores) if scores else None


def wrong_and_certified(scores: Sequence[Score]) -> float | None:
    """Wrong seats that nobody was warned of."""
    return (
        sum(one.wrong_seats for one in scores if one.certifiable) / len(scores) if scores else None
    )


def honest_bound(scores: Sequence[Score], *truths: Truth) -> float:
    """The 95% upper bound of the share of such honest ballots that is held.

    A seed's honest ballots are the same in all its runs, so they count once.
    """
    rates = by_seed(scores, held_share(*truths))
    seeds = {one.seed: one for one in scores}
    cast = sum(one.cast.get(truth.name, 0) for one in seeds.values() for truth in truths)
    return upper_bound(rates, cast / len(seeds)) if seeds else float("nan")


def select(
    scores: Sequence[Score],
    *,
    method: str | None = None,
    attacks: Sequence[str] | None = None,
    most: float | None = None,
    exactly: float | None = None,
) -> list[Score]:
    """The scores of a method, of attacks, of sizes."""
    return [
        one
        for one in scores
        if (method is None or one.method == method)
        and (attacks is None or one.attack in attacks)
        and (most is None or one.multiple <= most)
        and (exactly is None or one.multiple == exactly)
    ]
