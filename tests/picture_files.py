"""Picture files for tests, good ones and bad ones; nobody is in them."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache
from typing import Any

import pillow_heif
from PIL import Image

from voting_service.infrastructure.images.encoding import encode_pixels
from voting_service.infrastructure.images.model import EncodedPicture, PictureKind

pillow_heif.register_heif_opener()  # so that `saved` knows the format HEIF


def halves(width: int = 500, height: int = 700) -> Image.Image:
    """Red above, blue below."""
    image = Image.new("RGB", (width, height), (220, 30, 30))
    image.paste((30, 30, 220), (0, height // 2, width, height))
    return image


def saved(image: Image.Image, format_: str, **options: Any) -> bytes:
    target = io.BytesIO()
    if format_ == "HEIF":  # whose encoder looks for the smallest file, which is no test's concern
        options = {"enc_params": {"preset": "ultrafast"}, **options}
    image.save(target, format_, **options)
    return target.getvalue()


def jpeg(width: int = 500, height: int = 700) -> bytes:
    return saved(halves(width, height), "JPEG")


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png_head(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds a few bytes."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", head)
        + png_chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + png_chunk(b"IEND", b"")
    )


@cache
def encoded(shade: int, kind: PictureKind = "portrait") -> EncodedPicture:
    """A picture of one colour, encoded in a moment."""
    return encode_pixels(Image.new("RGB", (320, 448), (shade, 80, 80)), kind, avif_speed=10)
