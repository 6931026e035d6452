"""Ranks of the candidates and margins around the last place. Pure; input order is irrelevant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from voting_service.voting.tally.recount import competition_ranks

NEIGHBOURS = 5
"""How many places on either side of the cut-off the margin table shows."""


class Standing(NamedTuple):
    """A candidate's net votes and rank (1, 2, 2, 4)."""

    number: int
    votes: int
    rank: int


class Tie(NamedTuple):
    """Equal votes on both sides of the cut-off: `places` of `numbers` (ascending) may advance."""

    votes: int
    places: int
    numbers: tuple[int, ...]


class Margin(NamedTuple):
    """`votes` is the lead of the candidate at `place` over the next one."""

    place: int
    number: int
    next_number: int
    votes: int


def ranked(votes: Mapping[int, int]) -> tuple[Standing, ...]:
    """Return all candidates, most votes first, equal ones by number."""
    ranks = competition_ranks(votes)
    return tuple(
        Standing(number, votes[number], ranks[number])
        for number in sorted(votes, key=lambda number: (ranks[number], number))
    )


def tie_at_line(standings: Sequence[Standing], size: int) -> Tie | None:
    """Return the candidates tied for place `size`; None when there is no tie."""
    if size >= len(standings) or standings[size - 1].votes != standings[size].votes:
        return None
    votes = standings[size].votes
    above = sum(1 for standing in standings if standing.votes > votes)
    return Tie(votes, size - above, tuple(s.number for s in standings if s.votes == votes))


def in_decided_order(standings: Sequence[Standing], order: Sequence[int]) -> tuple[Standing, ...]:
    """Return the standings with the tied candidates in the decided order."""
    position = {number: place for place, number in enumerate(order)}
    return tuple(sorted(standings, key=lambda s: (s.rank, position.get(s.number, 0), s.number)))


def margins(standings: Sequence[Standing], size: int) -> tuple[Margin, ...]:
    """Return the margins among `NEIGHBOURS` places on either side of the cut-off."""
    return tuple(
        Margin(place, better.number, worse.number, better.votes - worse.votes)
        for place, (better, worse) in enumerate(pairwise(standings), start=1)
        if abs(place - size) < NEIGHBOURS
    )
