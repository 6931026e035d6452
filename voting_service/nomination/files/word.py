"""Word files as PDF: cleaned, then laid out by LibreOffice.

Only a file that docx.py wrote is laid out. Files of the old format and rich text are checked
(word_ole.py, word_rtf.py), converted to the new one, and cleaned like every other.
"""

from __future__ import annotations

from pathlib import PurePath

import msgspec

from voting_service.nomination.files import word_cleaner
from voting_service.nomination.files.examiner import run_examiner
from voting_service.nomination.files.libreoffice import convert, find_libreoffice
from voting_service.nomination.files.model import EVIDENCE_PAGES
from voting_service.nomination.files.rejections import FileRejected, RejectionReason
from voting_service.nomination.files.word_cleaner import CleaningResult, CleanWord

TIMEOUT_SECONDS = 60.0
"""Elapsed time; the limit of the process itself is CPU time."""
_DECODER: msgspec.msgpack.Decoder[CleaningResult] = msgspec.msgpack.Decoder(CleaningResult)
_SUFFIXES = frozenset({".docx", ".doc", ".wps", ".dotx", ".dot", ".wpt", ".rtf"})
_MACRO_SUFFIXES = frozenset({".docm", ".dotm"})


def word_to_pdf(name: str, content: bytes) -> bytes:
    """Return the pages of a Word file as PDF, one more than evidence may have where there are more;
    blocks. Raises FileRejected."""
    suffix = PurePath(name).suffix.lower()
    if suffix in _MACRO_SUFFIXES:
        raise FileRejected(RejectionReason.MACROS)
    try:
        cleaned = _clean(content)
    except FileRejected as error:
        # An archive of another kind that does not pretend to be a Word file.
        if error.reason is RejectionReason.DISGUISED and suffix not in _SUFFIXES:
            raise FileRejected(RejectionReason.OTHER_KIND) from None
        raise
    if find_libreoffice() is None:
        raise FileRejected(RejectionReason.NO_WORD)
    if cleaned.format != "docx":
        cleaned = _clean(convert(cleaned.content, cleaned.format, "docx", EVIDENCE_PAGES))
    return convert(cleaned.content, "docx", "pdf", EVIDENCE_PAGES + 1)


def _clean(content: bytes) -> CleanWord:
    """Return what the cleaning process makes of a file. Raises FileRejected."""
    result = run_examiner(word_cleaner.__name__, (), content, _DECODER, TIMEOUT_SECONDS)
    assert isinstance(result, CleanWord)
    return result
