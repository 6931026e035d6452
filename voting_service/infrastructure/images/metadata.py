"""Find the metadata in a picture file. No I/O.

Cameras record where and when a picture was taken, and programs who edited it. Our own pictures are
encoded again from bare pixels (encoding.py); this module checks every picture before it is
published or sent.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping

from PIL import Image

from voting_service.infrastructure.images.encoding import MAX_DECODED_PIXELS
from voting_service.infrastructure.images.model import SUFFIXES

_HARMLESS = frozenset(
    (
        "jfif",
        "jfif_version",
        "jfif_density",
        "jfif_unit",
        "progressive",
        "progression",
        "adobe",
        "adobe_transform",
        "dpi",
        "aspect",
        "gamma",
        "srgb",
        "chromaticity",
        "interlace",
        "transparency",
        "icc_profile",
        "loop",
        "background",
        "timestamp",
        "duration",
    )
)
"""Names that Pillow reports for how pixels are shown. All others count as metadata, including those
that a later version of Pillow adds."""
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_ENDS: Mapping[str, Callable[[bytes], bool]] = {
    "JPEG": lambda data: data.endswith(b"\xff\xd9"),
    "PNG": lambda data: data.endswith(_PNG_END),
    "WEBP": lambda data: len(data) == 8 + int.from_bytes(data[4:8], "little"),
    "AVIF": lambda data: True,  # boxes to the end, and Pillow reads each that holds metadata
}


def picture_metadata(data: bytes) -> tuple[str, ...] | None:
    """Return the names of the metadata, such as `exif`, `xmp`, `comment`, `trailer`.

    Empty if there is none. None if the data is not a complete JPEG, PNG, WebP or AVIF picture, or
    has too many pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=list(SUFFIXES)) as image:
                if image.width * image.height > MAX_DECODED_PIXELS:
                    return None
                image.load()  # a PNG may have texts after its pixels
                return tuple(sorted(_carried(image, data)))
    except Exception:  # decoders fail in many ways; all mean that the metadata is unknown
        return None


def _carried(image: Image.Image, data: bytes) -> set[str]:
    carried = {str(name) for name in image.info.keys() - _HARMLESS}
    for name, content in getattr(image, "applist", ()):
        if not _harmless_segment(name, content):
            carried.add("comment" if name == "COM" else name.lower())
    if getattr(image, "private_chunks", ()):
        carried.add("private chunk")
    ends = _ENDS.get(image.format or "")
    if ends is None:  # MPO: a JPEG followed by a second picture
        carried.add("second picture")
    elif not ends(data):
        carried.add("trailer")
    return carried


def _harmless_segment(name: str, content: bytes) -> bool:
    return (
        (name == "APP0" and content.startswith(b"JFIF\0"))
        or (name == "APP2" and content.startswith(b"ICC_PROFILE\0"))
        or (name == "APP14" and content.startswith(b"Adobe"))
    )
