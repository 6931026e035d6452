"""From uploaded files to the file that is stored, by its slot."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from voting_service.nomination.files.model import Frame, JoinedPdf, UploadedFile
from voting_service.nomination.files.rejections import FileRejected
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
    slot: Slot,
    files: Sequence[UploadedFile],
    frame: Frame | None = None,
    earlier: File | None = None,
) -> File:
    """Return the files of a slot as the one that is stored: a photo cropped to `frame`, everything
    else joined to one PDF, behind the `earlier` pages if any. Raises FileRejected for the field
    `slot`, Unavailable."""
    if earlier is not None:
        return await _behind(earlier, slot, files)
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


async def _behind(earlier: File, slot: Slot, files: Sequence[UploadedFile]) -> File:
    """Examine the stored pages once more with the new ones; a fault counts only the new files."""
    try:
        joined = await examine_upload(slot, [UploadedFile("", earlier.content), *files])
    except FileRejected as error:
        raise error.at(slot, error.number - 1 if len(files) > 1 and error.number else 0) from None
    first, *added = joined.sources
    return msgspec.structs.replace(joined, sources=(*(earlier.sources or (first,)), *added))


def _joined(files: Sequence[UploadedFile], pdf: JoinedPdf) -> File:
    named = zip(files, pdf.pages_by_file, strict=True)
    sources = tuple(FileSource(file.name, pages) for file, pages in named)
    return File(PDF, pdf.pages, bytes.fromhex(pdf.sha256), pdf.content, sources)
