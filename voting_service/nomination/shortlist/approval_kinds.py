"""The kinds of approval request about the shortlist."""

from __future__ import annotations

import msgspec

from voting_service.staff.approvals.model import SELECTION_DECIDERS, ApprovalKind, register


class ShortlistPayload(msgspec.Struct, frozen=True):
    """Either the shortlist, by recommendation, or one replacement on it."""

    recommendations: tuple[int, ...] | None = None
    remove: int | None = None
    add: int | None = None


class DrawPayload(msgspec.Struct, frozen=True):
    """Either the source of the draw and when it will be known (ISO 8601), or its digits."""

    zh: str = ""
    en: str = ""
    known_at: str = ""
    seed: str = ""


class ContestPublicationPayload(msgspec.Struct, frozen=True):
    """The contest to create: slug, settings as TOML, and the SHA-256 of the contest file."""

    contest: str
    settings: str
    file_sha256: str


def _shortlist_text(payload: ShortlistPayload) -> str:
    return "kinds.replacement" if payload.recommendations is None else "kinds.shortlist"


def _draw_text(payload: DrawPayload) -> str:
    return "kinds.draw_seed" if payload.seed else "kinds.draw_source"


SHORTLIST = register(
    ApprovalKind(
        "shortlist",
        ShortlistPayload,
        "selection",
        SELECTION_DECIDERS,
        _shortlist_text,
        place="/selections/{slug}/shortlist",
    )
)
DRAW = register(
    ApprovalKind(
        "draw",
        DrawPayload,
        "selection",
        SELECTION_DECIDERS,
        _draw_text,
        place="/selections/{slug}/shortlist",
    )
)
CONTEST_PUBLICATION = register(
    ApprovalKind(
        "contest_publication",
        ContestPublicationPayload,
        "selection",
        SELECTION_DECIDERS,
        "kinds.contest_publication",
        place="/selections/{slug}/shortlist",
    )
)
