"""What a proposed change of settings says: what, from, to, and why in the public's languages."""

from __future__ import annotations

from typing import Any

import msgspec

from voting_service.contests.file_schema import SUMMARY_CHARACTERS, readable_fault
from voting_service.contests.model import Text
from voting_service.errors import Fault, InvalidInput


def check_reason(reason: Text) -> None:
    """The public is told why, in both languages. Raises InvalidInput."""
    faults = [
        Fault(f"reason.{language}", wrong)
        for language, text in (("zh", reason.zh), ("en", reason.en))
        if (wrong := readable_fault(text, limit=SUMMARY_CHARACTERS, line_breaks=True))
    ]
    if faults:
        raise InvalidInput(*faults)


def payload_of(
    setting: str, revision: int, before: Any, after: Any, reason: Text
) -> dict[str, Any]:
    """The payload of a decision of the kind `settings`; `revision` is what it was proposed on."""
    return {
        "setting": setting,
        "revision": revision,
        "from": before,
        "to": after,
        "reason": msgspec.to_builtins(reason),
    }
