"""Untrusted files in a separate process with little memory and time, without Word's.

Every failure of that process, including a crash, is reported as FileRejected. Loads no reader of
Word files: the public site examines with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore

import msgspec

from voting_service.errors import Unavailable
from voting_service.nomination.files.examiner import run_examiner
from voting_service.nomination.files.kinds import needs_thread
from voting_service.nomination.files.model import (
    MAX_FILES,
    ExaminationResult,
    ExaminationTask,
    JoinedPdf,
    Kind,
    Photo,
    Rejection,
)
from voting_service.nomination.files.rejections import FileRejected, RejectionReason
from voting_service.nomination.files.upload_checks import check_name_and_size

TIMEOUT_SECONDS = 120.0
"""Elapsed time; the limit of the process itself is CPU time."""
MAX_CONCURRENT = 2
MAX_WAITING = 16
"""Each waiting examination holds the files of one request, at most 48 MiB (uploads.py)."""
_PROCESS_MODULE = "voting_service.nomination.files.examiner_process"
_DECODER: msgspec.msgpack.Decoder[ExaminationResult] = msgspec.msgpack.Decoder(ExaminationResult)
_threads = ThreadPoolExecutor(MAX_CONCURRENT, thread_name_prefix="files")
_places = BoundedSemaphore(MAX_CONCURRENT + MAX_WAITING)

Examiner = Callable[[Kind, ExaminationTask, str], JoinedPdf | Photo]


async def examine_queued(
    examiner: Examiner, kind: Kind, task: ExaminationTask, field: str
) -> JoinedPdf | Photo:
    """Examine files in a thread when it is their turn. Raises FileRejected, and Unavailable when
    too many files are waiting."""
    if not _places.acquire(blocking=False):
        raise Unavailable("nomination.files.too_many_files", retry_after_seconds=10)
    future = _threads.submit(examiner, kind, task, field)
    future.add_done_callback(lambda _: _places.release())
    return await asyncio.wrap_future(future)


def examine_isolated(kind: Kind, task: ExaminationTask, field: str = "") -> JoinedPdf | Photo:
    """Examine files now, without the queue; blocks. Raises FileRejected, also for Word files."""
    if len(task.files) > MAX_FILES:
        raise FileRejected(RejectionReason.TOO_MANY_FILES, field, limit=MAX_FILES)
    for number, file in enumerate(task.files, start=1):
        try:
            check_name_and_size(file.name, file.content)
        except FileRejected as error:
            raise error.at(field, number if len(task.files) > 1 else 0) from None
    threads = ["threads"] if any(needs_thread(file.content) for file in task.files) else []
    content = msgspec.msgpack.encode(task)
    try:
        result = run_examiner(_PROCESS_MODULE, (kind, *threads), content, _DECODER, TIMEOUT_SECONDS)
    except FileRejected as error:
        raise error.at(field, error.number) from None
    assert not isinstance(result, Rejection)
    return result
