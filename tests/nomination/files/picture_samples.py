"""Honest pictures: photos and pages, photographed or scanned, of every format and size."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from PIL import Image, ImageCms, ImageDraw
from PIL.ExifTags import Base

from tests.nomination.files.samples import Sample
from tests.picture_files import halves, saved

PORTRAITS = {
    "small two inches": (413, 531),
    "two inches": (413, 579),
    "two inches with a border": (413, 626),
    "visa": (390, 567),
    "one inch large": (295, 413),
    "passport": (354, 472),
    "square": (1000, 1000),
    "landscape": (1600, 1200),
    "phone": (3024, 4032),
    "screenshot": (1080, 2400),
    "studio": (3500, 4900),
    "narrow": (300, 900),
}
PAGES = {"phone": (3024, 4032), "messenger": (810, 1080), "scanner": (1654, 2339)}


def turned(orientation: int, size: tuple[int, int] = (1200, 900)) -> bytes:
    """As a telephone stores it: pixels as the sensor has them, and how to turn them."""
    tags = Image.Exif()
    tags[Base.Orientation] = orientation
    return saved(halves(*size), "JPEG", exif=tags.tobytes())


@cache
def phone_photo() -> bytes:
    """12 million pixels and more than 10 MB, to be turned, as a telephone stores it."""
    noise = Image.effect_noise((4032, 3024), 90).convert("RGB")
    tags = Image.Exif()
    tags[Base.Orientation] = 6
    return saved(noise, "JPEG", quality=97, exif=tags.tobytes())


def profiled() -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return saved(halves(), "JPEG", icc_profile=profile)


def see_through() -> Image.Image:
    image = halves().convert("RGBA")
    image.putalpha(Image.new("L", image.size, 200))
    return image


def frames(format_: str, **options: Any) -> bytes:
    """Several images in one file."""
    others = [halves(1240, 1754).rotate(180) for _ in range(2)]
    return saved(halves(1240, 1754), format_, save_all=True, append_images=others, **options)


def scanned_pages(compression: str, mode: str) -> bytes:
    sheet = Image.new("L", (1240, 1754), 255)
    ImageDraw.Draw(sheet).rectangle((100, 100, 1100, 700), fill=0)
    return saved(
        sheet.convert(mode),
        "TIFF",
        compression=compression,
        save_all=True,
        append_images=[sheet.convert(mode)] * 2,
    )


def long_screenshot() -> bytes:
    return saved(halves(1080, 6400), "PNG")


P = halves()
FORMATS: dict[str, Callable[[], bytes]] = {
    "plain.jpg": partial(saved, P, "JPEG"),
    "plain.jfif": partial(saved, P, "JPEG"),
    "plain.JPEG": partial(saved, P, "JPEG"),
    "JPEG called.png": partial(saved, P, "JPEG"),
    "PNG called.jpg": partial(saved, P, "PNG"),
    "no suffix": partial(saved, P, "JPEG"),
    "progressive.jpg": partial(saved, P, "JPEG", progressive=True),
    "grey.jpg": partial(saved, P.convert("L"), "JPEG"),
    "for print.jpg": partial(saved, P.convert("CMYK"), "JPEG"),
    "with a profile.jpg": profiled,
    "two pictures.jpg": partial(frames, "MPO"),
    "bytes behind.jpg": lambda: saved(P, "JPEG") + b"\0" * 99,
    "plain.png": partial(saved, P, "PNG"),
    "palette.png": partial(saved, P.quantize(16), "PNG"),
    "see-through.png": lambda: saved(see_through(), "PNG"),
    "black and white.png": partial(saved, P.convert("1"), "PNG"),
    "16 bits.png": lambda: saved(P.convert("L").convert("I;16"), "PNG"),
    "moving.png": partial(frames, "PNG"),
    "plain.bmp": partial(saved, P, "BMP"),
    "palette.bmp": partial(saved, P.quantize(16), "BMP"),
    "plain.tif": partial(saved, P, "TIFF"),
    "LZW.tiff": partial(saved, P, "TIFF", compression="tiff_lzw"),
    "JPEG inside.tif": partial(saved, P, "TIFF", compression="jpeg"),
    "plain.webp": partial(saved, P, "WEBP"),
    "lossless.webp": partial(saved, P, "WEBP", lossless=True),
    "moving.webp": partial(frames, "WEBP"),
    "plain.heic": partial(saved, P, "HEIF"),
    "large.heic": lambda: saved(halves(3024, 4032), "HEIF", quality=40),
    "HEIC called.jpg": partial(saved, P, "HEIF"),
    "plain.avif": partial(saved, P, "AVIF"),
    "plain.gif": partial(saved, P, "GIF"),
    "moving.gif": partial(frames, "GIF"),
}
FORMATS = {name: cache(make) for name, make in FORMATS.items()}
"""Each is sent as a photo and as a page, and made once."""
SAMPLES = [
    *(Sample(f"photo {name}", make, "photo") for name, make in FORMATS.items()),
    *(
        Sample(f"photo {name}.jpg", partial(saved, halves(*size), "JPEG"), "photo")
        for name, size in PORTRAITS.items()
    ),
    *(
        Sample(f"photo turned {orientation}.jpg", partial(turned, orientation), "photo")
        for orientation in range(1, 9)
    ),
    Sample("photo of 12 million pixels.jpg", phone_photo, "photo"),
    *(Sample(f"page {name}", make) for name, make in FORMATS.items()),
    *(
        Sample(f"page {name}.jpg", partial(saved, halves(*size), "JPEG"))
        for name, size in PAGES.items()
    ),
    Sample("page of 12 million pixels.jpg", phone_photo),
    Sample("pages by fax.tif", partial(scanned_pages, "group4", "1")),
    Sample("pages by fax of group 3.tif", partial(scanned_pages, "group3", "1")),
    Sample("pages in grey.tif", partial(scanned_pages, "tiff_lzw", "L")),
    Sample("pages zipped.tif", partial(scanned_pages, "tiff_adobe_deflate", "RGB")),
    Sample("long screenshot.png", long_screenshot),
    Sample("stamped page.jpg", partial(turned, 6, (1754, 1240)), "scan"),
    Sample("stamped page.heic", lambda: saved(halves(1240, 1754), "HEIF"), "scan"),
    Sample("stamped pages.tif", partial(scanned_pages, "group4", "1"), "scan"),
]
