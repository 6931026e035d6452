"""What people really send is taken, its pages are counted, and of pictures only pixels stay."""

from __future__ import annotations

from hashlib import sha256
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from pypdf import PdfWriter

from tests.infrastructure.typesetting.test_compile import set_everything
from tests.nomination.files.pdf_files import (
    nested_tree,
    pdf,
    with_action,
    with_object_stream,
    with_stream,
)
from tests.nomination.files.word_files import (
    DOCUMENT_RELATIONSHIPS,
    PAGE_BREAK,
    docx,
    linked,
    paragraph,
    parts,
    picture,
    relationship,
    relationships,
    streamed,
    table,
    word_field,
)
from tests.picture_files import (
    halves,
    jpeg,
    opened,
    saved,
)
from voting_service.nomination.files.docx_pages import count_docx_pages
from voting_service.nomination.files.evidence import (
    docx_evidence,
    examine_content,
    inspect_scan,
)
from voting_service.nomination.files.model import EVIDENCE_PAGES, Evidence, Manuscript
from voting_service.nomination.files.photo import (
    MAX_WIDTH,
    MIN_HEIGHT,
    MIN_WIDTH,
    inspect_photo,
)
from voting_service.nomination.files.rejections import FileRejected, RejectionReason

MARKER = b"PLANTED-7f3a"


def inspect_evidence(name: str, content: bytes) -> Evidence:
    """Examine evidence in this process."""
    result = examine_content(name, content)
    if isinstance(result, Manuscript):
        return docx_evidence(content, count_docx_pages(result, EVIDENCE_PAGES))
    return result


def written(pages: int, *, outlined: bool = False) -> bytes:
    """As a common library writes it."""
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(595, 842)
    if outlined:
        writer.add_outline_item(title="证书", page_number=0)
    file = BytesIO()
    writer.write(file)
    return file.getvalue()


def scanned(pages: int) -> bytes:
    """As a scanner's program writes it: a picture a page."""
    file = BytesIO()
    sheets = [halves(827, 1169) for _ in range(pages)]
    sheets[0].save(file, "PDF", save_all=True, append_images=sheets[1:], resolution=100)
    return file.getvalue()


def revised() -> bytes:
    """A PDF to which a program added a second revision."""
    writer = PdfWriter(BytesIO(written(2)), incremental=True)
    writer.add_metadata({"/Title": "二次保存"})
    file = BytesIO()
    writer.write(file)
    return file.getvalue()


@given(pages=st.integers(1, 30))
@settings(max_examples=30, deadline=None)
def test_the_pages_of_a_pdf_are_counted(pages: int) -> None:
    for content in (pdf(pages), written(pages)):
        if pages <= 10:
            assert inspect_evidence("a.pdf", content).pages == pages
        else:
            with pytest.raises(FileRejected) as caught:
                inspect_evidence("a.pdf", content)
            assert caught.value.reason is RejectionReason.TOO_MANY_PAGES


