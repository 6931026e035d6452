"""The panel: experts, conflicts of interest, rounds, score sheets. Plain values, no I/O."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Literal

import msgspec

from voting_service.contests.model import Contest
from voting_service.errors import Fault
from voting_service.i18n.typed_numbers import plain_number
from voting_service.nomination.model import REVIEWERS, Selection
from voting_service.nomination.panel.aggregation import (
    Criterion,
    PanelRules,
    Totals,
    total,
)
from voting_service.staff.accounts.model import Account
from voting_service.staff.approvals.model import ApprovalRequest

SCORING, DISCUSSION, BALLOT = 1, 2, 3
"""The rounds: experts score on their own, revise once after the discussion, rank the tied."""

ConflictGround = Literal["declared", "employer", "body"]
SheetContent = Mapping[str, Mapping[str, str]]
"""The points of a sheet by candidate's number and criterion, as exact text."""
Ranks = Mapping[str, int]
"""The ranks of a tie-break ballot by candidate's number, 1 the best."""

_POINTS = re.compile(r"(?:0|[1-9][0-9]{0,3})(?:\.[0-9])?")
_MIN_EMPLOYER_CHARACTERS = 4


class Expert(msgspec.Struct, frozen=True):
    """An account on the panel; `body_id` of the recommending body it belongs to, if any."""

    account_id: int
    name: str
    disabled: bool
    employer: str
    body_id: int | None


class ConflictOfInterest(msgspec.Struct, frozen=True):
    """A candidate whom an expert does not judge; `reason` is the expert's, encrypted."""

    account_id: int
    number: int
    ground: ConflictGround
    reason: bytes | None
    noticed_at: datetime


class SheetState(msgspec.Struct, frozen=True):
    """The state of a sheet, without its secret content: how many candidates have all their points.
    `reopened_at` is when a submitted sheet last became a draft again."""

    round: int
    account_id: int
    saved_at: datetime
    submitted_at: datetime | None
    reopened_at: datetime | None
    scored: int


class RoundEnd(msgspec.Struct, frozen=True):
    """The end of a round: all sheets submitted, or closed by the approval `approval_id`."""

    round: int
    ended_at: datetime
    approval_id: int | None


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a panel that is not secret. `cut` is best first, and empty before it is
    published."""

    selection: Selection
    contest: Contest | None
    cut: tuple[int, ...]
    rules: PanelRules | None
    experts: tuple[Expert, ...]
    conflicts: tuple[ConflictOfInterest, ...]
    ends: Mapping[int, RoundEnd]
    sheets: tuple[SheetState, ...]
    decisions: tuple[ApprovalRequest, ...]

    @property
    def lines(self) -> tuple[int, int]:
        """The places of the last winner and of the last nominee."""
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
        """The round that accepts sheets. The tie-break ballot takes place only with open ties,
        which this cannot know (outcome.py: current_round)."""
        if self.rules is None or not self.cut:
            return None
        for round_number in range(SCORING, self.last_scoring + 1):
            if round_number not in self.ends:
                return round_number
        return None if BALLOT in self.ends else BALLOT

    @property
    def chair(self) -> Expert | None:
        """The expert who chairs, as the rules say."""
        chair = None if self.rules is None else self.rules.chair
        return None if chair is None else self.expert(chair)

    def led_by(self, account: Account) -> bool:
        """Return whether an account sees how far the experts are, reopens a submitted sheet and
        proposes the end of a round: the joint office and the chair."""
        is_chair = self.chair is not None and self.chair.account_id == account.id
        return account.role in REVIEWERS or is_chair

    def expert(self, account_id: int) -> Expert | None:
        """Return the expert with this account, or None."""
        return next((expert for expert in self.experts if expert.account_id == account_id), None)

    def excluded(self, account_id: int) -> frozenset[int]:
        """Return the candidates whom an expert does not judge."""
        return frozenset(
            conflict.number for conflict in self.conflicts if conflict.account_id == account_id
        )

    def conflict(self, account_id: int, number: int) -> ConflictOfInterest | None:
        """Return why an expert does not judge a candidate, or None."""
        for conflict in self.conflicts:
            if (conflict.account_id, conflict.number) == (account_id, number):
                return conflict
        return None

    def judged_by(self, account_id: int) -> tuple[int, ...]:
        """Return the candidates whom an expert judges, by number: the order of the vote must not
        influence the scores."""
        return tuple(sorted(set(self.cut) - self.excluded(account_id)))

    def sheet(self, round_number: int, account_id: int) -> SheetState | None:
        """Return the state of an expert's sheet, or None."""
        for sheet in self.sheets:
            if (sheet.round, sheet.account_id) == (round_number, account_id):
                return sheet
        return None

    def submitted(self, round_number: int) -> frozenset[int]:
        """Return the accounts that submitted their sheets of a round."""
        return frozenset(
            sheet.account_id
            for sheet in self.sheets
            if sheet.round == round_number and sheet.submitted_at is not None
        )

    def expected(self, round_number: int) -> tuple[Expert, ...]:
        """Return the experts whose sheets a round waits for. Experts absent from the first round
        take no part in later ones. Disabled accounts are waited for as well: one administrator
        must not end a round (migrations/schema/nomination/panel.sql: end_round_if_all_in)."""
        present = self.submitted(SCORING)
        return tuple(
            expert
            for expert in self.experts
            if round_number == SCORING or expert.account_id in present
        )

    def absent(self, round_number: int) -> list[int]:
        """Return the accounts whose sheets a round still waits for."""
        submitted = self.submitted(round_number)
        return [
            expert.account_id
            for expert in self.expected(round_number)
            if expert.account_id not in submitted
        ]


