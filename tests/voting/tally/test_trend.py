"""The line, and how the counts grew: what may be drawn, and from which counts."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.contest_data import candidates, rules
from voting_service.contests.model import Contest, ReleaseSchedule
from voting_service.contests.release_schedule import release_at, release_moments
from voting_service.voting.tally.standings import cut_line, ranked
from voting_service.voting.tally.trend import SnapshotCounts, make_trend, trend_moments

OPENS = datetime(2022, 7, 1, 1, 0, tzinfo=UTC)
CLOSES = datetime(2022, 7, 10, 4, 0, tzinfo=UTC)
SCHEDULES = (
    ReleaseSchedule(mode="live"),
    ReleaseSchedule(mode="live", blackout_hours=30),
    ReleaseSchedule(mode="daily", daily_at=time(20)),
    ReleaseSchedule(mode="daily", daily_at=time(0), blackout_hours=30),
    ReleaseSchedule(mode="hidden"),
)


def a_contest(schedule: ReleaseSchedule = SCHEDULES[0], size: int = 5) -> Contest:
    return Contest(1, "c", rules(release=schedule), OPENS, CLOSES, 1, candidates(size))


@given(
    votes=st.lists(st.integers(0, 6), min_size=1, max_size=9),
    size=st.integers(1, 9),
)
def test_no_line_is_drawn_inside_a_tie(votes: list[int], size: int) -> None:
    standings = ranked(a_contest(size=len(votes)), dict(enumerate(votes, start=1)))
    line = cut_line(standings, size)
    best_first = sorted(votes, reverse=True)
    if size >= len(votes) or not any(votes):
        assert line is None
        return
    assert line is not None
    assert line.is_drawn == (best_first[size - 1] > best_first[size])
    for place, candidate in enumerate(standings):
        gap = line.gap(candidate.votes)
        if line.is_drawn:
            assert (gap > 0) == (place < size), "who is ahead stands above the line"
            assert gap != 0
        else:
            assert (gap == 0) == (candidate.votes == line.inside), "who is in the tie is level"


@given(
    schedule=st.sampled_from(SCHEDULES),
    hours=st.integers(-24, 20 * 24),
)
def test_a_trend_shows_only_what_was_public(schedule: ReleaseSchedule, hours: int) -> None:
    contest, now = a_contest(schedule), OPENS + timedelta(hours=hours)
    moments = trend_moments(contest, release_at(contest, now), now)
    assert all(earlier < later for earlier, later in pairwise(moments))
    assert all(OPENS < moment <= min(now, CLOSES) for moment in moments)
    if schedule.mode == "daily":
        assert set(moments) <= set(release_moments(contest))
    elif schedule.mode == "hidden":
        assert moments == ()
    else:
        shown_until = CLOSES - timedelta(hours=schedule.blackout_hours)
        assert all(moment <= shown_until for moment in moments)
        assert all(moment.astimezone(contest.zone).time() == time() for moment in moments)


@given(counts=st.lists(st.dictionaries(st.integers(1, 5), st.integers(0, 99)), max_size=6))
def test_what_was_gained_adds_up(counts: list[dict[int, int]]) -> None:
    days = [SnapshotCounts(OPENS + timedelta(days=n), 0, votes) for n, votes in enumerate(counts)]
    trend = make_trend(a_contest(), days)
    assert trend.moments == tuple(day.moment for day in days)
    assert [candidate.number for candidate in trend.candidates] == [1, 2, 3, 4, 5]
    for candidate in trend.candidates:
        assert candidate.votes == tuple(votes.get(candidate.number, 0) for votes in counts)
        assert sum(candidate.gains) == (candidate.votes[-1] if candidate.votes else 0)
