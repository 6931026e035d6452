"""The panel as it stands: experts, conflicts, rounds, sheets. Plain values, no I/O."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Literal

import msgspec

from voting_service.contests.model import Contest
from voting_service.decisions.model import Decision
from voting_service.errors import Fault, InvalidInput
from voting_service.office.model import Selection
from voting_service.office.panel.aggregation import Criterion, PanelRules, Totals, total

SCORING, DISCUSSION, BALLOT = 1, 2, 3
"""The rounds: everybody scores alone, revises once after the discussion, ranks the tied."""

Ground = Literal["declared", "employer", "body"]
Content = Mapping[str, Mapping[str, str]]
"""What a sheet holds: by candidate's number the points by criterion; texts, exact."""
Ranks = Mapping[str, int]
"""What a ballot of ties holds: by candidate's number the rank, 1 the best."""

_POINTS = re.compile(r"(?:0|[1-9][0-9]{0,3})(?:\.[0-9])?")
_MIN_EMPLOYER_CHARACTERS = 4


class Expert(msgspec.Struct, frozen=True):
    """An account that judges; `body_id` where they belong to a body that recommends."""

    account_id: int
    name: str
    disabled: bool
    employer: str
    body_id: int | None


class Conflict(msgspec.Struct, frozen=True):
    """An expert does not judge a candidate."""

    account_id: int
    number: int
    ground: Ground
    reason: str
    noticed_at: datetime


class SheetState(msgspec.Struct, frozen=True):
    """That a sheet exists; what it says is sealed."""

    round: int
    account_id: int
    saved_at: datetime
    submitted_at: datetime | None


