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
    NO_WORD = "no_word"
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
    ODD_PAGE = "odd_page"
    PICTURE = "picture"
    FORM_TEXT = "form_text"
    PHOTO_TOO_SMALL = "photo_too_small"
    SCAN_TOO_SMALL = "scan_too_small"
    TOO_MANY_FILES = "too_many_in_slot"
    NOT_EXAMINED = "not_examined"


Detail = str | int


class FileRejected(InvalidInput):
    """The file of form field `field` is rejected. `details` are the parameters of its sentence,
    `number` is that of the file among several, from 1, or 0."""

    def __init__(self, reason: RejectionReason, field: str = "", /, **details: Detail) -> None:
        super().__init__(Fault(field, f"nomination.files.{reason.value}", **details))
        self.reason = reason
        self.details = details
        self.number = 0

    def at(self, field: str, number: int = 0) -> FileRejected:
        """Return the same at a form field, about file `number` of several. Reads the catalogue, so
        not for the examining process."""
        error = FileRejected(self.reason, field, **self.details)
        error.number = number
        if number:
            [fault] = error.faults
            error.faults = (
                Fault(
                    field,
                    "nomination.files.of_several",
                    number=number,
                    en=fault.message,
                    zh=fault.zh,
                ),
            )
        return error
