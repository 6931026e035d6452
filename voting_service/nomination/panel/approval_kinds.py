"""The kind of approval request about the panel's rules and rounds."""

from __future__ import annotations

import msgspec

from voting_service.staff.approvals.model import SELECTION_DECIDERS, ApprovalKind, register


class PanelPayload(msgspec.Struct, frozen=True):
    """Either the panel's rules (the fields of PanelRules), or the round to close and the accounts
    of the experts who have not submitted."""

    round: int | None = None
    absent: tuple[int, ...] = ()


def _panel_text(payload: PanelPayload) -> str:
    return "kinds.panel_rules" if payload.round is None else "kinds.panel_round"


PANEL = register(
    ApprovalKind(
        "panel",
        PanelPayload,
        "selection",
        SELECTION_DECIDERS,
        _panel_text,
        proposers=(*SELECTION_DECIDERS, "expert"),
        place="/selections/{slug}/panel",
    )
)
"""Of the experts, the chair alone proposes, and only the end of a round; the database allows the
same (check_deciders)."""
