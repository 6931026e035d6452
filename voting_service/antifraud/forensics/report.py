"""report.html: the report for staff, in one file that loads nothing from a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader

from voting_service.antifraud.forensics.columns import BallotColumns
from voting_service.antifraud.forensics.findings import (
    BallotVerdict,
    Findings,
    HeatMap,
)
from voting_service.antifraud.forensics.seats import Seat
from voting_service.antifraud.forensics.sentences import load_texts, seat_sentence
from voting_service.i18n.text import LANGUAGES

MAX_CAMPAIGNS_SHOWN = 200
CELL_WIDTH, CELL_HEIGHT, TICKS = 8, 16, 4
_LABEL_CHARACTERS = 26


@dataclass(frozen=True, slots=True)
class ReportCell:
    """A rectangle of a heat map that is not empty."""

    x: int
    y: int
    shade: float
    """0 to 1: the square root of the count over the largest count of a value that is listed."""
    count: str


@dataclass(frozen=True, slots=True)
class ReportHeatMap:
    """The layout of a heat map; both tables have one scale."""

    labels: tuple[str, ...]
    ticks: tuple[tuple[int, str], ...]
    width: int
    height: int
    observed: tuple[ReportCell, ...]
    expected: tuple[ReportCell, ...]


def write_report(
    columns: BallotColumns, findings: Findings, seats: Sequence[Seat], path: Path, zone: ZoneInfo
) -> None:
    """Write the report; seats in doubt come first, then campaigns to hold, by number of ballots."""
    listed = sorted(findings.campaigns, key=lambda campaign: (-campaign.verdict, -campaign.ballots))
    template = Environment(
        loader=PackageLoader("voting_service.antifraud.forensics", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("report.html.jinja")
    text = template.render(
        texts={language: load_texts(language)["report"] for language in LANGUAGES},
        attributes={language: load_texts(language)["attribute"] for language in LANGUAGES},
        ballots=len(columns),
        doubts={
            language: [
                seat_sentence(seat.number, reason, language)
                for seat in seats
                for reason in seat.reasons
            ]
            for language in LANGUAGES
        },
        counts={
            verdict.name.lower(): int((findings.verdict == verdict).sum())
            for verdict in BallotVerdict
        },
        campaigns=[
            (campaign, layout_heat_map(campaign.heat_map, zone))
            for campaign in listed[:MAX_CAMPAIGNS_SHOWN]
        ],
        left_out=max(len(listed) - MAX_CAMPAIGNS_SHOWN, 0),
        span=[_format_time(int(at), zone) for at in _ends(columns)],
        zone=zone.key,
        format_time=lambda at: _format_time(at, zone),
    )
    path.write_text(text, encoding="utf-8")


def layout_heat_map(heat_map: HeatMap, zone: ZoneInfo) -> ReportHeatMap:
    """Return the rectangles of both tables, and the positions of the labels."""
    named = (*heat_map.observed[:-1], *heat_map.expected[:-1]) or heat_map.observed
    largest = max(1e-9, *(max(row) for row in named))
    bins = len(heat_map.observed[0])
    ticks = tuple(
        (at * CELL_WIDTH, _format_time(heat_map.start + at * heat_map.bin_ms, zone)[5:])
        for at in range(0, bins, bins // TICKS)
    )
    return ReportHeatMap(
        labels=(
            *(_shorten(value) for value in heat_map.values),
            " ".join(load_texts(language)["report"]["others"] for language in LANGUAGES),
        ),
        ticks=ticks,
        width=bins * CELL_WIDTH,
        height=len(heat_map.observed) * CELL_HEIGHT,
        observed=tuple(_cells(heat_map.observed, largest)),
        expected=tuple(_cells(heat_map.expected, largest)),
    )


def _cells(table: Sequence[Sequence[float]], largest: float) -> Iterator[ReportCell]:
    for row, counts in enumerate(table):
        for column, count in enumerate(counts):
            shade = sqrt(min(count / largest, 1.0))
            if shade >= 0.02:
                yield ReportCell(
                    column * CELL_WIDTH, row * CELL_HEIGHT, round(shade, 2), f"{count:.1f}"
                )


def _shorten(text: str) -> str:
    return text if len(text) <= _LABEL_CHARACTERS else "…" + text[1 - _LABEL_CHARACTERS :]


def _format_time(at_ms: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, zone):%Y-%m-%d %H:%M}"


def _ends(columns: BallotColumns) -> tuple[int, ...]:
    return (columns.cast_at.min(), columns.cast_at.max()) if len(columns) else ()
