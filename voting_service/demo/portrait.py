"""Drawn placeholder portraits: a number on a pattern; the same number gives the same picture."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi, sin

from PIL import Image, ImageColor, ImageDraw, ImageFont

SIZE = (640, 896)
_SCALE = 2
"""Drawn larger and reduced, for smooth edges."""
_WIDTH, _HEIGHT = SIZE[0] * _SCALE, SIZE[1] * _SCALE
_MIDDLE = (_WIDTH // 2, _HEIGHT * 2 // 5)

Colour = tuple[int, ...]


def portrait(number: int, trade: int) -> Image.Image:
    """Return a picture (RGB) of the number below the trade's pattern, in the number's colours."""
    hue = number * 137 % 360  # the golden angle: neighbours differ most
    light, middle, dark = (
        ImageColor.getrgb(f"hsl({hue}, {saturation}%, {lightness}%)")
        for saturation, lightness in ((45, 88), (42, 70), (48, 26))
    )
    drawing = Image.new("RGB", (_WIDTH, _HEIGHT), light)
    pen = ImageDraw.Draw(drawing)
    _PATTERNS[trade % len(_PATTERNS)](pen, middle, trade // len(_PATTERNS))
    pen.rectangle((0, _HEIGHT * 7 // 10, _WIDTH, _HEIGHT), fill=dark)
    place = (_WIDTH // 2, _HEIGHT * 17 // 20)
    pen.text(place, f"{number:02d}", fill=light, font=ImageFont.load_default(340), anchor="mm")
    return drawing.reduce(_SCALE)


def _gear(pen: ImageDraw.ImageDraw, colour: Colour, variant: int) -> None:
    teeth, (x, y) = 8 + 3 * variant, _MIDDLE
    outline = [
        (x + radius * cos(angle), y + radius * sin(angle))
        for tooth in range(teeth)
        for part, radius in ((0, 430), (0.4, 430), (0.5, 510), (0.9, 510))
        for angle in ((tooth + part) * 2 * pi / teeth,)
    ]
    pen.polygon(outline, fill=colour)
    pen.circle(_MIDDLE, 250, width=90, outline=_white(colour))


def _honeycomb(pen: ImageDraw.ImageDraw, colour: Colour, variant: int) -> None:
    radius = 90 + 25 * variant
    for row in range(_HEIGHT // radius):
        for column in range(_WIDTH // radius + 1):
            x = column * radius * 1.9 + row % 2 * radius * 0.95
            pen.regular_polygon((x, row * radius * 1.65, radius * 0.9), 6, rotation=30, fill=colour)


def _waves(pen: ImageDraw.ImageDraw, colour: Colour, variant: int) -> None:
    length = 260 + 90 * variant
    for y in range(-100, _HEIGHT, 170):
        crest = [(x, y + 60 * sin(x * 2 * pi / length)) for x in range(-20, _WIDTH + 40, 20)]
        pen.line(crest, fill=colour, width=46, joint="curve")


def _rings(pen: ImageDraw.ImageDraw, colour: Colour, variant: int) -> None:
    step = 70 + 22 * variant
    for radius in range(step, _HEIGHT, 2 * step):
        pen.circle(_MIDDLE, radius, outline=colour, width=step // 2 + 10)


def _weave(pen: ImageDraw.ImageDraw, colour: Colour, variant: int) -> None:
    step = 110 + 30 * variant
    for row in range(_HEIGHT // step + 1):
        for column in range(_WIDTH // step + 1):
            x, y = column * step, row * step
            long, short = step * 9 // 10, step * 4 // 10
            size = (long, short) if (row + column) % 2 else (short, long)
            pen.rounded_rectangle((x, y, x + size[0], y + size[1]), 20, fill=colour)


def _white(colour: Colour) -> Colour:
    """Return the colour half way to white."""
    return tuple((part + 255) // 2 for part in colour)


_PATTERNS: tuple[Callable[[ImageDraw.ImageDraw, Colour, int], None], ...] = (
    _gear,
    _honeycomb,
    _waves,
    _rings,
    _weave,
)
