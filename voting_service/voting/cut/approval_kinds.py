"""The kinds of approval request about the cut, and all kinds about a contest."""

from __future__ import annotations

from typing import Any

import msgspec

from voting_service.contests.candidate_changes.approval_kinds import PROFILE_CORRECTION, WITHDRAWAL
from voting_service.contests.settings.approval_kinds import SETTINGS
from voting_service.i18n.text import Text
from voting_service.staff.approvals.model import DECIDERS, ApprovalKind, register
from voting_service.voting.rulings.approval_kinds import RULING


class TieOrderPayload(msgspec.Struct, frozen=True):
    """The committee's order of the tied candidates, best first."""

    order: tuple[int, ...]

    @property
    def numbers(self) -> str:
        return ", ".join(map(str, self.order))


class LotPayload(msgspec.Struct, frozen=True):
    """The number drawn in public, in digits."""

    drawn: str


class PublicationPayload(msgspec.Struct, frozen=True):
    """A version of the cut; `visible_from` is a moment in ISO 8601, "" for at once."""

    document_sha256: str
    version: int = 0
    rulings: Any = None
    withdrawals: int = 0
    visible_from: str = ""
    reason: Text | None = None


def _publication_text(payload: PublicationPayload) -> str:
    return "kinds.publication_from" if payload.visible_from else "kinds.publication"


TIE_ORDER = register(
    ApprovalKind(
        "tie_order",
        TieOrderPayload,
        "contest",
        DECIDERS,
        "kinds.tie_order",
        place="/contests/{slug}/publication",
    )
)
LOT = register(
    ApprovalKind(
        "lot", LotPayload, "contest", DECIDERS, "kinds.lot", place="/contests/{slug}/publication"
    )
)
PUBLICATION = register(
    ApprovalKind(
        "publication",
        PublicationPayload,
        "contest",
        DECIDERS,
        _publication_text,
        place="/contests/{slug}/publication",
    )
)
CONTEST_KINDS = (SETTINGS, RULING, TIE_ORDER, LOT, PUBLICATION, PROFILE_CORRECTION, WITHDRAWAL)
"""Every kind about a contest, for those who list or describe all requests about one."""
