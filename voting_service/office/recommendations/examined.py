"""From an uploaded file to what is kept of it, by the place it is for."""

from __future__ import annotations

from voting_service.office.files.sandbox import examine_evidence, examine_photo, examine_scan
from voting_service.office.model import Slot
from voting_service.office.recommendations.model import File

PDF = "application/pdf"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
JPEG = "image/jpeg"


async def examine(slot: Slot, name: str, content: bytes) -> File:
    """What is kept. Raises FileRefused with the field `slot`, and Unavailable."""
    match slot:
        case "photo":
            photo = await examine_photo(name, content, field=slot)
            return File(JPEG, 1, bytes.fromhex(photo.sha256), photo.content)
        case "evidence":
            found = await examine_evidence(name, content, field=slot)
            media_type = PDF if found.kind == "pdf" else WORD
            return File(media_type, found.pages, bytes.fromhex(found.sha256), content)
        case _:
            scan = await examine_scan(name, content, field=slot)
            media_type = PDF if scan.kind == "pdf" else JPEG
            return File(media_type, scan.pages, bytes.fromhex(scan.sha256), scan.content)
