"""Pictures for paper: cropped to their frame, at the resolution asked for, nothing but pixels.

Pictures come from the office's own store, where they were examined when they were taken in
(office/files). Pure computing of up to half a second a picture.
"""

from __future__ import annotations

import io

from PIL import Image, ImageOps

from voting_service.errors import Fault, InvalidInput

PRINT_DPI = 300
WEB_DPI = 110
MILLIMETRES_PER_INCH = 25.4

_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF")
_FACE_HEIGHT = 0.35
"""Where the middle of a portrait is when it is cropped: a face is above the picture's middle."""
_QUALITY = {PRINT_DPI: 92, WEB_DPI: 78}


def framed(data: bytes, millimetres: tuple[float, float], dpi: int, *, whose: str) -> bytes:
    """A JPEG that fills a frame of this width and height, not enlarged beyond its own pixels.

    Raises InvalidInput, naming `whose` it is, when it is no picture.
    """
    picture = _opened(data, whose)
    width, height = (max(1, round(side / MILLIMETRES_PER_INCH * dpi)) for side in millimetres)
    shrink = min(1.0, picture.width / width, picture.height / height)
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    fitted = ImageOps.fit(picture, size, Image.Resampling.LANCZOS, centering=(0.5, _FACE_HEIGHT))
    bare = Image.new("RGB", fitted.size)  # without what the file carried beside its pixels
    bare.paste(fitted)
    target = io.BytesIO()
    bare.save(target, "JPEG", quality=_QUALITY.get(dpi, 88), optimize=True)
    return target.getvalue()


def resolution(data: bytes, millimetres: tuple[float, float], *, whose: str) -> int:
    """The dots an inch that a picture has in a frame that it fills."""
    picture = _opened(data, whose)
    wide, high = millimetres
    return int(min(picture.width / wide, picture.height / high) * MILLIMETRES_PER_INCH)


def _opened(data: bytes, whose: str) -> Image.Image:
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            image.load()
            return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InvalidInput(
            Fault(
                "picture",
                f"the picture of {whose} cannot be read ({error}); replace it",
                zh=f"{whose}的照片无法读取，请重新上传。",
            )
        ) from None
