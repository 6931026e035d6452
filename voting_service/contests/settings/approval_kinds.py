"""The kinds of approval requests that change a setting or a platform."""

from __future__ import annotations

from typing import Any

import msgspec

from voting_service.contests.settings.platform_terms import PlatformTerms
from voting_service.i18n.text import Text
from voting_service.staff.approvals.model import DECIDERS, ApprovalKind, register


class ContestSettingsPayload(msgspec.Struct, frozen=True):
    """The change of one setting; `revision` is the contest's or platform's when proposed."""

    setting: str
    revision: int
    before: Any = msgspec.field(name="from")
    after: Any = msgspec.field(name="to")
    reason: Text


class PlatformPayload(msgspec.Struct, frozen=True):
    """The change of a platform, all its terms. Revision 0 and no earlier terms: a new platform."""

    slug: str
    revision: int
    before: PlatformTerms | None = msgspec.field(name="from")
    after: PlatformTerms = msgspec.field(name="to")
    end_sessions: bool
    reason: Text


SETTINGS = register(
    ApprovalKind(
        "settings",
        ContestSettingsPayload,
        "contest",
        DECIDERS,
        "kinds.settings",
        place="/contests/{slug}/settings",
    )
)
PLATFORM = register(
    ApprovalKind(
        "platform",
        PlatformPayload,
        "contest",
        DECIDERS,
        "kinds.platform",
        place="/contests/{slug}/settings",
    )
)
