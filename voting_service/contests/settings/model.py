"""Which settings of a contest can be changed when. Pure: contest and moment in, contest out.

| setting | before the profiles are out | before voting opens | while it is open | closed |
|---|---|---|---|---|
| `title` | yes | yes | yes | no: signed documents contain it |
| `theme`, `introduction`, `organisers`, `logo` | yes | yes | yes | no |
| `own_rules` | yes | yes | no: these are the rules that people vote by | no |
| `contact`, `telephone`, `email`, `address` | yes | yes | yes | yes: complaints come afterwards |
| `publish_at` | until the opening | no: profiles stay published | no | no |
| `opens_at` | before the close | the same | no: votes were cast under it | no |
| `closes_at` | after the opening | the same | later, or early | no: closed stays closed |
| `release` | yes | yes | no: less would hide counts that were promised, more would steer
  voters who were promised none, and other times would withdraw counts that were shown | no |
| `blackout_hours` | shorter than the window | the same | as long as neither its old beginning nor
  its new one has come | no |
| `list_order` | yes | yes | no: places are worth votes | no |
| `expected_voters_per_day` | yes | yes | yes: only memory is laid out by it | no |
| `ballot`, `cut` | yes | yes | no: these are the rules that people vote by | no |
| time zone, slug | no | no | no | no |

Once the profiles are out the rules have been announced, and a change takes two people
(`people_needed`). A close that is moved later in the blackout moves by whole hours, and the
blackout grows by them, so that it goes on from where it began.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from voting_service.contests.contest_file.value_check import find_value_faults
from voting_service.contests.model import (
    MAX_WINDOW_DAYS,
    SUMMARY_CHARACTERS,
    BallotRules,
    Contest,
    CutRules,
    EarlyClose,
    Logo,
    Organiser,
    ReleaseSchedule,
    find_text_fault,
)
from voting_service.contests.phases import published_at
from voting_service.errors import (
    Fault,
    InvalidInput,
    Refused,
)
from voting_service.i18n.text import Text

Setting = Literal[
    "title",
    "theme",
    "introduction",
    "organisers",
    "own_rules",
    "contact",
    "telephone",
    "email",
    "address",
    "logo",
    "publish_at",
    "opens_at",
    "closes_at",
    "release",
    "blackout_hours",
    "list_order",
    "expected_voters_per_day",
    "ballot",
    "cut",
]
SETTINGS: tuple[Setting, ...] = get_args(Setting)
TEXTS: tuple[Setting, ...] = SETTINGS[: SETTINGS.index("logo")]
"""The settings that are texts: their values have the form of a contest file."""
REACHED_BY: tuple[Setting, ...] = ("contact", "telephone", "email", "address")
Stage = Literal["embargoed", "announced", "open", "closed"]

NOTICE = timedelta(seconds=5)
"""Every worker loads a change before it takes effect (contests/cache.py), so that all of them open,
close and freeze the counts together."""

Why = Literal[
    "blackout_begun",
    "blackout_reaches_back",
    "blackout_too_long",
    "closed",
    "counts_promised",
    "out_already",
    "not_hidden",
    "opened",
    "order_of_moments",
    "places_are_votes",
    "too_soon",
    "unchanged",
    "voted_by_it",
    "whole_hours",
    "window_too_long",
]


class ChangeRefused(Refused):
    """The rules do not allow the change now; `why` is the rule."""

    def __init__(self, why: Why) -> None:
        super().__init__(f"contests.settings.why.{why}", max_days=MAX_WINDOW_DAYS)
        self.why = why


def change_stage(contest: Contest, now: datetime) -> Stage:
    """Return the stage of the contest that decides which settings can be changed."""
    if now < min(published_at(contest), contest.opens_at):
        return "embargoed"
    phase = contest.phase(now)
    return "announced" if phase == "upcoming" else phase


def people_needed(contest: Contest, now: datetime) -> Literal[1, 2]:
    """Return whether one person can change a setting now, or two are needed."""
    return 1 if change_stage(contest, now) == "embargoed" else 2


_FIXED: Mapping[Setting, Mapping[Stage, Why]] = {
    "title": {},
    "theme": {},
    "introduction": {},
    "organisers": {},
    "own_rules": {"open": "voted_by_it"},
    **{setting: {} for setting in REACHED_BY},
    "logo": {},
    "publish_at": {"announced": "out_already", "open": "out_already"},
    "opens_at": {"open": "opened"},
    "closes_at": {},
    "release": {"open": "counts_promised"},
    "blackout_hours": {},
    "list_order": {"open": "places_are_votes"},
    "expected_voters_per_day": {},
    "ballot": {"open": "voted_by_it"},
    "cut": {"open": "voted_by_it"},
}


def why_fixed(contest: Contest, setting: Setting, now: datetime) -> Why | None:
    """Return why the setting cannot be changed now; None if it can."""
    stage = change_stage(contest, now)
    if stage == "closed":
        return None if setting in REACHED_BY else "closed"
    if setting == "blackout_hours" and stage == "open":
        if contest.rules.release.mode == "hidden":
            return "not_hidden"
        return "blackout_begun" if _blackout_begun(contest, now) else None
    if setting == "closes_at" and contest.closes_at <= now + NOTICE:
        return "too_soon"
    return _FIXED[setting].get(stage)


def _announced_close(contest: Contest) -> datetime:
    early = contest.rules.early_close
    return early.announced if early else contest.closes_at


def _blackout_begun(contest: Contest, now: datetime) -> bool:
    """Return whether counts are frozen, or will be before every worker has loaded a change."""
    release = contest.rules.release
    if release.mode == "hidden" or not release.blackout_hours:
        return False
    begins = _announced_close(contest) - timedelta(hours=release.blackout_hours)
    return begins <= now + NOTICE


class ReleaseTimes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The setting `release`: `daily_at` goes with the mode `daily`, and only with it."""

    mode: Literal["live", "daily", "hidden"]
    daily_at: time | None


