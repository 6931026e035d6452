"""Rows and charts of the tally's pages. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from voting_service.contests.model import Contest
from voting_service.voting.tally.exports import in_cut
from voting_service.voting.tally.live_figures import (
    Figures,
    MarginLine,
    MinuteCount,
)
from voting_service.voting.tally.recount import Count

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
Chart = dict[str, Any]
States = Mapping[str, str]
"""The names of `counted`, `held` and `void`."""


class CountedColumns(msgspec.Struct, frozen=True):
    """A count as pages show it."""

    gross: int
    held: int
    void: int
    net: int

    @classmethod
    def of(cls, count: Count) -> CountedColumns:
        return cls(count.gross, count.held, count.void, count.net)


class CandidateRow(msgspec.Struct, frozen=True):
    """A candidate's row. `share` is of all net votes, in percent; `to_line` is the difference in
    net votes to the first candidate outside the cut, or (negative) to the last one inside; None
    without a cut. Who has withdrawn has neither rank nor that."""

    number: int
    rank: int | None
    counted: CountedColumns
    share: float
    in_cut: str
    to_line: int | None


class PlatformRow(msgspec.Struct, frozen=True):
    """A platform's row. `share` is of all net ballots, in percent."""

    platform_id: int
    counted: CountedColumns
    share: float


class Tally(msgspec.Struct, frozen=True):
    """The tally at a time, best candidates first."""

    as_of: datetime
    ballots: CountedColumns
    line: MarginLine | None
    candidates: tuple[CandidateRow, ...]
    platforms: tuple[PlatformRow, ...]


def percent(part: int, whole: int) -> float:
    """Return the percentage with two decimals; 0 of nothing."""
    return round(100 * part / whole, 2) if whole else 0.0


def build_tally(contest: Contest, figures: Figures) -> Tally:
    """Return the tally as pages show it."""
    net, ranks = figures.standing(), figures.ranks()
    total = sum(count.net for count in figures.votes.values())
    # Before the first vote everybody is tied, which means nothing.
    line = figures.line(contest.rules.cut.size) if total else None
    places = in_cut(net, contest.rules.cut.size)

    def to_line(number: int) -> int | None:
        if line is None or number in figures.withdrawn:
            return None
        place = order.index(number) + 1
        other = line.first_out if place <= line.place else line.last_in
        return net[number] - net[other]

    order = figures.best_first()
    return Tally(
        as_of=figures.as_of,
        ballots=CountedColumns.of(figures.ballots),
        line=line,
        candidates=tuple(
            CandidateRow(
                number,
                ranks.get(number),
                CountedColumns.of(figures.votes[number]),
                percent(figures.votes[number].net, total),
                places.get(number, "withdrawn"),
                to_line(number),
            )
            for number in order
        ),
        platforms=tuple(
            PlatformRow(
                platform_id, CountedColumns.of(count), percent(count.net, figures.ballots.net)
            )
            for platform_id, count in figures.by_platform().items()
        ),
    )


def _moment(moment: datetime, contest: Contest) -> str:
    return moment.astimezone(contest.zone).isoformat(timespec="seconds")


def _states(counts: Sequence[Count], states: States) -> list[Chart]:
    return [
        {
            "name": states[state],
            "state": state,
            "values": [c.net if state == "counted" else getattr(c, state) for c in counts],
        }
        for state in ("counted", "held", "void")
    ]


class TimeSteps(NamedTuple):
    """The columns of a chart over time; the last may be shorter than `step`."""

    begins: datetime
    ends: datetime
    step: timedelta = HOUR

    @classmethod
    def minutes(cls, begins: datetime, ends: datetime) -> TimeSteps:
        """Return minutes from that of `begins`."""
        return cls(begins.replace(second=0, microsecond=0), ends, MINUTE)

    def times(self) -> list[datetime]:
        """Return when each step begins."""
        begins, ends, step = self
        return [begins + step * n for n in range(-(-(ends - begins) // step))]


def time_chart(
    contest: Contest,
    counts: Mapping[datetime, Count],
    steps: TimeSteps,
    *,
    states: States,
    link: Callable[[datetime], str] | None = None,
) -> Chart:
    """Return counts by state for every step; 0 where nothing was cast."""
    times = steps.times()
    return {
        "time": [_moment(time, contest) for time in times],
        "series": _states([counts.get(time, Count()) for time in times], states),
        "links": [link(time) for time in times] if link else [],
    }


def counts_by_minute(minutes: Iterable[MinuteCount]) -> Mapping[datetime, Count]:
    """Return the counted ballots of each minute."""
    return {minute.minute: minute.counted for minute in minutes}


def contest_hours(contest: Contest, figures: Figures) -> TimeSteps:
    """Return the hours from the first of voting until now, the close, or the last ballot's hour."""
    first = contest.opens_at.replace(minute=0, second=0, microsecond=0)
    cast = [cell.hour for cell in figures.cells]
    ends = max([min(figures.as_of, contest.closes_at), *(hour + HOUR for hour in cast)])
    return TimeSteps(min([first, *cast]), ends)


def bars(
    labels: Sequence[str],
    counts: Sequence[Count],
    *,
    states: States,
    links: Sequence[str] = (),
    ticks: Sequence[str] | None = None,
) -> Chart:
    """Return stacked bars by state; `ticks` are short labels for the axis."""
    return {
        "labels": list(labels),
        "ticks": None if ticks is None else list(ticks),
        "series": _states(counts, states),
        "links": list(links),
        "stacked": True,
    }


def comparison_chart(
    contest: Contest, figures: Figures, candidates: Mapping[int, str], difference: str
) -> Chart:
    """Return the cumulative net votes of two candidates by the hour, and the difference."""
    times = contest_hours(contest, figures).times()
    sums: dict[int, list[int]] = {}
    for number in candidates:
        hours, total = figures.by_hour(number), 0
        sums[number] = [total := total + hours.get(time, Count()).net for time in times]
    first, second = sums.values()
    return {
        "time": [_moment(time, contest) for time in times],
        "series": [
            *({"name": name, "values": sums[number]} for number, name in candidates.items()),
            {"name": difference, "values": [a - b for a, b in zip(first, second, strict=True)]},
        ],
    }
