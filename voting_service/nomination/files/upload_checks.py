"""Checks of every uploaded file before its content is read."""

from __future__ import annotations

import unicodedata
from pathlib import PurePath

from voting_service.nomination.files.model import MAX_FILE_BYTES
from voting_service.nomination.files.rejections import FileRejected, RejectionReason

MAX_NAME_CHARACTERS = 200


def check_name_and_size(name: str, content: bytes) -> str:
    """Return the suffix in lower case. Raises FileRejected."""
    if not content:
        raise FileRejected(RejectionReason.EMPTY)
    if len(content) > MAX_FILE_BYTES:
        raise FileRejected(RejectionReason.TOO_LARGE, limit=MAX_FILE_BYTES // 2**20)
    # Control characters can reverse the end of a name, so that a program looks like a document.
    if len(name) > MAX_NAME_CHARACTERS or any(
        unicodedata.category(character) in {"Cc", "Cf", "Cs"} for character in name
    ):
        raise FileRejected(RejectionReason.BAD_NAME)
    return PurePath(name).suffix.lower()
