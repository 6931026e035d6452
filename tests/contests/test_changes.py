"""What may be changed when: rule by rule, and laws that hold for every change."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.contest_data import candidates, rules
from voting_service.contests.model import Contest, ReleaseSchedule
from voting_service.contests.release_schedule import (
    Hidden,
    Live,
    SnapshotAt,
    release_at,
)
from voting_service.contests.settings.model import (
    NOTICE,
    SETTINGS,
    ChangeRefused,
    Setting,
    Stage,
    change_stage,
    changed,
    local_moment,
    people_needed,
    setting_value,
    why_fixed,
)
from voting_service.errors import InvalidInput, VotingError

PUBLISH = datetime(2022, 7, 10, 1, 0, tzinfo=UTC)
OPENS = datetime(2022, 7, 18, 1, 0, tzinfo=UTC)
CLOSES = datetime(2022, 8, 17, 10, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MOMENTS: dict[Stage, datetime] = {
    "embargoed": PUBLISH - DAY,
    "announced": PUBLISH + DAY,
    "open": OPENS + DAY,
    "closed": CLOSES + DAY,
}
LIVE = ReleaseSchedule("live", None, 24)


def contest(release: ReleaseSchedule = LIVE, **more: Any) -> Contest:
    announced = replace(rules(release=release), publish_at=PUBLISH)
    return Contest(1, "test-2022", announced, OPENS, CLOSES, 1, candidates(5), **more)


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


VALUES: dict[Setting, Any] = {
    "title": {"zh": "新题", "en": "New title"},
    "theme": {"zh": "匠心", "en": "Craft"},
    "introduction": {"zh": "介绍\n两段", "en": "About\nit"},
    "organisers": [{"role": {"zh": "主办", "en": "Host"}, "name": {"zh": "工会", "en": "Union"}}],
    "own_rules": {"zh": "补充规则", "en": "Further rules"},
    "contact": {"zh": "请致电 12333", "en": "Call 12333"},
    "telephone": "023-12333",
    "email": "vote@example.org",
    "address": {"zh": "渝中区", "en": "Yuzhong"},
    "logo": {"hash": "0" * 32, "width": 480, "height": 160},
    "publish_at": iso(OPENS - HOUR),
    "opens_at": iso(OPENS + HOUR),
    "closes_at": iso(CLOSES + HOUR),
    "release": {"mode": "daily", "daily_at": "20:00:00"},
    "blackout_hours": 12,
    "list_order": "number",
    "expected_voters_per_day": 5_000_000,
    "ballot": {"min_choices": 1, "max_choices": 5, "every": "day"},
    "cut": {"size": 4, "tie": "lot", "lot_source": {"zh": "首期开奖号码", "en": "First draw"}},
}
REACHED_BY: set[Setting] = {"contact", "telephone", "email", "address"}
ALLOWED: dict[Stage, set[Setting]] = {
    "embargoed": set(SETTINGS),
    "announced": set(SETTINGS) - {"publish_at"},
    "open": {
        *("title", "theme", "introduction", "organisers", "logo"),
        *("closes_at", "blackout_hours", "expected_voters_per_day"),
        *REACHED_BY,
    },
    "closed": REACHED_BY,
}


def refusal(of: Contest, setting: Setting, value: Any, now: datetime) -> str:
    with pytest.raises(ChangeRefused) as refused:
        changed(of, setting, value, now, by="staff-1")
    return refused.value.why


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("stage", MOMENTS)
def test_the_table(setting: Setting, stage: Stage) -> None:
    now, before = MOMENTS[stage], contest()
    assert change_stage(before, now) == stage
    assert people_needed(before, now) == (1 if stage == "embargoed" else 2)
    if setting not in ALLOWED[stage]:
        assert refusal(before, setting, VALUES[setting], now) == why_fixed(before, setting, now)
        return
    assert why_fixed(before, setting, now) is None
    after = changed(before, setting, VALUES[setting], now, by="staff-1")
    assert setting_value(after, setting) == VALUES[setting]
    assert [s for s in SETTINGS if setting_value(before, s) != setting_value(after, s)] == [setting]
    assert refusal(after, setting, VALUES[setting], now) == "unchanged"
    back = changed(after, setting, setting_value(before, setting), now, by="staff-1")
    assert setting_value(back, setting) == setting_value(before, setting)


@pytest.mark.parametrize(
    ("setting", "value", "stage", "why"),
    [
        ("publish_at", iso(OPENS + HOUR), "embargoed", "order_of_moments"),
        ("publish_at", iso(PUBLISH - 2 * DAY), "embargoed", "too_soon"),
        ("opens_at", iso(PUBLISH - HOUR), "embargoed", "order_of_moments"),
        ("opens_at", iso(CLOSES), "announced", "order_of_moments"),
        ("opens_at", iso(PUBLISH + HOUR), "announced", "too_soon"),
        ("opens_at", iso(CLOSES - DAY), "announced", "blackout_too_long"),
        ("closes_at", iso(OPENS), "announced", "order_of_moments"),
        ("closes_at", iso(OPENS + DAY), "announced", "blackout_too_long"),
        ("closes_at", iso(OPENS + 400 * DAY), "announced", "window_too_long"),
        ("closes_at", iso(OPENS + 400 * DAY), "open", "window_too_long"),
        ("closes_at", iso(OPENS + DAY + HOUR), "open", None),
        ("closes_at", iso(OPENS + DAY + timedelta(seconds=1)), "open", "too_soon"),
        ("blackout_hours", 24 * 31, "announced", "blackout_too_long"),
        ("blackout_hours", 24 * 30, "open", "blackout_reaches_back"),
        ("blackout_hours", 24 * 29, "open", None),
        ("blackout_hours", 0, "open", None),
    ],
)
def test_moments_keep_their_order_and_come_with_notice(
    setting: Setting, value: Any, stage: Stage, why: str | None
) -> None:
    if why is None:
        changed(contest(), setting, value, MOMENTS[stage], by="staff-1")
    else:
        assert refusal(contest(), setting, value, MOMENTS[stage]) == why


@pytest.mark.parametrize(
    ("setting", "value", "place"),
    [
        ("title", {"zh": "", "en": "Title"}, "title.zh"),
        ("title", {"zh": "题", "en": "two\nlines"}, "title.en"),
        ("title", {"zh": "题"}, "title"),
        ("contact", {"zh": "长" * 301, "en": "x"}, "contact.zh"),
        ("own_rules", {"zh": "长" * 5_001, "en": "x"}, "own_rules.zh"),
        ("introduction", {"zh": "介绍", "en": ""}, "introduction.en"),
        ("telephone", "call us", "telephone"),
        ("email", "vote", "email"),
        (
            "organisers",
            [{"role": {"zh": "主办", "en": "Host"}, "name": {"zh": "工会", "en": ""}}],
            "organisers[0].name.en",
        ),
        ("closes_at", "2022-08-20T10:00:00", "closes_at"),
        ("closes_at", None, "closes_at"),
        ("release", {"mode": "daily", "daily_at": None}, "release.daily_at"),
        ("release", {"mode": "live", "daily_at": "20:00:00"}, "release.daily_at"),
        ("release", {"mode": "always", "daily_at": None}, "release"),
        ("blackout_hours", -1, "blackout_hours"),
        ("expected_voters_per_day", 0, "expected_voters_per_day"),
        ("ballot", {"min_choices": 2, "max_choices": 1, "every": "day"}, "ballot"),
        ("ballot", {"min_choices": 1, "max_choices": 6, "every": "day"}, "ballot"),
        ("cut", {"size": 6, "tie": "committee"}, "cut.size"),
        ("cut", {"size": 4, "tie": "lot"}, "cut.lot_source"),
        (
            "cut",
            {"size": 4, "tie": "lot", "lot_source": {"zh": "首期", "en": ""}},
            "cut.lot_source.en",
        ),
        (
            "cut",
            {"size": 4, "tie": "committee", "lot_source": {"zh": "首期", "en": "First"}},
            "cut.lot_source",
        ),
    ],
)
def test_values_that_are_none_are_named(setting: Setting, value: Any, place: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        changed(contest(), setting, value, MOMENTS["embargoed"], by="staff-1")
    assert [fault.field for fault in caught.value.faults] == [place]


def test_profiles_without_a_moment_come_out_with_the_opening() -> None:
    plain = replace(contest(), rules=rules())
    assert change_stage(plain, OPENS - HOUR) == "embargoed"
    assert change_stage(plain, OPENS) == "open"


def test_closing_early_keeps_what_was_announced_and_can_be_withdrawn() -> None:
    now, before = MOMENTS["open"], contest()
    early = changed(before, "closes_at", iso(CLOSES - 9 * DAY), now, by="staff-1")
    assert early.rules.early_close is not None
    assert (early.rules.early_close.by, early.rules.early_close.announced) == ("staff-1", CLOSES)
    later = changed(early, "closes_at", iso(CLOSES - 8 * DAY), now, by="staff-2")
    assert later.rules.early_close is not None
    assert later.rules.early_close.announced == CLOSES
    assert changed(later, "closes_at", iso(CLOSES), now, by="staff-2") == before


def test_in_the_blackout_the_close_moves_by_whole_hours_and_the_freeze_goes_on() -> None:
    before, now = contest(), CLOSES - HOUR
    frozen = release_at(before, now)
    assert frozen == SnapshotAt(CLOSES - DAY)
    assert why_fixed(before, "blackout_hours", now) == "blackout_begun"
    assert refusal(before, "closes_at", iso(CLOSES + HOUR / 2), now) == "whole_hours"
    after = changed(before, "closes_at", iso(CLOSES + 3 * HOUR), now, by="staff-1")
    assert after.rules.release.blackout_hours == 27
    assert release_at(after, now) == release_at(after, CLOSES + 2 * HOUR) == frozen
    early = changed(before, "closes_at", iso(CLOSES - HOUR / 2), now, by="staff-1")
    assert release_at(early, CLOSES) == frozen


def test_the_last_seconds_are_too_late() -> None:
    assert why_fixed(contest(), "closes_at", CLOSES - NOTICE) == "too_soon"
    assert why_fixed(contest(), "closes_at", CLOSES - 2 * NOTICE) is None


def test_a_hidden_contest_has_no_freeze() -> None:
    hidden = contest(ReleaseSchedule("hidden"))
    assert why_fixed(hidden, "blackout_hours", MOMENTS["open"]) == "not_hidden"


RELEASES = st.builds(
    lambda mode, hours: ReleaseSchedule(mode, time(20, 0) if mode == "daily" else None, hours),
    st.sampled_from(["live", "daily", "hidden"]),
    st.integers(0, 72),
)
MINUTES = st.integers(-3 * 24 * 60, 40 * 24 * 60)


@given(
    RELEASES,
    st.integers(1, 30 * 24 * 60 - 1),
    st.lists(
        st.tuples(st.just("closes_at"), MINUTES) | st.tuples(st.just("blackout_hours"), MINUTES),
        max_size=4,
    ),
)
def test_nothing_the_public_has_seen_is_withdrawn_and_no_freeze_thaws(
    release: ReleaseSchedule, minutes: int, changes: list[tuple[Setting, int]]
) -> None:
    """Whatever is changed while voting is open, in any order."""
    now, current = OPENS + timedelta(minutes=minutes), contest(release)
    assume(current.phase(now) == "open")
    seen = release_at(current, now)
    done = 0
    for setting, offset in changes:
        value: Any = iso(now + timedelta(minutes=offset))
        if setting == "blackout_hours":
            value = max(0, offset // 60)
        try:
            current = changed(current, setting, value, now, by="staff-1")
        except VotingError:
            continue
        done += 1
        assert current.opens_at < now + NOTICE <= current.closes_at
        if isinstance(seen, Hidden):  # until another moment, where the close comes first now
            assert isinstance(release_at(current, now), Hidden)
        else:
            assert release_at(current, now) == seen
        if isinstance(seen, SnapshotAt) and release.mode == "live":
            assert release_at(current, current.closes_at - NOTICE) == seen
        if isinstance(seen, Live):
            assert release_at(current, now + NOTICE / 2) == seen


def test_local_times_are_read_by_the_contests_clock() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert local_moment("2022-07-18T09:00", ZoneInfo("Asia/Shanghai")) == OPENS
    assert local_moment("2022-07-18T03:00+02:00", berlin) == OPENS
    for wrong in ("2022-03-27T02:30", "2022-10-30T02:30", "soon", ""):
        with pytest.raises(InvalidInput):
            local_moment(wrong, berlin)
