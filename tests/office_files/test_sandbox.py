"""Whatever a file does to the process that examines it, its sender gets an answer."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time

import msgspec
import pytest

from tests.office_files.hostile_files import EVIDENCE, Hostile, big_files
from tests.office_files.pdf_files import pdf
from tests.office_files.word_files import docx
from tests.picture_files import halves, jpeg, saved
from voting_service.errors import Unavailable
from voting_service.office.files import sandbox
from voting_service.office.files.child import Kind, Refusal, Task
from voting_service.office.files.refusals import FileRefused, Reason
from voting_service.office.files.sandbox import (
    AT_ONCE,
    MAX_WAITING,
    examine,
    examine_evidence,
    examine_photo,
    examine_scan,
)

MEGABYTE = 2**20
CHILD = "voting_service.office.files.child"
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
from {CHILD} import main
from voting_service.office.files import evidence

def tries(name, content):
    said = []
    for deed in (lambda: open("/etc/passwd"), lambda: open("taken", "w"), socket.socket, os.pipe,
                 lambda: bytearray(600 * 2**20)):
        try:
            deed()
        except (OSError, MemoryError) as error:
            said.append(type(error).__name__)
    said += [name for name in os.environ if name not in ("LC_CTYPE",)]
    sys.exit(",".join(said))

evidence.look_inside = tries
main("evidence")
"""


def run(program: str, kind: Kind, name: str, content: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-I", "-c", program, kind],
        input=msgspec.msgpack.encode(Task(name, content)),
        capture_output=True,
        check=False,
        env={},
        timeout=60,
    )


@pytest.mark.parametrize("case", big_files().values(), ids=big_files())
def test_what_would_fill_the_memory_does_not(case: Hostile) -> None:
    done = run(MEASURED, "evidence", case.name, case.make())
    kilobytes = int(done.stderr.rpartition(b"VmHWM:")[2].split()[0])
    assert kilobytes < 200 * 1024


def test_the_process_can_open_and_start_nothing_and_knows_nothing_of_us() -> None:
    os.environ["VOTING_TEST_SECRET"] = "planted"
    try:
        done = run(RIGHTS, "evidence", "a.pdf", pdf())
    finally:
        del os.environ["VOTING_TEST_SECRET"]
    assert done.stderr.decode().strip() == "OSError,OSError,OSError,OSError,MemoryError"


async def test_findings_come_back_whole() -> None:
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


async def test_a_refusal_comes_back_with_its_reason_and_the_name_of_the_field() -> None:
    case = EVIDENCE["page as a strip"]
    with pytest.raises(FileRefused) as caught:
        await examine_evidence(case.name, case.make(), field="files.evidence")
    assert caught.value.reason is Reason.ODD_PAGE
    [fault] = caught.value.faults
    assert fault.field == "files.evidence"
    assert "page 1" in fault.message
    assert "第 1 页" in fault.zh


@pytest.mark.parametrize("child", ["no_such_module", "this"], ids=["crash", "nonsense"])
async def test_a_process_that_fails_is_a_refusal(
    child: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "_CHILD", child)
    with pytest.raises(FileRefused, match="could not be examined"):
        await examine_evidence("a.pdf", pdf())


@pytest.mark.parametrize(
    "said",
    [
        Refusal("NO_SUCH_REASON", {}),
        Refusal("ODD_PAGE", {}),
        Refusal("ODD_PAGE", {"reason": "x", "field": "y", "self": 1}),
    ],
    ids=["no reason", "no details", "other details"],
)
def test_a_refusal_that_is_none_of_ours_is_one(
    said: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "_ask_child", lambda kind, task: said)
    with pytest.raises(FileRefused, match="could not be examined"):
        examine("evidence", "a.pdf", pdf())


async def test_a_process_that_takes_too_long_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "TIMEOUT_SECONDS", 0.01)
    started = time.monotonic()
    with pytest.raises(FileRefused, match="could not be examined"):
        await examine_photo("a.jpg", jpeg())
    assert time.monotonic() - started < 10


def test_a_word_file_that_cannot_be_set_in_time_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("voting_service.office.files.word_pages.TIMEOUT_SECONDS", 0.001)
    with pytest.raises(FileRefused, match="could not be examined"):
        examine("evidence", "a.docx", docx())


async def test_more_files_than_there_is_room_for_are_asked_to_come_again() -> None:
    waiting = [
        asyncio.ensure_future(examine_scan("a.pdf", pdf())) for _ in range(AT_ONCE + MAX_WAITING)
    ]
    await asyncio.sleep(0)  # each takes its place
    with pytest.raises(Unavailable) as caught:
        await examine_scan("a.pdf", pdf())
    assert caught.value.retry_after_seconds > 0
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert (await examine_scan("a.pdf", pdf())).pages == 1
