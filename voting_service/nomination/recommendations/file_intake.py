"""From uploaded files to the file that is stored, by its slot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from voting_service.nomination.files.model import Frame, JoinedPdf, UploadedFile
from voting_service.nomination.files.sandbox import (
    examine_evidence,
    examine_photo,
    examine_scan,
)
from voting_service.nomination.model import Slot
from voting_service.nomination.recommendations.model import File

PDF = "application/pdf"
JPEG = "image/jpeg"
SUFFIXES = {JPEG: "jpg", PDF: "pdf"}
"""Of a stored file, by media type."""


class ExaminedFile(NamedTuple):
    """A file as it is stored; `is_coarse`: a photo that prints, but not sharply."""

    file: File
    is_coarse: bool = False


async def examine_upload(
    slot: Slot, files: Sequence[UploadedFile], frame: Frame | None = None
) -> ExaminedFile:
    """Return the files of a slot as the one that is stored: a photo cropped to `frame`, everything
    else joined to one PDF. Raises FileRejected for the field `slot`, Unavailable."""
    match slot:
        case "photo":
            photo = await examine_photo(files[-1], frame, field=slot)
            stored = File(JPEG, 1, bytes.fromhex(photo.sha256), photo.content)
            return ExaminedFile(stored, photo.is_coarse)
        case "evidence":
            return ExaminedFile(_joined(await examine_evidence(files, field=slot)))
        case _:
            return ExaminedFile(_joined(await examine_scan(files, field=slot)))


def _joined(pdf: JoinedPdf) -> File:
    return File(PDF, pdf.pages, bytes.fromhex(pdf.sha256), pdf.content)
