"""From uploaded files to the file that is stored, by its slot."""

from __future__ import annotations

from collections.abc import Sequence

from voting_service.nomination.files.model import Frame, JoinedPdf, UploadedFile
from voting_service.nomination.files.sandbox import (
    examine_evidence,
    examine_photo,
    examine_scan,
)
from voting_service.nomination.model import Slot
from voting_service.nomination.recommendations.model import File, FileSource

PDF = "application/pdf"
JPEG = "image/jpeg"
SUFFIXES = {JPEG: "jpg", PDF: "pdf"}
"""Of a stored file, by media type."""


async def examine_upload(
    slot: Slot, files: Sequence[UploadedFile], frame: Frame | None = None
) -> File:
    """Return the files of a slot as the one that is stored: a photo cropped to `frame`, everything
    else joined to one PDF. Raises FileRejected for the field `slot`, Unavailable."""
    match slot:
        case "photo":
            photo = await examine_photo(files[-1], frame, field=slot)
            return File(
                JPEG, 1, bytes.fromhex(photo.sha256), photo.content, is_coarse=photo.is_coarse
            )
        case "evidence":
            return _joined(files, await examine_evidence(files, field=slot))
        case _:
            return _joined(files, await examine_scan(files, field=slot))


def _joined(files: Sequence[UploadedFile], pdf: JoinedPdf) -> File:
    named = zip(files, pdf.pages_by_file, strict=True)
    sources = tuple(FileSource(file.name, pages) for file, pages in named)
    return File(PDF, pdf.pages, bytes.fromhex(pdf.sha256), pdf.content, sources)
