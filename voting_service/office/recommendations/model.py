"""A recommendation, its files, and what became of it: plain values, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

import msgspec

from voting_service.decisions.model import Decision
from voting_service.errors import Refused
from voting_service.office.form import Form
from voting_service.office.model import EDITABLE, Slot, State

Verdict = Literal["returned", "accepted", "rejected", "reopened", "withdrawn"]

MAX_DRAFTS = 30
"""Drafts that a body may have open at once: five for each place."""


class FileInfo(msgspec.Struct, frozen=True):
    """What is attached, without its content; `sha256` is of the content."""

    slot: Slot
    sha256: bytes
    media_type: str
    pages: int
    added_at: datetime


class File(msgspec.Struct, frozen=True):
    """An attached file, opened."""

    media_type: str
    pages: int
    sha256: bytes
    content: bytes


class Recommendation(msgspec.Struct, frozen=True, kw_only=True):
    """One person's, its form opened. `created_by` and `saved_by` are names of accounts,
    `assigned_to` is an account's id."""

    id: int
    body_id: int
    state: State
    form: Form
    revision: int
    created_by: str
    created_at: datetime
    saved_by: str
    saved_at: datetime
    submitted_at: datetime | None
    assigned_to: int | None
    files: Mapping[Slot, FileInfo]

    @property
    def is_editable(self) -> bool:
        return self.state in EDITABLE

    @property
    def evidence_pages(self) -> int | None:
        evidence = self.files.get("evidence")
        return evidence.pages if evidence else None


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What was handed in, as it was; times are the database's."""

    id: int
    recommendation_id: int
    turn: int
    form: Form
    form_sha256: bytes
    photo_sha256: bytes
    evidence_sha256: bytes
    evidence_pages: int
    submitted_by: str
    submitted_at: datetime
    late_by_decision: int | None

    def number(self, selection_slug: str) -> str:
        """Of the receipt."""
        return f"{selection_slug}-{self.recommendation_id}-{self.turn}"


class Review(msgspec.Struct, frozen=True):
    """What became of a submission, or of the recommendation: its reason opened."""

    verdict: Verdict
    reason: str
    by: str
    at: datetime


class Conflict(msgspec.Struct, frozen=True):
    """`recommendation_id` was to be submitted by `body_id`, for a person whom `holder_id` of
    `holder_body_id` recommends already."""

    recommendation_id: int
    body_id: int
    holder_id: int
    holder_body_id: int
    noticed_at: datetime


class EditedMeanwhile(Refused):
    """Another officer saved the form since it was loaded."""

    def __init__(self) -> None:
        super().__init__(
            "another officer saved this form meanwhile; load the page anew and look at it again",
            zh="另一位经办人刚刚保存了这份推荐表，请刷新页面核对后再试。",
        )


class RecommendedAlready(Refused):
    """The person is recommended by `holder_body` already, as its number `holder_id`."""

    def __init__(self, holder_id: int, holder_body_zh: str, holder_body_en: str) -> None:
        super().__init__(
            f"this person is recommended already, by {holder_body_en} as number {holder_id}; the "
            "draft is kept. Agree with them who recommends: they can withdraw, or you leave it",
            zh=f"该人选已由{holder_body_zh}推荐（编号 {holder_id}），草稿已保存。"
            "请与对方协商由谁推荐：对方撤回后可再提交。",
        )


def late_permissions(decisions: Iterable[Decision]) -> dict[int, datetime]:
    """By recommendation: until when it may be submitted in spite of the deadline."""
    until: dict[int, datetime] = {}
    for decision in decisions:
        if decision.kind == "late_submission" and decision.state == "approved":
            recommendation_id = int(decision.subject.partition("/")[0])
            moment = datetime.fromisoformat(decision.payload["until"])
            until[recommendation_id] = max(moment, until.get(recommendation_id, moment))
    return until


def subject_of(recommendation_id: int) -> str:
    """What the journal calls a recommendation: it never says whose it is."""
    return f"recommendation {recommendation_id}"
