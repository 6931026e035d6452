"""Which pictures may become public: those that are pixels and nothing else."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from tests.picture_files import (
    encoded,
    halves,
    jpeg,
    opened,
    png_chunk,
    png_head,
    saved,
)
from voting_service.infrastructure.images.metadata import picture_metadata
from voting_service.nomination.privacy.disclosure import disclosures

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF")
SMALL = halves(50, 70)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a>here</a></x:xmpmeta>'
MAKE, GPS, LATITUDE = 0x010F, 0x8825, 2


def exif(*, position: bool = False) -> Image.Exif:
    data = Image.Exif()
    data[MAKE] = "camera"
    if position:
        data.get_ifd(GPS)[LATITUDE] = (29.0, 33.0, 0.0)
    return data


def png_text(key: str, value: str, *, compressed: bool = False) -> bytes:
    info = PngInfo()
    info.add_text(key, value, zip=compressed)
    return saved(SMALL, "PNG", pnginfo=info)


def png_with(*chunks: bytes) -> bytes:
    """A PNG with chunks behind its pixels."""
    whole = saved(SMALL, "PNG")
    end = png_chunk(b"IEND", b"")
    assert whole.endswith(end)
    return whole.removesuffix(end) + b"".join(chunks) + end


def with_segment(marker: int, content: bytes) -> bytes:
    """A JPEG with one more segment in front."""
    whole = saved(SMALL, "JPEG")
    length = (len(content) + 2).to_bytes(2, "big")
    return whole[:2] + bytes([0xFF, marker]) + length + content + whole[2:]


def two_pictures() -> bytes:
    target = io.BytesIO()
    SMALL.save(target, "MPO", save_all=True, append_images=[SMALL])
    return target.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        *(saved(SMALL, format_) for format_ in FORMATS),
        *(saved(SMALL, format_, icc_profile=PROFILE) for format_ in FORMATS),
        saved(SMALL, "JPEG", progressive=True, dpi=(300, 300)),
        saved(SMALL.convert("L"), "JPEG"),
        saved(SMALL.convert("CMYK"), "JPEG"),
        saved(SMALL, "PNG", dpi=(300, 300)),
        saved(SMALL.convert("P"), "PNG", transparency=0),
        saved(SMALL.convert("RGBA"), "WEBP", lossless=True),
    ],
)
def test_pictures_without_metadata_are_accepted(data: bytes) -> None:
    assert picture_metadata(data) == ()
    assert disclosures({}, {"portrait": data}) == ()


def test_published_pictures_are_accepted() -> None:
    for file in encoded(7).files:
        assert picture_metadata(file.data) == ()


EXIF_AS_TEXT = f"\nexif\n {len(exif().tobytes())}\n{exif().tobytes().hex()}\n".encode()
CARRIERS: dict[str, tuple[bytes, str]] = {
    **{f"EXIF in {f}": (saved(SMALL, f, exif=exif()), "exif") for f in FORMATS},
    **{f"position in {f}": (saved(SMALL, f, exif=exif(position=True)), "exif") for f in FORMATS},
    **{f"XMP in {f}": (saved(SMALL, f, xmp=XMP), "xmp") for f in ("JPEG", "WEBP", "AVIF")},
    "XMP in PNG": (
        png_with(png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)),
        "XML:com.adobe.xmp",
    ),
    "text in PNG": (png_text("Comment", "taken at home"), "Comment"),
    "compressed text in PNG": (png_text("Author", "somebody", compressed=True), "Author"),
    "EXIF behind the pixels of a PNG": (png_with(png_chunk(b"eXIf", exif().tobytes())), "exif"),
    "EXIF as text in a PNG": (
        png_with(png_chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(EXIF_AS_TEXT))),
        "Raw profile type exif",
    ),
    "private chunk in PNG": (png_with(png_chunk(b"prVt", b"hidden")), "private chunk"),
    "comment in JPEG": (saved(SMALL, "JPEG", comment=b"taken at home"), "comment"),
    "IPTC in JPEG": (with_segment(0xED, b"Photoshop 3.0\0" + bytes(20)), "app13"),
    "thumbnail in JPEG": (with_segment(0xE0, b"JFXX\0\x10" + bytes(20)), "app0"),
    "a maker's segment in JPEG": (with_segment(0xE9, b"maker"), "app9"),
    "a second picture": (two_pictures(), "second picture"),
    "a film behind a JPEG": (saved(SMALL, "JPEG") + b"\0\0\0\x18ftypmp42", "trailer"),
    "an archive behind a PNG": (saved(SMALL, "PNG") + b"PK\3\4", "trailer"),
    "bytes behind a WebP": (saved(SMALL, "WEBP") + b"more", "trailer"),
}


@pytest.mark.parametrize(("data", "what"), CARRIERS.values(), ids=CARRIERS.keys())
def test_picture_metadata_is_refused(data: bytes, what: str) -> None:
    opened(data)
    carried = picture_metadata(data)
    assert carried is not None
    assert what in carried
    (fault,) = disclosures({}, {"pictures[0]": data})
    assert fault.field == "pictures[0]"
    assert what in fault.message
    assert "附加信息" in fault.zh


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        saved(SMALL, "GIF"),
        saved(SMALL, "TIFF"),
        jpeg()[:2000],
        saved(SMALL, "PNG")[:100],
        png_head(60_000, 60_000),
        png_head(6_000, 6_000),
        saved(Image.new("1", (5_100, 5_100)), "PNG"),  # whole, but too large to decode
        b"%PDF-1.7",
    ],
)
def test_unreadable_pictures_are_refused(data: bytes) -> None:
    assert picture_metadata(data) is None
    (fault,) = disclosures({}, {"portrait": data})
    assert "重新保存" in fault.zh


SAVED: dict[str, Callable[[bytes], bytes]] = {
    "JPEG": lambda content: with_segment(0xFE, content),
    "PNG": lambda content: png_with(png_chunk(b"tEXt", b"k\0" + content)),
}


@given(st.sampled_from(sorted(SAVED)), st.binary(min_size=1, max_size=200))
def test_comments_are_metadata(format_: str, content: bytes) -> None:
    assert picture_metadata(SAVED[format_](content)) != ()


@given(st.binary(max_size=300), st.sampled_from(FORMATS))
def test_any_bytes_are_handled(data: bytes, format_: str) -> None:
    assert picture_metadata(data) is None
    picture_metadata(saved(SMALL.resize((5, 7)), format_)[:40] + data)
