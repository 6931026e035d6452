"""Word files become pages, and LibreOffice, which lays them out, can reach nothing else."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest

from tests.nomination.files.word_files import PAGE_BREAK, docx, paragraph
from tests.nomination.files.word_samples import SAMPLES
from tests.patience import PATIENCE_SECONDS, eventually
from tests.picture_files import halves, saved
from voting_service.nomination.files import libreoffice, libreoffice_process
from voting_service.nomination.files.model import ExaminationTask, JoinedPdf, UploadedFile
from voting_service.nomination.files.rejections import FileRejected, RejectionReason
from voting_service.nomination.files.sandbox import examine
from voting_service.nomination.files.word import word_to_pdf

TRIES = """
import os, socket, sys
parent, outside, listening = sys.argv[1:]

def connected():
    socket.socket(socket.AF_UNIX).connect(listening)

for attempt in (
    lambda: socket.socket(socket.AF_INET), lambda: socket.socket(socket.AF_INET6), connected,
    lambda: open("/etc/passwd"), lambda: open(outside, "w"), lambda: os.listdir("/root"),
    lambda: open(f"/proc/{parent}/environ"),
):
    try:
        attempt()
        print("done")
    except OSError as error:
        print(type(error).__name__)
open("mine", "w").write("x")
print(sorted(set(os.environ) - {"LC_CTYPE"}))
"""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libreoffice, "TIMEOUT_SECONDS", PATIENCE_SECONDS)


def pages(content: bytes) -> list[str]:
    """The texts of the pages."""
    document = pypdfium2.PdfDocument(BytesIO(content))
    return [page.get_textpage().get_text_range() for page in document]


def sample(name: str) -> bytes:
    return next(entry for entry in SAMPLES if entry.name == name).make()


@pytest.mark.parametrize(
    ("name", "count", "words"),
    [
        ("page-numbers-of-WPS.docx", 1, "第 1"),
        ("ten-pages-2.docx", 10, "第 10 页"),
        ("official-paper.doc", 1, "基本情况"),
        ("tables.wps", 1, "表中表"),
    ],
)
def test_a_word_file_becomes_pages(name: str, count: int, words: str) -> None:
    texts = pages(word_to_pdf(name, sample(name)))
    assert len(texts) == count
    assert words in "".join(texts)


def test_word_files_are_joined_with_others() -> None:
    photo = saved(halves(900, 1200), "JPEG")
    files = (UploadedFile("a.docx", sample("field-0.docx")), UploadedFile("b.jpg", photo))
    stored = examine("evidence", ExaminationTask(files))
    assert isinstance(stored, JoinedPdf)
    assert stored.pages == 2
    assert "结果" in pages(stored.content)[0]


def test_more_pages_than_may_be_stored_are_refused() -> None:
    file = UploadedFile("a.docx", docx(PAGE_BREAK * 29 + paragraph("终")))
    with pytest.raises(FileRejected) as caught:
        examine("evidence", ExaminationTask((file,)))
    assert caught.value.reason is RejectionReason.TOO_MANY_PAGES


def test_only_its_own_folder_is_open_to_the_converter(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    own.joinpath("tries.py").write_text(TRIES)
    pipe, outside = str(tmp_path / "pipe"), str(tmp_path / "outside")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(pipe)
        listening.listen()
        tried = subprocess.run(
            [
                *(sys.executable, "-m", libreoffice_process.__name__, str(own), sys.executable),
                *("-I", "-S", "tries.py", str(os.getpid()), outside, pipe),
            ],
            capture_output=True,
            check=True,
            cwd=own,
            text=True,
            timeout=PATIENCE_SECONDS,
        )
    *attempts, environment = tried.stdout.splitlines()
    assert attempts == ["PermissionError"] * 7
    assert environment == "['HOME', 'LANG', 'PATH', 'SAL_USE_VCLPLUGIN', 'TMPDIR']"


STARTS = """
import subprocess, sys
child = subprocess.Popen([sys.executable, *sys.argv[1:]])
print(child.pid, flush=True)
child.wait()
"""


async def test_a_conversion_ends_with_the_process_that_asked_for_it(tmp_path: Path) -> None:
    """However that ends: nothing else would stop it for a minute."""
    words = ("-m", libreoffice_process.__name__, str(tmp_path), "/usr/bin/sleep", "600")
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STARTS, *words, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    child = Path("/proc", (await parent.stdout.readline()).decode().strip())
    await eventually(lambda: child.joinpath("comm").read_text() == "sleep\n")
    parent.kill()
    await parent.wait()
    await eventually(lambda: not child.exists() or " Z " in child.joinpath("stat").read_text())


def test_without_libreoffice_a_pdf_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(FileRejected, match="save the file as PDF") as caught:
        word_to_pdf("a.docx", docx())
    assert caught.value.reason is RejectionReason.NO_WORD
    with pytest.raises(FileRejected, match="macros"):
        word_to_pdf("a.docm", docx())


def test_a_conversion_that_takes_too_long_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(libreoffice, "TIMEOUT_SECONDS", 0.3)
    with pytest.raises(FileRejected, match="could not be checked"):
        word_to_pdf("a.docx", docx())
    assert list(tmp_path.iterdir()) == []
    commands = (path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline"))
    assert not any(str(tmp_path).encode() in command for command in commands)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.xlsx", b"PK\x03\x04", RejectionReason.BROKEN),
        ("a.doc", b"{\\rtf1{\\object x}}", RejectionReason.EMBEDDED),
    ],
)
def test_other_kinds_are_refused(name: str, content: bytes, reason: RejectionReason) -> None:
    with pytest.raises(FileRejected) as caught:
        word_to_pdf(name, content)
    assert caught.value.reason is reason
