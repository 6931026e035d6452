"""Safety of the cut: can open holds and held ballots change who advances? Pure; no I/O.

A *question* is a hold without a ruling in force. It is ruled as one: all of its ballots void, or
all counted. So the lead of one candidate over another is smallest when each hold is ruled the way
that is worse for it, and as holds are ruled independently of each other,

    worst lead = lead now + Σ over holds min(void, count of the difference)

is reached by one ruling of them all: the figure of a pair is exact. *Loose* ballots are held but
in no hold yet, or in several open holds at once; each of their votes is taken to go the worse way
by itself. With loose ballots that name several candidates, or that lie in overlapping holds, the
worst lead is a lower bound: the true one can be better, never worse. Which seats are secure and
which holds can change one is derived from the pairs, all of whose worst cases need not come
together: `secure` and `cannot_change` are certain, `in_doubt` and `must_rule` conservative.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Text
from voting_service.voting.cut.ranking import (
    NEIGHBOURS,
    Standing,
    ranked,
    tie_at_line,
)

Matrix = npt.NDArray[np.int64]
Verdict = Literal["void", "count"]


class OpenQuestion(NamedTuple):
    """A hold to be ruled on. By candidate: `held` votes are added if it is counted, `counted` ones
    are subtracted if it is void."""

    hold: int
    label: str
    ballots: int
    held: Mapping[int, int]
    counted: Mapping[int, int]


class LooseBallots(NamedTuple):
    """Votes of `ballots` ballots, each of which may be counted or void independently."""

    ballots: int = 0
    held: Mapping[int, int] = {}
    counted: Mapping[int, int] = {}


class Pair(NamedTuple):
    """Two candidates on different sides of the cut-off: the lead now, and the worst lead."""

    inside: int
    outside: int
    lead: int
    worst_lead: int


class Neighbour(NamedTuple):
    """A candidate near the cut-off, and the worst rulings for staying on its side of it, against
    `rival`, the closest on the other side.

    Under these rulings `selected` advance for certain; `tied`, if any, share the remaining places.
    `lowest` and `highest` bound its own net votes.
    """

    number: int
    place: int
    net: int
    lowest: int
    highest: int
    rival: int
    lead: int
    worst_lead: int
    verdicts: tuple[tuple[int, Verdict], ...]
    selected: tuple[int, ...]
    tied: tuple[int, ...]
    entered: tuple[int, ...]
    left: tuple[int, ...]


class Safety(NamedTuple):
    """What the open questions can change at the cut-off."""

    size: int
    standings: tuple[Standing, ...]
    open_holds: int
    loose_ballots: int
    secure: tuple[int, ...]
    in_doubt: tuple[int, ...]
    must_rule: tuple[int, ...]
    cannot_change: tuple[int, ...]
    loose_matter: bool
    tied_now: tuple[int, ...]
    pairs: tuple[Pair, ...]
    neighbours: tuple[Neighbour, ...]

    @property
    def certifiable(self) -> bool:
        """Whether the same candidates advance under every ruling, with no tie left to decide."""
        return len(self.secure) == min(self.size, len(self.standings))


class _Leads:
    """Leads of each candidate (row) over each other (column), by place in `numbers`."""

    def __init__(
        self, net: Mapping[int, int], questions: Sequence[OpenQuestion], loose: LooseBallots
    ) -> None:
        self.net, self.questions, self.loose = net, questions, loose
        self.numbers = tuple(sorted(net))
        self._places = {number: place for place, number in enumerate(self.numbers)}
        self.now = _over(self._row(net))
        self.swings = [
            (-_over(self._row(question.counted)), _over(self._row(question.held)))
            for question in questions
        ]
        held, counted = self._row(loose.held), self._row(loose.counted)
        self.worst = self.now - (held[None, :] + counted[:, None])
        self.best = self.now + (held[:, None] + counted[None, :])
        self.loose_moves = (self.best - self.worst) > 0
        for void, count in self.swings:
            self.worst = self.worst + np.minimum(void, count)
            self.best = self.best + np.maximum(void, count)

    def _row(self, votes: Mapping[int, int]) -> Matrix:
        return np.array([votes.get(number, 0) for number in self.numbers], dtype=np.int64)

    def pair(self, inside: int, outside: int) -> Pair:
        at = self._places[inside], self._places[outside]
        return Pair(inside, outside, int(self.now[at]), int(self.worst[at]))

    def worst_verdicts(self, pair: Pair) -> dict[int, Verdict]:
        """Return, by hold, the ruling that is worse for the lead of the pair."""
        at = self._places[pair.inside], self._places[pair.outside]
        return {
            question.hold: "void" if void[at] < count[at] else "count"
            for question, (void, count) in zip(self.questions, self.swings, strict=True)
        }

    def net_after(self, pair: Pair, verdicts: Mapping[int, Verdict]) -> dict[int, int]:
        """Return the votes under these rulings, loose votes ruled the worse way for the pair.

        Ballots in holds may name candidates who are not ranked: those votes move nobody.
        """
        net = dict(self.net)
        net[pair.inside] -= self.loose.counted.get(pair.inside, 0)
        net[pair.outside] += self.loose.held.get(pair.outside, 0)
        for question in self.questions:
            counts = verdicts[question.hold] == "count"
            moved = question.held if counts else question.counted
            for number in net.keys() & moved.keys():
                net[number] += moved[number] if counts else -moved[number]
        return net

    def bounds(self, number: int) -> tuple[int, int]:
        """Return the fewest and the most votes a candidate can have."""
        counted = [self.loose.counted, *(question.counted for question in self.questions)]
        held = [self.loose.held, *(question.held for question in self.questions)]
        net = self.net[number]
        return (
            net - sum(votes.get(number, 0) for votes in counted),
            net + sum(votes.get(number, 0) for votes in held),
        )


def _over(votes: Matrix) -> Matrix:
    lead: Matrix = votes[:, None] - votes[None, :]
    return lead


def assess(
    net: Mapping[int, int],
    size: int,
    questions: Sequence[OpenQuestion],
    loose: LooseBallots | None = None,
) -> Safety:
    """Return the safety report; `net` are the current votes of every candidate who is ranked,
    without held ones. The questions may name others: who has withdrawn takes no place."""
    loose = loose or LooseBallots()
    leads = _Leads(net, questions, loose)
    standings = ranked(net)
    others = ~np.eye(len(leads.numbers), dtype=bool)
    secure = ((leads.worst <= 0) & others).sum(axis=1) < size
    out = ((leads.worst > 0) & others).sum(axis=0) >= size
    doubt = ~secure & ~out
    # Between two rulings of one hold the selection differs only if two candidates in doubt
    # change their order, so only holds that move such a pair can change a seat.
    fragile = (leads.worst <= 0) & (leads.best >= 0) & others & doubt[:, None] & doubt[None, :]
    can_change = {
        question.hold: bool((fragile & (void != count)).any())
        for question, (void, count) in zip(questions, leads.swings, strict=True)
    }
    tie = tie_at_line(standings, size)
    return Safety(
        size=size,
        standings=standings,
        open_holds=len(questions),
        loose_ballots=loose.ballots,
        secure=_chosen(leads, secure),
        in_doubt=_chosen(leads, doubt),
        must_rule=tuple(hold for hold, matters in can_change.items() if matters),
        cannot_change=tuple(hold for hold, matters in can_change.items() if not matters),
        loose_matter=bool((fragile & leads.loose_moves).any()),
        tied_now=tie.numbers if tie else (),
        pairs=_pairs(standings, size, leads),
        neighbours=_neighbours(standings, size, leads),
    )


def _chosen(leads: _Leads, mask: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(number for number, chosen in zip(leads.numbers, mask, strict=True) if chosen)


def _pairs(standings: Sequence[Standing], size: int, leads: _Leads) -> tuple[Pair, ...]:
    """Return pairs of neighbours across the cut-off, the smallest worst lead first."""
    pairs = [
        leads.pair(better.number, worse.number)
        for better in standings[max(0, size - NEIGHBOURS) : size]
        for worse in standings[size : size + NEIGHBOURS]
    ]
    return tuple(sorted(pairs, key=lambda pair: (pair.worst_lead, pair.lead, pair)))


def _neighbours(standings: Sequence[Standing], size: int, leads: _Leads) -> tuple[Neighbour, ...]:
    inside = [standing.number for standing in standings[:size]]
    outside = [standing.number for standing in standings[size:]]
    if not outside:
        return ()
    made = []
    for place in range(max(0, size - NEIGHBOURS), min(size + NEIGHBOURS, len(standings))):
        number = standings[place].number
        if place < size:
            pairs = [leads.pair(number, rival) for rival in outside]
        else:
            pairs = [leads.pair(rival, number) for rival in inside]
        closest = min(pairs, key=lambda pair: (pair.worst_lead, pair.lead, pair))
        made.append(_neighbour(place + 1, number, closest, frozenset(inside), leads))
    return tuple(made)


def _neighbour(
    place: int, number: int, pair: Pair, today: frozenset[int], leads: _Leads
) -> Neighbour:
    verdicts = leads.worst_verdicts(pair)
    then = ranked(leads.net_after(pair, verdicts))
    size = len(today)
    tie = tie_at_line(then, size)
    tied = frozenset(tie.numbers if tie else ())
    selected = frozenset(s.number for s in then[:size]) - tied
    lowest, highest = leads.bounds(number)
    return Neighbour(
        number=number,
        place=place,
        net=leads.net[number],
        lowest=lowest,
        highest=highest,
        rival=pair.outside if number == pair.inside else pair.inside,
        lead=pair.lead,
        worst_lead=pair.worst_lead,
        verdicts=tuple(verdicts.items()),
        selected=tuple(sorted(selected)),
        tied=tuple(sorted(tied)),
        entered=tuple(sorted(selected - today)),
        left=tuple(sorted(today - selected - tied)),
    )


def conclusion(safety: Safety, *, closed: bool) -> Text:
    """Return whether the cut can be certified and what to do next, as it is read out.

    Before the close nothing can be certified, so the text describes the state so far.
    """
    what_is_open = _describe_open(safety)
    if safety.certifiable:
        name = "nothing_open" if what_is_open is None else "same_in_any_case"
    else:
        name = "tied" if what_is_open is None else "in_doubt"
    if not closed:
        name = "so_far_same" if name == "same_in_any_case" else f"so_far_{name}"
    return load_text(
        "voting",
        f"cut.safety.{name}",
        size=safety.size,
        open=what_is_open,
        numbers=join_numbers(safety.in_doubt),
        must_rule=len(safety.must_rule),
    )


def join_numbers(numbers: Iterable[int]) -> Text:
    """Return numbers as a list in a sentence."""
    parts = [str(number) for number in numbers]
    separator = load_text("voting", "cut.checklist.between_numbers")
    return Text(zh=separator.zh.join(parts), en=separator.en.join(parts))


def _describe_open(safety: Safety) -> Text | None:
    """Return what is still to be ruled on; None when nothing is."""
    holds, ballots = safety.open_holds, safety.loose_ballots
    if not holds and not ballots:
        return None
    name = "holds_and_ballots" if holds and ballots else "holds" if holds else "ballots"
    return load_text("voting", f"cut.safety.open.{name}", holds=holds, ballots=ballots)
