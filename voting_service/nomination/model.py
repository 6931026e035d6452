"""Selections, recommending bodies and the states of a recommendation. No I/O."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from voting_service.i18n.text import Text
from voting_service.staff.accounts.model import Role

BodyKind = Literal["district", "department"]
State = Literal["draft", "submitted", "returned", "accepted", "rejected", "withdrawn"]
Slot = Literal["photo", "evidence", "employer_scan", "body_scan"]

QUOTA_STATES: tuple[State, ...] = ("submitted", "returned", "accepted", "rejected")
"""States that take a place of the body's quota; the database has the same list."""
EDITABLE: tuple[State, ...] = ("draft", "returned")
REVIEWERS: tuple[Role, ...] = ("reviewer", "supervisor")
"""Roles of the joint office, which reviews, and decides by two people."""
READERS: tuple[Role, ...] = (*REVIEWERS, "auditor")
"""Roles that may view every recommendation; each view of a form is recorded in the audit log."""


class SelectionRules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules announced before recommending begins.

    `shortlist_size` people are shortlisted for the public vote; `cut` of them advance to the panel,
    which names `winners` and `nominees`. `industries` are by the key that a form holds.
    """

    title: Text
    industries: dict[str, Text]
    time_zone: str = "Asia/Shanghai"
    shortlist_size: int = 50
    cut: int = 30
    winners: int = 10
    nominees: int = 10
    notice_days: int = 5
    """Days in which the shortlist, and later the result, are open to objections."""
    contact: Text | None = None
    """Where to send objections."""


class NewSelection(msgspec.Struct, frozen=True, kw_only=True):
    """A selection to be stored; quotas are places for each district and each department."""

    slug: str
    rules: SelectionRules
    opens_at: datetime
    closes_at: datetime
    district_quota: int = 6
    department_quota: int = 3


class Selection(msgspec.Struct, frozen=True, dict=True):
    """A stored selection; `contest_id` is set once the shortlist is published to a contest."""

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
        """Whether recommendations are accepted at this time."""
        return self.opens_at <= now < self.closes_at

    def quota(self, kind: BodyKind) -> int:
        return self.district_quota if kind == "district" else self.department_quota


class RecommendingBody(msgspec.Struct, frozen=True):
    """A district or county, or a municipal industry department."""

    id: int
    slug: str
    kind: BodyKind
    name: Text
