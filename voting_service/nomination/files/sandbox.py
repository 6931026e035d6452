"""Examination of untrusted files in a separate process with little memory and time.

Every failure of that process, including a crash, is reported as FileRejected.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TypeVar

import msgspec
import structlog

from voting_service.errors import Unavailable
from voting_service.nomination.files.docx_pages import count_docx_pages
from voting_service.nomination.files.evidence import docx_evidence
from voting_service.nomination.files.examiner_process import (
    ExaminationResult,
    ExaminationTask,
    Kind,
    Rejection,
)
from voting_service.nomination.files.model import (
    EVIDENCE_PAGES,
    Evidence,
    Manuscript,
    Photo,
    Scan,
)
from voting_service.nomination.files.rejections import FileRejected, RejectionReason
from voting_service.nomination.files.upload_checks import check_name_and_size

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 30.0
"""Elapsed time; the limit of the process itself is CPU time."""
MAX_CONCURRENT = 2
MAX_WAITING = 16
"""Each waiting examination holds a file of at most 20 MiB."""
_PROCESS_MODULE = "voting_service.nomination.files.examiner_process"
_DECODER: msgspec.msgpack.Decoder[ExaminationResult] = msgspec.msgpack.Decoder(ExaminationResult)
_threads = ThreadPoolExecutor(MAX_CONCURRENT, thread_name_prefix="files")
_places = BoundedSemaphore(MAX_CONCURRENT + MAX_WAITING)

Examined = TypeVar("Examined", Evidence, Photo, Scan)


async def examine_evidence(name: str, content: bytes, *, field: str = "evidence") -> Evidence:
    """Examine evidence and count its pages. `field` is the form field that an error names. Raises
    FileRejected, and Unavailable when too many files are waiting."""
    return await _examine_queued("evidence", name, content, field, Evidence)


async def examine_scan(name: str, content: bytes, *, field: str = "scan") -> Scan:
    """Examine a stamped page and return it as it is stored. Raises as `examine_evidence`."""
    return await _examine_queued("scan", name, content, field, Scan)


async def examine_photo(name: str, content: bytes, *, field: str = "photo") -> Photo:
    """Examine a two-inch photo and return it as it is stored. Raises as `examine_evidence`."""
    return await _examine_queued("photo", name, content, field, Photo)


async def _examine_queued(
    kind: Kind, name: str, content: bytes, field: str, expected: type[Examined]
) -> Examined:
    if not _places.acquire(blocking=False):
        raise Unavailable("nomination.files.too_many_files", retry_after_seconds=10)
    future = _threads.submit(examine, kind, name, content)
    future.add_done_callback(lambda _: _places.release())
    try:
        examined = await asyncio.wrap_future(future)
    except FileRejected as error:
        raise FileRejected(error.reason, field, **error.details) from None
    if not isinstance(examined, expected):
        raise FileRejected(RejectionReason.NOT_EXAMINED, field)
    return examined


def examine(kind: Kind, name: str, content: bytes) -> Evidence | Scan | Photo:
    """Examine a file now, without the queue; blocks. Raises FileRejected."""
    check_name_and_size(name, content)
    result = _run_process(kind, ExaminationTask(name, content))
    if isinstance(result, Rejection):
        raise _rejected(result)
    if isinstance(result, Manuscript):
        return docx_evidence(content, count_docx_pages(result, EVIDENCE_PAGES))
    return result


def _rejected(rejection: Rejection) -> FileRejected:
    try:
        error = FileRejected(RejectionReason[rejection.reason], "", **rejection.details)
        str(error), error.zh
    except KeyError:  # not a rejection of ours: the file took over the process
        return FileRejected(RejectionReason.NOT_EXAMINED)
    return error


def _run_process(kind: Kind, task: ExaminationTask) -> ExaminationResult:
    """Run the process with an empty environment: ours holds keys and addresses of stores."""
    try:
        completed = subprocess.run(
            [sys.executable, "-I", "-m", _PROCESS_MODULE, kind],
            input=msgspec.msgpack.encode(task),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # may quote the file
            env={},
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
        if completed.returncode == 0:
            return _DECODER.decode(completed.stdout)
        exit_code: int | None = completed.returncode
    except (subprocess.TimeoutExpired, msgspec.DecodeError):
        exit_code = None
    log.warning("file_not_examined", kind=kind, exit_code=exit_code, bytes=len(task.content))
    raise FileRejected(RejectionReason.NOT_EXAMINED)
