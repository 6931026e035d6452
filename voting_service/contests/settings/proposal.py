"""The payload of a proposed change of settings: what, from, to, and the public reason."""

from __future__ import annotations

from typing import Any

import msgspec

from voting_service.contests.model import SUMMARY_CHARACTERS, find_text_fault
from voting_service.contests.settings.repository import SettingChange
from voting_service.errors import InvalidInput
from voting_service.i18n.text import Text


def check_reason(reason: Text) -> None:
    """Check the public reason, which is required in both languages. Raises InvalidInput."""
    faults = [
        fault
        for language, text in (("zh", reason.zh), ("en", reason.en))
        if (
            fault := find_text_fault(
                f"reason.{language}", text, limit=SUMMARY_CHARACTERS, line_breaks=True
            )
        )
    ]
    if faults:
        raise InvalidInput(*faults)


def change_payload(change: SettingChange, revision: int, reason: Text) -> dict[str, Any]:
    """Return the payload of an approval request of the kind `settings`; `revision` is that of the
    contest or platform when it was proposed."""
    return {
        "setting": change.setting,
        "revision": revision,
        "from": change.before,
        "to": change.after,
        "reason": msgspec.to_builtins(reason),
    }
