"""What a contest is: plain frozen values, no I/O."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import cached_property
from math import ceil
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from voting_service.errors import Fault
from voting_service.i18n.text import Text

Phase = Literal["upcoming", "open", "closed"]

MAX_WINDOW_DAYS = 366
"""A longer voting period is taken for a mistyped year."""
LINE_CHARACTERS = 120
SUMMARY_CHARACTERS = 300
STORY_CHARACTERS = 1_500
"""The official notice's limit for a deeds text."""
RULES_CHARACTERS = 5_000
"""The limit of a contest's own rules."""
ENGLISH_LETTERS = 4
"""A paragraph in English has about so many letters for each Chinese character of the same text."""
MAX_HONOURS = 10
FILM_CHARACTERS = 300
_DIRECTION_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the direction of the text after them: one name could look like another."""


def count_characters(text: str) -> int:
    """Return the number of characters as a reader counts them: an accent, a variation selector or
    a joiner belongs to the character before it, and a line break is not counted."""
    return sum(
        unicodedata.category(character) not in {"Mn", "Me", "Cf", "Cc"}
        for character in unicodedata.normalize("NFC", text)
    )


def paragraph_limit(limit: int, language: str) -> int:
    """Return the limit of a text of several lines in a language; `limit` is that in Chinese."""
    return limit * ENGLISH_LETTERS if language == "en" else limit


def find_text_fault(field: str, text: str, *, limit: int, line_breaks: bool) -> Fault | None:
    """Return what prevents a text from being shown: a control character, no text, or too much."""
    for character in text:
        allowed = line_breaks and character in "\n\t"
        is_control = unicodedata.category(character) == "Cc" and not allowed
        if is_control or character in _DIRECTION_CONTROLS:
            code_point = f"U+{ord(character):04X}"
            return Fault(field, "contests.control_character", character=code_point)
    count = count_characters(text)
    if count == 0:
        return Fault(field, "contests.text_empty")
    if count > limit:
        return Fault(field, "contests.text_too_long", count=count, limit=limit)
    return None


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


class CutRules(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many advance, and who decides when the last place is tied (voting/cut/tie_rule.py).

    With the tie rule `lot`, `lot_source` names where the number will come from: a public draw that
    nobody can influence or know before voting closes. With `panel`, those who advance are finalists
    whom an expert panel judges; without, the vote decides.
    """

    size: int
    tie: Literal["committee", "lot", "advance_all"]
    lot_source: Text | None = None
    panel: bool = False


CaptchaProvider = Literal["turnstile", "geetest", "tencent", "yidun"]


class ScreeningRules(msgspec.Struct, frozen=True):
    """Whether suspicious votes need a proof of work, and whether ballots are held when suspicious
    signals coincide (antifraud/screening/decision.py). Never public.

    With a `captcha`, the widget of its provider replaces the proof of work; `site_key` identifies
    us to the provider (antifraud/captchas/).
    """

    challenge: bool = True
    hold: bool = True
    captcha: CaptchaProvider | None = None
    site_key: str | None = None


class EarlyClose(msgspec.Struct, frozen=True):
    """The account `by` closed voting before the announced close."""

    by: str
    announced: datetime


class Organiser(msgspec.Struct, frozen=True):
    """Who holds the contest, and as what: host, organiser, supporter."""

    role: Text
    name: Text


class ContestRules(msgspec.Struct, frozen=True):
    """The rules announced before voting opens, and who holds the contest and why. Profiles are
    under embargo until `publish_at`; None: until voting opens (contests/phases.py). `theme` is a
    line beside the title; `own_rules` are what the rules page adds to the rules it knows."""

    title: Text
    time_zone: str
    ballot: BallotRules
    release: ReleaseSchedule
    cut: CutRules
    list_order: Literal["shuffled", "number"] = "shuffled"
    expected_voters_per_day: int = 1_000_000
    publish_at: datetime | None = None
    theme: Text | None = None
    introduction: Text | None = None
    organisers: tuple[Organiser, ...] = ()
    own_rules: Text | None = None
    contact: Text | None = None
    telephone: str | None = None
    email: str | None = None
    address: Text | None = None
    screening: ScreeningRules = ScreeningRules()
    early_close: EarlyClose | None = None


class Candidate(msgspec.Struct, frozen=True, omit_defaults=True):
    """One public profile; its pictures are in contests/pictures/repository.py. `film` is the https
    address of a film about the candidate."""

    number: int
    name: Text
    trade: Text
    district: Text
    summary: Text
    story: Text
    employer: Text | None = None
    skill_grade: Text | None = None
    honours: tuple[Text, ...] = ()
    film: str | None = None