class RoundEnd(msgspec.Struct, frozen=True):
    """Everybody handed in, or two people closed it by a decision."""

    round: int
    ended_at: datetime
    decision_id: int | None


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a panel that is not sealed; `cut` best first, empty before it is
    published."""

    selection: Selection
    contest: Contest | None
    cut: tuple[int, ...]
    rules: PanelRules | None
    experts: tuple[Expert, ...]
    conflicts: tuple[Conflict, ...]
    ends: Mapping[int, RoundEnd]
    sheets: tuple[SheetState, ...]
    decisions: tuple[Decision, ...]

    @property
    def lines(self) -> tuple[int, int]:
        """Behind the last winner, and behind the last nominee."""
        rules = self.selection.rules
        return rules.winners, rules.winners + rules.nominees

    @property
    def last_scoring(self) -> int:
        """The round whose scores decide."""
        return DISCUSSION if self.rules is not None and self.rules.discussion else SCORING

    @property
    def scored(self) -> bool:
        """Whether scoring is over."""
        return self.last_scoring in self.ends

    @property
    def open_round(self) -> int | None:
        """The round that takes sheets, by what is known without reading any; the ballot of ties
        only when there are ties (outcome.py)."""
        if self.rules is None or not self.cut:
            return None
        for asked in range(SCORING, self.last_scoring + 1):
            if asked not in self.ends:
                return asked
        return None if BALLOT in self.ends else BALLOT

    def expert(self, account_id: int) -> Expert | None:
        return next((one for one in self.experts if one.account_id == account_id), None)

    def excluded(self, account_id: int) -> frozenset[int]:
        """Whom an expert does not judge."""
        return frozenset(one.number for one in self.conflicts if one.account_id == account_id)

    def judged_by(self, account_id: int) -> tuple[int, ...]:
        """Whom an expert judges, by number: the order of the vote shall sway nobody."""
        return tuple(sorted(set(self.cut) - self.excluded(account_id)))

    def sheet(self, asked: int, account_id: int) -> SheetState | None:
        for one in self.sheets:
            if (one.round, one.account_id) == (asked, account_id):
                return one
        return None

    def handed_in(self, asked: int) -> frozenset[int]:
        """The accounts whose sheets of a round are in."""
        return frozenset(
            one.account_id
            for one in self.sheets
            if one.round == asked and one.submitted_at is not None
        )

    def expected(self, asked: int) -> tuple[Expert, ...]:
        """Whose sheets a round waits for: whoever was absent from the first takes no more part."""
        present = self.handed_in(SCORING)
        return tuple(
            one
            for one in self.experts
            if not one.disabled and (asked == SCORING or one.account_id in present)
        )


def rules_in_force(decisions: Sequence[Decision]) -> PanelRules | None:
    """The newest rules that two people approved."""
    for decision in reversed(decisions):
        if decision.state == "approved" and decision.subject.startswith("rules/"):
            return msgspec.convert(decision.payload, PanelRules)
    return None


def read_points(
    criteria: Sequence[Criterion], numbers: Collection[int], fields: Mapping[str, str]
) -> tuple[dict[str, dict[str, str]], tuple[Fault, ...], tuple[Fault, ...]]:
    """A sheet from fields named `points-17-skill`, those of others left out; then what is wrong
    with fields that are filled in, and what is missing before it can be handed in."""
    wrong: list[Fault] = []
    missing: list[Fault] = []
    content: dict[str, dict[str, str]] = {}
    for number in numbers:
        for criterion in criteria:
            name = points_field(number, criterion.key)
            text = fields.get(name, "").strip().replace("．", ".")
            if _POINTS.fullmatch(text) and Fraction(text) <= criterion.max_points:
                content.setdefault(str(number), {})[criterion.key] = text
                continue
            fault = Fault(
                name,
                f"candidate {number}, {criterion.name.en}: 0 to {criterion.max_points} points, "
                "with at most one decimal",
                f"{number} 号“{criterion.name.zh}”：请填写 0 至 {criterion.max_points} 分，"
                "最多一位小数。",
            )
            (wrong if text else missing).append(fault)
    return content, tuple(wrong), tuple(missing)


def points_field(number: int, criterion: str) -> str:
    """How a field of the scoring table is called."""
    return f"points-{number}-{criterion}"


def read_ranks(ties: Sequence[Sequence[int]], fields: Mapping[str, str]) -> dict[str, int]:
    """A ballot of ties from fields `rank-17`: within each tie every place once. Raises
    InvalidInput."""
    ranks: dict[str, int] = {}
    for tie in ties:
        given = {number: fields.get(f"rank-{number}", "").strip() for number in tie}
        if sorted(given.values()) != sorted(str(place) for place in range(1, len(tie) + 1)):
            raise InvalidInput(
                Fault(
                    f"rank-{tie[0]}",
                    "give every place from 1 on to exactly one of the tied",
                    "请从 1 起排定名次，每个名次一人，不重复、不空缺。",
                )
            )
        ranks.update({str(number): int(text) for number, text in given.items()})
    return ranks


def totals_of(rules: PanelRules, content: Content, excluded: Collection[int]) -> Totals:
    """An expert's total by number, without those in conflict."""
    return {
        int(number): total(rules.criteria, {key: Fraction(points) for key, points in row.items()})
        for number, row in content.items()
        if int(number) not in excluded
    }


def ballot_of(tie: Sequence[int], ranks: Ranks) -> tuple[int, ...] | None:
    """An expert's order of the tied; None where the expert took no part."""
    if not all(str(number) in ranks for number in tie):
        return None
    return tuple(sorted(tie, key=lambda number: ranks[str(number)]))


def same_employer(one: str, other: str) -> bool:
    """Whether two names mean one employer: equal without white space and brackets, or one within
    the other (a subsidiary, a plant of it). Too much is better here than too little."""
    first, second = sorted((_plain(one), _plain(other)), key=len)
    return bool(first) and (
        first == second or (len(first) >= _MIN_EMPLOYER_CHARACTERS and first in second)
    )


def _plain(name: str) -> str:
    return re.sub(r"[\s()（）\[\]【】·,，.。]", "", name).casefold()