@pytest.mark.parametrize(
    ("content", "pages"),
    [
        (set_everything(), 2),
        (set_everything(rows=60), 3),
        (written(4, outlined=True), 4),
        (scanned(10), 10),
        (revised(), 2),
        (nested_tree(10), 1),
        (with_object_stream(b"<< /Type /Catalog /Pages 2 0 R >>"), 1),
        (with_action(b"/S /URI /URI (https://example.org/)"), 1),
        (with_action(b"/S /GoTo /D [3 0 R /Fit]"), 1),
        (pdf(catalog=b"/OpenAction [3 0 R /Fit]"), 1),
        (pdf(catalog=b"/OpenAction << /S /GoTo /D [3 0 R /Fit] >>"), 1),
        (pdf(page=b"/Resources << /Font << /AA << /Type /Font >> /JS2 << >> >> >>"), 1),
        (pdf(box=b"/MediaBox [0 0 3024 4032]"), 1),
        (with_stream(b"", b""), 1),
        (with_stream(b"789c030000000001>", b"/Filter [/ASCIIHexDecode /FlateDecode]"), 1),
        (pdf() + b"\r\n\0\0", 1),
    ],
)  # fmt: skip
def test_an_ordinary_pdf_is_accepted(content: bytes, pages: int) -> None:
    result = inspect_evidence("获奖证书.PDF", content)
    assert (result.kind, result.pages, result.exact) == ("pdf", pages, True)
    assert result.size_bytes == len(content)
    assert result.sha256 == sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("content", "pages"),
    [
        (docx(), 1),
        (streamed(parts()), 1),
        (docx(PAGE_BREAK * 9 + paragraph("x")), 10),
        (docx(picture(150, 200) * 10), 10),
        (docx(paragraph("字" * 1500) * 2), 2),
        (docx(table(6, picture(70, 90), picture(70, 90)) + paragraph("两张并排")), 3),
        (docx(table(2, table(2, paragraph("表中表"), PAGE_BREAK), paragraph("𠀀"))), 1),
        (docx(word_field("PAGE") + word_field(' HYPERLINK "https://example.org" \\o "说明"')), 1),
        (docx(word_field('HYPERLINK \\l "_Toc1"') + word_field("TOC \\o &quot;1-3&quot; \\h")), 1),
        (docx(more=linked("hyperlink", "mailto:office@example.org")), 1),
        (docx(more={"word/media/image1.png": saved(halves(), "PNG")}), 1),
        (docx(more={"docProps/app.xml": "<Properties><Pages>99</Pages></Properties>"}), 1),
        (
            docx(
                more={
                    DOCUMENT_RELATIONSHIPS: relationships(
                        relationship("styles", "styles.xml") + relationship("image", "a.png")
                    )
                }
            ),
            1,
        ),
    ],
)  # fmt: skip
def test_an_ordinary_word_file_is_accepted_and_its_pages_counted(
    content: bytes, pages: int
) -> None:
    result = inspect_evidence("证明材料.docx", content)
    assert (result.kind, result.pages, result.exact) == ("docx", pages, False)
    assert result.sha256 == sha256(content).hexdigest()


def exif() -> bytes:
    tags = Image.Exif()
    tags[Base.Make] = MARKER.decode()
    tags.get_ifd(IFD.Exif).update({Base.UserComment: MARKER})
    tags.get_ifd(IFD.GPSInfo).update({GPS.GPSLatitudeRef: "N", GPS.GPSLatitude: (29.0, 33.0, 46.0)})
    return tags.tobytes()


def telling(format_: str, **more: Any) -> bytes:
    return saved(halves(), format_, exif=exif(), **more)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jpg", telling("JPEG", comment=MARKER)),
        ("a.png", telling("PNG")),
        ("a.webp", telling("WEBP")),
        ("a.avif", telling("AVIF")),
        ("a.jpeg", telling("JPEG") + MARKER),
    ],
)
def test_only_the_pixels_of_a_photo_are_stored(name: str, content: bytes) -> None:
    assert MARKER in content
    photo = inspect_photo(name, content)
    kept = opened(photo.content)
    assert (kept.format, kept.size) == ("JPEG", (500, 700))
    assert not kept.getexif()
    assert set(kept.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    for trace in (MARKER, b"Exif", b"GPS", b"ICC_PROFILE"):
        assert trace not in photo.content
    assert photo.sha256 == sha256(photo.content).hexdigest()
    red, _, blue = kept.getpixel((250, 100))  # type: ignore[misc]
    assert red > 200 > 60 > blue


@pytest.mark.parametrize(
    ("width", "height", "taken"),
    [
        (413, 579, True),
        (MIN_WIDTH, MIN_HEIGHT, True),
        (514, 700, True),
        (486, 700, True),
        (515, 700, False),
        (485, 700, False),
        (MIN_WIDTH - 1, MIN_HEIGHT, False),
        (3500, 4900, True),
    ],
)
def test_a_photo_has_the_proportions_of_two_inches(width: int, height: int, taken: bool) -> None:
    content = jpeg(width, height)
    if taken:
        assert inspect_photo("a.jpg", content).width == min(width, MAX_WIDTH)
    else:
        with pytest.raises(FileRejected):
            inspect_photo("a.jpg", content)


def test_a_scan_is_stored_as_pdf_or_as_pixels() -> None:
    document = inspect_scan("a.pdf", scanned(2))
    assert (document.kind, document.pages, document.content) == ("pdf", 2, scanned(2))
    sheet = saved(halves(3000, 4200), "JPEG", exif=exif())
    result = inspect_scan("a.jpg", sheet)
    assert result.kind == "jpeg"
    assert max(opened(result.content).size) == 3508
    assert MARKER not in result.content
    assert result.sha256 == sha256(result.content).hexdigest()
