"""Selections, the bodies that recommend, and their recommendations: plain values, no I/O."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from voting_service.accounts.model import Role
from voting_service.contests.model import Text

BodyKind = Literal["district", "department"]
State = Literal["draft", "submitted", "returned", "accepted", "rejected", "withdrawn"]
Slot = Literal["photo", "evidence", "employer_scan", "body_scan"]

TAKES_A_PLACE: tuple[State, ...] = ("submitted", "returned", "accepted", "rejected")
"""States that count against a body's quota; the database holds the same list."""
EDITABLE: tuple[State, ...] = ("draft", "returned")
REVIEWERS: tuple[Role, ...] = ("reviewer", "supervisor")
"""The joint office: it reviews, and decides in pairs."""
READERS: tuple[Role, ...] = (*REVIEWERS, "auditor")
"""Who may look at every recommendation; each look at a person's form stands in the journal."""


class SelectionRules(msgspec.Struct, frozen=True, kw_only=True):
    """What is announced before recommending begins.

    `picks` go to the public vote, `cut` of them on to the panel, which chooses `winners` and
    `nominees`. `industries` by the key that a form holds.
    """

    title: Text
    industries: dict[str, Text]
    time_zone: str = "Asia/Shanghai"
    picks: int = 50
    cut: int = 30
    winners: int = 10
    nominees: int = 10
    notice_days: int = 5
    """How long the fifty, and later the result, are open to objections."""
    contact: Text | None = None
    """Where objections are sent."""


class Selection(msgspec.Struct, frozen=True, dict=True):
    """One year's selection as stored; `contest_id` once the fifty were handed to the vote."""

    id: int
    slug: str
    rules: SelectionRules
    opens_at: datetime
    closes_at: datetime
    district_quota: int
    department_quota: int
    contest_id: int | None

    @property
    def title(self) -> Text:
        return self.rules.title

    @property
    def zone(self) -> tzinfo:
        return ZoneInfo(self.rules.time_zone)

    def is_open(self, now: datetime) -> bool:
        """Whether recommendations are taken."""
        return self.opens_at <= now < self.closes_at

    def quota(self, kind: BodyKind) -> int:
        return self.district_quota if kind == "district" else self.department_quota


class Body(msgspec.Struct, frozen=True):
    """A district or county, or a municipal industry department."""

    id: int
    slug: str
    kind: BodyKind
    name: Text
