"""The picture of a stamp, cut out of the paper that it was scanned from. No I/O."""

from __future__ import annotations

import io

from PIL import Image, ImageChops

from voting_service.errors import Fault, InvalidInput

SIDE = 600
"""A stamp of 42 mm at 360 dots an inch."""
_PAPER = 24
"""How much darker than white the grain of paper is, of 255."""


def cut_out_stamp(picture: bytes) -> bytes:
    """Return the stamp as a PNG whose ground is transparent and that ends where the ink ends, so
    that it lies over text as ink does. Raises InvalidInput for a picture without ink."""
    with Image.open(io.BytesIO(picture)) as image:
        colours = image.convert("RGB")
    red, green, blue = colours.split()
    lightest_ink = ImageChops.darker(ImageChops.darker(red, green), blue)
    ink = ImageChops.invert(lightest_ink).point(lambda level: level if level > _PAPER else 0)
    box = ink.getbbox()
    if box is None:
        raise InvalidInput(Fault("stamp", "nomination.review.empty_stamp"))
    colours.putalpha(ink)
    stamp = colours.crop(box)
    stamp.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    target = io.BytesIO()
    stamp.save(target, "PNG", optimize=True)
    return target.getvalue()
