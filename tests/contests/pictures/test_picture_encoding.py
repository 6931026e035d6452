"""Whatever a file holds, only its pixels come out; what is no good picture is refused with why."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.ExifTags import GPS, IFD, Base
from PIL.PngImagePlugin import PngInfo

from tests.picture_files import (
    halves,
    jpeg,
    opened,
    png_chunk,
    png_head,
    saved,
)
from voting_service.infrastructure.images.encoding import (
    MAX_FILE_BYTES,
    PictureRefused,
    encode_picture,
)
from voting_service.infrastructure.images.model import EncodedPicture

MARKER = "PLANTED-7f3a"
XMP = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><note>{MARKER}</note></x:xmpmeta>'.encode()
TRACES = (
    MARKER.encode(), MARKER.encode("utf-16-le"), b"Exif", b"GPS", b"ICC_PROFILE", b"iCCP", b"ICCP",
    b"xmpmeta", b"XMP ", b"mluc", b"acsp", b"eXIf", b"tEXt", b"iTXt", b"Photoshop", b"PK\x03\x04",
)  # fmt: skip


def exif(orientation: int = 1) -> bytes:
    """Device, comment, time and position, in every directory that cameras use."""
    tags = Image.Exif()
    tags[Base.Orientation] = orientation
    for tag in (Base.Make, Base.Model, Base.Artist, Base.ImageDescription, Base.Software):
        tags[tag] = MARKER
    tags.get_ifd(IFD.Exif).update({Base.UserComment: MARKER.encode(), Base.LensModel: MARKER})
    tags.get_ifd(IFD.GPSInfo).update(
        {
            GPS.GPSLatitudeRef: "N",
            GPS.GPSLatitude: (29.0, 33.0, 46.0),
            GPS.GPSProcessingMethod: MARKER.encode(),
        }
    )
    return tags.tobytes()


def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def png_with_texts() -> bytes:
    texts = PngInfo()
    texts.add_text("Comment", MARKER)
    texts.add_text("Author", MARKER, zip=True)
    texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
    return saved(halves(), "PNG", exif=exif(), icc_profile=srgb(), pnginfo=texts)


def with_zip_behind(data: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packing:
        packing.writestr("page.html", f"<script>{MARKER}</script>")
    return data + archive.getvalue()


TELLING: dict[str, Callable[[], bytes]] = {
    "a.jpg": lambda: saved(
        halves(), "JPEG", exif=exif(), xmp=XMP, icc_profile=srgb(), comment=MARKER.encode()
    ),
    "b.png": png_with_texts,
    "c.webp": lambda: saved(halves(), "WEBP", exif=exif(), xmp=XMP, icc_profile=srgb()),
    "d.avif": lambda: saved(halves(), "AVIF", exif=exif(), xmp=XMP, icc_profile=srgb()),
    "trailer.jpg": lambda: with_zip_behind(jpeg()),
    "trailer.png": lambda: with_zip_behind(saved(halves(), "PNG")),
}


@pytest.mark.parametrize("name", TELLING)
@pytest.mark.parametrize("kind", ["portrait", "picture"])
def test_nothing_but_pixels_comes_out(name: str, kind: str) -> None:
    data = TELLING[name]()
    assert MARKER.encode() in data, "the file tells nothing"
    encoded = encode_picture(data, name, "portrait" if kind == "portrait" else "picture")
    for file in encoded.files:
        assert [trace for trace in TRACES if trace in file.data] == []
        image = opened(file.data)
        assert not image.getexif()
        assert image.info.keys().isdisjoint({"exif", "icc_profile", "xmp", "comment", "photoshop"})


def test_a_portrait_has_every_size_in_both_formats_one_jpeg_and_a_preview() -> None:
    encoded = encode_picture(jpeg(1000, 1000), "square.jpg", "portrait")
    sizes = {(file.width, file.format): opened(file.data).size for file in encoded.files}
    assert sizes == {
        (width, format_): (width, width * 7 // 5)
        for width in (160, 320, 640)
        for format_ in ("avif", "webp")
    } | {(320, "jpeg"): (320, 448), (1200, "jpeg"): (1200, 630)}
    assert (encoded.width, encoded.height) == (640, 896)


def test_another_picture_keeps_its_form_and_is_enlarged_to_twice_its_size_at_most() -> None:
    small = encode_picture(jpeg(400, 300), "small.jpg", "picture")
    assert [file.width for file in small.files] == [640, 640, 320, 320, 320]
    assert (small.width, small.height) == (640, 480)
    large = encode_picture(jpeg(3000, 2000), "large.jpg", "picture")
    assert {file.width for file in large.files} == {320, 640, 1280}
    assert opened(large.files[0].data).size == (1280, 853)


def test_the_smallest_portrait_of_a_lively_photo_is_six_kilobytes_at_most() -> None:
    lively = Image.effect_noise((320, 448), 120).convert("RGB")
    best = saved(lively.resize((160, 224), Image.Resampling.LANCZOS), "AVIF", quality=60)
    encoded = encode_picture(saved(lively, "PNG"), "n.png", "portrait")
    [smallest] = [f for f in encoded.files if (f.width, f.format) == (160, "avif")]
    assert 1_000 < len(smallest.data) <= 6_000 < len(best)


def test_the_same_file_gives_the_same_bytes_under_the_same_name() -> None:
    first, again = (encode_picture(jpeg(), "a.jpg", "portrait") for _ in range(2))
    assert first == again
    other = encode_picture(jpeg(501, 700), "a.jpg", "portrait")
    assert other.hash != first.hash


def largest(encoded: EncodedPicture) -> Image.Image:
    return opened(encoded.files[1].data).convert("RGB")  # WebP


def reddish(pixel: object) -> bool:
    assert isinstance(pixel, tuple)
    red, _, blue = pixel
    return bool(red > 2 * blue)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_upright_however_the_camera_was_held(orientation: int) -> None:
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    held = halves() if undo is None else halves().transpose(undo)
    data = saved(held, "JPEG", exif=exif(orientation))
    image = largest(encode_picture(data, "held.jpg", "portrait"))
    assert image.size == (640, 896)
    assert reddish(image.getpixel((320, 40)))
    assert not reddish(image.getpixel((320, 860)))


def test_colours_are_taken_as_the_profile_means_them() -> None:
    swapped = srgb().replace(b"rXYZ", b"tmp_", 1).replace(b"gXYZ", b"rXYZ", 1)
    swapped = swapped.replace(b"tmp_", b"gXYZ", 1)
    red = Image.new("RGB", (400, 560), (255, 0, 0))
    data = saved(red, "PNG", icc_profile=swapped)
    pixel = largest(encode_picture(data, "p.png", "portrait")).getpixel((100, 100))
    assert isinstance(pixel, tuple)
    assert pixel[1] > 200 > 60 > pixel[0], "red of a profile whose red is green is green"


@pytest.mark.parametrize("profile", [b"junk", srgb()[:300], b"\0" * 200])
def test_a_broken_profile_is_none(profile: bytes) -> None:
    data = saved(halves(), "PNG", icc_profile=profile)
    assert reddish(largest(encode_picture(data, "p.png", "portrait")).getpixel((320, 40)))


def grey_16_bits() -> Image.Image:
    return Image.new("I;16", (400, 560), 0x8000)


MODES: dict[str, tuple[Callable[[], bytes], tuple[int, int, int]]] = {
    "cmyk.jpg": (lambda: saved(halves().convert("CMYK"), "JPEG"), (220, 30, 30)),
    "grey.jpg": (lambda: saved(Image.new("L", (400, 560), 90), "JPEG"), (90, 90, 90)),
    "grey16.png": (lambda: saved(grey_16_bits(), "PNG"), (128, 128, 128)),
    "one-bit.png": (lambda: saved(Image.new("1", (400, 560), 1), "PNG"), (255, 255, 255)),
    "palette.png": (lambda: saved(halves().quantize(8), "PNG"), (220, 30, 30)),
    "see-through.png": (
        lambda: saved(Image.new("RGBA", (400, 560), (0, 0, 0, 0)), "PNG"),
        (255, 255, 255),
    ),
    "see-through-grey.png": (
        lambda: saved(Image.new("LA", (400, 560), (0, 0)), "PNG"),
        (255, 255, 255),
    ),
    "see-through-palette.png": (
        lambda: saved(halves().quantize(8), "PNG", transparency=bytes([0] * 8)),
        (255, 255, 255),
    ),
    "see-through.webp": (
        lambda: saved(Image.new("RGBA", (400, 560), (9, 9, 9, 0)), "WEBP"),
        (255, 255, 255),
    ),
}


@pytest.mark.parametrize("name", MODES)
def test_every_way_to_write_a_colour_is_read(name: str) -> None:
    make, expected = MODES[name]
    pixel = largest(encode_picture(make(), name, "portrait")).getpixel((300, 30))
    assert isinstance(pixel, tuple)
    assert all(abs(level - target) < 16 for level, target in zip(pixel, expected, strict=True))


def frames() -> list[Image.Image]:
    return [Image.new("RGB", (400, 560), shade) for shade in ("red", "blue", "green")]


def moving(format_: str) -> bytes:
    first, *rest = frames()
    return saved(first, format_, save_all=True, append_images=rest, duration=100)


def with_two_pictures() -> bytes:
    """A phone's JPEG that carries a second picture."""
    return saved(halves(), "MPO", save_all=True, append_images=[halves(100, 140)])