_TYPES: Mapping[Setting, Any] = {
    "title": Text,
    "theme": Text | None,
    "introduction": Text | None,
    "organisers": tuple[Organiser, ...],
    "own_rules": Text | None,
    "contact": Text | None,
    "telephone": str | None,
    "email": str | None,
    "address": Text | None,
    "logo": Logo | None,
    "publish_at": datetime | None,
    "opens_at": datetime,
    "closes_at": datetime,
    "release": ReleaseTimes,
    "blackout_hours": Annotated[int, Meta(ge=0, le=9999)],
    "list_order": Literal["shuffled", "number"],
    "expected_voters_per_day": Annotated[int, Meta(ge=1, le=1_000_000_000)],
    "ballot": BallotRules,
    "cut": CutRules,
}


def setting_value(contest: Contest, setting: Setting) -> Any:
    """Return a setting as JSON value: moments in UTC, texts in both languages, None if not set."""
    rules = contest.rules
    value: Any
    if setting in {"opens_at", "closes_at", "logo"}:
        value = getattr(contest, setting)
    elif setting == "release":
        value = ReleaseTimes(rules.release.mode, rules.release.daily_at)
    elif setting == "blackout_hours":
        value = rules.release.blackout_hours
    else:
        value = getattr(rules, setting)
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        value = value.astimezone(UTC)
    if isinstance(value, tuple):
        value = list(value)  # as JSON has it
    return msgspec.to_builtins(value)


def changed(contest: Contest, setting: Setting, value: Any, now: datetime, *, by: str) -> Contest:
    """Return the contest with the setting changed to `value`, in the form of `setting_value`; `by`
    is recorded when it closes early.

    Raises ChangeRefused when the rules do not allow it now, InvalidInput for an invalid value.
    """
    try:
        new = msgspec.convert(value, _TYPES[setting])
    except msgspec.ValidationError as error:
        raise InvalidInput(Fault.verbatim(setting, str(error))) from None
    fixed = why_fixed(contest, setting, now)
    if fixed:
        raise ChangeRefused(fixed)
    if isinstance(new, datetime):
        if new.tzinfo is None:
            raise InvalidInput(Fault(setting, "contests.settings.no_utc_offset"))
        new = new.astimezone(UTC)
    if _plain(new) == setting_value(contest, setting):
        raise ChangeRefused("unchanged")
    _check_value(contest, setting, new)
    return _CHANGES.get(setting, _in_rules(setting))(contest, new, now, by)


def _check_value(contest: Contest, setting: Setting, new: Any) -> None:
    is_text = setting in TEXTS and new is not None
    faults = find_value_faults(setting, msgspec.to_builtins(new)) if is_text else []
    count = len(contest.standing)
    if isinstance(new, BallotRules) and not 1 <= new.min_choices <= new.max_choices <= count:
        faults.append(Fault("ballot", "contests.settings.choices_out_of_range", count=count))
    if isinstance(new, CutRules) and not 1 <= new.size <= count:
        faults.append(Fault("cut.size", "contests.settings.cut_size_out_of_range", count=count))
    if isinstance(new, CutRules):
        faults.extend(_lot_source_faults(new))
    if isinstance(new, ReleaseTimes) and (new.mode == "daily") != (new.daily_at is not None):
        faults.append(Fault("release.daily_at", "contests.settings.daily_time_only_with_daily"))
    if faults:
        raise InvalidInput(*faults)


