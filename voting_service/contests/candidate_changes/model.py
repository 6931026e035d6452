"""What a correction changes of a candidate's profile and pictures. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from voting_service.contests.contest_file.candidate_check import check_candidate
from voting_service.contests.model import LINE_CHARACTERS, Candidate, find_text_fault
from voting_service.contests.pictures.model import Picture
from voting_service.errors import InvalidInput, Refused

PICTURES = "pictures"
CORRECTABLE = tuple(name for name in Candidate.__struct_fields__ if name != "number")
"""The fields of a profile that a correction may change; a ballot names the number."""

Fields = Mapping[str, Any]
"""Values as JSON, by field of `Candidate`; `pictures` are all pictures, the portrait first."""


def shown_fields(candidate: Candidate, pictures: Sequence[Picture]) -> dict[str, Any]:
    """Return everything of a candidate that can be corrected."""
    profile = {name: getattr(candidate, name) for name in CORRECTABLE}
    return {
        **msgspec.json.decode(msgspec.json.encode(profile)),
        PICTURES: [picture_fields(picture) for picture in pictures],
    }


def picture_fields(picture: Picture) -> dict[str, Any]:
    """Return a picture as a correction stores it."""
    fields: dict[str, Any] = msgspec.to_builtins(picture)
    return fields


def changed_fields(
    number: int, shown: Fields, corrected: Fields
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields of `shown` that `corrected` changes, as they are and as they would be.

    Raises InvalidInput with every value that a contest file could not hold, and Refused when
    nothing changes.
    """
    after = {name: value for name, value in corrected.items() if value != shown[name]}
    if not after:
        raise Refused("contests.candidate_changes.nothing_changes")
    profile = {**shown, **after, "number": number}
    pictures = profile.pop(PICTURES)
    check_candidate({name: value for name, value in profile.items() if value is not None})
    faults = [
        fault
        for place, picture in enumerate(pictures)
        for language, caption in (picture["caption"] or {}).items()
        if (
            fault := find_text_fault(
                f"caption.{place}.{language}", caption, limit=LINE_CHARACTERS, line_breaks=False
            )
        )
    ]
    if faults:
        raise InvalidInput(*faults)
    return {name: shown[name] for name in after}, after
