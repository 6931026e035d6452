"""What the public sees of the counts, and when: the release schedule as rows. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from voting_service.contests.model import Contest
from voting_service.contests.phases import published_at
from voting_service.contests.release_schedule import (
    Hidden,
    Live,
    Release,
    release_at,
    release_moments,
)

HEAD, TAIL = 3, 2
"""How many first and last rows of a long schedule are shown."""
WIDTH, MARGIN, APART = 900, 20, 30


class VisibleSpan(NamedTuple):
    """What the public sees from `begins` to `ends` (None: until the cut is published): `kind` is
    `live`, `snapshot` (as of `moment`) or `hidden` (until `moment`, None: until the cut)."""

    begins: datetime
    ends: datetime | None
    kind: str
    moment: datetime | None


def spans(contest: Contest, now: datetime) -> list[VisibleSpan | None]:
    """Return what is seen from now, or from the opening if that is later; None stands for rows like
    those before."""
    turns = sorted({contest.opens_at, contest.closes_at, *release_moments(contest)})
    all_spans: list[VisibleSpan] = []
    for begins, ends in [*pairwise(turns), (turns[-1], None)]:
        shown = _span(begins, ends, release_at(contest, begins))
        if all_spans and all_spans[-1][2:] == shown[2:]:
            shown = shown._replace(begins=all_spans.pop().begins)
        all_spans.append(shown)
    coming = [span for span in all_spans if span.ends is None or span.ends > now]
    if len(coming) <= HEAD + TAIL + 1:
        return [*coming]
    return [*coming[:HEAD], None, *coming[-TAIL:]]


def _span(begins: datetime, ends: datetime | None, shown: Release) -> VisibleSpan:
    if isinstance(shown, Live):
        return VisibleSpan(begins, ends, "live", None)
    if isinstance(shown, Hidden):
        return VisibleSpan(begins, ends, "hidden", shown.until)
    return VisibleSpan(begins, ends, "snapshot", shown.moment)


class TimeMark(NamedTuple):
    """A time on the timeline, at `x` of WIDTH."""

    name: str
    moment: datetime
    x: float
    is_past: bool


def time_line(contest: Contest, now: datetime) -> tuple[list[TimeMark], float]:
    """Return the contest's times in order, with enough distance to be distinct, and now."""
    moments = [("opens_at", contest.opens_at)]
    if published_at(contest) < contest.opens_at:
        moments.insert(0, ("publish_at", published_at(contest)))
    release, early = contest.rules.release, contest.rules.early_close
    announced = early.announced if early else contest.closes_at
    freezes = announced - timedelta(hours=release.blackout_hours)
    if release.blackout_hours and release.mode != "hidden" and freezes < contest.closes_at:
        moments.append(("blackout", freezes))
    moments.append(("closes_at", contest.closes_at))
    if early:
        moments.append(("announced", announced))
    first, last = moments[0][1], moments[-1][1]

    def place(moment: datetime) -> float:
        share = (moment - first) / (last - first)
        return MARGIN + min(1.0, max(0.0, share)) * (WIDTH - 2 * MARGIN)

    marks: list[TimeMark] = []
    for name, moment in reversed(moments):
        x = place(moment)
        if marks:
            x = min(x, marks[-1].x - APART)
        marks.append(TimeMark(name, moment, round(x, 1), moment <= now))
    marks.reverse()
    return marks, round(place(now), 1)
