"""From an uploaded file to the file that is stored, by its slot."""

from __future__ import annotations

from voting_service.nomination.files.sandbox import (
    examine_evidence,
    examine_photo,
    examine_scan,
)
from voting_service.nomination.model import Slot
from voting_service.nomination.recommendations.model import File

PDF = "application/pdf"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
JPEG = "image/jpeg"
SUFFIXES = {JPEG: "jpg", PDF: "pdf", WORD: "docx"}
"""Of a stored file, by media type."""


async def examine_upload(slot: Slot, name: str, content: bytes) -> File:
    """Return the file as it is stored. Raises FileRejected for the field `slot`, Unavailable."""
    match slot:
        case "photo":
            photo = await examine_photo(name, content, field=slot)
            return File(JPEG, 1, bytes.fromhex(photo.sha256), photo.content)
        case "evidence":
            evidence = await examine_evidence(name, content, field=slot)
            media_type = PDF if evidence.kind == "pdf" else WORD
            return File(media_type, evidence.pages, bytes.fromhex(evidence.sha256), content)
        case _:
            scan = await examine_scan(name, content, field=slot)
            media_type = PDF if scan.kind == "pdf" else JPEG
            return File(media_type, scan.pages, bytes.fromhex(scan.sha256), scan.content)
