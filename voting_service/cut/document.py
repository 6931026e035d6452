"""The published cut: what it says, computed from the counts alone.

A pure function of contest, counts and the decision about a tie: no time of making, no name of
a maker, so that whoever computes it again gets the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from voting_service.contests.lots import lot_order, plain_drawn
from voting_service.contests.model import BallotRules, Contest, CutRules, Text
from voting_service.cut.ranking import Tie, margins, ranked, tie_at_line
from voting_service.cut.tie_rule import Selection, TieRule, select
from voting_service.errors import Refused
from voting_service.tally.recount import Count

FORMAT = "voting-service/cut/1"


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the document; names of fields are names in the JSON."""


class Figures(Value, frozen=True):
    """gross = held + void + net."""

    gross: int
    held: int
    void: int
    net: int

    @classmethod
    def of(cls, count: Count) -> Figures:
        return cls(count.gross, count.held, count.void, count.net)


class CandidateResult(Value, frozen=True):
    """A candidate's votes; `selected` is 1 for those who go on, else 0."""

    number: int
    name: Text
    gross: int
    held: int
    void: int
    net: int
    rank: int
    selected: Literal[0, 1]


class MarginRow(Value, frozen=True):
    """`votes` is what `number`, at `place`, is ahead of `next_number`."""

    place: int
    number: int
    next_number: int
    votes: int


class TieDecision(Value, frozen=True):
    """What two people recorded about a tie: the committee's order, or the number drawn."""

    order: tuple[int, ...] = ()
    drawn: str = ""
    decided_at: str = ""


class TieReport(Value, frozen=True):
    """The tie at the line and how it was settled; empty texts where the rule needs none."""

    votes: int
    places: int
    numbers: tuple[int, ...]
    order: tuple[int, ...]
    drawn: str
    decided_at: str


class ChangedVotes(Value, frozen=True):
    """A candidate whose votes are others than in the version before."""

    number: int
    before: Figures
    after: Figures


class Correction(Value, frozen=True):
    """What a new version changes in `version`, whose file has this SHA-256, and why. `ballots`
    are those of the version before; `votes` holds every candidate whose figures changed."""

    version: int
    document_sha256: str
    reason: Text
    ballots: Figures
    votes: tuple[ChangedVotes, ...]
    entered: tuple[int, ...]
    left: tuple[int, ...]


class ContestFacts(Value, frozen=True):
    """Which contest, as it was announced."""

    slug: str
    title: Text
    time_zone: str
    opens_at: str
    closes_at: str
    ballot: BallotRules
    cut: CutRules


class CutDocument(Value, frozen=True, omit_defaults=True):
    """Candidates stand best first; `ties` holds the tie at the line, if there was one; `corrects`
    what the version before said otherwise, absent in the first one."""

    format: str
    version: int
    as_of: str
    contest: ContestFacts
    ballots: Figures
    candidates: tuple[CandidateResult, ...]
    selected: tuple[int, ...]
    margins: tuple[MarginRow, ...]
    ties: tuple[TieReport, ...]
    corrects: tuple[Correction, ...] = ()

    def builtins(self) -> dict[str, Any]:
        """For `canonical`: as a reader of the JSON gets it, lists and not tuples."""
        value: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return value


def moment(value: datetime) -> str:
    """ISO 8601 in UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def contest_facts(contest: Contest) -> ContestFacts:
    """What of a contest the document repeats."""
    rules = contest.rules
    return ContestFacts(
        slug=contest.slug,
        title=rules.title,
        time_zone=rules.time_zone,
        opens_at=moment(contest.opens_at),
        closes_at=moment(contest.closes_at),
        ballot=rules.ballot,
        cut=rules.cut,
    )


def tie_order(
    rule: TieRule, contest: str, tie: Tie | None, decision: TieDecision | None
) -> tuple[int, ...] | None:
    """The order that a decision gives the tied; None without a tie or a decision of its rule."""
    if tie is None or decision is None:
        return None
    if rule == "committee":
        return decision.order or None
    if rule == "lot" and decision.drawn:
        return lot_order(plain_drawn(decision.drawn), contest, tie.numbers)
    return None


def build_document(
    contest: ContestFacts,
    names: Mapping[int, Text],
    counts: Mapping[int, Count],
    ballots: Count,
    decision: TieDecision | None,
    *,
    version: int,
    corrects: tuple[Correction, ...] = (),
) -> CutDocument:
    """Raises TieUndecided when the rule asks for a decision that is missing, Refused when a
    ballot names somebody who is no candidate."""
    strangers = sorted(counts.keys() - names.keys())
    if strangers:
        raise Refused(f"ballots name {strangers}, who are no candidates: find out why first")
    standings = ranked({number: count.net for number, count in counts.items()})
    rules = contest.cut
    tie = tie_at_line(standings, rules.size)
    order = tie_order(rules.tie, contest.slug, tie, decision)
    selection = select(standings, rules.size, rules.tie, order)
    return CutDocument(
        format=FORMAT,
        version=version,
        as_of=contest.closes_at,
        contest=contest,
        ballots=Figures.of(ballots),
        candidates=_results(selection, names, counts),
        selected=selection.numbers,
        margins=tuple(MarginRow(*row) for row in margins(selection.standings, rules.size)),
        ties=_report(rules.tie, tie, order, decision),
        corrects=corrects,
    )


def _results(
    selection: Selection, names: Mapping[int, Text], counts: Mapping[int, Count]
) -> tuple[CandidateResult, ...]:
    chosen = frozenset(selection.numbers)
    return tuple(
        CandidateResult(
            number=standing.number,
            name=names[standing.number],
            gross=counts[standing.number].gross,
            held=counts[standing.number].held,
            void=counts[standing.number].void,
            net=standing.votes,
            rank=standing.rank,
            selected=1 if standing.number in chosen else 0,
        )
        for standing in selection.standings
    )


def _report(
    rule: TieRule,
    tie: Tie | None,
    order: Sequence[int] | None,
    decision: TieDecision | None,
) -> tuple[TieReport, ...]:
    if tie is None:
        return ()
    settled = decision if order else None
    return (
        TieReport(
            votes=tie.votes,
            places=tie.places,
            numbers=tie.numbers,
            order=tuple(order or ()),
            drawn=settled.drawn if settled and rule == "lot" else "",
            decided_at=settled.decided_at if settled else "",
        ),
    )