def _lot_source_faults(cut: CutRules) -> list[Fault]:
    source = cut.lot_source
    if (cut.tie == "lot") != (source is not None):
        return [Fault("cut.lot_source", "contests.settings.lot_source_only_with_lot")]
    if source is None:
        return []
    faults = (
        find_text_fault(
            f"cut.lot_source.{language}", text, limit=SUMMARY_CHARACTERS, line_breaks=True
        )
        for language, text in (("zh", source.zh), ("en", source.en))
    )
    return [fault for fault in faults if fault is not None]


Change = Callable[[Contest, Any, datetime, str], Contest]


def _in_rules(setting: Setting) -> Change:
    def change(contest: Contest, new: Any, _now: datetime, _by: str) -> Contest:
        return replace(contest, rules=replace(contest.rules, **{setting: new}))

    return change


def _logo(contest: Contest, new: Logo | None, _now: datetime, _by: str) -> Contest:
    return replace(contest, logo=new)


def _publish_at(contest: Contest, new: datetime | None, now: datetime, _by: str) -> Contest:
    if new is not None and new > contest.opens_at:
        raise ChangeRefused("order_of_moments")
    if new is not None and new < now + NOTICE:
        raise ChangeRefused("too_soon")
    return replace(contest, rules=replace(contest.rules, publish_at=new))


def _opens_at(contest: Contest, new: datetime, now: datetime, _by: str) -> Contest:
    publish_at = contest.rules.publish_at
    if new >= contest.closes_at or (publish_at is not None and new < publish_at):
        raise ChangeRefused("order_of_moments")
    if new < now + NOTICE:
        raise ChangeRefused("too_soon")
    return _check_window(replace(contest, opens_at=new))


def _closes_at(contest: Contest, new: datetime, now: datetime, by: str) -> Contest:
    if new <= contest.opens_at:
        raise ChangeRefused("order_of_moments")
    if new < now + NOTICE:
        raise ChangeRefused("too_soon")
    if contest.phase(now) == "upcoming":
        return _check_window(replace(contest, closes_at=new))
    announced, rules = _announced_close(contest), contest.rules
    if new < announced:
        early_close = EarlyClose(by=by, announced=announced)
        return replace(contest, closes_at=new, rules=replace(rules, early_close=early_close))
    if new > announced and _blackout_begun(contest, now):
        hours, rest = divmod(new - announced, timedelta(hours=1))
        if rest:
            raise ChangeRefused("whole_hours")
        longer = replace(rules.release, blackout_hours=rules.release.blackout_hours + hours)
        rules = replace(rules, release=longer)
    rules = replace(rules, early_close=None)
    return _check_window(replace(contest, closes_at=new, rules=rules))


def _release(contest: Contest, new: ReleaseTimes, _now: datetime, _by: str) -> Contest:
    release = ReleaseSchedule(new.mode, new.daily_at, contest.rules.release.blackout_hours)
    return replace(contest, rules=replace(contest.rules, release=release))


def _blackout_hours(contest: Contest, new: int, now: datetime, _by: str) -> Contest:
    begins = _announced_close(contest) - timedelta(hours=new)
    if contest.phase(now) == "open" and new and begins < now + NOTICE:
        raise ChangeRefused("blackout_reaches_back")
    release = replace(contest.rules.release, blackout_hours=new)
    return _check_window(replace(contest, rules=replace(contest.rules, release=release)))


def _check_window(contest: Contest) -> Contest:
    window = contest.closes_at - contest.opens_at
    if window > timedelta(days=MAX_WINDOW_DAYS):
        raise ChangeRefused("window_too_long")
    if timedelta(hours=contest.rules.release.blackout_hours) >= window:
        raise ChangeRefused("blackout_too_long")
    return contest


_CHANGES: Mapping[Setting, Change] = {
    "logo": _logo,
    "publish_at": _publish_at,
    "opens_at": _opens_at,
    "closes_at": _closes_at,
    "release": _release,
    "blackout_hours": _blackout_hours,
}


def local_moment(text: str, zone: ZoneInfo) -> datetime:
    """Return the moment in UTC of a local time in `zone`, `2022-07-18T20:00`.

    Raises InvalidInput when it is not a time, does not exist there, or occurs twice.
    """
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(Fault("moment", "contests.settings.not_a_time")) from None
    if local.tzinfo is not None:
        return local.astimezone(UTC)
    moment = local.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != local:
        raise InvalidInput(Fault("moment", "contests.settings.time_does_not_exist", key=zone.key))
    if local.replace(tzinfo=zone, fold=1).astimezone(UTC) != moment:
        raise InvalidInput(Fault("moment", "contests.settings.time_exists_twice", key=zone.key))
    return moment
