"""The geometry of the report's pictures, in units of their SVG; the template draws them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

from voting_service.contests.model import Contest
from voting_service.i18n.text import Language
from voting_service.rehearsal.announcement import Announcement
from voting_service.rehearsal.diary import DiaryEntry, Side
from voting_service.rehearsal.findings import Finding
from voting_service.rehearsal.observer import Shown
from voting_service.rehearsal.schedule import days, visible_from
from voting_service.rehearsal.stores import LEAD
from voting_service.rehearsal.totals import DayFigures
from voting_service.voting.cut.document import CutDocument
from voting_service.voting.rulings.model import BallotState

WIDTH, LEFT, RIGHT = 960, 96, 24
CHART_HEIGHT = 180
MOST_TICKS = 9
NEIGHBOURS = 6
"""So many candidates on either side of the line are drawn."""
LANES: tuple[Side, ...] = ("public", "platforms", "attackers", "staff")
FLAG_WIDTH = 23
SAME_MARK = 5.0
"""Marks of one lane that are nearer to each other than this are drawn as one."""

Band = Literal["embargo", "announced", "open", "blackout", "counting", "outcome"]


class TimelineSpan(NamedTuple):
    """A stretch of the timeline."""

    name: Band
    x: float
    width: float


class TimelineMoment(NamedTuple):
    """A moment of the timeline, at which `what` happened."""

    lane: Side | Literal["findings"]
    x: float
    what: tuple[str, ...]
    number: int = 0


class Tick(NamedTuple):
    x: float
    day: date


STATES: tuple[BallotState, ...] = ("counted", "held", "void")


class StackedBar(NamedTuple):
    """A part of a day's stack, from the bottom up."""

    state: BallotState
    day: date
    ballots: int
    x: float
    y: float
    width: float
    height: float


class CandidateNearLine(NamedTuple):
    """A candidate near the line."""

    number: int
    name: str
    votes: int
    rank: int
    width: float
    advances: bool
    tied: bool


