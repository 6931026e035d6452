"""Pictures for print: cropped to their frame, at the requested resolution, pixels only.

Pictures come from the nomination's own store, where they were examined at upload
(nomination/files). Pure computation of up to half a second per picture.
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
"""The height that a crop is centred on: a face is above the middle of a portrait."""
_QUALITY = {PRINT_DPI: 92, WEB_DPI: 78}


def crop_to_frame(data: bytes, millimetres: tuple[float, float], dpi: int, *, person: str) -> bytes:
    """Return a JPEG that fills a frame of this width and height, never enlarged.

    Raises InvalidInput, naming the `person` shown, when the data is not a picture.
    """
    picture = _open_picture(data, person)
    width, height = (max(1, round(side / MILLIMETRES_PER_INCH * dpi)) for side in millimetres)
    shrink = min(1.0, picture.width / width, picture.height / height)
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    fitted = ImageOps.fit(picture, size, Image.Resampling.LANCZOS, centering=(0.5, _FACE_HEIGHT))
    bare = Image.new("RGB", fitted.size)  # without the metadata that the file carried
    bare.paste(fitted)
    target = io.BytesIO()
    bare.save(target, "JPEG", quality=_QUALITY.get(dpi, 88), optimize=True)
    return target.getvalue()


def dots_per_inch(data: bytes, millimetres: tuple[float, float], *, person: str) -> int:
    """Return the resolution of a picture that fills a frame. Raises as `crop_to_frame`."""
    picture = _open_picture(data, person)
    width, height = millimetres
    return int(min(picture.width / width, picture.height / height) * MILLIMETRES_PER_INCH)


def _open_picture(data: bytes, person: str) -> Image.Image:
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            image.load()
            return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InvalidInput(
            Fault("picture", "nomination.documents.unreadable_picture", person=person, error=error)
        ) from None
