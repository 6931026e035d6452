"""Examination of untrusted files, Word's among them, in a separate process (isolation.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from voting_service.nomination.files.isolation import examine_isolated, examine_queued
from voting_service.nomination.files.kinds import file_kind
from voting_service.nomination.files.model import (
    MAX_FILES,
    ExaminationTask,
    Frame,
    JoinedPdf,
    Kind,
    Photo,
    UploadedFile,
)
from voting_service.nomination.files.rejections import FileRejected, RejectionReason
from voting_service.nomination.files.upload_checks import check_name_and_size
from voting_service.nomination.files.word import word_to_pdf

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
    examined = await examine_queued(examine, kind, task, field)
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
    return examine_isolated(kind, msgspec.structs.replace(task, files=files), field)


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
