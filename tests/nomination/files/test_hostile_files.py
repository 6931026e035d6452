"""Hostile files are rejected with a reason, and nothing in them runs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.nomination.files.hostile_files import (
    EVIDENCE,
    PHOTOS,
    SCANS,
    Hostile,
)
from voting_service.nomination.files.docx_pages import count_docx_pages
from voting_service.nomination.files.evidence import examine_content, inspect_scan
from voting_service.nomination.files.model import EVIDENCE_PAGES, Manuscript
from voting_service.nomination.files.photo import inspect_photo
from voting_service.nomination.files.rejections import FileRejected, RejectionReason

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
    with nothing_happens(), pytest.raises(FileRejected) as caught:
        inspect(case.name, content)
    check_reason(caught.value, case.reason)


def check_reason(refused: FileRejected, reason: RejectionReason) -> None:
    assert refused.reason is reason
    [fault] = refused.faults
    assert re.search(r"[a-z]{3}", fault.message)
    assert re.search(r"[\u4e00-\u9fff]{3}.*。$", fault.zh)
    assert "{" not in fault.message + fault.zh


def test_the_audit_hook_detects_events() -> None:
    with pytest.raises(AssertionError), nothing_happens():
        subprocess.run(["true"], check=True)


@pytest.mark.parametrize("case", EVIDENCE.values(), ids=EVIDENCE)
def test_hostile_evidence_is_rejected(case: Hostile) -> None:
    with pytest.raises(FileRejected) as caught:
        examine_and_count(case.name, case.make())
    check_reason(caught.value, case.reason)


def examine_and_count(name: str, content: bytes) -> None:
    """Examine evidence in this process; only typesetting may start a process."""
    with nothing_happens():
        result = examine_content(name, content)
    if isinstance(result, Manuscript):
        count_docx_pages(result, EVIDENCE_PAGES)


@pytest.mark.parametrize("case", PHOTOS.values(), ids=PHOTOS)
def test_a_hostile_photo_is_rejected(case: Hostile) -> None:
    check_refused(case, inspect_photo)


@pytest.mark.parametrize("case", SCANS.values(), ids=SCANS)
def test_a_hostile_scan_is_rejected(case: Hostile) -> None:
    check_refused(case, inspect_scan)


def test_every_reason_is_tried() -> None:
    tried = {case.reason for case in [*EVIDENCE.values(), *PHOTOS.values(), *SCANS.values()]}
    assert set(RejectionReason) - tried == {RejectionReason.NOT_EXAMINED}
    assert len(EVIDENCE) >= 100