def rules_in_force(approvals: Sequence[ApprovalRequest]) -> PanelRules | None:
    """Return the newest approved rules, or None."""
    for approval in reversed(approvals):
        if approval.state == "approved" and approval.subject.startswith("rules/"):
            return msgspec.convert(approval.payload, PanelRules)
    return None


def read_points(
    criteria: Sequence[Criterion], numbers: Collection[int], fields: Mapping[str, str]
) -> tuple[dict[str, dict[str, str]], tuple[Fault, ...], tuple[Fault, ...]]:
    """Return a sheet from fields named `points-17-skill`, the faults of filled-in fields, and the
    fields that are missing before it can be submitted. Fields of other candidates are ignored."""
    wrong: list[Fault] = []
    missing: list[Fault] = []
    content: dict[str, dict[str, str]] = {}
    for number in numbers:
        for criterion in criteria:
            name = points_field(number, criterion.key)
            text = plain_number(fields.get(name, ""))
            content.setdefault(str(number), {})
            if _POINTS.fullmatch(text) and Fraction(text) <= criterion.max_points:
                content[str(number)][criterion.key] = text
                continue
            most = criterion.max_points
            fault = Fault(name, "nomination.panel.points_range", max_points=most)
            (wrong if text else missing).append(fault)
    return content, tuple(wrong), tuple(missing)


def points_field(number: int, criterion: str) -> str:
    """Return the name of a field of the scoring table."""
    return f"points-{number}-{criterion}"


def read_ranks(
    ties: Sequence[Sequence[int]], fields: Mapping[str, str]
) -> tuple[dict[str, int], tuple[Fault, ...]]:
    """Return a tie-break ballot from fields `rank-17`, and a fault for each tie in which not every
    place is given once."""
    ranks: dict[str, int] = {}
    faults: list[Fault] = []
    for tie in ties:
        given = {number: plain_number(fields.get(f"rank-{number}", "")) for number in tie}
        if sorted(given.values()) != sorted(str(place) for place in range(1, len(tie) + 1)):
            faults.append(Fault(f"rank-{tie[0]}", "nomination.panel.each_place_once"))
            continue
        ranks.update({str(number): int(text) for number, text in given.items()})
    return ranks, tuple(faults)


def sheet_totals(rules: PanelRules, content: SheetContent, excluded: Collection[int]) -> Totals:
    """Return an expert's totals by number, without the excluded candidates."""
    return {
        int(number): total(rules.criteria, {key: Fraction(points) for key, points in row.items()})
        for number, row in content.items()
        if int(number) not in excluded
    }


def ballot_order(tie: Sequence[int], ranks: Ranks) -> tuple[int, ...] | None:
    """Return an expert's order of the tied; None where the expert took no part."""
    if not all(str(number) in ranks for number in tie):
        return None
    return tuple(sorted(tie, key=lambda number: ranks[str(number)]))


def same_employer(name: str, other: str) -> bool:
    """Return whether two names mean one employer: equal without white space and brackets, or one
    within the other (a subsidiary or plant). A conflict too many is better than one too few."""
    first, second = sorted((_plain(name), _plain(other)), key=len)
    return bool(first) and (
        first == second or (len(first) >= _MIN_EMPLOYER_CHARACTERS and first in second)
    )


def _plain(name: str) -> str:
    return re.sub(r"[\s()\uff08\uff09\[\]\u3010\u3011\u00b7,\uff0c.\u3002]", "", name).casefold()


def score_text(value: Fraction) -> str:
    """Return a score with two decimals, for reading only: places go by the exact value."""
    hundredths = round(value * 100)
    return f"{hundredths // 100}.{hundredths % 100:02}"
