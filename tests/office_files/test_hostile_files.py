"""Nothing that wants something is taken, each is told why, and nothing of it happens."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.office_files.hostile_files import EVIDENCE, PHOTOS, SCANS, Hostile
from voting_service.office.files.evidence import inspect_scan, look_inside
from voting_service.office.files.model import EVIDENCE_PAGES, Manuscript
from voting_service.office.files.photo import inspect_photo
from voting_service.office.files.refusals import FileRefused, Reason
from voting_service.office.files.word_pages import set_pages

DEEDS = ("subprocess.", "os.", "socket.", "shutil.", "urllib.", "ctypes.", "webbrowser.", "pty.")
_watching: list[list[str]] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if event == "open":
        path, mode = str(arguments[0]), str(arguments[1])
        if set(mode) & set("wax+") or "passwd" in path:
            _watching[-1].append(f"open {path}")
    elif event.startswith(DEEDS) and event not in {"os.listdir", "os.scandir"}:
        _watching[-1].append(event)


sys.addaudithook(_note)


@contextmanager
def nothing_happens() -> Iterator[None]:
    """Python reports whatever it opens for writing, starts, or connects to."""
    _watching.append([])
    try:
        yield
    finally:
        assert _watching.pop() == []


def check_refused(case: Hostile, inspect: Callable[[str, bytes], object]) -> None:
    content = case.make()
    with nothing_happens(), pytest.raises(FileRefused) as caught:
        inspect(case.name, content)
    check_says_why(caught.value, case.reason)


def check_says_why(refused: FileRefused, reason: Reason) -> None:
    assert refused.reason is reason
    [fault] = refused.faults
    assert re.search(r"[a-z]{3}", fault.message)
    assert re.search(r"[\u4e00-\u9fff]{3}.*。$", fault.zh)
    assert "{" not in fault.message + fault.zh


def test_the_watch_sees_what_happens() -> None:
    with pytest.raises(AssertionError), nothing_happens():
        subprocess.run(["true"], check=True)


@pytest.mark.parametrize("case", EVIDENCE.values(), ids=EVIDENCE)
def test_hostile_evidence_is_refused(case: Hostile) -> None:
    with pytest.raises(FileRefused) as caught:
        look_inside_and_set(case.name, case.make())
    check_says_why(caught.value, case.reason)


def look_inside_and_set(name: str, content: bytes) -> None:
    """As `inspect_evidence`; setting pages starts a process, which is ours."""
    with nothing_happens():
        found = look_inside(name, content)
    if isinstance(found, Manuscript):
        set_pages(found, EVIDENCE_PAGES)


@pytest.mark.parametrize("case", PHOTOS.values(), ids=PHOTOS)
def test_a_hostile_photo_is_refused(case: Hostile) -> None:
    check_refused(case, inspect_photo)


@pytest.mark.parametrize("case", SCANS.values(), ids=SCANS)
def test_a_hostile_scan_is_refused(case: Hostile) -> None:
    check_refused(case, inspect_scan)


def test_every_reason_is_tried() -> None:
    tried = {case.reason for case in [*EVIDENCE.values(), *PHOTOS.values(), *SCANS.values()]}
    assert set(Reason) - tried == {Reason.NOT_EXAMINED}
    assert len(EVIDENCE) >= 100
