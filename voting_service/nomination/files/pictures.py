"""Pictures from phones, scanners and messengers, decoded by their content to bare pixels.

What is stored is encoded again: position, device, comments and hidden content are lost. Works on
untrusted bytes: a server calls it through sandbox.py.
"""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from PIL import Image, ImageOps

from voting_service.infrastructure.images.encoding import plain_pixels
from voting_service.nomination.files.kinds import PDF_HEAD, file_kind
from voting_service.nomination.files.rejections import FileRejected, RejectionReason

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "HEIF", "AVIF")
MAX_PIXELS = 210_000_000
"""Of a JPEG, which is decoded at a part of its size; the largest phones have 200 million."""
MAX_DECODED_PIXELS = 40_000_000
"""Of everything else: 160 MB, and several copies of it."""
PAGE_MIN_SIDE = 300
"""A certificate as wide as a hand at 100 dots per inch."""
PAGE_MAX_SIDE = 2_339
"""A4 at 200 dots per inch."""
LONG_RATIO = 3.0
"""A longer picture is a screenshot of several pages."""
_PAGE_RATIO = math.sqrt(2)
_OVERLAP = 0.04
"""Of a page, so that no line is lost where a long picture is cut."""
_PAGE_QUALITY = 85
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, b"\xff\xd9"
_REMARKS = frozenset({0xE1, 0xED, 0xFE})
"""JPEG segments: Exif and XMP, Photoshop's, comments."""
_SUBFILE_TYPE, _REDUCED = 254, 1


class PagePicture(NamedTuple):
    """A page as JPEG."""

    jpeg: bytes
    width: int
    height: int
    is_grey: bool


def picture_pages(content: bytes, limit: int) -> Iterator[PagePicture]:
    """Yield the pages that a picture shows: every page of a TIFF, the first image of any other; a
    long picture is cut. Raises FileRejected, also beyond `limit` pages of a TIFF."""
    with _opened(content) as image:
        for frame in _frames(image, limit):
            pixels = _upright(frame, PAGE_MAX_SIDE)
            if min(pixels.size) < PAGE_MIN_SIDE:
                raise FileRejected(
                    RejectionReason.SCAN_TOO_SMALL,
                    width=pixels.width,
                    height=pixels.height,
                    limit=PAGE_MIN_SIDE,
                )
            for piece in _pieces(pixels):
                piece.thumbnail((PAGE_MAX_SIDE, PAGE_MAX_SIDE), Image.Resampling.LANCZOS)
                yield PagePicture(
                    encode_jpeg(piece, _PAGE_QUALITY),
                    piece.width,
                    piece.height,
                    piece.mode == "L",
                )


def decode_picture(content: bytes, min_side: int) -> Image.Image:
    """Return a picture upright; a large JPEG may be decoded smaller, to no side below `min_side`.
    Raises FileRejected."""
    with _opened(content) as image:
        return _upright(image, min_side)


def encode_jpeg(pixels: Image.Image, quality: int) -> bytes:
    target = io.BytesIO()
    pixels.save(target, "JPEG", quality=quality, optimize=True)
    return target.getvalue()


def bare_jpeg(jpeg: bytes) -> bytes:
    """Return a JPEG without remarks, camera data and what follows its end, its pixels untouched;
    what is none is returned as it is."""
    kept, place = bytearray(jpeg[:2]), 2
    while jpeg[place : place + 1] == b"\xff":
        marker, length = jpeg[place + 1], int.from_bytes(jpeg[place + 2 : place + 4], "big")
        if marker == _START_OF_SCAN:
            pixels, end, _ = jpeg[place:].rpartition(_END_OF_IMAGE)
            return bytes(kept) + (pixels + end if end else jpeg[place:])
        if marker not in _REMARKS:
            kept += jpeg[place : place + 2 + length]
        place += 2 + max(length, 2)
    return jpeg


@contextmanager
def _opened(content: bytes) -> Iterator[Image.Image]:
    if file_kind(content) != "picture":
        raise FileRejected(RejectionReason.PICTURE)
    # Encoding again drops the other content, but a file that is two things at once is an attack.
    if PDF_HEAD in content or zipfile.is_zipfile(io.BytesIO(content)):
        raise FileRejected(RejectionReason.DISGUISED)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                yield image
    except (FileRejected, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise FileRejected(RejectionReason.BOMB) from None
    except Exception:  # decoders fail in many ways; all mean the same to the user
        raise FileRejected(RejectionReason.PICTURE) from None


def _frames(image: Image.Image, limit: int) -> Iterator[Image.Image]:
    """Yield the pages of a TIFF without its thumbnails; never walk a longer chain of them."""
    if image.format != "TIFF":
        yield image
        return
    for place in range(2 * limit + 1):
        try:
            image.seek(place)
        except EOFError:
            return
        if not image.tag_v2.get(_SUBFILE_TYPE, 0) & _REDUCED:  # type: ignore[attr-defined]
            yield image
    raise FileRejected(RejectionReason.TOO_MANY_PAGES, limit=limit)


def _upright(image: Image.Image, min_side: int) -> Image.Image:
    if image.width * image.height > MAX_PIXELS:
        raise FileRejected(RejectionReason.BOMB)
    image.draft("RGB", (min_side, min_side))
    if image.width * image.height > MAX_DECODED_PIXELS:
        raise FileRejected(RejectionReason.BOMB)
    image.load()
    is_grey = image.mode in {"1", "L", "LA", "I;16", "I;16B", "I;16L"}
    pixels = plain_pixels(ImageOps.exif_transpose(image))
    return pixels.convert("L") if is_grey else pixels


def _pieces(pixels: Image.Image) -> Iterator[Image.Image]:
    width, height = pixels.size
    if height <= LONG_RATIO * width:
        yield pixels
        return
    count = math.ceil(height / (width * _PAGE_RATIO))
    overlap = round(_OVERLAP * height / count)
    for place in range(count):
        top = max(0, place * height // count - overlap)
        yield pixels.crop((0, top, width, (place + 1) * height // count))
