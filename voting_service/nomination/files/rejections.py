"""The reasons for which an uploaded file is rejected.

Each sentence tells what to do (errors_nomination.po, `nomination.files.<reason>`). It never quotes
the name of the file: file names contain names of people, and errors are logged.
"""

from __future__ import annotations

from enum import Enum

from voting_service.errors import Fault, InvalidInput


class RejectionReason(Enum):
    """Why a file is rejected; the value is the last part of the error code."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    BAD_NAME = "bad_name"
    OTHER_KIND = "other_kind"
    OTHER_SCAN = "other_scan"
    LEGACY_WORD = "legacy_word"
    DISGUISED = "disguised"
    BROKEN = "broken"
    ENCRYPTED = "encrypted"
    ACTIVE = "active"
    EMBEDDED = "embedded"
    EXTERNAL = "external"
    MACROS = "macros"
    FIELD = "field"
    ENTITIES = "entities"
    BOMB = "bomb"
    ARCHIVE = "archive"
    NO_PAGES = "no_pages"
    TOO_MANY_PAGES = "too_many_pages"
    TOO_LONG = "too_long"
    FALSE_COUNT = "false_count"
    ODD_PAGE = "odd_page"
    PICTURE = "picture"
    NOT_TWO_INCH = "not_two_inch"
    PHOTO_TOO_SMALL = "photo_too_small"
    SCAN_TOO_SMALL = "scan_too_small"
    NOT_EXAMINED = "not_examined"


Detail = str | int


class FileRejected(InvalidInput):
    """The file of form field `field` is rejected. `details` are the parameters of its sentence."""

    def __init__(self, reason: RejectionReason, field: str = "", /, **details: Detail) -> None:
        super().__init__(Fault(field, f"nomination.files.{reason.value}", **details))
        self.reason = reason
        self.details = details
