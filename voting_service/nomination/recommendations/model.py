"""A recommendation with its files, submissions and verdicts. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from voting_service.errors import Refused
from voting_service.i18n.text import Text
from voting_service.nomination.form.model import RecommendationForm
from voting_service.nomination.model import (
    EDITABLE,
    Slot,
    State,
)

Verdict = Literal["returned", "accepted", "rejected", "reopened", "withdrawn"]

MAX_DRAFTS = 30
"""Drafts that a body may have at once: five for each place."""


class FileSource(msgspec.Struct, frozen=True):
    """One of the uploaded files that were joined, and how many pages it gave."""

    name: str
    pages: int


class FileInfo(msgspec.Struct, frozen=True):
    """An attached file without its content; `sha256` is of the content, `printed_sha256` of what
    was stamped (form_encryption.py)."""

    slot: Slot
    sha256: bytes
    media_type: str
    pages: int
    added_at: datetime
    sources: tuple[FileSource, ...] = ()
    is_coarse: bool = False
    printed_sha256: bytes | None = None

    def pages_by_source(self) -> Iterator[tuple[str, int, int]]:
        """Yield the name of each joined file with its first and last page."""
        last = 0
        for source in self.sources:
            first, last = last + 1, last + source.pages
            yield source.name, first, last


class File(msgspec.Struct, frozen=True):
    """A file with its content, decrypted. `sources` are the files that it was joined from;
    `is_coarse`: a photo that prints, but not sharply."""

    media_type: str
    pages: int
    sha256: bytes
    content: bytes
    sources: tuple[FileSource, ...] = ()
    is_coarse: bool = False


class Recommendation(msgspec.Struct, frozen=True, kw_only=True):
    """The recommendation of one person, its form decrypted. `created_by` and `saved_by` are
    account names."""

    id: int
    body_id: int
    state: State
    form: RecommendationForm
    revision: int
    created_by: str
    created_at: datetime
    saved_by: str
    saved_at: datetime
    submitted_at: datetime | None
    files: Mapping[Slot, FileInfo]

    @property
    def is_editable(self) -> bool:
        return self.state in EDITABLE

    @property
    def evidence_pages(self) -> int | None:
        evidence = self.files.get("evidence")
        return evidence.pages if evidence else None

    @property
    def has_coarse_photo(self) -> bool:
        photo = self.files.get("photo")
        return photo is not None and photo.is_coarse


class OfBody(Protocol):
    """A recommendation in any view of it: its number and that of its body."""

    @property
    def id(self) -> int: ...
    @property
    def body_id(self) -> int: ...


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """A form as it was submitted; the time is the database's."""

    id: int
    recommendation_id: int
    turn: int
    form: RecommendationForm
    form_sha256: bytes
    photo_sha256: bytes
    evidence_sha256: bytes
    evidence_pages: int
    employer_scan_sha256: bytes
    body_scan_sha256: bytes
    submitted_by: str
    submitted_at: datetime
    late_by_approval: int | None

    def number(self, selection_slug: str) -> str:
        """The receipt number."""
        return receipt_number(selection_slug, self.recommendation_id, self.turn)


class Review(msgspec.Struct, frozen=True):
    """A verdict or withdrawal, its reason decrypted; a return has a term, `correct_until`."""

    verdict: Verdict
    reason: str
    by: str
    at: datetime
    correct_until: datetime | None


class Conflict(msgspec.Struct, frozen=True):
    """Two recommendations of one person: `body_id` wanted to submit `recommendation_id`, while
    `holder_id` of `holder_body_id` was already submitted."""

    recommendation_id: int
    body_id: int
    holder_id: int
    holder_body_id: int
    noticed_at: datetime


class EditConflict(Refused):
    """The form was saved since it was loaded."""

    def __init__(self) -> None:
        super().__init__("nomination.recommendations.edit_conflict")


class AlreadyRecommended(Refused):
    """The person is already recommended by `body`, as recommendation `holder_id`."""

    def __init__(self, holder_id: int, body: Text) -> None:
        super().__init__(
            "nomination.recommendations.already_recommended", number=holder_id, body=body
        )


def receipt_number(selection_slug: str, recommendation_id: int, turn: int) -> str:
    """Return the number of a submission's receipt."""
    return f"{selection_slug}-{recommendation_id}-{turn}"


def audit_subject(recommendation_id: int) -> str:
    """Return the name of a recommendation in the audit log, which does not name the person."""
    return f"recommendation {recommendation_id}"
