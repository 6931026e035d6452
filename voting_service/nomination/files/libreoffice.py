"""LibreOffice, which lays Word files out as Word does.

Each conversion is a process group of its own, with a profile and a folder of its own that are
removed afterwards, an empty environment, and the limits of libreoffice_process.py.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import structlog

from voting_service.nomination.files import libreoffice_process
from voting_service.nomination.files.model import WordFormat
from voting_service.nomination.files.rejections import FileRejected, RejectionReason

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 60.0
"""A page takes some ten milliseconds, starting a second; the rest is for a busy machine."""
NAMES = ("soffice", "libreoffice")
_START_AGAIN = 81
"""Exit code of the first start with a new profile."""
_PROFILE = "libreoffice_profile.xcu"
_READERS: Mapping[WordFormat, str] = {
    "docx": "MS Word 2007 XML",
    "doc": "MS Word 97",
    "rtf": "Rich Text Format",
}
_WRITERS = {
    # One page more than may be stored shows that there are too many.
    "pdf": 'pdf:writer_pdf_Export:{"PageRange":{"type":"string","value":"1-%d"}}',
    "docx": "docx:MS Word 2007 XML",
}


def find_libreoffice() -> str | None:
    """Return the path of LibreOffice, None where it is not installed. `soffice` is a script that
    starts `soffice.bin` beside it, after a splash screen."""
    script = next((path for name in NAMES if (path := shutil.which(name))), None)
    if script is None:
        return None
    program = Path(script).resolve().with_name("soffice.bin")
    return str(program if program.exists() else script)


def convert(
    content: bytes, source: WordFormat, target: Literal["pdf", "docx"], pages: int
) -> bytes:
    """Return a Word file as PDF of at most `pages` pages, or in the new format; blocks. Raises
    FileRejected."""
    program = find_libreoffice()
    if program is None:
        raise FileRejected(RejectionReason.NO_WORD)
    with TemporaryDirectory(prefix="word-") as folder:
        profile = Path(folder, "profile", "user")
        profile.mkdir(parents=True)
        settings = resources.files(__package__).joinpath(_PROFILE).read_bytes()
        profile.joinpath("registrymodifications.xcu").write_bytes(settings)
        Path(folder, f"source.{source}").write_bytes(content)
        arguments = _arguments(folder, source, target, pages)
        code = _run(folder, program, arguments)
        if code == _START_AGAIN:
            code = _run(folder, program, arguments)
        made = Path(folder, "made", f"source.{target}")
        if code == libreoffice_process.UNSUPPORTED:
            raise FileRejected(RejectionReason.NO_WORD)
        if not made.is_file():
            log.warning("word_file_not_converted", exit_code=code, bytes=len(content))
            raise FileRejected(RejectionReason.NOT_EXAMINED)
        return made.read_bytes()


def _arguments(folder: str, source: WordFormat, target: str, pages: int) -> list[str]:
    writer = _WRITERS[target]
    return [
        f"-env:UserInstallation={_profile_url(folder)}",
        "--headless",
        "--norestore",
        "--nologo",
        "--nodefault",
        "--nolockcheck",
        f"--infilter={_READERS[source]}",
        "--convert-to",
        writer % pages if "%d" in writer else writer,
        "--outdir",
        str(Path(folder, "made")),
        str(Path(folder, f"source.{source}")),
    ]


def _profile_url(folder: str) -> str:
    return Path(folder, "profile").as_uri()


def _pipe(folder: str) -> Path:
    """Return the pipe that LibreOffice makes, and may not remove itself."""
    digest = hashlib.md5(_profile_url(folder).encode("utf-16-le"), usedforsecurity=False).digest()
    name = "".join(f"{byte:x}" for byte in digest)
    return Path(libreoffice_process.PIPES, f"OSL_PIPE_SingleOfficeIPC_{name}")


def _run(folder: str, program: str, arguments: list[str]) -> int | None:
    """Return the exit code, None after the timeout. No process of the group is left."""
    command = [sys.executable, "-I", "-m", libreoffice_process.__name__, folder, program]
    with subprocess.Popen(
        [*command, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # may quote the file
        cwd=folder,
        env={},
        start_new_session=True,
    ) as process:
        try:
            return process.wait(TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            _pipe(folder).unlink(missing_ok=True)
