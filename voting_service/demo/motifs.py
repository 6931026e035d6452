"""Tools and works of the demo's trades as drawings, in the order of crafts.toml. Never a person."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import pi, sin

from voting_service.demo.canvas import Canvas, Point, around


def _wave(y: float, height: float, length: float) -> list[Point]:
    return [(x, y + height * sin(x * 2 * pi / length)) for x in range(5, 96, 2)]


def _wheel(c: Canvas) -> None:
    c.ring(c.dark, (50, 50), 38, 9)
    c.ring(c.accent, (50, 50), 27, 3)
    for turn in range(5):
        c.stroke(c.dark, 6, around((50, 50), 8, turn / 5), around((50, 50), 27, turn / 5))
    c.disc(c.dark, 50, 50, 9)
    for turn in range(5):
        c.disc(c.light, *around((50, 50), 5.5, turn / 5 + 0.1), 1.2)
    c.stroke(c.accent, 6, (14, 88), (40, 62))
    c.ring(c.accent, (43, 59), 6, 3)


def _motorcycle(c: Canvas) -> None:
    for x in (24, 76):
        c.ring(c.dark, (x, 64), 19, 6)
        c.spokes(c.middle, (x, 64), (4, 13), 8)
        c.disc(c.accent, x, 64, 4)
    c.stroke(c.dark, 4, (24, 64), (38, 44), (62, 44), (76, 64))
    c.stroke(c.dark, 4, (38, 44), (50, 66), (62, 44))
    c.shape(c.accent, (36, 42), (42, 32), (60, 32), (66, 42), (58, 46), (40, 46))
    c.box(c.dark, (18, 36), (20, 6), 3)
    c.stroke(c.dark, 4, (76, 64), (66, 30), (58, 24))
    c.box(c.dark, (42, 52), (16, 16), 3)
    c.stroke(c.accent, 4, (52, 68), (30, 74), (12, 74))


def _chip(c: Canvas) -> None:
    for place in range(7):
        at = 26 + place * 8
        c.stroke(c.dark, 3, (at, 10), (at, 90))
        c.stroke(c.dark, 3, (10, at), (90, at))
    c.box(c.dark, (18, 18), (64, 64), 5)
    c.box(c.accent, (34, 34), (32, 32), 3)
    for place in range(4):
        at = 38 + place * 8
        c.stroke(c.light, 1.2, (at, 40), (at, 44 + place % 2 * 8), (at + 4, 60))
    c.disc(c.light, 25, 25, 3)


def _panel(c: Canvas) -> None:
    c.shape(c.dark, (8, 22), (92, 14), (92, 74), (8, 78))
    for place in range(6):
        left = 12 + place * 13
        colour = (c.accent, c.light, c.middle)[place % 3]
        c.shape(
            colour,
            (left, 26 - place),
            (left + 11, 25 - place),
            (left + 11, 71 - place),
            (left, 72 - place),
        )
    c.shape(c.dark, (44, 76), (56, 76), (60, 90), (40, 90))
    c.box(c.dark, (28, 89), (44, 4), 2)
    c.stroke(c.light, 2, (16, 36), (34, 24))


def _chuck(c: Canvas) -> None:
    c.disc(c.dark, 44, 50, 38)
    c.ring(c.middle, (44, 50), 31, 1.5)
    for turn in range(3):
        a, b = around((44, 50), 14, turn / 3), around((44, 50), 33, turn / 3)
        c.stroke(c.accent, 10, a, b)
    c.disc(c.light, 44, 50, 13)
    c.disc(c.middle, 44, 50, 8)
    c.shape(c.accent, (56, 46), (94, 30), (98, 40), (62, 54))
    c.arc(c.light, (66, 68), 8, (0, 280))
    c.arc(c.light, (76, 78), 6, (60, 330))


def _torch(c: Canvas) -> None:
    c.box(c.dark, (6, 74), (42, 14), 1)
    c.box(c.dark, (52, 74), (42, 14), 1)
    c.spokes(c.accent, (50, 72), (12, 36), 20)
    c.spokes(c.light, (50, 72), (6, 20), 12)
    c.disc(c.light, 50, 72, 9)
    c.disc(c.accent, 50, 72, 5)
    c.stroke(c.dark, 8, (54, 62), (68, 38), (92, 22))
    c.stroke(c.middle, 4, (54, 62), (60, 52))
    c.stroke(c.dark, 3, (92, 22), (96, 8))


def _scraper(c: Canvas) -> None:
    c.shape(c.middle, (8, 62), (62, 44), (94, 66), (38, 90))
    for row in range(4):
        for column in range(5):
            x, y = 22 + column * 12 + row * 7, 62 + row * 6 - column * 3.4
            c.shape(
                c.accent if (row + column) % 2 else c.light,
                (x, y),
                (x + 4, y - 2),
                (x + 7, y),
                (x + 3, y + 2.4),
            )
    c.stroke(c.dark, 4, (46, 62), (74, 22))
    c.shape(c.dark, (40, 66), (46, 56), (51, 60))
    c.stroke(c.accent, 9, (74, 22), (86, 6))
    c.stroke(c.dark, 2, (8, 96), (92, 96))
    for place in range(15):
        c.stroke(c.dark, 1, (10 + place * 5.7, 96), (10 + place * 5.7, 92))


def _mould(c: Canvas) -> None:
    c.box(c.dark, (10, 12), (80, 28), 3)
    c.box(c.dark, (10, 62), (80, 28), 3)
    c.shape(c.accent, (28, 40), (36, 28), (64, 28), (72, 40))
    c.shape(c.light, (30, 48), (38, 37), (62, 37), (70, 48), (66, 54), (34, 54))
    c.shape(c.accent, (28, 62), (36, 72), (64, 72), (72, 62))
    for x in (18, 82):
        c.stroke(c.middle, 4, (x, 40), (x, 62))
        c.disc(c.middle, x, 24, 3.4)
        c.disc(c.middle, x, 78, 3.4)


def _robot(c: Canvas) -> None:
    c.shape(c.dark, (22, 92), (30, 76), (54, 76), (62, 92))
    c.stroke(c.accent, 13, (42, 76), (30, 44))
    c.stroke(c.accent, 10, (30, 44), (62, 22))
    c.stroke(c.dark, 7, (62, 22), (82, 42))
    for x, y, radius in ((42, 76, 9), (30, 44, 8), (62, 22, 7)):
        c.disc(c.dark, x, y, radius)
        c.disc(c.light, x, y, radius / 2.4)
    c.stroke(c.dark, 3, (82, 42), (78, 52), (82, 60))
    c.stroke(c.dark, 3, (82, 42), (92, 46), (92, 56))
    c.box(c.accent, (80, 60), (13, 13), 2)


def _reactor(c: Canvas) -> None:
    c.box(c.dark, (30, 22), (38, 56), 16)
    c.box(c.accent, (34, 48), (30, 26), 13)
    c.stroke(c.light, 2.4, (49, 12), (49, 66))
    c.stroke(c.light, 2.4, (40, 66), (58, 66))
    c.box(c.middle, (43, 6), (12, 10), 2)
    c.stroke(c.dark, 4, (68, 40), (86, 40), (86, 84))
    c.stroke(c.dark, 4, (30, 56), (14, 56), (14, 84))
    c.ring(c.dark, (86, 28), 9, 2.4)
    c.stroke(c.accent, 1.6, (86, 28), (90, 23))
    c.stroke(c.dark, 4, (36, 76), (32, 92))
    c.stroke(c.dark, 4, (62, 76), (66, 92))


def _tubes(c: Canvas) -> None:
    for place, level in enumerate((46, 60, 36)):
        x = 20 + place * 22
        c.box(c.light, (x, 14), (15, 70), 7)
        c.box((c.accent, c.dark, c.middle)[place], (x + 2, level), (11, 82 - level), 5)
        c.box(c.dark, (x - 2, 11), (19, 5), 2)
        for bubble in range(3):
            c.disc(c.light, x + 5 + bubble * 3, level + 8 + bubble * 7, 1.2)
    c.box(c.dark, (10, 54), (80, 6), 2)
    c.box(c.dark, (10, 86), (80, 6), 2)
    c.stroke(c.dark, 3, (12, 56), (12, 88))
    c.stroke(c.dark, 3, (88, 56), (88, 88))


def _rolls(c: Canvas) -> None:
    for y, radius in ((16, 16), (84, 16)):
        c.disc(c.dark, 50, y, radius)
        c.disc(c.middle, 50, y, radius * 0.35)
    for y in (39, 61):
        c.disc(c.accent, 50, y, 9.5)
        c.disc(c.dark, 50, y, 3)
    c.shape(c.light, (2, 44), (50, 48.6), (98, 49.2), (98, 50.8), (50, 51.4), (2, 56))
    c.ring(c.dark, (90, 66), 15, 3)
    c.ring(c.light, (90, 66), 10, 2)
    c.stroke(c.light, 1.6, (92, 51), (98, 54))


def _threads(c: Canvas) -> None:
    c.box(c.dark, (16, 8), (68, 14), 3)
    for place in range(15):
        x = 19 + place * 4.4
        c.stroke(c.light if place % 2 else c.accent, 0.9, (x, 22), (50, 60))
    c.disc(c.dark, 50, 60, 4)
    c.stroke(c.accent, 2, (50, 60), (50, 70))
    c.box(c.dark, (26, 70), (48, 5), 2)
    c.box(c.middle, (32, 74), (36, 16), 2)
    for place in range(6):
        c.stroke(c.light, 0.9, (33, 76 + place * 2.5), (67, 77 + place * 2.5))
    c.box(c.dark, (26, 89), (48, 5), 2)


def _pylon(c: Canvas) -> None:
    for side in (-1, 1):
        c.stroke(c.dark, 3, (50 + side * 22, 94), (50 + side * 7, 34), (50, 8))
        for y in (26, 42):
            c.stroke(c.dark, 2.4, (50, y), (50 + side * 34, y + 4))
            for step in range(3):
                c.disc(c.accent, 50 + side * 31, y + 8 + step * 4, 2.2)
    for low in range(3):
        y, half = 50 + low * 15, 11 + low * 4
        c.stroke(c.dark, 1.6, (50 - half, y), (50 + half + 3, y + 14))
        c.stroke(c.dark, 1.6, (50 + half, y), (50 - half - 3, y + 14))
    c.shape(c.accent, (82, 54), (70, 74), (78, 74), (72, 94), (92, 68), (83, 68))


def _derrick(c: Canvas) -> None:
    for side in (-1, 1):
        c.stroke(c.dark, 3.4, (40 + side * 22, 84), (40 + side * 4, 16))
    for step in range(4):
        y, half = 26 + step * 15, 7 + step * 4.2
        c.stroke(c.dark, 1.8, (40 - half, y), (40 + half, y))
        c.stroke(c.dark, 1.4, (40 - half, y), (40 + half + 4, y + 15))
    c.box(c.dark, (32, 8), (16, 8), 2)
    c.box(c.dark, (8, 84), (64, 8), 1)
    c.stroke(c.middle, 3, (40, 16), (40, 84))
    c.stroke(c.dark, 3, (84, 92), (84, 58))
    c.shape(c.accent, (84, 24), (94, 44), (90, 56), (84, 60), (78, 56), (74, 46))
    c.shape(c.light, (84, 40), (88, 50), (84, 57), (80, 50))


def _bridge(c: Canvas) -> None:
    c.box(c.dark, (2, 62), (96, 6), 1)
    for x in (30, 70):
        c.stroke(c.dark, 5, (x, 18), (x, 86))
        for step in range(5):
            for side in (-1, 1):
                c.stroke(c.accent, 1.1, (x, 22 + step * 5), (x + side * (18 - step * 3), 62))
    for row in range(2):
        c.stroke(c.middle, 2.4, *_wave(84 + row * 8, 1.8, 22))
    c.arc(c.dark, (50, 64), 13, (180, 360), 2.4)


def _ship(c: Canvas) -> None:
    c.shape(c.dark, (6, 58), (94, 52), (80, 82), (20, 82))
    c.shape(c.accent, (12, 68), (87, 66), (80, 82), (20, 82))
    c.box(c.light, (60, 36), (22, 18), 1)
    for place in range(3):
        c.box(c.dark, (63 + place * 6, 40), (4, 5), 0.5)
    for place in range(4):
        c.box((c.middle, c.accent)[place % 2], (16 + place * 10, 46), (9, 11), 0.5)
    c.stroke(c.dark, 3, (46, 56), (46, 12), (20, 18))
    c.stroke(c.dark, 1.4, (22, 18), (22, 38))
    c.arc(c.dark, (22, 41), 3, (270, 150), 1.4)
    c.stroke(c.middle, 2.4, *_wave(88, 1.8, 22))


def _still(c: Canvas) -> None:
    c.shape(c.dark, (30, 92), (20, 56), (32, 40), (68, 40), (80, 56), (70, 92))
    c.box(c.dark, (38, 30), (24, 12), 2)
    c.box(c.accent, (32, 54), (36, 22), 2)
    c.ring(c.light, (50, 65), 8, 2)
    c.disc(c.accent, 50, 24, 8)
    for x, y, radius in ((84, 30, 4), (90, 44, 3), (80, 48, 2), (88, 20, 2.4), (14, 34, 3)):
        c.ring(c.light, (x, y), radius, 1)
    c.stroke(c.accent, 1.6, (14, 94), (12, 56))
    for step in range(5):
        for side in (-3, 3):
            c.stroke(c.accent, 2.2, (12, 60 + step * 5), (12 + side, 56 + step * 5))


def _crock(c: Canvas) -> None:
    c.shape(c.dark, (24, 48), (18, 66), (28, 92), (72, 92), (82, 66), (76, 48))
    c.box(c.middle, (22, 42), (56, 8), 4)
    c.stroke(c.accent, 3, *[(x, 66 + 2 * sin(x / 4)) for x in range(24, 77, 2)])
    for place, (x, y) in enumerate(((30, 18), (50, 8), (70, 18))):
        c.stroke(c.dark, 2.4, (44 + place * 6, 42), (x, y + 10))
        c.shape(c.accent, (x, y - 8), (x + 9, y + 4), (x + 3, y + 16), (x - 7, y + 12), (x - 8, y))
        c.stroke(c.light, 1, (x, y - 4), (x, y + 12))


def _oranges(c: Canvas) -> None:
    c.stroke(c.dark, 3, (6, 16), (40, 24), (70, 18), (94, 26))
    for x, y, radius in ((34, 56, 19), (66, 48, 17), (58, 78, 15)):
        c.stroke(c.dark, 2, (x, y - radius), (x + 3, 24))
        c.disc(c.accent, x, y, radius)
        c.arc(c.light, (x, y), radius * 0.75, (190, 260), 1.6)
        c.disc(c.dark, x, y - radius + 2, 1.8)
    for x, y, side in ((18, 30, -1), (50, 14, 1), (82, 34, 1)):
        c.shape(
            c.dark,
            (x, y - 8),
            (x + side * 12, y - 2),
            (x + side * 15, y + 10),
            (x + side * 2, y + 4),
        )


def _lacquer(c: Canvas) -> None:
    c.shape(c.dark, (14, 44), (86, 44), (76, 70), (62, 80), (38, 80), (24, 70))
    c.box(c.dark, (38, 78), (24, 8), 2)
    for step in range(4):
        c.arc(c.accent, (50, 40), 30 - step * 6, (20, 160), 2)
    c.box(c.accent, (12, 40), (76, 6), 3)
    c.stroke(c.middle, 3, (84, 4), (62, 26))
    c.shape(c.dark, (64, 20), (68, 26), (54, 38))
    for x, y in ((24, 18), (34, 26), (18, 30)):
        c.shape(c.light, (x, y), (x + 4, y + 2), (x + 1, y + 5))


def _chisel(c: Canvas) -> None:
    c.shape(c.middle, (6, 94), (10, 58), (34, 46), (66, 52), (90, 64), (94, 94))
    for turn in range(5):
        tip = around((42, 74), 16, (turn - 2) / 9)
        left, right = around((42, 74), 9, (turn - 2.6) / 9), around((42, 74), 9, (turn - 1.4) / 9)
        c.shape(c.light, (42, 78), left, tip, right)
    c.stroke(c.dark, 3.4, (50, 60), (70, 30))
    c.stroke(c.accent, 5, (62, 42), (71, 28))
    c.stroke(c.dark, 4, (54, 6), (92, 28))
    c.shape(c.dark, (64, 4), (80, 14), (72, 28), (56, 18))
    for x, y in ((38, 50), (34, 42), (44, 42)):
        c.shape(c.accent, (x, y), (x + 4, y + 1), (x + 1, y + 4))


def _loom(c: Canvas) -> None:
    for place in range(19):
        x = 8 + place * 4.67
        c.stroke(c.light if place % 2 else c.middle, 1.4, (x, 8), (x, 92))
    for row in range(9):
        y = 58 + row * 4
        for place in range(9):
            x = 10 + place * 9.3 + row % 2 * 4.6
            c.stroke(c.accent, 1.8, (x, y), (x + 3, y))
    c.shape(c.dark, (10, 40), (26, 33), (74, 33), (90, 40), (74, 47), (26, 47))
    c.box(c.light, (34, 36.5), (32, 7), 3.5)
    c.stroke(c.accent, 3, (38, 40), (62, 40))
    c.stroke(c.accent, 1, (90, 40), (96, 56))


def _network(c: Canvas) -> None:
    layers = [
        [(18, y) for y in (26, 50, 74)],
        [(46, y) for y in (16, 39, 61, 84)],
        [(72, y) for y in (34, 66)],
    ]
    for left, right in pairwise(layers):
        for a in left:
            for b in right:
                c.stroke(c.middle, 1, a, b)
    for place, layer in enumerate(layers):
        for x, y in layer:
            c.disc((c.dark, c.accent, c.dark)[place], x, y, 6)
            c.disc(c.light, x, y, 2.2)
    for step in range(3):
        c.arc(c.accent, (74, 50), 12 + step * 7, (-38, 38), 2.6)


def _shield(c: Canvas) -> None:
    c.shape(c.dark, (50, 6), (88, 18), (86, 52), (70, 80), (50, 94), (30, 80), (14, 52), (12, 18))
    c.shape(
        c.accent, (50, 16), (79, 25), (77, 51), (64, 73), (50, 83), (36, 73), (23, 51), (21, 25)
    )
    c.arc(c.light, (50, 42), 11, (180, 360), 4)
    c.box(c.light, (34, 42), (32, 24), 3)
    c.disc(c.dark, 50, 51, 3.6)
    c.shape(c.dark, (48.4, 52), (51.6, 52), (53, 61), (47, 61))


MOTIFS: tuple[Callable[[Canvas], None], ...] = (
    _wheel,
    _motorcycle,
    _chip,
    _panel,
    _chuck,
    _torch,
    _scraper,
    _mould,
    _robot,
    _reactor,
    _tubes,
    _rolls,
    _threads,
    _pylon,
    _derrick,
    _bridge,
    _ship,
    _still,
    _crock,
    _oranges,
    _lacquer,
    _chisel,
    _loom,
    _network,
    _shield,
)
