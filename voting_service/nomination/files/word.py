"""Word files as PDF: cleaned, then laid out by LibreOffice.

Only a file that docx.py wrote is laid out. Files of the old format are checked
(word_ole.py), converted to the new one, and cleaned like every other.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import PurePath

import msgspec
import structlog

from voting_service.nomination.files import word_cleaner
from voting_service.nomination.files.libreoffice import convert, find_libreoffice
from voting_service.nomination.files.model import EVIDENCE_PAGES, Rejection
from voting_service.nomination.files.rejections import FileRejected, RejectionReason
from voting_service.nomination.files.word_cleaner import CleaningResult, CleanWord

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 60.0
"""Elapsed time; the limit of the process itself is CPU time."""
_DECODER: msgspec.msgpack.Decoder[CleaningResult] = msgspec.msgpack.Decoder(CleaningResult)
_SUFFIXES = frozenset({".docx", ".doc", ".wps", ".dotx", ".dot", ".wpt"})
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
    if cleaned.is_old:
        cleaned = _clean(convert(cleaned.content, "doc", "docx", EVIDENCE_PAGES))
    return convert(cleaned.content, "docx", "pdf", EVIDENCE_PAGES + 1)


def _clean(content: bytes) -> CleanWord:
    """Return what the cleaning process makes of a file. Raises FileRejected."""
    try:
        completed = subprocess.run(
            [sys.executable, "-I", "-m", word_cleaner.__name__],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # may quote the file
            env={},
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
        exit_code: int | None = completed.returncode
        result = _DECODER.decode(completed.stdout) if exit_code == 0 else None
    except (subprocess.TimeoutExpired, msgspec.DecodeError):
        exit_code, result = None, None
    if isinstance(result, CleanWord):
        return result
    if isinstance(result, Rejection):
        raise _rejected(result)
    log.warning("word_file_not_cleaned", exit_code=exit_code, bytes=len(content))
    raise FileRejected(RejectionReason.NOT_EXAMINED)


def _rejected(rejection: Rejection) -> FileRejected:
    try:
        error = FileRejected(RejectionReason[rejection.reason], "", **rejection.details)
        str(error), error.zh
    except KeyError:  # not a rejection of ours: the file took over the process
        return FileRejected(RejectionReason.NOT_EXAMINED)
    return error
