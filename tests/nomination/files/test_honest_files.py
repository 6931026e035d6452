"""What people really send is taken, its pages are counted, and only what is printed is stored."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from io import BytesIO
from typing import Any

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from pypdf import PdfReader, PdfWriter

from tests.infrastructure.typesetting.test_compile import set_everything
from tests.nomination.files.examining import cropped, joined
from tests.nomination.files.make_folder import pages_by_pdfium, pages_by_qpdf
from tests.nomination.files.pdf_files import pdf
from tests.nomination.files.pdf_samples import (
    IN_RGB,
    edited,
    filled_form,
    holding,
    layered,
    of_pictures,
    protected,
    signed,
    stamped,
    written,
)
from tests.nomination.files.picture_samples import long_screenshot, scanned_pages, turned
from tests.nomination.files.samples import Sample, samples
from tests.picture_files import halves, jpeg, opened, saved
from voting_service.nomination.files.model import Frame
from voting_service.nomination.files.photo import MAX_WIDTH, MIN_WIDTH
from voting_service.nomination.files.rejections import FileRejected, RejectionReason

MARKER = b"PLANTED-7f3a"
HONEST_SHARE = 0.97


def is_readable(content: bytes) -> bool:
    """Whether two readers open a PDF, with the pages that evidence may have."""
    counts = pages_by_pdfium(content), pages_by_qpdf(content)
    return all(count is not None and 1 <= count <= 10 for count in counts)


def refusal(sample: Sample, content: bytes) -> RejectionReason | None:
    try:
        if sample.kind == "photo":
            cropped(content, name=sample.name)
        else:
            joined(content, kind=sample.kind, name=sample.name)
    except FileRejected as error:
        return error.reason
    return None


def test_honest_files_are_accepted() -> None:
    """Word files are not counted here: another process reads them."""
    refused = {}
    count = 0
    for sample in samples():
        content = sample.make()
        is_pdf = b"%PDF-" in content[:1024]
        if content.startswith((b"PK", b"\xd0\xcf", b"{\\rtf")) or (
            is_pdf and not is_readable(content)
        ):
            continue
        count += 1
        if reason := refusal(sample, content):
            refused[sample.kind, sample.name] = reason
    assert count >= 200
    assert len(refused) <= (1 - HONEST_SHARE) * count, refused


@given(pages=st.integers(1, 30))
@settings(max_examples=20, deadline=None)
def test_the_pages_of_a_pdf_are_counted(pages: int) -> None:
    if pages <= 10:
        result = joined(pdf(pages))
        assert result.pages == pages == len(PdfReader(BytesIO(result.content)).pages)
        assert result.sha256 == sha256(result.content).hexdigest()
    else:
        with pytest.raises(FileRejected) as caught:
            joined(pdf(pages))
        assert caught.value.reason is RejectionReason.TOO_MANY_PAGES


def test_files_are_joined_in_their_order() -> None:
    parts = (of_pictures(halves()), turned(6), set_everything(), scanned_pages("group4", "1"))
    result = joined(*parts)
    assert result.pages == 1 + 1 + 2 + 3
    assert result == joined(*parts)  # the same files give the same bytes
    with pypdfium2.PdfDocument(result.content) as document:
        shapes = [document[number].get_size() for number in range(len(document))]
        assert [width < height for width, height in shapes] == [True] * 7
        assert "Certificate" not in document[1].get_textpage().get_text_bounded()
    with pytest.raises(FileRejected) as caught:
        joined(written(4), jpeg(), written(6))
    [fault] = caught.value.faults
    assert (caught.value.number, caught.value.reason.value) == (3, "too_many_pages")
    assert fault.message.startswith("file 3: ")
    assert fault.zh.startswith("第 3 个文件：")


def test_a_long_screenshot_is_several_pages() -> None:
    assert joined(long_screenshot()).pages == 5


def shown(content: bytes) -> Image.Image:
    with pypdfium2.PdfDocument(content) as document:
        image: Image.Image = document[0].render(scale=1).to_pil().convert("RGB")
    return image


@pytest.mark.parametrize(
    "edit",
    [stamped, signed, layered, filled_form("Li Ming", drawn=False)],
    ids=["stamp", "signature", "layer", "form"],
)
def test_a_page_looks_as_it_did(edit: Any) -> None:
    """Stamps, layers and filled-in fields are drawn into the page."""
    before = edited(edit)
    plain, after = shown(written()), shown(joined(before).content)
    assert (after.tobytes() == plain.tobytes()) == (edit is layered)  # its other layer is not seen


def test_text_in_a_field_that_cannot_be_drawn_is_not_lost() -> None:
    with pytest.raises(FileRejected) as caught:
        joined(edited(filled_form("李明", drawn=False)))
    assert caught.value.reason is RejectionReason.FORM_TEXT


def test_a_password_that_is_not_asked_for_is_taken_off() -> None:
    stored = PdfReader(BytesIO(joined(protected(R=6)).content))
    assert not stored.is_encrypted
    assert "Certificate" in stored.pages[0].extract_text()


def exif() -> bytes:
    tags = Image.Exif()
    tags[Base.Make] = MARKER.decode()
    tags.get_ifd(IFD.Exif).update({Base.UserComment: MARKER})
    tags.get_ifd(IFD.GPSInfo).update({GPS.GPSLatitudeRef: "N", GPS.GPSLatitude: (29.0, 33.0, 46.0)})
    return tags.tobytes()


def telling(format_: str, **more: Any) -> bytes:
    return saved(halves(), format_, exif=exif(), **more)


@pytest.mark.parametrize(
    "make",
    [
        partial(telling, "JPEG", comment=MARKER),
        partial(telling, "PNG"),
        partial(telling, "WEBP"),
        partial(telling, "AVIF"),
        partial(telling, "HEIF"),
        partial(telling, "TIFF"),
        lambda: telling("JPEG") + MARKER,
    ],
)
def test_only_the_pixels_of_a_photo_are_stored(make: Callable[[], bytes]) -> None:
    content = make()
    assert MARKER in content
    photo = cropped(content)
    kept = opened(photo.content)
    assert (kept.format, kept.size) == ("JPEG", (500, 700))
    assert not kept.getexif()
    assert set(kept.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    for trace in (MARKER, b"Exif", b"GPS", b"ICC_PROFILE"):
        assert trace not in photo.content
        assert trace not in joined(content).content
    assert photo.sha256 == sha256(photo.content).hexdigest()
    red, _, blue = kept.getpixel((250, 100))  # type: ignore[misc]
    assert red > 200 > 60 > blue


@pytest.mark.parametrize(
    ("width", "height", "stored_width", "is_coarse"),
    [
        (413, 626, 413, False),
        (413, 579, 413, False),
        (413, 531, 379, True),
        (390, 567, 390, True),
        (MIN_WIDTH, 280, MIN_WIDTH, True),
        (3500, 4900, MAX_WIDTH, False),
        (1600, 1200, MAX_WIDTH, False),
    ],
)
def test_a_photo_gets_the_proportions_of_two_inches(
    width: int, height: int, stored_width: int, is_coarse: bool
) -> None:
    photo = cropped(jpeg(width, height))
    assert (photo.width, photo.is_coarse) == (stored_width, is_coarse)
    assert abs(photo.height - photo.width * 49 / 35) <= 1


def test_the_frame_is_cut_out_of_the_upright_picture() -> None:
    """Red above and blue below, once turned: the frame is around the blue."""
    content = turned(3, (1000, 1400))  # stands on its head
    lower = Frame(0.1, 0.55, 0.3, 0.3)
    for frame, colour in ((lower, "red"), (Frame(0.1, 0.1, 0.3, 0.3), "blue")):
        red, _, blue = opened(cropped(content, frame).content).getpixel((100, 100))  # type: ignore[misc]
        assert (red > 200 > 60 > blue) == (colour == "red")
    assert cropped(content, lower).width == pytest.approx(300, abs=2)
    assert cropped(content, Frame(0.9, 0.9, 0.5, 0.5)) == cropped(content)  # no part of it


def test_a_pdf_loses_what_is_not_printed() -> None:
    writer = PdfWriter(BytesIO(written(2)), incremental=True)
    writer.add_metadata({"/Title": MARKER.decode()})
    file = BytesIO()
    writer.write(file)
    content = joined(file.getvalue(), of_pictures(halves(), title=MARKER.decode())).content
    assert MARKER not in content
    photographed = holding(IN_RGB + b"/Filter /DCTDecode", telling("JPEG", comment=MARKER))
    assert MARKER in photographed
    assert MARKER not in joined(photographed).content
    assert set(PdfReader(BytesIO(content)).root_object) <= {"/Type", "/Pages"}


def test_a_scan_is_one_pdf() -> None:
    sheet = partial(saved, halves(1240, 1754), "JPEG", exif=exif())
    result = joined(sheet(), written(2), sheet(), kind="scan")
    assert result.pages == 4
    assert MARKER not in result.content
