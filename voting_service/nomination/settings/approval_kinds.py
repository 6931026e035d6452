"""The kinds of approval request that change a selection, or add earlier winners."""

from __future__ import annotations

from typing import Any

import msgspec

from voting_service.staff.approvals.model import SELECTION_DECIDERS, ApprovalKind, register


class SelectionSettingsPayload(msgspec.Struct, frozen=True):
    """A change of one section of the settings: its values before and after, by name, and why."""

    before: dict[str, Any]
    after: dict[str, Any]
    reason: str


SELECTION_SETTINGS = register(
    ApprovalKind(
        "selection_settings",
        SelectionSettingsPayload,
        "selection",
        SELECTION_DECIDERS,
        "kinds.selection_settings",
        place="/selections/{slug}/settings",
    )
)


class WinnersPayload(msgspec.Struct, frozen=True):
    """Winners of an earlier year, by the keyed hash of the ID number in hexadecimal."""

    year: int
    person_hashes: tuple[str, ...]


def _without_hashes(payload: dict[str, Any]) -> dict[str, Any]:
    return {"year": payload["year"], "people": len(payload["person_hashes"])}


EARLIER_WINNERS = register(
    ApprovalKind(
        "earlier_winners",
        WinnersPayload,
        "selection",
        SELECTION_DECIDERS,
        "kinds.earlier_winners",
        recorded=_without_hashes,
        place="/selections/{slug}/settings",
    )
)
