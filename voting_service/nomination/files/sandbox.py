"""Examination of untrusted files in a separate process with little memory and time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TypeVar

import msgspec

from voting_service.errors import Unavailable
from voting_service.nomination.files.examiner import run_examiner
from voting_service.nomination.files.kinds import file_kind, needs_thread
from voting_service.nomination.files.model import (
    MAX_FILES,
    ExaminationResult,
    ExaminationTask,
    Frame,
    JoinedPdf,
    Kind,
    Photo,
    Rejection,
    UploadedFile,
)
from voting_service.nomination.files.rejections import FileRejected, RejectionReason
from voting_service.nomination.files.upload_checks import check_name_and_size
from voting_service.nomination.files.word import word_to_pdf

TIMEOUT_SECONDS = 120.0
"""Elapsed time; the limit of the process itself is CPU time."""
MAX_CONCURRENT = 2
MAX_WAITING = 16
"""Each waiting examination holds the files of one request, at most 48 MiB (uploads.py)."""
_MODULE = "voting_service.nomination.files.examiner_process"
_DECODER: msgspec.msgpack.Decoder[ExaminationResult] = msgspec.msgpack.Decoder(ExaminationResult)
_threads = ThreadPoolExecutor(MAX_CONCURRENT, thread_name_prefix="files")
_places = BoundedSemaphore(MAX_CONCURRENT + MAX_WAITING)

Examined = TypeVar("Examined", JoinedPdf, Photo)


async def examine_evidence(files: Sequence[UploadedFile], *, field: str = "evidence") -> JoinedPdf:
    """Examine evidence (PDFs, Word files, photographs of pages) and join it in the order given.
    `field` is the form field that an error names. Raises FileRejected, and Unavailable when too
    many files are waiting."""
    return await _examine_queued("evidence", ExaminationTask(tuple(files)), field, JoinedPdf)


async def examine_scan(files: Sequence[UploadedFile], *, field: str = "scan") -> JoinedPdf:
    """Examine stamped pages and join them. Raises as `examine_evidence`."""
    return await _examine_queued("scan", ExaminationTask(tuple(files)), field, JoinedPdf)


async def examine_photo(
    file: UploadedFile, frame: Frame | None = None, *, field: str = "photo"
) -> Photo:
    """Crop a two-inch photo to `frame` and return it as it is stored. Raises as
    `examine_evidence`."""
    return await _examine_queued("photo", ExaminationTask((file,), frame), field, Photo)


async def examine_picture(file: UploadedFile, *, field: str = "picture") -> Photo:
    """Return a picture, uncropped, as bare pixels. Raises as `examine_evidence`."""
    return await _examine_queued("picture", ExaminationTask((file,)), field, Photo)


async def _examine_queued(
    kind: Kind, task: ExaminationTask, field: str, expected: type[Examined]
) -> Examined:
    if not _places.acquire(blocking=False):
        raise Unavailable("nomination.files.too_many_files", retry_after_seconds=10)
    future = _threads.submit(examine, kind, task, field)
    future.add_done_callback(lambda _: _places.release())
    examined = await asyncio.wrap_future(future)
    if not isinstance(examined, expected):
        raise FileRejected(RejectionReason.NOT_EXAMINED, field)
    return examined


def examine(kind: Kind, task: ExaminationTask, field: str = "") -> JoinedPdf | Photo:
    """Examine files now, without the queue; blocks. Raises FileRejected."""
    if len(task.files) > MAX_FILES:
        raise FileRejected(RejectionReason.TOO_MANY_FILES, field, limit=MAX_FILES)
    files = tuple(
        _without_word(kind, task, number, field) for number in range(1, len(task.files) + 1)
    )
    threads = ["threads"] if any(needs_thread(file.content) for file in files) else []
    content = msgspec.msgpack.encode(msgspec.structs.replace(task, files=files))
    try:
        result = run_examiner(_MODULE, (kind, *threads), content, _DECODER, TIMEOUT_SECONDS)
    except FileRejected as error:
        raise error.at(field, error.number) from None
    assert not isinstance(result, Rejection)
    return result


def _without_word(kind: Kind, task: ExaminationTask, number: int, field: str) -> UploadedFile:
    """Return a file with its Word pages as PDF. Of stamped pages and photos there are none."""
    file = task.files[number - 1]
    try:
        check_name_and_size(file.name, file.content)
        if kind == "evidence" and file_kind(file.content) == "word":
            return UploadedFile(file.name, word_to_pdf(file.name, file.content))
    except FileRejected as error:
        raise error.at(field, number if len(task.files) > 1 else 0) from None
    return file