HOSTILE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "empty": ("a.jpg", lambda: b"", "is not a JPEG, PNG, WebP or AVIF picture"),
    "text": ("a.png", lambda: b"hello" * 100, "is not a JPEG, PNG"),
    "drawing": (
        "a.png",
        lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        "is not a JPEG, PNG",
    ),
    "page before a picture": ("a.jpg", lambda: b"<html>" + jpeg(), "is not a JPEG, PNG"),
    "archive before a picture": ("a.jpg", lambda: with_zip_behind(b"") + jpeg(), "is not a JPEG"),
    "document": ("a.jpg", lambda: b"%PDF-1.7\n" + jpeg(), "is not a JPEG, PNG"),
    "gif": ("a.gif", lambda: saved(halves(), "GIF"), "is not a JPEG, PNG"),
    "gif by another name": ("a.png", lambda: saved(halves(), "GIF"), "is not a JPEG, PNG"),
    "tiff": ("a.jpg", lambda: saved(halves(), "TIFF"), "is not a JPEG, PNG"),
    "icon": ("a.png", lambda: saved(halves(64, 64), "ICO"), "is not a JPEG, PNG"),
    "wrong name": ("a.png", jpeg, "is a JPEG picture, but its name ends in '.png'"),
    "no suffix": ("portrait", jpeg, "it must end in .jpg"),
    "two suffixes": ("a.jpg.exe", jpeg, "it must end in .jpg"),
    "bomb": ("a.png", lambda: png_head(60_000, 60_000), "has more than 50 million pixels"),
    "half a bomb": ("a.png", lambda: png_head(8_000, 8_000), "has more than 50 million pixels"),
    "large": ("a.png", lambda: png_head(6_000, 5_000), "has more than 25 million pixels"),
    "long": ("a.png", lambda: png_head(12_001, 10), "is 12001 pixels long"),
    "no pixels": ("a.png", lambda: png_head(0, 0), "is not a JPEG, PNG"),
    "less than it claims": ("a.png", lambda: png_head(400, 560), "is damaged or incomplete"),
    "too many bytes": ("a.jpg", lambda: jpeg() + b"\0" * MAX_FILE_BYTES, "is larger than 20 MB"),
    "tiny": ("a.jpg", lambda: jpeg(200, 280), "must be at least 320"),
    "narrow once cropped": ("a.jpg", lambda: jpeg(2000, 400), "wide once cropped to 5:7"),
    "moving png": ("a.png", lambda: moving("PNG"), "is animated"),
    "moving webp": ("a.webp", lambda: moving("WEBP"), "is animated"),
    "moving avif": ("a.avif", lambda: moving("AVIF"), "is animated"),
    "swollen text": (
        "a.png",
        lambda: (
            png_head(400, 560)[:33]
            + png_chunk(b"zTXt", b"k\0\0" + zlib.compress(b"x" * 80_000_000))
            + saved(halves(), "PNG")[33:]
        ),
        "is damaged or incomplete",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_cannot_be_shown_is_refused_with_a_reason(case: str) -> None:
    name, make, reason = HOSTILE[case]
    with pytest.raises(PictureRefused) as refused:
        encode_picture(make(), name, "portrait")
    assert reason in str(refused.value)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_file_that_was_cut_short_is_refused(format_: str, part: float) -> None:
    lively = Image.effect_noise((500, 700), 80).convert("RGB")
    data = saved(lively, format_)
    suffix = ".jpg" if format_ == "JPEG" else f".{format_.lower()}"
    with pytest.raises(PictureRefused, match=r"damaged or incomplete|is not a JPEG"):
        encode_picture(data[: int(len(data) * part)], "cut" + suffix, "portrait")


def test_a_picture_that_is_only_a_stripe_is_refused() -> None:
    with pytest.raises(PictureRefused, match="three times as wide as high"):
        encode_picture(jpeg(2000, 400), "stripe.jpg", "picture")


def test_the_second_picture_of_a_phone_s_photo_is_left_out() -> None:
    data = with_two_pictures()
    assert opened(data).format == "MPO"
    assert encode_picture(data, "phone.jpg", "portrait").files


SMALL = {
    ".jpg": saved(halves(330, 462), "JPEG", quality=30, exif=exif(6)),
    ".png": saved(halves(330, 462), "PNG"),
    ".webp": saved(halves(330, 462), "WEBP", quality=30, exif=exif()),
    ".avif": saved(halves(330, 462), "AVIF", quality=30, exif=exif()),
}


@settings(max_examples=120, deadline=None)
@given(
    suffix=st.sampled_from(sorted(SMALL)),
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=4)), max_size=6
    ),
    kept=st.just(1.0) | st.floats(0.05, 1),
)
def test_a_broken_file_is_refused_or_read_but_nothing_else(
    suffix: str, changes: list[tuple[float, bytes]], kept: float
) -> None:
    data = bytearray(SMALL[suffix])
    for place, replacement in changes:
        at = int(place * len(data))
        data[at : at + len(replacement)] = replacement
    try:
        encoded = encode_picture(bytes(data[: int(len(data) * kept)]), "a" + suffix, "picture")
    except PictureRefused as refused:
        assert str(refused)
    else:
        assert all(MARKER.encode() not in file.data for file in encoded.files)


def test_the_largest_picture_is_encoded_in_bounded_memory() -> None:
    """In a process of its own. Its peak is that of its own memory: resource.getrusage() would also
    count what the process had from which it was forked."""
    script = """
import io, re
from pathlib import Path
from PIL import Image
from voting_service.infrastructure.images.encoding import encode_picture
target = io.BytesIO()
Image.new("RGBA", (4900, 5100), (9, 9, 200, 128)).save(target, "PNG", compress_level=1)
encode_picture(target.getvalue(), "large.png", "portrait")
print(int(re.search("VmHWM:\\\\s*([0-9]+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert 100 < int(done.stdout) < 700
