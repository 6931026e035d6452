"""Cut-line safety: can what is still in question change who goes on? Pure; no I/O.

A *question* is a hold without a ruling in force. It is ruled as one: all of its ballots void, or
all counted. So the lead of one candidate over another is smallest when each hold is ruled the way
that is worse for it, and as holds are ruled independently of each other,

    worst lead = lead now + Σ over holds min(void, count of the difference)

is reached by one ruling of them all: the figure of a pair is exact. *Loose* ballots are held but
in no hold yet, or in several open holds at once; each of their votes is taken to go the worse way
by itself. With loose ballots that name several candidates, or that lie in overlapping holds, the
worst lead is a lower bound: the true one can be better, never worse. Which seats are secure and
which holds can change one is derived from the pairs, all of whose worst cases need not come
together: `secure` and `cannot_change` are certain, `in_doubt` and `must_rule` are cautious.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from voting_service.contests.model import Text
from voting_service.cut.ranking import NEIGHBOURS, Standing, ranked, tie_at_line

Matrix = npt.NDArray[np.int64]
Verdict = Literal["void", "count"]


class Question(NamedTuple):
    """A hold to be ruled. By candidate: `held` votes are added if it is counted, `counted` ones
    are taken away if it is void."""

    hold: int
    label: str
    ballots: int
    held: Mapping[int, int]
    counted: Mapping[int, int]


class Loose(NamedTuple):
    """Votes that can go either way each by itself; of `ballots` ballots."""

    ballots: int = 0
    held: Mapping[int, int] = {}
    counted: Mapping[int, int] = {}


class Pair(NamedTuple):
    """Two candidates on different sides of the line: the lead now, and at its worst."""

    inside: int
    outside: int
    lead: int
    worst_lead: int


class Neighbour(NamedTuple):
    """A candidate near the line, and the ruling of all questions that is worst for staying on
    its side of it: against `rival`, whom it meets first.

    `selected` go on then for sure; `tied`, if any, would share the places that are left.
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
    """What the questions that are open can do to the line."""

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
        """Whatever is ruled, the same candidates go on, and no tie is left to decide."""
        return len(self.secure) == min(self.size, len(self.standings))


class _Leads:
    """Leads of each candidate (row) over each other (column), by place in `numbers`."""

    def __init__(self, net: Mapping[int, int], questions: Sequence[Question], loose: Loose) -> None:
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
        """By hold, the ruling that is worse for the lead of the pair."""
        at = self._places[pair.inside], self._places[pair.outside]
        return {
            question.hold: "void" if void[at] < count[at] else "count"
            for question, (void, count) in zip(self.questions, self.swings, strict=True)
        }

    def net_after(self, pair: Pair, verdicts: Mapping[int, Verdict]) -> dict[int, int]:
        """The votes under these rulings, loose votes going the worse way for the pair."""
        net = dict(self.net)
        net[pair.inside] -= self.loose.counted.get(pair.inside, 0)
        net[pair.outside] += self.loose.held.get(pair.outside, 0)
        for question in self.questions:
            counts = verdicts[question.hold] == "count"
            for number, votes in (question.held if counts else question.counted).items():
                net[number] += votes if counts else -votes
        return net

    def bounds(self, number: int) -> tuple[int, int]:
        """The fewest and the most votes a candidate can come to."""
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
    net: Mapping[int, int], size: int, questions: Sequence[Question], loose: Loose | None = None
) -> Safety:
    """`net` are the votes of every candidate as they count now, without anything held."""
    loose = loose or Loose()
    leads = _Leads(net, questions, loose)
    standings = ranked(net)
    others = ~np.eye(len(leads.numbers), dtype=bool)
    secure = ((leads.worst <= 0) & others).sum(axis=1) < size
    out = ((leads.worst > 0) & others).sum(axis=0) >= size
    doubt = ~secure & ~out
    # Between two rulings of one hold the selection differs only if two candidates in doubt
    # change their order, so only holds that move such a pair can change a seat.
    fragile = (leads.worst <= 0) & (leads.best >= 0) & others & doubt[:, None] & doubt[None, :]
    matter = {
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
        must_rule=tuple(hold for hold, matters in matter.items() if matters),
        cannot_change=tuple(hold for hold, matters in matter.items() if not matters),
        loose_matter=bool((fragile & leads.loose_moves).any()),
        tied_now=tie.numbers if tie else (),
        pairs=_pairs(standings, size, leads),
        neighbours=_neighbours(standings, size, leads),
    )


