"""Whatever a file does to the process that examines it, its sender gets an answer."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import msgspec
import pytest

from tests.nomination.files.hostile_files import (
    EVIDENCE,
    Hostile,
    big_files,
)
from tests.nomination.files.pdf_files import pdf
from tests.nomination.files.word_files import docx
from tests.patience import PATIENCE_SECONDS
from tests.picture_files import (
    halves,
    jpeg,
    saved,
)
from voting_service.errors import Unavailable
from voting_service.nomination.files import sandbox
from voting_service.nomination.files.examiner_process import (
    ExaminationTask,
    Kind,
    Rejection,
)
from voting_service.nomination.files.rejections import FileRejected, RejectionReason
from voting_service.nomination.files.sandbox import (
    MAX_CONCURRENT,
    MAX_WAITING,
    examine,
    examine_evidence,
    examine_photo,
    examine_scan,
)

MEGABYTE = 2**20
CHILD = "voting_service.nomination.files.examiner_process"
MEASURED = f"""
import sys
status = open("/proc/self/status")  # not to be opened any more once the file is read
from {CHILD} import main
try:
    main(sys.argv[1])
finally:
    status.seek(0)
    sys.stderr.write(next(line for line in status if line.startswith("VmHWM")))
"""
RIGHTS = f"""
import os, socket, sys
from {CHILD} import _EXAMINERS, main

def tries(name, content):
    errors = []
    for attempt in (lambda: open("/etc/passwd"), lambda: open("taken", "w"), socket.socket, os.pipe,
                 lambda: bytearray(600 * 2**20)):
        try:
            attempt()
        except (OSError, MemoryError) as error:
            errors.append(type(error).__name__)
    errors += [name for name in os.environ if name not in ("LC_CTYPE",)]
    sys.exit(",".join(errors))

_EXAMINERS["evidence"] = tries
main("evidence")
"""


def run(program: str, kind: Kind, name: str, content: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-I", "-c", program, kind],
        input=msgspec.msgpack.encode(ExaminationTask(name, content)),
        capture_output=True,
        check=False,
        env={},
        timeout=PATIENCE_SECONDS,
    )


@pytest.mark.parametrize("case", big_files().values(), ids=big_files())
def test_memory_stays_bounded(case: Hostile) -> None:
    done = run(MEASURED, "evidence", case.name, case.make())
    kilobytes = int(done.stderr.rpartition(b"VmHWM:")[2].split()[0])
    assert kilobytes < 200 * 1024


def test_the_process_has_no_rights_and_no_environment() -> None:
    os.environ["VOTING_TEST_SECRET"] = "planted"
    try:
        done = run(RIGHTS, "evidence", "a.pdf", pdf())
    finally:
        del os.environ["VOTING_TEST_SECRET"]
    assert done.stderr.decode().strip() == "OSError,OSError,OSError,OSError,MemoryError"


async def test_results_reach_the_parent() -> None:
    evidence, word, scan, picture, photo = await asyncio.gather(
        examine_evidence("a.pdf", pdf(3)),
        examine_evidence("a.docx", docx()),
        examine_scan("a.pdf", pdf(2)),
        examine_scan("a.png", saved(halves(900, 1200), "PNG")),
        examine_photo("a.avif", saved(halves(), "AVIF")),
    )
    assert (evidence.pages, evidence.exact) == (3, True)
    assert (word.pages, word.exact) == (1, False)
    assert (scan.kind, scan.content) == ("pdf", pdf(2))
    assert picture.kind == "jpeg"
    assert (photo.width, photo.height) == (500, 700)


async def test_a_rejection_has_its_reason_and_the_field() -> None:
    case = EVIDENCE["page as a strip"]
    with pytest.raises(FileRejected) as caught:
        await examine_evidence(case.name, case.make(), field="files.evidence")
    assert caught.value.reason is RejectionReason.ODD_PAGE
    [fault] = caught.value.faults
    assert fault.field == "files.evidence"
    assert "page 1" in fault.message
    assert "第 1 页" in fault.zh


@pytest.mark.parametrize("child", ["no_such_module", "this"], ids=["crash", "nonsense"])
async def test_a_failed_process_is_a_rejection(child: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_PROCESS_MODULE", child)
    with pytest.raises(FileRejected, match="could not be checked"):
        await examine_evidence("a.pdf", pdf())


@pytest.mark.parametrize(
    "rejection",
    [
        Rejection("NO_SUCH_REASON", {}),
        Rejection("ODD_PAGE", {}),
        Rejection("ODD_PAGE", {"reason": "x", "field": "y", "self": 1}),
    ],
    ids=["no reason", "no details", "other details"],
)
def test_an_invalid_rejection_is_a_rejection(
    rejection: Rejection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "_run_process", lambda kind, task: rejection)
    with pytest.raises(FileRejected, match="could not be checked"):
        examine("evidence", "a.pdf", pdf())


async def test_a_timeout_is_a_rejection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "TIMEOUT_SECONDS", 0.01)
    with pytest.raises(FileRejected, match="could not be checked"):
        await examine_photo("a.jpg", jpeg())


def test_a_timeout_of_typesetting_is_a_rejection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("voting_service.nomination.files.docx_pages.TIMEOUT_SECONDS", 0.001)
    with pytest.raises(FileRejected, match="could not be checked"):
        examine("evidence", "a.docx", docx())


async def test_a_full_queue_answers_unavailable() -> None:
    waiting = [
        asyncio.ensure_future(examine_scan("a.pdf", pdf()))
        for _ in range(MAX_CONCURRENT + MAX_WAITING)
    ]
    await asyncio.sleep(0)  # each takes its place
    with pytest.raises(Unavailable) as caught:
        await examine_scan("a.pdf", pdf())
    assert caught.value.retry_after_seconds > 0
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert (await examine_scan("a.pdf", pdf())).pages == 1
