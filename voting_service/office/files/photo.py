"""The two-inch photo, and scans that are pictures: decoded and encoded anew, so that only pixels
are kept. Position, device, comments and whatever hid in the file stay behind.

Pure computing on bytes that anybody may have made: on a server call it through sandbox.py.
"""

from __future__ import annotations

import io
import zipfile
from hashlib import sha256

from PIL import Image

from voting_service.contests.picture_encoding import PictureRefused, decode_picture
from voting_service.office.files.evidence import check_name_and_size
from voting_service.office.files.model import Photo
from voting_service.office.files.refusals import FileRefused, Reason

RATIO = 35 / 49
"""Width to height of a two-inch photo, in millimetres."""
RATIO_TOLERANCE = 0.03
"""A cut that is a millimetre off in 35."""
MIN_WIDTH, MIN_HEIGHT = 413, 578
"""35 × 49 mm at 300 dots an inch, rounded down."""
MAX_WIDTH, MAX_HEIGHT = 2 * MIN_WIDTH, 2 * MIN_HEIGHT
"""What is kept: enough for a poster of the fifty."""
SCAN_MIN_SIDE = 800
"""A4 at 100 dots an inch."""
SCAN_MAX_SIDE = 3_508
"""A4 at 300 dots an inch."""
_PHOTO_QUALITY, _SCAN_QUALITY = 92, 85


def inspect_photo(name: str, content: bytes) -> Photo:
    """The photo as it is kept. Raises FileRefused."""
    pixels = _decoded(name, content)
    width, height = pixels.size
    if abs(width / height / RATIO - 1) > RATIO_TOLERANCE:
        raise FileRefused(Reason.NOT_TWO_INCH, width=width, height=height)
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        raise FileRefused(
            Reason.PHOTO_TOO_SMALL,
            width=width,
            height=height,
            min_width=MIN_WIDTH,
            min_height=MIN_HEIGHT,
        )
    pixels.thumbnail((MAX_WIDTH, MAX_HEIGHT), Image.Resampling.LANCZOS)
    kept = _jpeg(pixels, _PHOTO_QUALITY)
    return Photo(
        width=pixels.width,
        height=pixels.height,
        content=kept,
        sha256=sha256(kept).hexdigest(),
    )


def encode_scan(name: str, content: bytes) -> bytes:
    """A stamped page as JPEG. Raises FileRefused."""
    pixels = _decoded(name, content)
    if min(pixels.size) < SCAN_MIN_SIDE:
        raise FileRefused(
            Reason.SCAN_TOO_SMALL, width=pixels.width, height=pixels.height, limit=SCAN_MIN_SIDE
        )
    pixels.thumbnail((SCAN_MAX_SIDE, SCAN_MAX_SIDE), Image.Resampling.LANCZOS)
    return _jpeg(pixels, _SCAN_QUALITY)


def _decoded(name: str, content: bytes) -> Image.Image:
    check_name_and_size(name, content)
    # Nothing of it would be kept; but who sends this has something in mind.
    if zipfile.is_zipfile(io.BytesIO(content)) or b"%PDF-" in content[:1024]:
        raise FileRefused(Reason.DISGUISED)
    try:
        return decode_picture(content, name)
    except PictureRefused as refused:
        raise FileRefused(Reason.PICTURE, said=str(refused), said_zh=refused.zh) from None


def _jpeg(pixels: Image.Image, quality: int) -> bytes:
    target = io.BytesIO()
    pixels.save(target, "JPEG", quality=quality, optimize=True)
    return target.getvalue()
