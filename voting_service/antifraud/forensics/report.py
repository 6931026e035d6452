"""report.html: what staff read and show, in one file that needs no network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader

from voting_service.antifraud.forensics.columns import BallotColumns
from voting_service.antifraud.forensics.findings import Findings, Picture, Verdict

MOST_CAMPAIGNS = 200
CELL_WIDTH, CELL_HEIGHT, TICKS = 8, 16, 4
_LABEL_CHARACTERS = 26


@dataclass(frozen=True, slots=True)
class Cell:
    """A rectangle of a heat map that is not empty."""

    x: int
    y: int
    shade: float
    """0 to 1; the root of the count over the largest count of a value that is named."""
    count: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture made ready for the template; both tables have one scale."""

    labels: tuple[str, ...]
    ticks: tuple[tuple[int, str], ...]
    width: int
    height: int
    observed: tuple[Cell, ...]
    expected: tuple[Cell, ...]


def write_report(columns: BallotColumns, findings: Findings, path: Path, zone: ZoneInfo) -> None:
    """Writes the report; the campaigns with the most ballots to hold come first."""
    shown = sorted(findings.campaigns, key=lambda each: (-each.verdict, -each.ballots))
    page = Environment(
        loader=PackageLoader("voting_service.antifraud.forensics", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("report.html.jinja")
    span = [_clock(int(at), zone) for at in _ends(columns)]
    text = page.render(
        ballots=len(columns),
        counts={
            verdict.name.lower(): int((findings.verdict == verdict).sum()) for verdict in Verdict
        },
        campaigns=[(each, chart(each.picture, zone)) for each in shown[:MOST_CAMPAIGNS]],
        left_out=max(len(shown) - MOST_CAMPAIGNS, 0),
        span=span,
        zone=zone.key,
        times=lambda each: [_clock(at, zone) for at in (each.first_at, each.last_at)],
    )
    path.write_text(text, encoding="utf-8")


def chart(picture: Picture, zone: ZoneInfo) -> Chart:
    """The rectangles of both tables, and where the labels go."""
    named = (*picture.observed[:-1], *picture.expected[:-1]) or picture.observed
    largest = max(1e-9, *(max(row) for row in named))
    bins = len(picture.observed[0])
    ticks = tuple(
        (at * CELL_WIDTH, _clock(picture.start + at * picture.bin_ms, zone)[5:])
        for at in range(0, bins, bins // TICKS)
    )
    return Chart(
        labels=(*(_short(value) for value in picture.values), "其他 others"),
        ticks=ticks,
        width=bins * CELL_WIDTH,
        height=len(picture.observed) * CELL_HEIGHT,
        observed=tuple(_cells(picture.observed, largest)),
        expected=tuple(_cells(picture.expected, largest)),
    )


def _cells(table: Sequence[Sequence[float]], largest: float) -> Iterator[Cell]:
    for row, counts in enumerate(table):
        for column, count in enumerate(counts):
            shade = sqrt(min(count / largest, 1.0))
            if shade >= 0.02:
                yield Cell(column * CELL_WIDTH, row * CELL_HEIGHT, round(shade, 2), f"{count:.1f}")


def _short(text: str) -> str:
    return text if len(text) <= _LABEL_CHARACTERS else "…" + text[1 - _LABEL_CHARACTERS :]


def _clock(at_ms: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, zone):%Y-%m-%d %H:%M}"


def _ends(columns: BallotColumns) -> tuple[int, ...]:
    return (columns.cast_at.min(), columns.cast_at.max()) if len(columns) else ()
