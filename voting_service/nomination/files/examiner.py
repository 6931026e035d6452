"""Run a module over untrusted bytes in a process of its own and read what it makes of them.

The process gets no environment, because ours holds keys and addresses of stores; what it may do is
limited by the module itself. Every failure, including a crash, is reported as FileRejected.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import TypeVar

import msgspec
import structlog

from voting_service.nomination.files.model import Rejection
from voting_service.nomination.files.rejections import FileRejected, RejectionReason

log = structlog.get_logger(__name__)

Result = TypeVar("Result", bound=msgspec.Struct)


def run_examiner(
    module: str,
    arguments: Sequence[str],
    content: bytes,
    decoder: msgspec.msgpack.Decoder[Result],
    timeout_seconds: float,
) -> Result:
    """Return what the module writes about `content`, which is no Rejection: that is raised as
    FileRejected, and so is any failure. Blocks."""
    exit_code: int | None = None
    try:
        completed = subprocess.run(
            [sys.executable, "-I", "-m", module, *arguments],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # may quote the file
            env={},
            check=False,
            timeout=timeout_seconds,
        )
        exit_code = completed.returncode
        result = decoder.decode(completed.stdout) if exit_code == 0 else None
    except (subprocess.TimeoutExpired, msgspec.DecodeError):
        result = None
    if isinstance(result, Rejection):
        raise _rejected(result)
    if result is None:
        name = module.rpartition(".")[2]
        log.warning("file_not_examined", by=name, exit_code=exit_code, bytes=len(content))
        raise FileRejected(RejectionReason.NOT_EXAMINED)
    return result


def _rejected(rejection: Rejection) -> FileRejected:
    try:
        error = FileRejected(RejectionReason[rejection.reason], "", **rejection.details)
        str(error), error.zh
    except KeyError:  # not a rejection of ours: the file took over the process
        return FileRejected(RejectionReason.NOT_EXAMINED)
    error.number = rejection.number
    return error
