"""A damaged file is accepted or rejected; no other outcome is possible."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.infrastructure.typesetting.test_compile import set_everything
from tests.nomination.files.examining import examined, files
from tests.nomination.files.pdf_files import (
    pdf,
    with_object_stream,
    with_stream,
)
from tests.nomination.files.picture_samples import scanned_pages
from tests.picture_files import halves, jpeg, saved
from voting_service.nomination.files.model import ExaminationTask, JoinedPdf, Kind, Photo
from voting_service.nomination.files.rejections import FileRejected
from voting_service.nomination.files.sandbox import examine

HONEST: dict[str, tuple[Kind, Callable[[], bytes]]] = {
    "plain PDF": ("evidence", partial(pdf, 3)),
    "packed PDF": (
        "evidence",
        partial(with_object_stream, b"<< /Type /Catalog /Pages 2 0 R >>"),
    ),
    "PDF with a stream": ("evidence", partial(with_stream, b"x\x9c\x03\0\0\0\0\x01")),
    "printed PDF": ("evidence", cache(set_everything)),
    "photo": ("photo", cache(jpeg)),
    "HEIC": ("photo", cache(lambda: saved(halves(), "HEIF"))),
    "scan": ("scan", cache(partial(jpeg, 840, 1188))),
    "fax": ("scan", cache(partial(scanned_pages, "group4", "1"))),
}
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["put", "drop", "repeat", "cut"]),
        st.integers(0, 10**6),
        st.binary(min_size=1, max_size=12),
    ),
    min_size=1,
    max_size=6,
)


def changed(content: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    for what, where, new in changes:
        at = where % max(len(content), 1)
        match what:
            case "put":
                content = content[:at] + new + content[at + len(new) :]
            case "drop":
                content = content[:at] + content[at + len(new) :]
            case "repeat":
                content = content[:at] + content[at : at + 200] * len(new) + content[at:]
            case "cut":
                content = content[:at]
    return content


@pytest.mark.parametrize("name", HONEST)
@given(changes=CHANGES)
@settings(max_examples=40, deadline=None)
def test_a_damaged_file_is_accepted_or_rejected(
    name: str, changes: list[tuple[str, int, bytes]]
) -> None:
    kind, make = HONEST[name]
    try:
        result = examined(kind, changed(make(), changes))
    except FileRejected as refused:
        assert refused.zh
    else:
        assert isinstance(result, JoinedPdf | Photo)


@given(changes=CHANGES)
@settings(max_examples=4, deadline=None)
def test_the_parent_survives_damaged_files(changes: list[tuple[str, int, bytes]]) -> None:
    try:
        task = ExaminationTask(files(changed(pdf(3), changes)))
        assert isinstance(examine("evidence", task), JoinedPdf)
    except FileRejected as refused:
        assert refused.zh
