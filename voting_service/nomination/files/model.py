"""What is examined and what an examination returns: plain data between two processes."""

from __future__ import annotations

from typing import Literal

import msgspec

from voting_service.nomination.files.rejections import Detail

MAX_FILE_BYTES = 20 * 2**20
"""Of any uploaded file, and of the PDF that several are joined to."""
MAX_FILES = 12
"""Of one slot: ten photographed pages, and a mistake."""
EVIDENCE_PAGES = 10
SCAN_PAGES = 5
"""Of one scan: an opinion is one page, sometimes with an annex."""

WordFormat = Literal["docx", "doc", "rtf"]
"""The new format, the old one and rich text."""
Kind = Literal["evidence", "scan", "photo", "picture"]


class UploadedFile(msgspec.Struct, frozen=True):
    """A file as sent. `name` may contain a person's name: it is stored encrypted and not logged."""

    name: str
    content: bytes


class Frame(msgspec.Struct, frozen=True):
    """A part of an upright picture, as fractions of its width and height."""

    left: float
    top: float
    width: float
    height: float

    @property
    def is_inside(self) -> bool:
        """Whether it is a part of the picture, but for rounding, and large enough to be meant."""
        return (
            min(self.left, self.top) >= 0
            and min(self.width, self.height) >= 0.01
            and max(self.left + self.width, self.top + self.height) <= 1.01
        )


class ExaminationTask(msgspec.Struct, frozen=True):
    """Files of one slot, in order; `frame` is for a photo, None for the usual one."""

    files: tuple[UploadedFile, ...]
    frame: Frame | None = None


class JoinedPdf(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Evidence or stamped pages as they are stored: one PDF; `sha256` is of `content`,
    `pages_by_file` has how many pages each of the joined files gave."""

    pages: int
    pages_by_file: tuple[int, ...] = ()
    content: bytes
    sha256: str


class Photo(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A photo or picture as it is stored, a JPEG; `sha256` is of `content`. `is_coarse`: a photo
    below the resolution of good print."""

    width: int
    height: int
    content: bytes
    sha256: str
    is_coarse: bool = False


class Rejection(msgspec.Struct, frozen=True, tag=True):
    """A FileRejected as plain data; `number` is that of the file among several, from 1."""

    reason: str
    details: dict[str, Detail]
    number: int = 0


ExaminationResult = JoinedPdf | Photo | Rejection
