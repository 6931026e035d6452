"""The laws of the release schedule, and the mornings when clocks change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from voting_service.contests.model import (
    BallotRules,
    Contest,
    ContestRules,
    CutRules,
    EarlyClose,
    ReleaseSchedule,
)
from voting_service.contests.release_schedule import (
    Hidden,
    Live,
    SnapshotAt,
    release_at,
    release_before,
    release_moments,
    snapshot_moments_due,
)
from voting_service.i18n.text import Text

OPENS = datetime(2022, 7, 18, 1, tzinfo=UTC)  # 09:00 in Shanghai
CLOSES = datetime(2022, 7, 21, 10, tzinfo=UTC)  # 18:00
EIGHT = [datetime(2022, 7, day, 12, tzinfo=UTC) for day in (18, 19, 20)]  # 20:00 in Shanghai
SECOND = timedelta(seconds=1)
LONG_AFTER = CLOSES + timedelta(days=400)


def contest(
    release: ReleaseSchedule,
    opens_at: datetime = OPENS,
    closes_at: datetime = CLOSES,
    zone: str = "Asia/Shanghai",
) -> Contest:
    return Contest(
        id=1,
        slug="crafts",
        rules=ContestRules(
            title=Text("中", "E"),
            time_zone=zone,
            ballot=BallotRules(1, 1, "day"),
            release=release,
            cut=CutRules(1, "committee"),
        ),
        opens_at=opens_at,
        closes_at=closes_at,
        revision=1,
        candidates=(),
    )


def test_live_without_blackout_is_always_live() -> None:
    live = contest(ReleaseSchedule("live"))
    for now in (OPENS - SECOND, OPENS, CLOSES, LONG_AFTER):
        assert release_at(live, now) == Live()


def test_live_freezes_when_the_blackout_begins() -> None:
    live = contest(ReleaseSchedule("live", blackout_hours=24))
    start = CLOSES - timedelta(hours=24)
    assert release_at(live, start - SECOND) == Live()
    for now in (start, CLOSES, LONG_AFTER):
        assert release_at(live, now) == SnapshotAt(start)


def test_daily_without_blackout_ends_with_the_counts_at_the_close() -> None:
    daily = contest(ReleaseSchedule("daily", time(20)))
    assert release_at(daily, OPENS - SECOND) == Hidden(until=EIGHT[0])
    assert release_at(daily, EIGHT[0] - SECOND) == Hidden(until=EIGHT[0])
    assert release_at(daily, EIGHT[0]) == SnapshotAt(EIGHT[0])
    assert release_at(daily, EIGHT[1] - SECOND) == SnapshotAt(EIGHT[0])
    assert release_at(daily, CLOSES - SECOND) == SnapshotAt(EIGHT[2])
    assert release_at(daily, CLOSES) == SnapshotAt(CLOSES)
    assert release_at(daily, LONG_AFTER) == SnapshotAt(CLOSES)


@pytest.mark.parametrize(("hours", "last"), [(21, 2), (22, 2), (23, 1), (46, 1), (47, 0)])
def test_daily_stays_at_the_last_moment_not_after_the_blackouts_start(
    hours: int, last: int
) -> None:
    daily = contest(ReleaseSchedule("daily", time(20), hours))
    for now in (CLOSES - SECOND, CLOSES, LONG_AFTER):
        assert release_at(daily, now) == SnapshotAt(EIGHT[last])


def test_daily_with_no_moment_before_the_blackout_shows_nothing_before_the_cut() -> None:
    daily = contest(ReleaseSchedule("daily", time(20), blackout_hours=71))
    for now in (OPENS, CLOSES, LONG_AFTER):
        assert release_at(daily, now) == Hidden(until=None)


def test_a_daily_moment_at_the_opening_or_the_close_is_no_moment_of_its_own() -> None:
    assert next(release_moments(contest(ReleaseSchedule("daily", time(9))))) == OPENS + (
        timedelta(days=1)
    )
    at_the_close = list(release_moments(contest(ReleaseSchedule("daily", time(18)))))
    assert at_the_close[-2:] == [CLOSES - timedelta(days=1), CLOSES]


@pytest.mark.parametrize("blackout_hours", [0, 24])
def test_hidden_is_hidden(blackout_hours: int) -> None:
    hidden = contest(ReleaseSchedule("hidden", None, blackout_hours))
    for now in (OPENS - SECOND, OPENS, CLOSES, LONG_AFTER):
        assert release_at(hidden, now) == Hidden(until=None)
    assert snapshot_moments_due(hidden, None, LONG_AFTER) == ()


def closed_early(item: Contest, closes_at: datetime) -> Contest:
    early_close = EarlyClose(by="supervisor-1", announced=item.closes_at)
    rules = msgspec.structs.replace(item.rules, early_close=early_close)
    return msgspec.structs.replace(item, rules=rules, closes_at=closes_at)


def test_closed_early_inside_the_blackout_shows_what_it_showed() -> None:
    start = CLOSES - timedelta(hours=24)
    early = closed_early(contest(ReleaseSchedule("live", blackout_hours=24)), start + SECOND)
    assert release_at(early, LONG_AFTER) == SnapshotAt(start)


def test_closed_early_before_the_blackout_shows_the_counts_at_the_close() -> None:
    early = closed_early(contest(ReleaseSchedule("live", blackout_hours=24)), OPENS + SECOND)
    assert release_at(early, OPENS) == Live()
    assert release_at(early, LONG_AFTER) == SnapshotAt(OPENS + SECOND)


@pytest.mark.parametrize(
    ("zone", "opens", "days", "daily_at", "expected"),
    [
        # 02:30 does not exist on 27 March and comes an hour later, at 01:30 UTC.
        ("Europe/Berlin", date(2022, 3, 26), 3, time(2, 30), ["26T01:30", "27T01:30", "28T00:30"]),
        # 02:30 happens twice on 30 October; the first one is at 00:30 UTC.
        ("Europe/Berlin", date(2022, 10, 29), 3, time(2, 30), ["29T00:30", "30T00:30", "31T01:30"]),
        # Samoa went from 29 to 31 December.
        ("Pacific/Apia", date(2011, 12, 29), 3, time(20), ["30T06:00", "31T06:00", "01T06:00"]),
    ],
)
def test_clock_changes(
    zone: str, opens: date, days: int, daily_at: time, expected: list[str]
) -> None:
    opens_at = datetime.combine(opens, time(0), ZoneInfo(zone)).astimezone(UTC)
    closes_at = opens_at + timedelta(days=days, hours=-1)
    daily = contest(ReleaseSchedule("daily", daily_at, 1), opens_at, closes_at, zone)
    assert [f"{moment:%dT%H:%M}" for moment in release_moments(daily)] == expected


ReleaseMode = Literal["live", "daily", "hidden"]
MODES: tuple[ReleaseMode, ...] = ("live", "daily", "hidden")
ZONES = ["Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Africa/Casablanca"]
MOMENTS = st.datetimes(datetime(2011, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


@st.composite
def contests(
    draw: st.DrawFn, modes: Sequence[ReleaseMode] = MODES, *, closed_early_too: bool = True
) -> Contest:
    opens_at = draw(MOMENTS)
    mode = draw(st.sampled_from(modes))
    daily_at = draw(st.times()) if mode == "daily" else None
    window = draw(st.timedeltas(2 * SECOND, timedelta(days=40)))
    hours = draw(st.sampled_from([0, 0, 1, 24, 100]).filter(lambda h: timedelta(hours=h) < window))
    whole = contest(
        ReleaseSchedule(mode, daily_at, hours),
        opens_at,
        opens_at + window,
        draw(st.sampled_from(ZONES)),
    )
    if not closed_early_too or draw(st.booleans()):
        return whole
    return closed_early(whole, opens_at + draw(st.timedeltas(SECOND, window - SECOND)))


def frozen_from(item: Contest) -> datetime:
    """When counts stop being shown again."""
    early = item.rules.early_close
    announced = early.announced if early else item.closes_at
    blackout = timedelta(hours=item.rules.release.blackout_hours)
    return min(item.closes_at, announced - blackout)


def moments_around(item: Contest) -> st.SearchStrategy[datetime]:
    """Any time about the contest, above all its release moments and just before and after."""
    near = [
        moment + step
        for moment in (item.opens_at, item.closes_at, *release_moments(item))
        for step in (-SECOND, timedelta(0), SECOND)
    ]
    window = item.closes_at - item.opens_at + timedelta(days=2)
    far = st.timedeltas(timedelta(days=-2), window).map(lambda after: item.opens_at + after)
    return st.sampled_from(near) | far


@given(contests(), st.data())
def test_nothing_of_the_future_and_nothing_of_the_blackout_is_shown(
    item: Contest, data: st.DataObject
) -> None:
    now = data.draw(moments_around(item))
    release = item.rules.release
    shown = release_at(item, now)
    match shown:
        case SnapshotAt(moment):
            assert item.opens_at <= moment <= min(now, frozen_from(item))
            assert release.mode != "hidden"
        case Hidden(until):
            assert until is None or now < until <= frozen_from(item)
            assert release.mode != "live"
        case Live():
            assert release.mode == "live"
            assert now < frozen_from(item) or not release.blackout_hours


@given(contests(), st.data())
def test_what_was_shown_never_gets_older(item: Contest, data: st.DataObject) -> None:
    earlier, later = sorted(data.draw(st.tuples(moments_around(item), moments_around(item))))
    before, after = release_at(item, earlier), release_at(item, later)
    if isinstance(before, SnapshotAt):
        assert isinstance(after, SnapshotAt)
        assert before.moment <= after.moment
    if isinstance(before, Hidden) and before.until and later >= before.until:
        assert isinstance(after, SnapshotAt)


@given(contests(["daily"]))
def test_daily_moments_are_each_local_days_own(item: Contest) -> None:
    moments = list(release_moments(item))
    assert moments == sorted(set(moments))
    assert all(item.opens_at < moment <= item.closes_at for moment in moments)
    inside = [moment for moment in moments if moment != item.closes_at]
    local = [moment.astimezone(item.zone).date() for moment in inside]
    assert len(set(local)) == len(local)
    for earlier, later in pairwise(local):
        skipped = (later - earlier).days - 1
        assert skipped == 0 or (skipped == 1 and earlier == date(2011, 12, 29))


@given(contests(closed_early_too=False), st.data())
def test_closing_early_takes_nothing_back(item: Contest, data: st.DataObject) -> None:
    now = data.draw(
        st.datetimes(*(t.replace(tzinfo=None) for t in (item.opens_at, item.closes_at)))
    )
    now = max(now.replace(tzinfo=UTC), item.opens_at + SECOND)
    assume(now < item.closes_at)
    before, after = release_at(item, now - SECOND / 2), release_at(closed_early(item, now), now)
    if isinstance(before, SnapshotAt):
        assert isinstance(after, SnapshotAt)
        assert before.moment <= after.moment
    if isinstance(before, Live):
        assert after in {Live(), SnapshotAt(frozen_from(closed_early(item, now)))}


@given(contests(), st.data())
def test_snapshots_taken_in_any_rhythm_are_the_ones_shown(
    item: Contest, data: st.DataObject
) -> None:
    """A loop that runs at any times takes each moment once, and has what the public may see."""
    taken: list[datetime] = []
    for now in sorted(data.draw(st.lists(moments_around(item), min_size=1, max_size=5))):
        taken += snapshot_moments_due(item, taken[-1] if taken else None, now)
        shown = release_at(item, now)
        if isinstance(shown, SnapshotAt):
            assert taken[-1] == shown.moment
        else:
            assert not taken
    assert taken == sorted(set(taken))


def test_the_release_before_another_one() -> None:
    daily = contest(ReleaseSchedule("daily", time(20)))
    moments = list(release_moments(daily))
    assert [release_before(daily, moment) for moment in moments] == [None, *moments[:-1]]
