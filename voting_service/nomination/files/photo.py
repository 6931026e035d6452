"""Photos and picture scans, decoded and re-encoded so that only pixels are stored: position,
device, comments and hidden content are lost.

Works on untrusted bytes: a server calls it through sandbox.py.
"""

from __future__ import annotations

import io
import zipfile
from hashlib import sha256

from PIL import Image

from voting_service.infrastructure.images.encoding import PictureRefused, decode_picture
from voting_service.nomination.files.model import Photo
from voting_service.nomination.files.rejections import FileRejected, RejectionReason
from voting_service.nomination.files.upload_checks import check_name_and_size

WIDTH_MM, HEIGHT_MM = 35, 49
"""A two-inch photo."""
RATIO_TOLERANCE = 0.03
"""A cut that is off by one millimetre in 35."""
MIN_WIDTH, MIN_HEIGHT = 413, 578
"""Its pixels at 300 dots per inch, rounded down."""
SIZES = {
    "width_mm": WIDTH_MM,
    "height_mm": HEIGHT_MM,
    "min_width": MIN_WIDTH,
    "min_height": MIN_HEIGHT,
}
"""The sizes that sentences about a photo state."""
MAX_WIDTH, MAX_HEIGHT = 2 * MIN_WIDTH, 2 * MIN_HEIGHT
"""Of the stored photo: enough for a poster."""
SCAN_MIN_SIDE = 800
"""A4 at 100 dots per inch."""
SCAN_MAX_SIDE = 3_508
"""A4 at 300 dots per inch."""
_PHOTO_QUALITY, _SCAN_QUALITY = 92, 85


def inspect_photo(name: str, content: bytes) -> Photo:
    """Return the photo as it is stored. Raises FileRejected."""
    pixels = _decoded(name, content)
    width, height = pixels.size
    if abs(width / height / (WIDTH_MM / HEIGHT_MM) - 1) > RATIO_TOLERANCE:
        raise FileRejected(RejectionReason.NOT_TWO_INCH, width=width, height=height, **SIZES)
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        raise FileRejected(RejectionReason.PHOTO_TOO_SMALL, width=width, height=height, **SIZES)
    pixels.thumbnail((MAX_WIDTH, MAX_HEIGHT), Image.Resampling.LANCZOS)
    jpeg = _jpeg(pixels, _PHOTO_QUALITY)
    return Photo(
        width=pixels.width,
        height=pixels.height,
        content=jpeg,
        sha256=sha256(jpeg).hexdigest(),
    )


def encode_scan(name: str, content: bytes) -> bytes:
    """Return a stamped page as JPEG. Raises FileRejected."""
    pixels = _decoded(name, content)
    if min(pixels.size) < SCAN_MIN_SIDE:
        raise FileRejected(
            RejectionReason.SCAN_TOO_SMALL,
            width=pixels.width,
            height=pixels.height,
            limit=SCAN_MIN_SIDE,
        )
    pixels.thumbnail((SCAN_MAX_SIDE, SCAN_MAX_SIDE), Image.Resampling.LANCZOS)
    return _jpeg(pixels, _SCAN_QUALITY)


def _decoded(name: str, content: bytes) -> Image.Image:
    check_name_and_size(name, content)
    # Re-encoding would drop the other content, but a file like this is an attack.
    if zipfile.is_zipfile(io.BytesIO(content)) or b"%PDF-" in content[:1024]:
        raise FileRejected(RejectionReason.DISGUISED)
    try:
        return decode_picture(content, name)
    except PictureRefused as error:
        raise FileRejected(RejectionReason.PICTURE, en=str(error), zh=error.zh) from None


def _jpeg(pixels: Image.Image, quality: int) -> bytes:
    target = io.BytesIO()
    pixels.save(target, "JPEG", quality=quality, optimize=True)
    return target.getvalue()
