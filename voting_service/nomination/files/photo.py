"""A two-inch photo: cropped to its frame and encoded again, so that only pixels are stored.

Works on untrusted bytes: a server calls it through sandbox.py.
"""

from __future__ import annotations

import math
from hashlib import sha256

from PIL import Image

from voting_service.nomination.files.model import Frame, Photo, UploadedFile
from voting_service.nomination.files.pictures import decode_picture, encode_jpeg
from voting_service.nomination.files.rejections import FileRejected, RejectionReason
from voting_service.nomination.files.upload_checks import check_name_and_size

WIDTH_MM, HEIGHT_MM = 35, 49
"""A two-inch photo."""
MIN_WIDTH = 200
"""After cropping; below 150 dots per inch a person does not print."""
FINE_WIDTH = 413
"""300 dots per inch, rounded down."""
MAX_WIDTH, MAX_HEIGHT = 2 * FINE_WIDTH, 2 * FINE_WIDTH * HEIGHT_MM // WIDTH_MM
"""Of the stored photo: enough for a poster."""
SIZES = {"width_mm": WIDTH_MM, "height_mm": HEIGHT_MM, "min_width": MIN_WIDTH}
"""The sizes that sentences about a photo state."""
PICTURE_MIN_SIDE = 800
PICTURE_MAX_SIDE = 3_508
"""Of a stored picture: A4 at 300 dots per inch."""
_USUAL_TOP = 1 / 3
"""Of what is cut off above and below: faces are in the upper part of a picture."""
_PHOTO_QUALITY, _PICTURE_QUALITY = 92, 85


def crop_photo(file: UploadedFile, frame: Frame | None) -> Photo:
    """Return the part of a picture in `frame`, which is brought to the proportions of a two-inch
    photo; without one the usual part of a portrait. Raises FileRejected."""
    check_name_and_size(file.name, file.content)
    smallest_part = min(frame.width, frame.height) if frame and frame.is_inside else 1.0
    pixels = decode_picture(file.content, math.ceil(MAX_HEIGHT / smallest_part))
    photo = pixels.crop(_box(pixels, frame))
    if photo.width < MIN_WIDTH:
        raise FileRejected(
            RejectionReason.PHOTO_TOO_SMALL, width=photo.width, height=photo.height, **SIZES
        )
    photo.thumbnail((MAX_WIDTH, MAX_HEIGHT), Image.Resampling.LANCZOS)
    return _stored(photo, _PHOTO_QUALITY, is_coarse=photo.width < FINE_WIDTH)


def encode_picture(file: UploadedFile) -> Photo:
    """Return a whole picture, at most as large as prints need. Raises FileRejected."""
    check_name_and_size(file.name, file.content)
    pixels = decode_picture(file.content, PICTURE_MAX_SIDE)
    width, height = pixels.size
    if min(width, height) < PICTURE_MIN_SIDE:
        raise FileRejected(
            RejectionReason.SCAN_TOO_SMALL, width=width, height=height, limit=PICTURE_MIN_SIDE
        )
    pixels.thumbnail((PICTURE_MAX_SIDE, PICTURE_MAX_SIDE), Image.Resampling.LANCZOS)
    return _stored(pixels, _PICTURE_QUALITY, is_coarse=False)


def _box(pixels: Image.Image, frame: Frame | None) -> tuple[int, int, int, int]:
    """Return the corners of the largest part with the right proportions in the frame, or in the
    whole picture."""
    inside = frame if frame and frame.is_inside else Frame(0, 0, 1, 1)
    wide, high = inside.width * pixels.width, inside.height * pixels.height
    width = int(min(wide, high * WIDTH_MM / HEIGHT_MM))
    height = min(round(width * HEIGHT_MM / WIDTH_MM), pixels.height)
    left = round(inside.left * pixels.width + (wide - width) / 2)
    share = 0.5 if inside is frame else _USUAL_TOP
    top = round(inside.top * pixels.height + max(high - height, 0) * share)
    left, top = min(left, pixels.width - width), min(top, pixels.height - height)
    return left, top, left + width, top + height


def _stored(pixels: Image.Image, quality: int, *, is_coarse: bool) -> Photo:
    jpeg = encode_jpeg(pixels, quality)
    return Photo(
        width=pixels.width,
        height=pixels.height,
        content=jpeg,
        sha256=sha256(jpeg).hexdigest(),
        is_coarse=is_coarse,
    )
