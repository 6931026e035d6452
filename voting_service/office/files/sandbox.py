"""Strangers' files are examined in a process of their own, which may take little memory and time
and can do nothing but answer. Whatever becomes of it, the answer is a finding or a refusal."""

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
from voting_service.office.files.child import Kind, Outcome, Refusal, Task
from voting_service.office.files.evidence import check_name_and_size, word_evidence
from voting_service.office.files.model import EVIDENCE_PAGES, Evidence, Manuscript, Photo, Scan
from voting_service.office.files.refusals import FileRefused, Reason
from voting_service.office.files.word_pages import set_pages

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 30.0
"""By the clock on the wall; the process's own limit is in seconds of computing."""
AT_ONCE = 2
MAX_WAITING = 16
"""Each holds a file of at most 20 MiB."""
_CHILD = "voting_service.office.files.child"
_OUTCOMES: msgspec.msgpack.Decoder[Outcome] = msgspec.msgpack.Decoder(Outcome)
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="files")
_places = BoundedSemaphore(AT_ONCE + MAX_WAITING)

Found = TypeVar("Found", Evidence, Photo, Scan)


async def examine_evidence(name: str, content: bytes, *, field: str = "evidence") -> Evidence:
    """Whether this can be kept as evidence, and how many pages it has. `field` is the form's, for
    the refusal. Raises FileRefused, and Unavailable when too many files wait already."""
    return await _in_turn("evidence", name, content, field, Evidence)


async def examine_scan(name: str, content: bytes, *, field: str = "scan") -> Scan:
    """A stamped page, as it is to be kept. Raises as `examine_evidence`."""
    return await _in_turn("scan", name, content, field, Scan)


async def examine_photo(name: str, content: bytes, *, field: str = "photo") -> Photo:
    """A two-inch photo, as it is to be kept. Raises as `examine_evidence`."""
    return await _in_turn("photo", name, content, field, Photo)


async def _in_turn(
    kind: Kind, name: str, content: bytes, field: str, expected: type[Found]
) -> Found:
    if not _places.acquire(blocking=False):
        raise Unavailable(
            "many files are being examined; send it again in a moment", retry_after_seconds=10
        )
    turn = _threads.submit(examine, kind, name, content)
    turn.add_done_callback(lambda _: _places.release())
    try:
        found = await asyncio.wrap_future(turn)
    except FileRefused as refused:
        raise FileRefused(refused.reason, field, **refused.details) from None
    if not isinstance(found, expected):
        raise FileRefused(Reason.NOT_EXAMINED, field)
    return found


def examine(kind: Kind, name: str, content: bytes) -> Evidence | Scan | Photo:
    """The same without a queue; blocks. Raises FileRefused."""
    check_name_and_size(name, content)
    outcome = _ask_child(kind, Task(name, content))
    if isinstance(outcome, Refusal):
        raise _refused(outcome)
    if isinstance(outcome, Manuscript):
        return word_evidence(content, set_pages(outcome, EVIDENCE_PAGES))
    return outcome


def _refused(outcome: Refusal) -> FileRefused:
    try:
        return FileRefused(Reason[outcome.reason], "", **outcome.details)
    except KeyError:  # no reason of ours: whoever wrote it was not our program any more
        return FileRefused(Reason.NOT_EXAMINED)


def _ask_child(kind: Kind, task: Task) -> Outcome:
    """Without our environment: that holds keys and addresses of stores."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-m", _CHILD, kind],
            input=msgspec.msgpack.encode(task),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # may quote the file
            env={},
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
        if done.returncode == 0:
            return _OUTCOMES.decode(done.stdout)
        exit_code: int | None = done.returncode
    except (subprocess.TimeoutExpired, msgspec.DecodeError):
        exit_code = None
    log.warning("file_not_examined", kind=kind, exit_code=exit_code, bytes=len(task.content))
    raise FileRefused(Reason.NOT_EXAMINED)
