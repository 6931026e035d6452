"""Hostile files are rejected with a reason or made harmless, and nothing in them runs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from tests.nomination.files.examining import cropped, joined
from tests.nomination.files.hostile_documents import HOSTILE_PDFS, HOSTILE_PICTURES
from tests.nomination.files.hostile_files import EVIDENCE, PHOTOS, SCANS, Hostile
from tests.nomination.files.hostile_rich_text import LATER_EVIDENCE
from tests.nomination.files.hostile_word_files import WORD_FILES
from voting_service.nomination.files.rejections import FileRejected, RejectionReason

DEEDS = ("subprocess.", "os.", "socket.", "shutil.", "urllib.", "ctypes.", "webbrowser.", "pty.")
_watching: list[list[str]] = []
LEFT = re.compile(
    rb"/(JavaScript|JS|Launch|URI|GoTo[A-Z]|SubmitForm|EmbeddedFile|EF|Annots|AcroForm|OpenAction|AA"
    rb"|Encrypt|Names|Metadata|Info)\b|calc\.exe|app\.alert|host"
)


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


def check_case(case: Hostile, examine: Callable[[str, bytes], bytes]) -> None:
    """Check that a file is refused for its reason, or that nothing of it is left."""
    content = case.make()
    if case.reason is None:
        with nothing_happens():
            stored = examine(case.name, content)
        check_harmless(stored)
        return
    with nothing_happens(), pytest.raises(FileRejected) as caught:
        examine(case.name, content)
    assert caught.value.reason is case.reason
    [fault] = caught.value.faults
    assert re.search(r"[a-z]{3}", fault.message)
    assert re.search(r"[\u4e00-\u9fff]{3}.*。$", fault.zh)
    assert "{" not in fault.message + fault.zh


def check_harmless(stored: bytes) -> None:
    """Look for traces in the bytes, and for active keys as another reader decodes them."""
    assert LEFT.search(stored) is None
    reader = PdfReader(BytesIO(stored), strict=True)
    seen = set()
    waiting: list[Any] = [reader.trailer]
    while waiting:
        item = waiting.pop()
        if isinstance(item, IndirectObject):
            if item.idnum in seen:
                continue
            seen.add(item.idnum)
            item = item.get_object()
        if isinstance(item, DictionaryObject):
            assert not item.keys() & {"/S", "/JS", "/A", "/AA", "/EF", "/Annots", "/URI"}
            waiting.extend(dict.values(item))
        elif isinstance(item, ArrayObject):
            waiting.extend(item)
    assert seen == {number for numbers in reader.xref.values() for number in numbers if number}


def evidence(name: str, content: bytes) -> bytes:
    return joined(content, name=name).content


def test_the_audit_hook_detects_events() -> None:
    with pytest.raises(AssertionError), nothing_happens():
        subprocess.run(["true"], check=True)


NEW = HOSTILE_PDFS | HOSTILE_PICTURES | LATER_EVIDENCE


@pytest.mark.parametrize("case", EVIDENCE.values(), ids=EVIDENCE)
def test_hostile_evidence_is_rejected_or_harmless(case: Hostile) -> None:
    check_case(case, evidence)


@pytest.mark.parametrize("case", NEW.values(), ids=NEW)
def test_more_hostile_evidence_is_rejected_or_harmless(case: Hostile) -> None:
    check_case(case, evidence)


@pytest.mark.parametrize("case", PHOTOS.values(), ids=PHOTOS)
def test_a_hostile_photo_is_rejected(case: Hostile) -> None:
    check_case(case, lambda name, content: cropped(content, name=name).content)


@pytest.mark.parametrize("case", SCANS.values(), ids=SCANS)
def test_a_hostile_scan_is_rejected(case: Hostile) -> None:
    check_case(case, lambda name, content: joined(content, kind="scan", name=name).content)


def test_every_reason_is_tried() -> None:
    cases = [*EVIDENCE.values(), *NEW.values(), *PHOTOS.values(), *SCANS.values()]
    tried = {case.reason for case in [*cases, *WORD_FILES.values()]}
    elsewhere = {
        RejectionReason.NOT_EXAMINED,
        RejectionReason.FORM_TEXT,
        RejectionReason.NO_WORD,
        RejectionReason.TOO_MANY_FILES,
    }
    assert set(RejectionReason) - tried == elsewhere
    assert len(cases) >= 110
