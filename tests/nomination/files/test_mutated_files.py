"""A damaged file is accepted or rejected; no other outcome is possible."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.infrastructure.typesetting.test_compile import set_everything
from tests.nomination.files.pdf_files import (
    pdf,
    with_object_stream,
    with_stream,
)
from tests.nomination.files.word_files import (
    docx,
    paragraph,
    picture,
    table,
    word_field,
)
from tests.picture_files import jpeg
from voting_service.nomination.files.evidence import examine_content, inspect_scan
from voting_service.nomination.files.model import (
    Evidence,
    Manuscript,
    Photo,
    Scan,
)
from voting_service.nomination.files.photo import inspect_photo
from voting_service.nomination.files.rejections import FileRejected
from voting_service.nomination.files.sandbox import examine

WORD = docx(word_field("PAGE") + table(2, paragraph("甲"), picture(20, 20)) + paragraph("x" * 50))
HONEST: dict[str, tuple[str, bytes, Callable[[str, bytes], object]]] = {
    "plain PDF": ("a.pdf", pdf(3), examine_content),
    "packed PDF": (
        "a.pdf",
        with_object_stream(b"<< /Type /Catalog /Pages 2 0 R >>"),
        examine_content,
    ),
    "PDF with a stream": ("a.pdf", with_stream(b"x\x9c\x03\0\0\0\0\x01"), examine_content),
    "printed PDF": ("a.pdf", set_everything(), examine_content),
    "Word file": ("a.docx", WORD, examine_content),
    "photo": ("a.jpg", jpeg(), inspect_photo),
    "scan": ("a.jpg", jpeg(840, 1188), inspect_scan),
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
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_accepted_or_rejected(
    name: str, changes: list[tuple[str, int, bytes]]
) -> None:
    called, content, inspect = HONEST[name]
    try:
        result = inspect(called, changed(content, changes))
    except FileRejected as refused:
        assert refused.zh
    else:
        assert isinstance(result, Evidence | Manuscript | Photo | Scan)


@given(body=st.binary(max_size=300), text=st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_xml_in_a_word_file_is_accepted_or_rejected(body: bytes, text: str) -> None:
    for content in (body, f"<w>{text}</w>".encode("utf-8", "replace")):
        try:
            examine_content("a.docx", docx(more={"word/styles.xml": content}))
        except FileRejected as refused:
            assert refused.zh


@given(
    st.lists(
        st.sampled_from(
            [
                "<w:p>", "</w:p>", "<w:tbl>", "</w:tbl>", "<w:tr>", "</w:tr>", "<w:tc>", "</w:tc>",
                "<w:r>", "</w:r>", "<w:t>文</w:t>", '<w:br w:type="page"/>', "<w:sectPr/>",
                '<w:sz w:val="99999"/>', "<w:inline>", "</w:inline>", '<w:extent cx="1" cy="x"/>',
                '<w:extent cx="99999999999" cy="0"/>', '<w:imagedata/>', "<w:Fallback>",
                "</w:Fallback>", '<w:shape w:style="width:1e;height:9.9.9pt"/>',
                '<w:fldChar w:fldCharType="begin"/>', '<w:fldChar w:fldCharType="end"/>',
            ]
        ),
        max_size=30,
    )
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_any_order_of_word_elements_is_accepted_or_rejected(pieces: list[str]) -> None:
    """Closed where the order left something open."""
    try:
        content = examine_content("a.docx", docx(paragraph("文") + well_formed(pieces)))
    except FileRejected as refused:
        assert refused.zh
    else:
        assert isinstance(content, Manuscript)
        assert content.blocks


def well_formed(pieces: list[str]) -> str:
    still_open: list[str] = []
    written = ""
    for piece in pieces:
        if piece.startswith("</"):
            name = piece[2:-1]
            while name in still_open:
                closed = still_open.pop()
                written += f"</{closed}>"
                if closed == name:
                    break
        else:
            written += piece
            if not piece.endswith("/>") and "</" not in piece:
                still_open.append(piece[1:-1])
    return written + "".join(f"</{name}>" for name in reversed(still_open))


@given(changes=CHANGES)
@settings(max_examples=4, deadline=None)
def test_the_parent_survives_damaged_files(changes: list[tuple[str, int, bytes]]) -> None:
    try:
        assert isinstance(examine("evidence", "a.pdf", changed(pdf(3), changes)), Evidence)
    except FileRejected as refused:
        assert refused.zh
