"""Examination in the test's process: as examiner_process.py does it, without its limits."""

from __future__ import annotations

from voting_service.nomination.files.examiner_process import examine_task, load_decoders
from voting_service.nomination.files.model import (
    ExaminationTask,
    Frame,
    JoinedPdf,
    Kind,
    Photo,
    Rejection,
    UploadedFile,
)
from voting_service.nomination.files.rejections import FileRejected, RejectionReason

load_decoders()


def files(*contents: bytes, name: str = "a") -> tuple[UploadedFile, ...]:
    return tuple(UploadedFile(name, content) for content in contents)


def examined(
    kind: Kind, *contents: bytes, name: str = "a", frame: Frame | None = None
) -> JoinedPdf | Photo:
    """Return what is stored of files of one slot. Raises FileRejected."""
    result = examine_task(kind, ExaminationTask(files(*contents, name=name), frame))
    if isinstance(result, Rejection):
        raise FileRejected(RejectionReason[result.reason], **result.details).at("", result.number)
    return result


def joined(*contents: bytes, kind: Kind = "evidence", name: str = "a") -> JoinedPdf:
    result = examined(kind, *contents, name=name)
    assert isinstance(result, JoinedPdf)
    return result


def cropped(content: bytes, frame: Frame | None = None, *, name: str = "a") -> Photo:
    result = examined("photo", content, name=name, frame=frame)
    assert isinstance(result, Photo)
    return result