class Scale:
    """Where a moment stands between the beginning and the end of a rehearsal."""

    def __init__(self, announced: Announcement, contest: Contest) -> None:
        self._contest = contest
        self.begins = min(announced.published_at, contest.opens_at) - LEAD
        self.ends = visible_from(contest) + timedelta(hours=6)

    def x(self, moment: datetime) -> float:
        """Return the place of a moment."""
        part = (moment - self.begins) / (self.ends - self.begins)
        return round(LEFT + min(1.0, max(0.0, part)) * (WIDTH - LEFT - RIGHT), 1)

    def ticks(self) -> list[Tick]:
        """Return the beginnings of some days, evenly spaced."""
        midnights = days(self._contest)[1:]
        step = -(-len(midnights) // MOST_TICKS) or 1
        return [
            Tick(self.x(midnight), self._contest.local_day(midnight))
            for midnight in midnights[::step]
        ]


def bands(announced: Announcement, contest: Contest, scale: Scale) -> list[TimelineSpan]:
    """Return the phases of a contest; the blackout is drawn over the end of the voting."""
    published_at, blackout_at = announced.published_at, announced.blackout_at
    shown_at = visible_from(contest)
    stretches: list[tuple[Band, datetime, datetime]] = [
        ("embargo", scale.begins, published_at),
        ("announced", published_at, contest.opens_at),
        ("open", contest.opens_at, contest.closes_at),
        ("counting", contest.closes_at, shown_at),
        ("outcome", shown_at, scale.ends),
    ]
    if blackout_at is not None and contest.opens_at < blackout_at < contest.closes_at:
        stretches.append(("blackout", blackout_at, contest.closes_at))
    return [
        TimelineSpan(name, scale.x(begins), round(scale.x(ends) - scale.x(begins), 1))
        for name, begins, ends in stretches
        if begins < ends
    ]


def marks(entries: Sequence[tuple[DiaryEntry, str]], scale: Scale) -> list[TimelineMoment]:
    """Return a mark of each entry with its words, those at nearly the same place as one."""
    drawn: list[TimelineMoment] = []
    for lane in LANES:
        last: TimelineMoment | None = None
        for entry, words in entries:
            if entry.side != lane:
                continue
            x = scale.x(entry.at)
            if last is not None and x - last.x < SAME_MARK:
                drawn[-1] = last = last._replace(what=(*last.what, words))
            else:
                last = TimelineMoment(lane, x, (words,))
                drawn.append(last)
    return drawn


def flags(findings: Sequence[tuple[Finding, str]], scale: Scale) -> list[TimelineMoment]:
    """Return a flag of each finding with its words and its number in the list, side by side where
    they are of the same time."""
    drawn: list[TimelineMoment] = []
    for number, (finding, words) in enumerate(findings, start=1):
        x = scale.x(finding.at)
        if drawn:
            x = max(x, drawn[-1].x + FLAG_WIDTH)
        drawn.append(TimelineMoment("findings", x, (words,), number))
    over = max((mark.x for mark in drawn), default=0) - (WIDTH - FLAG_WIDTH / 2)
    return [mark._replace(x=round(mark.x - max(0.0, over), 1)) for mark in drawn]


def day_bars(figures: Sequence[DayFigures]) -> list[StackedBar]:
    """Return the stacked bars of the ballots a day."""
    most, bars = most_ballots(figures), []
    for place, day in enumerate(figures):
        y = float(CHART_HEIGHT)
        for state in STATES:
            ballots: int = getattr(day, state)
            height = ballots / most * CHART_HEIGHT
            y -= height
            if ballots:
                box = (_day_x(place, figures), y, 0.8 * _day_width(figures), height)
                x, y_top, width, tall = (round(value, 1) for value in box)
                bars.append(StackedBar(state, day.day, ballots, x, y_top, width, tall))
    return bars


def day_ticks(figures: Sequence[DayFigures]) -> list[Tick]:
    """Return the days that are named below their bars."""
    step = -(-len(figures) // MOST_TICKS) or 1
    middle = 0.4 * _day_width(figures) if figures else 0.0
    return [
        Tick(round(_day_x(place, figures) + middle, 1), day.day)
        for place, day in enumerate(figures)
        if place % step == 0
    ]


def _day_width(figures: Sequence[DayFigures]) -> float:
    return (WIDTH - LEFT - RIGHT) / len(figures)


def _day_x(place: int, figures: Sequence[DayFigures]) -> float:
    return LEFT + _day_width(figures) * place


def most_ballots(figures: Sequence[DayFigures]) -> int:
    """Return the most ballots of a day, at which the bars are full."""
    return max((day.ballots for day in figures), default=0)


class Curves(NamedTuple):
    """The counts as they were and as the public saw them, as paths, and the most of them."""

    counted: str
    shown: str
    most: int


def curves(shown: Sequence[Shown], scale: Scale) -> Curves:
    """Return how the counts grew, and in steps what the public saw of them."""
    most = max((at.counted for at in shown), default=0) or 1

    def y(ballots: int) -> float:
        return round(CHART_HEIGHT * (1 - ballots / most), 1)

    counted = " ".join(
        f"{'L' if place else 'M'}{scale.x(at.at)} {y(at.counted)}" for place, at in enumerate(shown)
    )
    steps, last = [], None
    for at in shown:
        if at.ballots is None:
            continue
        x = scale.x(at.at)
        steps.append(f"M{x} {y(at.ballots)}" if last is None else f"H{x} V{y(at.ballots)}")
        last = at
    return Curves(counted, " ".join(steps), most)


def rows_at_line(cut: CutDocument, size: int, language: Language) -> list[CandidateNearLine]:
    """Return the candidates near the line, the best first."""
    tied = {number for tie in cut.ties for number in tie.numbers}
    first = max(0, size - NEIGHBOURS)
    near = cut.candidates[first : size + NEIGHBOURS]
    most = max((candidate.net for candidate in near), default=0) or 1
    return [
        CandidateNearLine(
            number=candidate.number,
            name=getattr(candidate.name, language),
            votes=candidate.net,
            rank=candidate.rank,
            width=round(candidate.net / most * 100, 1),
            advances=bool(candidate.selected),
            tied=candidate.number in tied,
        )
        for candidate in near
    ]
