"""The ranking if a hold were void, and if it were counted. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from voting_service.voting.rulings.effect import Effect
from voting_service.voting.tally.recount import competition_ranks


class RankedPlace(NamedTuple):
    """Net votes and the rank they give."""

    votes: int
    rank: int


class PreviewRow(NamedTuple):
    """A candidate who has votes in the hold, or whose place it could change."""

    number: int
    effect: Effect
    now: RankedPlace
    if_void: RankedPlace
    if_count: RankedPlace


class RankingPreview(NamedTuple):
    """Rows with most votes in the hold first. Voiding would move `void_in` into the first `size`
    places and `void_out` out of them."""

    rows: tuple[PreviewRow, ...]
    void_in: tuple[int, ...]
    void_out: tuple[int, ...]
    count_in: tuple[int, ...]
    count_out: tuple[int, ...]


_NOTHING = Effect(0, 0, 0, 0)


def prospect(net: Mapping[int, int], effects: Mapping[int, Effect], size: int) -> RankingPreview:
    """Return the preview. `net` has every candidate; candidate 0 in `effects` is the ballots."""

    def places(votes: Mapping[int, int]) -> dict[int, RankedPlace]:
        ranks = competition_ranks(votes)
        return {number: RankedPlace(votes[number], ranks[number]) for number in votes}

    of = {number: effects.get(number, _NOTHING) for number in net}
    now = places(net)
    if_void = places({number: votes + of[number].if_void for number, votes in net.items()})
    if_count = places({number: votes + of[number].if_count for number, votes in net.items()})
    rows = [
        PreviewRow(number, of[number], now[number], if_void[number], if_count[number])
        for number in sorted(net, key=lambda n: (-of[n].gross, now[n].rank, n))
        if of[number].gross
        or len({now[number].rank, if_void[number].rank, if_count[number].rank}) > 1
    ]

    def moved(then: Mapping[int, RankedPlace], *, inwards: bool) -> tuple[int, ...]:
        before, after = (now, then) if inwards else (then, now)
        return tuple(
            number
            for number in sorted(net)
            if before[number].rank > size and after[number].rank <= size
        )

    return RankingPreview(
        tuple(rows),
        moved(if_void, inwards=True),
        moved(if_void, inwards=False),
        moved(if_count, inwards=True),
        moved(if_count, inwards=False),
    )