def _chosen(leads: _Leads, mask: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(number for number, chosen in zip(leads.numbers, mask, strict=True) if chosen)


def _pairs(standings: Sequence[Standing], size: int, leads: _Leads) -> tuple[Pair, ...]:
    """Of neighbours inside and outside; the closest at their worst first."""
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
    """Whether the cut can be certified, and what is to do, as it is read out. Until voting has
    closed it says how things stand, and settles nothing."""
    if not closed:
        return _as_things_stand(safety)
    size = safety.size
    open_zh, open_en = _what_is_open(safety)
    if safety.certifiable and not open_zh:
        return Text(
            zh=f"可以确认：没有待裁定的选票，入围的 {size} 人已经确定。",
            en=f"Certifiable: nothing is left to rule, the {size} who go on are settled.",
        )
    if safety.certifiable:
        return Text(
            zh=f"可以确认：无论{open_zh}怎样裁定，入围的都是这 {size} 人。公布之前仍须逐一裁定。",
            en=f"Certifiable: however {open_en} ruled, the same {size} go on. They must still "
            "be ruled before publication.",
        )
    if not open_zh:
        return Text(
            zh=f"尚不能确认：{_listed(safety, 'zh')} 号在最后的名额上票数相同，"
            "须按公告的规则决定。",
            en=f"Not certifiable yet: numbers {_listed(safety, 'en')} are tied for the last "
            "places; decide the tie by the rule that was announced.",
        )
    return Text(
        zh=f"不能确认：{open_zh.lstrip()}的裁定可能改变名额，{_listed(safety, 'zh')} 号的去留未定。"
        f"其中 {len(safety.must_rule)} 个存疑组可能影响名额，须先裁定。",
        en=f"Not certifiable: how {open_en} ruled may change who goes on; numbers "
        f"{_listed(safety, 'en')} are in doubt. {len(safety.must_rule)} of the holds may change "
        "a seat: rule them first.",
    )


def _as_things_stand(safety: Safety) -> Text:
    size = safety.size
    open_zh, open_en = _what_is_open(safety)
    if safety.certifiable:
        middle = Text(
            zh=f"无论{open_zh}怎样裁定，入围的都是目前的 {size} 人"
            if open_zh
            else "没有待裁定的选票",
            en=f"however {open_en} ruled, the same {size} go on"
            if open_en
            else "nothing is left to rule",
        )
    elif not open_zh:
        middle = Text(
            zh=f"{_listed(safety, 'zh')} 号在最后的名额上票数相同",
            en=f"numbers {_listed(safety, 'en')} are tied for the last places",
        )
    else:
        middle = Text(
            zh=f"{open_zh.lstrip()}的裁定可能改变名额，{_listed(safety, 'zh')} 号的去留取决于此",
            en=f"how {open_en} ruled may change who goes on; numbers {_listed(safety, 'en')} "
            "depend on it",
        )
    return Text(
        zh=f"截至目前，{middle.zh}。投票尚未结束，票数还会变化，截止之后才能确认。",
        en=f"As things stand, {middle.en}. Voting is not over and votes still come in: nothing "
        "can be certified before the close.",
    )


def _listed(safety: Safety, language: str) -> str:
    return ("、" if language == "zh" else ", ").join(map(str, safety.in_doubt))


def _what_is_open(safety: Safety) -> tuple[str, str]:
    """The subject of the sentence in both languages; empty when nothing is open."""
    holds, loose = safety.open_holds, safety.loose_ballots
    if holds and loose:
        return (
            f" {holds} 个存疑组和另外 {loose} 张暂扣选票",
            f"the {holds} open holds and {loose} ballots held besides are",
        )
    if holds:
        return f" {holds} 个存疑组", f"the {holds} open holds are"
    if loose:
        return f" {loose} 张暂扣选票", f"the {loose} held ballots are"
    return "", ""