class ProfileCorrection(msgspec.Struct, frozen=True):
    """What two people corrected of a candidate, and why; `turn` counts the candidate's corrections
    from 1.

    `before` and `after` hold the changed fields of `Candidate` as JSON values, and under `pictures`
    all pictures (contests/pictures/model.py: Picture), the portrait first. With `before_hidden` the
    public does not see `before`.
    """

    number: int
    turn: int
    corrected_at: datetime
    before: dict[str, Any]
    after: dict[str, Any]
    before_hidden: bool
    reason: Text


WithdrawalGround = Literal["stepped_back", "disqualified", "died"]


class Withdrawal(msgspec.Struct, frozen=True):
    """A candidate is out of the contest for good: not ranked, and a ballot that arrives from
    `withdrawn_at` on cannot name them. Stored ballots stay valid for their other choices."""

    number: int
    ground: WithdrawalGround
    reason: Text
    withdrawn_at: datetime


class Logo(msgspec.Struct, frozen=True):
    """The picture beside a contest's title or a platform's name, a PNG; its bytes never change
    under its hash."""

    hash: str
    width: int
    height: int

    @property
    def url(self) -> str:
        return f"/pictures/{self.hash}-{self.width}.png"


class Contest(msgspec.Struct, frozen=True, dict=True):
    """A contest as stored; `revision` grows with every change. `candidates` are all, also those of
    `withdrawals`; both lists of changes are in the order of time."""

    id: int
    slug: str
    rules: ContestRules
    opens_at: datetime
    closes_at: datetime
    revision: int
    candidates: tuple[Candidate, ...]
    withdrawals: tuple[Withdrawal, ...] = ()
    corrections: tuple[ProfileCorrection, ...] = ()
    logo: Logo | None = None

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.rules.time_zone)

    @cached_property
    def numbers(self) -> frozenset[int]:
        """The candidates' numbers."""
        return frozenset(candidate.number for candidate in self.candidates)

    @cached_property
    def withdrawn(self) -> Mapping[int, Withdrawal]:
        """The withdrawals by the candidate's number."""
        return {withdrawal.number: withdrawal for withdrawal in self.withdrawals}

    @cached_property
    def standing(self) -> frozenset[int]:
        """The numbers of the candidates who have not withdrawn: they are ranked."""
        return self.numbers - self.withdrawn.keys()

    def phase(self, now: datetime) -> Phase:
        if now < self.opens_at:
            return "upcoming"
        return "open" if now < self.closes_at else "closed"

    def period(self, now: datetime) -> date:
        """Return the period of a ballot cast at `now`: the local date, or the local date of the
        opening if each voter has one ballot per contest."""
        moment = now if self.rules.ballot.every == "day" else self.opens_at
        return moment.astimezone(self.zone).date()

    def current_period(self, now: datetime) -> date:
        """Return the period of `now`; after the close, the last period of the contest."""
        if now < self.closes_at:
            return self.period(now)
        return self.period(self.closes_at - timedelta(microseconds=1))

    def period_end(self, now: datetime) -> datetime:
        """Return the end of the period of `now`: the next local midnight, or the close."""
        if self.rules.ballot.every == "contest":
            return self.closes_at
        return min(self.closes_at, self.midnight_after(now))

    def local_day(self, now: datetime) -> date:
        """Return the date of `now` in the contest's time zone."""
        return now.astimezone(self.zone).date()

    def midnight_before(self, now: datetime) -> datetime:
        """Return the beginning of the local day of `now`."""
        return datetime.combine(self.local_day(now), time(), self.zone)

    def midnight_after(self, now: datetime) -> datetime:
        """Return the end of the local day of `now`."""
        return datetime.combine(self.local_day(now) + timedelta(days=1), time(), self.zone)


PersonPolicy = Literal["required", "never"]
"""Whether a platform's sign-ins name the person behind the account. `required`: all do, and a
person is one voter on all platforms with this policy. `never`: none does, and each account is a
voter."""


class Platform(msgspec.Struct, frozen=True, dict=True):
    """A media platform that signs its users in; `config` is that of its sign-in adapter. It shows
    the profiles at `profile_url`, where `{number}` is the candidate's number. Sessions that it
    opened before `sessions_not_before` have ended. `entrance` opens the vote inside its app, which
    is called `app_name`, or like the platform, and is known by its `logo`."""

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
    sessions_not_before: datetime | None = None

    @cached_property
    def oldest_session(self) -> int:
        """When the oldest session that still counts was issued, in unix seconds."""
        return ceil(self.sessions_not_before.timestamp()) if self.sessions_not_before else 0

    person_policy: PersonPolicy = "never"
    entrance: str | None = None
    app_name: Text | None = None
    logo: Logo | None = None
