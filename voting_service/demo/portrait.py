"""Drawn portraits of the demo: the tools of a trade before the hills and the river of the city. The
same number gives the same picture."""

from __future__ import annotations

from math import pi, sin

from PIL import Image, ImageColor, ImageDraw

from voting_service.demo.canvas import Canvas, Palette, around
from voting_service.demo.motifs import MOTIFS

SIZE = (640, 896)
_SCALE = 2
"""Drawn larger and reduced, for smooth edges."""
_WIDTH, _HEIGHT = SIZE[0] * _SCALE, SIZE[1] * _SCALE
_CENTRE = (_WIDTH / 2, _HEIGHT * 0.46)
_UNIT = _WIDTH * 0.0072
_SUN_RADIUS = _WIDTH * 0.43
_RAYS = 24
_ACCENTS = (10, 26, 38)
"""Hues of vermilion, orange and amber."""


def portrait(number: int, trade: int) -> Image.Image:
    """Return a picture (RGB) of the trade's motif in the number's colours."""
    palette = _palette(number)
    drawing = Image.new("RGB", (_WIDTH, _HEIGHT), palette.middle)
    pen = ImageDraw.Draw(drawing)
    if number % 2:
        _rays(pen, palette)
    else:
        _rings(pen, palette)
    pen.circle(_CENTRE, _SUN_RADIUS, fill=_mixed(palette.light, palette.middle, 0.35))
    _hills(pen, palette, number)
    canvas = Canvas(pen, _CENTRE, _UNIT, palette)
    MOTIFS[trade % len(MOTIFS)](canvas)
    return drawing.reduce(_SCALE)


def _palette(number: int) -> Palette:
    hue = number * 137 % 360  # the golden angle: neighbours differ most
    tones = ((hue + 20, 45, 93), (hue, 26, 74), (hue + 10, 38, 20), (_ACCENTS[number % 3], 68, 48))
    return Palette(*(ImageColor.getrgb(f"hsl({h % 360}, {s}%, {light}%)") for h, s, light in tones))


def _mixed(first: tuple[int, ...], second: tuple[int, ...], part: float) -> tuple[int, ...]:
    """Return the first colour with a part of the second."""
    return tuple(round(a + (b - a) * part) for a, b in zip(first, second, strict=True))


def _rays(pen: ImageDraw.ImageDraw, palette: Palette) -> None:
    colour = _mixed(palette.middle, palette.light, 0.35)
    for ray in range(_RAYS):
        edge = [around(_CENTRE, _HEIGHT, (ray + part) / _RAYS) for part in (0, 0.5)]
        pen.polygon([_CENTRE, *edge], fill=colour)


def _rings(pen: ImageDraw.ImageDraw, palette: Palette) -> None:
    colour = _mixed(palette.middle, palette.light, 0.35)
    for radius in range(round(_SUN_RADIUS) + 60, _HEIGHT, 120):
        pen.circle(_CENTRE, radius, outline=colour, width=40)


def _hills(pen: ImageDraw.ImageDraw, palette: Palette, number: int) -> None:
    """Three ranges, the nearest the darkest, and the river before them."""
    for place in range(3):
        top, height = _HEIGHT * (0.72 + 0.07 * place), _HEIGHT * 0.035
        length, shift = _WIDTH * (0.9 - 0.2 * place), number * 97 + place * 311
        ridge = [
            (x, top + height * (sin((x + shift) * 2 * pi / length) + 0.4 * sin((x - shift) / 61)))
            for x in range(0, _WIDTH + 20, 20)
        ]
        colour = _mixed(palette.middle, palette.dark, 0.25 + 0.22 * place)
        pen.polygon([(0, _HEIGHT), *ridge, (_WIDTH, _HEIGHT)], fill=colour)
    for line in range(4):
        y, inset = _HEIGHT * (0.93 + 0.017 * line), _WIDTH * (0.1 + (number + line * 3) % 5 * 0.06)
        pen.line([(inset, y), (_WIDTH - inset, y)], fill=palette.light, width=5)
