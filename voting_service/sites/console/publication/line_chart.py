"""The votes around the cut as bars from worst to best case. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from voting_service.voting.cut.safety import Neighbour, Safety

WIDTH, LABELS, RIGHT = 900, 270, 110
ROW, TOP = 28, 8


class MarginBar(NamedTuple):
    """One candidate; lengths in units of the chart. `left` to `right` is from the fewest to the
    most votes that rulings can leave, `net` is the current number."""

    place: int
    number: int
    name: str
    inside: bool
    y: int
    left: float
    width: float
    net: float
    votes: int
    lowest: int
    highest: int


class LineChart(NamedTuple):
    """`line_y` is the position of the cut."""

    width: int
    height: int
    labels: int
    row: int
    line_y: int
    bars: tuple[MarginBar, ...]


def line_picture(safety: Safety, names: Mapping[int, str]) -> LineChart | None:
    """Return the chart; None when all candidates are shortlisted, so that there is no cut."""
    rows = safety.neighbours
    if not rows:
        return None
    least = min(row.lowest for row in rows)
    most = max(*(row.highest for row in rows), least + 1)
    span = (WIDTH - LABELS - RIGHT) / (most - least)

    def x(votes: int) -> float:
        return round(LABELS + (votes - least) * span, 1)

    def bar(place: int, row: Neighbour) -> MarginBar:
        return MarginBar(
            place=row.place,
            number=row.number,
            name=names.get(row.number, ""),
            inside=row.place <= safety.size,
            y=TOP + place * ROW,
            left=x(row.lowest),
            width=round(max(3.0, x(row.highest) - x(row.lowest)), 1),
            net=x(row.net),
            votes=row.net,
            lowest=row.lowest,
            highest=row.highest,
        )

    inside = sum(row.place <= safety.size for row in rows)
    return LineChart(
        width=WIDTH,
        height=2 * TOP + ROW * len(rows),
        labels=LABELS,
        row=ROW,
        line_y=TOP + inside * ROW,
        bars=tuple(bar(place, row) for place, row in enumerate(rows)),
    )
