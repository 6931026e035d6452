"""From figures to the rows and charts that pages show. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from voting_service.contests.model import Contest
from voting_service.tally.desk_figures import Figures, Line, MinuteCount
from voting_service.tally.exports import in_cut
from voting_service.tally.recount import Count

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
Chart = dict[str, Any]
States = Mapping[str, str]
"""The words for `counted`, `held` and `void`."""


class Counted(msgspec.Struct, frozen=True):
    """A count as pages show it."""

    gross: int
    held: int
    void: int
    net: int

    @classmethod
    def of(cls, count: Count) -> Counted:
        return cls(count.gross, count.held, count.void, count.net)


class CandidateRow(msgspec.Struct, frozen=True):
    """A candidate's line. `share` is of all net votes, in percent; `to_line` how far the net
    votes are above the first one out, or (negative) below the last one in; None without a line."""

    number: int
    rank: int
    counted: Counted
    share: float
    in_cut: str
    to_line: int | None


class PlatformRow(msgspec.Struct, frozen=True):
    """A platform's line. `share` is of all net ballots, in percent."""

    platform_id: int
    counted: Counted
    share: float


class Tally(msgspec.Struct, frozen=True):
    """The tally of a moment, best candidates first."""

    as_of: datetime
    ballots: Counted
    line: Line | None
    candidates: tuple[CandidateRow, ...]
    platforms: tuple[PlatformRow, ...]


def percent(part: int, whole: int) -> float:
    """With two places; 0 of nothing."""
    return round(100 * part / whole, 2) if whole else 0.0


def tally_of(contest: Contest, figures: Figures) -> Tally:
    """What the page of a contest says."""
    net = {number: count.net for number, count in figures.votes.items()}
    total, ranks = sum(net.values()), figures.ranks()
    line, places = figures.line(contest.rules.cut.size), in_cut(net, contest.rules.cut.size)

    def to_line(number: int) -> int | None:
        if line is None:
            return None
        place = order.index(number) + 1
        other = line.first_out if place <= line.place else line.last_in
        return net[number] - net[other]

    order = figures.best_first()
    return Tally(
        as_of=figures.as_of,
        ballots=Counted.of(figures.ballots),
        line=line,
        candidates=tuple(
            CandidateRow(
                number,
                ranks[number],
                Counted.of(figures.votes[number]),
                percent(net[number], total),
                places[number],
                to_line(number),
            )
            for number in order
        ),
        platforms=tuple(
            PlatformRow(platform_id, Counted.of(count), percent(count.net, figures.ballots.net))
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


def _steps(begins: datetime, ends: datetime, step: timedelta) -> list[datetime]:
    return [begins + step * n for n in range(-(-(ends - begins) // step))]


def time_chart(
    contest: Contest,
    counts: Mapping[datetime, Count],
    begins: datetime,
    ends: datetime,
    step: timedelta,
    *,
    states: States,
    link: Callable[[datetime], str] | None = None,
) -> Chart:
    """Counts by state from `begins` until `ends`, every step of it; nothing cast is 0."""
    times = _steps(begins, ends, step)
    return {
        "time": [_moment(time, contest) for time in times],
        "series": _states([counts.get(time, Count()) for time in times], states),
        "links": [link(time) for time in times] if link else [],
    }


def minutes_chart(
    contest: Contest,
    minutes: Iterable[MinuteCount],
    begins: datetime,
    ends: datetime,
    *,
    states: States,
    link: Callable[[datetime], str] | None = None,
) -> Chart:
    """The same by the minute; a stretch may begin and end within one."""
    first = begins.replace(second=0, microsecond=0)
    counts = {each.minute: each.counted for each in minutes}
    return time_chart(contest, counts, first, ends, MINUTE, states=states, link=link)


def contest_hours(contest: Contest, figures: Figures) -> tuple[datetime, datetime]:
    """From the hour in which voting opened until now, the close, or the last ballot's hour."""
    first = contest.opens_at.replace(minute=0, second=0, microsecond=0)
    cast = [cell.hour for cell in figures.cells]
    ends = max([min(figures.as_of, contest.closes_at), *(hour + HOUR for hour in cast)])
    return min([first, *cast]), ends


def bars(
    labels: Sequence[str],
    counts: Sequence[Count],
    *,
    states: States,
    links: Sequence[str] = (),
    ticks: Sequence[str] | None = None,
) -> Chart:
    """Stacked bars by state; `ticks` are short labels for the axis, where all should fit."""
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
    """Net votes of two candidates as they added up hour by hour, and what lies between them."""
    begins, ends = contest_hours(contest, figures)
    times = _steps(begins, ends, HOUR)
    sums: dict[int, list[int]] = {}
    for number in candidates:
        hours, total = figures.by_hour(number), 0
        sums[number] = [total := total + hours.get(time, Count()).net for time in times]
    one, other = sums.values()
    return {
        "time": [_moment(time, contest) for time in times],
        "series": [
            *({"name": name, "values": sums[number]} for number, name in candidates.items()),
            {"name": difference, "values": [a - b for a, b in zip(one, other, strict=True)]},
        ],
    }
