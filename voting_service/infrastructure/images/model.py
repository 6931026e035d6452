"""Types of encoded pictures: sizes, formats, bytes. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

PictureKind = Literal["portrait", "picture", "logo"]
PictureFormat = Literal["avif", "webp", "jpeg", "png"]
SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg"),
    "PNG": (".png",),
    "WEBP": (".webp",),
    "AVIF": (".avif",),
}
"""The accepted formats and their file name suffixes."""
WIDTHS: Mapping[PictureKind, tuple[int, ...]] = {
    "portrait": (160, 320, 640),
    "picture": (320, 640, 1280),
}
"""The widths that a picture is encoded in; a small picture has no large ones."""
JPEG_WIDTH = 320
"""Pictures exist in this width as JPEG, too: Safari before iOS 14 knows neither AVIF nor WebP."""
LOGO_SIZE = (480, 160)
"""A logo is at most as wide and as high, a PNG."""
PREVIEW_SIZE = (1200, 630)
"""The link preview of messengers and social networks: a JPEG of each portrait."""


class EncodedFile(NamedTuple):
    """A picture in one size and format."""

    width: int
    format: PictureFormat
    data: bytes


class EncodedPicture(NamedTuple):
    """A picture in every size and format. `hash` names exactly these bytes; `width` and `height`
    are those of the largest size."""

    hash: str
    width: int
    height: int
    files: tuple[EncodedFile, ...]
