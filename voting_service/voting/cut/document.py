"""The published document of the cut, computed from the counts alone.

A pure function of contest, counts and tie decision. It contains neither the time nor the author of
its creation, so recomputing it gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import msgspec

from voting_service.contests.model import BallotRules, Contest, CutRules, Withdrawal
from voting_service.errors import Refused
from voting_service.i18n.text import Text
from voting_service.infrastructure.crypto.public_draw import lot_order, plain_drawn
from voting_service.voting.cut.ranking import (
    Tie,
    margins,
    ranked,
    tie_at_line,
)
from voting_service.voting.cut.tie_rule import (
    RankedSelection,
    TieRule,
    select,
)
from voting_service.voting.tally.recount import Count

FORMAT = "voting-service/cut/1"


class PublishedValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the document; names of fields are names in the JSON."""


class CutVoteFigures(PublishedValue, frozen=True):
    """gross = held + void + net."""

    gross: int
    held: int
    void: int
    net: int

    @classmethod
    def of(cls, count: Count) -> CutVoteFigures:
        return cls(count.gross, count.held, count.void, count.net)


class CountedResult(PublishedValue, frozen=True):
    """The votes of a candidate."""

    number: int
    name: Text
    gross: int
    held: int
    void: int
    net: int


class CandidateResult(CountedResult, frozen=True):
    """The votes of a candidate who is ranked; `selected` is 1 for those who advance, else 0."""

    rank: int
    selected: Literal[0, 1]


class WithdrawalFacts(PublishedValue, frozen=True):
    """Why and when a candidate left the contest, as it was announced."""

    ground: str
    reason: Text
    withdrawn_at: str


class WithdrawnResult(CountedResult, frozen=True):
    """The votes of a candidate who has withdrawn and is not ranked."""

    withdrawal: WithdrawalFacts


class MarginRow(PublishedValue, frozen=True):
    """`votes` is the lead of `number`, at `place`, over `next_number`."""

    place: int
    number: int
    next_number: int
    votes: int


class TieDecision(PublishedValue, frozen=True):
    """What two people recorded about a tie: the committee's order, or the number drawn."""

    order: tuple[int, ...] = ()
    drawn: str = ""
    decided_at: str = ""


class TieReport(PublishedValue, frozen=True):
    """The tie for the last place and how it was decided; empty texts if the rule needs none."""

    votes: int
    places: int
    numbers: tuple[int, ...]
    order: tuple[int, ...]
    drawn: str
    decided_at: str


class ChangedVotes(PublishedValue, frozen=True):
    """A candidate whose votes differ from those of the previous version."""

    number: int
    before: CutVoteFigures
    after: CutVoteFigures


class Correction(PublishedValue, frozen=True):
    """What a new version changes in `version`, whose file has this SHA-256, and why. `ballots`
    are those of the previous version; `votes` holds every candidate whose figures changed."""

    version: int
    document_sha256: str
    reason: Text
    ballots: CutVoteFigures
    votes: tuple[ChangedVotes, ...]
    entered: tuple[int, ...]
    left: tuple[int, ...]


class ContestFacts(PublishedValue, frozen=True):
    """Which contest, as it was announced."""

    slug: str
    title: Text
    time_zone: str
    opens_at: str
    closes_at: str
    ballot: BallotRules
    cut: CutRules


class CutDocument(PublishedValue, frozen=True, omit_defaults=True):
    """The content of the signed file. Candidates are ordered best first; `ties` has the tie for the
    last place, if any; `corrects` has what the version changes, absent in the first one;
    `withdrawn` has the candidates who are not ranked, by number, absent if there are none."""

    format: str
    version: int
    as_of: str
    contest: ContestFacts
    ballots: CutVoteFigures
    candidates: tuple[CandidateResult, ...]
    selected: tuple[int, ...]
    margins: tuple[MarginRow, ...]
    ties: tuple[TieReport, ...]
    corrects: tuple[Correction, ...] = ()
    withdrawn: tuple[WithdrawnResult, ...] = ()

    @property
    def counted(self) -> tuple[CountedResult, ...]:
        """Everybody whose votes were counted, ranked or not."""
        return (*self.candidates, *self.withdrawn)

    def builtins(self) -> dict[str, Any]:
        """Return the document as decoded from JSON (lists, not tuples), for `canonical`."""
        value: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return value


def moment(value: datetime) -> str:
    """Return a moment as ISO 8601 in UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def contest_facts(contest: Contest) -> ContestFacts:
    """Return the facts of a contest that the document repeats."""
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
    """Return the decided order of the tied candidates; None without a tie or a decision."""
    if tie is None or decision is None:
        return None
    if rule == "committee":
        return decision.order or None
    if rule == "lot" and decision.drawn:
        return lot_order(plain_drawn(decision.drawn), contest, tie.numbers)
    return None


def withdrawal_facts(withdrawals: Iterable[Withdrawal]) -> dict[int, WithdrawalFacts]:
    """Return the withdrawals by number, as the document repeats them."""
    return {
        w.number: WithdrawalFacts(w.ground, w.reason, moment(w.withdrawn_at)) for w in withdrawals
    }


class CountedVotes(NamedTuple):
    """What was counted: the candidates' names and votes by number, and the ballots; those of
    `withdrawn` are not ranked."""

    names: Mapping[int, Text]
    counts: Mapping[int, Count]
    ballots: Count
    withdrawn: Mapping[int, WithdrawalFacts] = MappingProxyType({})

    def standing(self) -> dict[int, int]:
        """Return the net votes of the candidates who are ranked."""
        return {n: count.net for n, count in self.counts.items() if n not in self.withdrawn}


def build_document(
    contest: ContestFacts,
    figures: CountedVotes,
    decision: TieDecision | None,
    *,
    version: int,
    corrects: tuple[Correction, ...] = (),
) -> CutDocument:
    """Return the document of a version.

    Raises TieUndecided when the tie rule needs a decision that is missing, Refused when a ballot
    names someone who is not a candidate.
    """
    names, counts, ballots, withdrawn = figures
    unknown = sorted(counts.keys() - names.keys())
    if unknown:
        raise Refused("voting.cut.unknown_candidates", strangers=unknown)
    standings = ranked(figures.standing())
    rules = contest.cut
    tie = tie_at_line(standings, rules.size)
    order = tie_order(rules.tie, contest.slug, tie, decision)
    selection = select(standings, rules.size, rules.tie, order)
    return CutDocument(
        format=FORMAT,
        version=version,
        as_of=contest.closes_at,
        contest=contest,
        ballots=CutVoteFigures.of(ballots),
        candidates=_results(selection, names, counts),
        selected=selection.numbers,
        margins=tuple(MarginRow(*row) for row in margins(selection.standings, rules.size)),
        ties=_report(rules.tie, tie, order, decision),
        corrects=corrects,
        withdrawn=tuple(
            WithdrawnResult(
                number, names[number], *counts[number], counts[number].net, withdrawn[number]
            )
            for number in sorted(withdrawn)
        ),
    )


def _results(
    selection: RankedSelection, names: Mapping[int, Text], counts: Mapping[int, Count]
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
    applied = decision if order else None
    return (
        TieReport(
            votes=tie.votes,
            places=tie.places,
            numbers=tie.numbers,
            order=tuple(order or ()),
            drawn=applied.drawn if applied and rule == "lot" else "",
            decided_at=applied.decided_at if applied else "",
        ),
    )
