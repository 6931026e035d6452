"""The logos of the demo's platforms, drawn: a play button and a front page."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw

from voting_service.infrastructure.images.encoding import encode_picture
from voting_service.infrastructure.images.model import EncodedPicture

_SIDE = 160


def draw_logo(slug: str) -> EncodedPicture:
    """Return the logo of a platform, encoded as an upload would be."""
    picture = Image.new("RGB", (_SIDE, _SIDE), "#ffffff")
    pen = ImageDraw.Draw(picture)
    if slug.endswith("press"):
        _draw_front_page(pen)
    else:
        _draw_play_button(pen)
    target = io.BytesIO()
    picture.save(target, "PNG")
    return encode_picture(target.getvalue(), "logo.png", "logo")


def _draw_play_button(pen: ImageDraw.ImageDraw) -> None:
    pen.rounded_rectangle((8, 8, 151, 151), radius=36, fill="#1d4e7a")
    pen.polygon(((60, 44), (60, 116), (120, 80)), fill="#ffffff")


def _draw_front_page(pen: ImageDraw.ImageDraw) -> None:
    pen.rounded_rectangle((8, 8, 151, 151), radius=36, fill="#9b2a1a")
    pen.rectangle((40, 36, 119, 123), fill="#ffffff")
    pen.rectangle((50, 46, 109, 60), fill="#9b2a1a")
    for top in (72, 86, 100):
        pen.rectangle((50, top, 109, top + 5), fill="#c9a39c")
