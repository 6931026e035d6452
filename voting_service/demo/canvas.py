"""A square to draw on in units of its own, and the colours of one drawing."""

from __future__ import annotations

from math import cos, pi, sin
from typing import NamedTuple

from PIL import ImageDraw

Colour = tuple[int, ...]
Point = tuple[float, float]


class Palette(NamedTuple):
    """The colours of one drawing."""

    light: Colour
    middle: Colour
    dark: Colour
    accent: Colour


class Canvas:
    """A square of 100 × 100 units within a picture, on which motifs are drawn."""

    def __init__(
        self, pen: ImageDraw.ImageDraw, centre: Point, unit: float, palette: Palette
    ) -> None:
        self._pen = pen
        self._centre = centre
        self._unit = unit
        self.light, self.middle, self.dark, self.accent = palette

    def at(self, x: float, y: float) -> Point:
        """Return the place of a point in the picture."""
        return (
            self._centre[0] + (x - 50) * self._unit,
            self._centre[1] + (y - 50) * self._unit,
        )

    def shape(self, colour: Colour, *points: Point) -> None:
        self._pen.polygon([self.at(*point) for point in points], fill=colour)

    def stroke(self, colour: Colour, width: float, *points: Point) -> None:
        """A line with round ends and corners."""
        places = [self.at(*point) for point in points]
        self._pen.line(places, fill=colour, width=round(width * self._unit), joint="curve")
        for place in (places[0], places[-1]):
            self._pen.circle(place, width * self._unit / 2, fill=colour)

    def disc(self, colour: Colour, x: float, y: float, radius: float) -> None:
        self._pen.circle(self.at(x, y), radius * self._unit, fill=colour)

    def ring(self, colour: Colour, centre: Point, radius: float, width: float) -> None:
        thick = max(round(width * self._unit), 1)
        self._pen.circle(self.at(*centre), radius * self._unit, outline=colour, width=thick)

    def box(self, colour: Colour, corner: Point, size: Point, rounding: float = 0) -> None:
        (x, y), (wide, high) = corner, size
        self._pen.rounded_rectangle(
            (*self.at(x, y), *self.at(x + wide, y + high)), rounding * self._unit, fill=colour
        )

    def arc(
        self, colour: Colour, centre: Point, radius: float, degrees: Point, width: float = 2
    ) -> None:
        (x, y), (start, end) = centre, degrees
        frame = (*self.at(x - radius, y - radius), *self.at(x + radius, y + radius))
        self._pen.arc(frame, start, end, fill=colour, width=round(width * self._unit))

    def spokes(self, colour: Colour, centre: Point, reach: Point, count: int) -> None:
        """Lines from a centre, between two radii."""
        inner, outer = reach
        for turn in range(count):
            self.stroke(
                colour, 2, around(centre, inner, turn / count), around(centre, outer, turn / count)
            )


def around(centre: Point, radius: float, turn: float) -> Point:
    """Return a point on a circle; turn 0 is up, and one turn goes round clockwise."""
    angle = turn * 2 * pi - pi / 2
    return centre[0] + radius * cos(angle), centre[1] + radius * sin(angle)
