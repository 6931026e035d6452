"""The kind of approval request that changes a setting."""

from __future__ import annotations

from typing import Any

import msgspec

from voting_service.i18n.text import Text
from voting_service.staff.approvals.model import DECIDERS, ApprovalKind, register


class SettingsPayload(msgspec.Struct, frozen=True):
    """The change of one setting; `revision` is the contest's or platform's when proposed."""

    setting: str
    revision: int
    before: Any = msgspec.field(name="from")
    after: Any = msgspec.field(name="to")
    reason: Text


SETTINGS = register(
    ApprovalKind("settings", SettingsPayload, "contest", DECIDERS, "kinds.settings")
)
