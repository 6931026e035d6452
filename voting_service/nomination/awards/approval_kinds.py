"""The kind of approval request that publishes the result."""

from __future__ import annotations

import msgspec

from voting_service.nomination.awards.published_result import Removal
from voting_service.staff.approvals.model import SELECTION_DECIDERS, ApprovalKind, register


class ResultPayload(msgspec.Struct, frozen=True):
    """A version of the result: the candidates' numbers, and its document's SHA-256. Moments are
    ISO 8601; `visible_from` "" is at once."""

    winners: tuple[int, ...]
    nominees: tuple[int, ...]
    left_out: tuple[Removal, ...]
    objections_until: str
    document_sha256: str
    visible_from: str = ""


def _result_text(payload: ResultPayload) -> str:
    return "kinds.result_from" if payload.visible_from else "kinds.result"


RESULT = register(
    ApprovalKind(
        "result",
        ResultPayload,
        "selection",
        SELECTION_DECIDERS,
        _result_text,
        place="/selections/{slug}/result",
    )
)
