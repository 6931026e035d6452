"""What a contest is: plain frozen values, no I/O."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

Phase = Literal["upcoming", "open", "closed"]
Language = Literal["zh", "en"]


class Text(msgspec.Struct, frozen=True):
    """A text in both languages of the public face."""

    zh: str
    en: str


class BallotRules(msgspec.Struct, frozen=True):
    """How many names a ballot holds, and how often a voter may cast one."""

    min_choices: int
    max_choices: int
    every: Literal["day", "contest"]


class ReleaseSchedule(msgspec.Struct, frozen=True):
    """When counts become public.

    `live`: at once; `daily`: as they stood at the last `daily_at` (local time);
    `hidden`: not before the cut. For the last `blackout_hours` before the announced close the
    public sees the counts as they stood when the blackout began.
    """

    mode: Literal["live", "daily", "hidden"]
    daily_at: time | None = None
    blackout_hours: int = 0


class CutRules(msgspec.Struct, frozen=True):
    """How many go on, and who decides when the last place is tied (cut/tie_rule.py)."""

    size: int
    tie: Literal["committee", "lot", "advance_all"]


CaptchaProvider = Literal["turnstile", "geetest", "tencent", "yidun"]


class ScreeningRules(msgspec.Struct, frozen=True):
    """Whether suspicious votes are asked for a proof of work, and whether ballots are held on
    what coincides (antifraud/decision.py). Never public.

    With a `captcha`, its provider's widget takes the place of the proof of work; `site_key` is
    the provider's name for us there (antifraud/captchas/).
    """

    challenge: bool = True
    hold: bool = True
    captcha: CaptchaProvider | None = None
    site_key: str | None = None


class EarlyClose(msgspec.Struct, frozen=True):
    """Staff, the account named `by`, ended the window before the close that was announced."""

    by: str
    announced: datetime


class ContestRules(msgspec.Struct, frozen=True):
    """What is announced before voting opens. Profiles are under embargo until `publish_at`;
    None: until voting opens (contests/phases.py)."""

    title: Text
    time_zone: str
    ballot: BallotRules
    release: ReleaseSchedule
    cut: CutRules
    list_order: Literal["shuffled", "number"] = "shuffled"
    expected_voters_per_day: int = 1_000_000
    publish_at: datetime | None = None
    contact: Text | None = None
    screening: ScreeningRules = ScreeningRules()
    early_close: EarlyClose | None = None


class Candidate(msgspec.Struct, frozen=True):
    """One public profile; its pictures are in contests/pictures.py."""

    number: int
    name: Text
    trade: Text
    district: Text
    summary: Text
    story: Text


class Contest(msgspec.Struct, frozen=True, dict=True):
    """A contest as stored; `revision` grows with every change."""

    id: int
    slug: str
    rules: ContestRules
    opens_at: datetime
    closes_at: datetime
    revision: int
    candidates: tuple[Candidate, ...]

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.rules.time_zone)

    @cached_property
    def numbers(self) -> frozenset[int]:
        """The candidates' numbers."""
        return frozenset(candidate.number for candidate in self.candidates)

    def phase(self, now: datetime) -> Phase:
        if now < self.opens_at:
            return "upcoming"
        return "open" if now < self.closes_at else "closed"

    def period(self, now: datetime) -> date:
        """The day whose ballot a vote cast at `now` is: the local date, or the opening's local
        date for all of a contest in which a voter votes once."""
        moment = now if self.rules.ballot.every == "day" else self.opens_at
        return moment.astimezone(self.zone).date()

    def period_end(self, now: datetime) -> datetime:
        """When the period of `now` is over: at the next local midnight, or at the close."""
        if self.rules.ballot.every == "contest":
            return self.closes_at
        tomorrow = self.period(now) + timedelta(days=1)
        return min(self.closes_at, datetime.combine(tomorrow, time(), self.zone))


class Platform(msgspec.Struct, frozen=True):
    """A media platform that signs its users in; `config` is its sign-in adapter's. At
    `profile_url` it shows the profiles, `{number}` standing for the candidate's."""

    id: int
    slug: str
    name: Text
    kind: str
    config: dict[str, Any]
    origins: tuple[str, ...]
    daily_ceiling: int | None
    enabled: bool
    revision: int
    profile_url: str | None = None
