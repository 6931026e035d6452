"""Whatever a file does to the process that examines it, its sender gets an answer."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import msgspec
import pytest
from PIL import Image

from tests.nomination.files.examining import files
from tests.nomination.files.hostile_documents import HOSTILE_PDFS, HOSTILE_PICTURES
from tests.nomination.files.hostile_files import EVIDENCE, Hostile, big_files
from tests.nomination.files.pdf_files import pdf
from tests.nomination.files.pdf_samples import protected
from tests.patience import PATIENCE_SECONDS
from tests.picture_files import halves, jpeg, saved
from voting_service.errors import Unavailable
from voting_service.nomination.files import isolation
from voting_service.nomination.files.isolation import MAX_CONCURRENT, MAX_WAITING
from voting_service.nomination.files.kinds import needs_thread
from voting_service.nomination.files.model import (
    ExaminationResult,
    ExaminationTask,
    Frame,
    Kind,
    Photo,
    Rejection,
    UploadedFile,
)
from voting_service.nomination.files.rejections import FileRejected, RejectionReason
from voting_service.nomination.files.sandbox import (
    examine,
    examine_evidence,
    examine_photo,
    examine_picture,
    examine_scan,
)

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
from {CHILD} import main
import {CHILD} as process

def tries(kind, task):
    errors = []
    for attempt in (lambda: open("/etc/passwd"), lambda: open("taken", "w"), socket.socket, os.pipe,
                 lambda: bytearray(1100 * 2**20)):
        try:
            attempt()
        except (OSError, MemoryError) as error:
            errors.append(type(error).__name__)
    errors += [name for name in os.environ if name not in ("LC_CTYPE",)]
    sys.exit(",".join(errors))

process.examine_task = tries
main("evidence")
"""


def run(
    program: str, kind: Kind, name: str, content: bytes, *more: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-I", "-c", program, kind, *more],
        input=msgspec.msgpack.encode(ExaminationTask((UploadedFile(name, content),))),
        capture_output=True,
        check=False,
        env={},
        timeout=PATIENCE_SECONDS,
    )


BIG = big_files() | {
    name: (HOSTILE_PDFS | HOSTILE_PICTURES)[name]
    for name in ("gigabyte by LZW", "gigabyte by run lengths", "text of a gigabyte", "huge HEIC")
}


@pytest.mark.parametrize("case", BIG.values(), ids=BIG)
def test_memory_stays_bounded(case: Hostile) -> None:
    done = run(MEASURED, "evidence", case.name, case.make())
    kilobytes = int(done.stderr.rpartition(b"VmHWM:")[2].split()[0])
    assert kilobytes < 400 * 1024


def test_the_process_has_no_rights_and_no_environment() -> None:
    os.environ["VOTING_TEST_SECRET"] = "planted"
    try:
        done = run(RIGHTS, "evidence", "a.pdf", pdf())
    finally:
        del os.environ["VOTING_TEST_SECRET"]
    assert done.stderr.decode().strip() == "OSError,OSError,OSError,OSError,MemoryError"


AS_NOBODY = f"""
import os, sys
from {CHILD} import load_decoders, main
load_decoders()
if os.getuid() == 0:  # whom no limit of processes binds
    os.setuid(65534)
main(sys.argv[1], may_start_threads="threads" in sys.argv)
"""


@pytest.mark.parametrize("format_", ["HEIF", "AVIF"])
def test_pictures_are_decoded_where_limits_bind(format_: str) -> None:
    content = saved(halves(), format_)
    arguments = ["threads"] if needs_thread(content) else []
    done = run(AS_NOBODY, "photo", "a", content, *arguments)
    result = msgspec.msgpack.decode(done.stdout, type=ExaminationResult)
    assert isinstance(result, Photo), result


async def test_results_reach_the_parent() -> None:
    several = files(pdf(3), saved(halves(900, 1200), "HEIF"))
    evidence, scan, photo, picture = await asyncio.gather(
        examine_evidence(several),
        examine_scan(several),
        examine_photo(several[1], Frame(0, 0, 0.5, 0.5)),
        examine_picture(several[1]),
    )
    assert evidence.pages == scan.pages == 4
    assert (photo.width, photo.is_coarse) == (428, False)
    assert (picture.width, picture.height) == (900, 1200)


async def test_a_rejection_has_its_reason_and_the_field() -> None:
    case = EVIDENCE["page as a strip"]
    with pytest.raises(FileRejected) as caught:
        await examine_evidence(files(case.make()), field="files.evidence")
    assert caught.value.reason is RejectionReason.ODD_PAGE
    [fault] = caught.value.faults
    assert fault.field == "files.evidence"
    assert "page 1" in fault.message
    assert "第 1 页" in fault.zh
    with pytest.raises(FileRejected, match=r"files\.evidence: file 2: page 1"):
        await examine_evidence(files(pdf(), case.make()), field="files.evidence")
    with pytest.raises(FileRejected, match="more than 12 files"):
        await examine_evidence(files(*[pdf()] * 13))


@pytest.mark.parametrize("child", ["no_such_module", "this"], ids=["crash", "nonsense"])
async def test_a_failed_process_is_a_rejection(child: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "_PROCESS_MODULE", child)
    with pytest.raises(FileRejected, match="could not be checked"):
        await examine_evidence(files(pdf()))


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
    completed = subprocess.CompletedProcess([], 0, stdout=msgspec.msgpack.encode(rejection))
    monkeypatch.setattr("subprocess.run", lambda *_, **__: completed)
    with pytest.raises(FileRejected, match="could not be checked"):
        examine("evidence", ExaminationTask(files(pdf())))


async def test_what_readers_open_is_opened_with_the_rights_of_the_process() -> None:
    """A cipher that is loaded on first use, and a photo of more pixels than Pillow warns of."""
    protected_file = protected(R=6)
    large = saved(Image.new("L", (11600, 8700), 255), "JPEG")
    joined_pdf = await examine_evidence(files(protected_file, large))
    assert joined_pdf.pages_by_file == (3, 1)


async def test_a_timeout_is_a_rejection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "TIMEOUT_SECONDS", 0.01)
    with pytest.raises(FileRejected, match="could not be checked"):
        await examine_photo(files(jpeg())[0])


async def test_a_full_queue_answers_unavailable() -> None:
    waiting = [
        asyncio.ensure_future(examine_scan(files(pdf())))
        for _ in range(MAX_CONCURRENT + MAX_WAITING)
    ]
    await asyncio.sleep(0)  # each takes its place
    with pytest.raises(Unavailable) as caught:
        await examine_scan(files(pdf()))
    assert caught.value.retry_after_seconds > 0
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert (await examine_scan(files(pdf()))).pages == 1
