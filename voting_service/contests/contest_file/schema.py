"""The shape of a contest file, its limits and its defaults; docs/contest-file.md explains each.

This module checks single values. Rules about several values together are in
reader.py.
"""

from __future__ import annotations

import re
from datetime import datetime, time
from functools import partial
from typing import Annotated, Any, Generic, Literal, TypeVar
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError

from voting_service.contests.model import (
    FILM_CHARACTERS,
    LINE_CHARACTERS,
    MAX_HONOURS,
    RULES_CHARACTERS,
    STORY_CHARACTERS,
    SUMMARY_CHARACTERS,
    CaptchaProvider,
    find_text_fault,
    paragraph_limit,
)
from voting_service.contests.pictures.model import MAX_PICTURES
from voting_service.errors import InvalidInput
from voting_service.infrastructure.http_clients.urls import https_or_loopback

DEFAULT_DAILY_AT = time(20, 0)
"""Used when `release.mode` is daily and no time is given."""

MAX_ORGANISERS = 12

_SLUG = re.compile(r"[a-z0-9-]{2,40}")
_SITE_KEY = re.compile(r"[A-Za-z0-9_-]{4,64}")
_TELEPHONE = re.compile(r"\+?[0-9][0-9 ()-]{3,30}[0-9]")
_EMAIL = re.compile(r"[^\s@<>\"]{1,64}@[A-Za-z0-9.-]{1,100}\.[A-Za-z]{2,24}")
_TAKEN_SLUGS = frozenset(
    {"contests", "enter", "notices", "objections", "platforms", "privacy", "verify"}
)
"""`/en/contests` lists all contests, `/enter` signs voters in, `/en/platforms` is the guide for
platforms, `/en/notices/…` are the public notices, `/en/objections/…` the answers to objections,
`/en/privacy` the privacy notice, and `cut verify` checks a file."""


def _fault(code: str, **params: Any) -> PydanticCustomError:
    """A fault for the reader to place: the message is its code in errors_contests."""
    return PydanticCustomError("contest_file", f"contests.contest_file.{code}", params)


def _readable(text: str, *, limit: int, line_breaks: bool) -> str:
    fault = find_text_fault("", text, limit=limit, line_breaks=line_breaks)
    if fault is not None:
        raise PydanticCustomError("contest_file", fault.code, fault.params)
    return text


def _paragraphs(text: str, info: ValidationInfo, *, limit: int) -> str:
    """Check a text of several lines, whose English may have more letters."""
    return _readable(text, limit=paragraph_limit(limit, info.field_name or ""), line_breaks=True)


def _slug(value: str) -> str:
    if not _SLUG.fullmatch(value):
        raise _fault("malformed_slug")
    if value in _TAKEN_SLUGS:
        raise _fault("reserved_slug", slug=value)
    return value


def _known_zone(value: str) -> str:
    if value not in available_timezones():
        raise _fault("unknown_zone", zone=value)
    return value


def _plausible(value: datetime) -> datetime:
    if not 2000 <= value.year < 2200:
        raise _fault("implausible_year", year=value.year)
    return value


def _site_key(value: str) -> str:
    if not _SITE_KEY.fullmatch(value):
        raise _fault("malformed_site_key")
    return value


def _telephone(value: str) -> str:
    if not _TELEPHONE.fullmatch(value):
        raise _fault("malformed_telephone")
    return value


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise _fault("malformed_email")
    return value


def _film(value: str) -> str:
    try:
        if len(value) <= FILM_CHARACTERS and https_or_loopback(value).scheme == "https":
            return value
    except InvalidInput:
        pass
    raise _fault("malformed_film", limit=FILM_CHARACTERS)


def _same_in_both(value: object) -> object:
    if isinstance(value, str):
        return {"zh": value, "en": value}
    if not isinstance(value, dict):
        raise _fault("not_a_text")
    return value


Line = Annotated[str, AfterValidator(partial(_readable, limit=LINE_CHARACTERS, line_breaks=False))]
Summary = Annotated[str, AfterValidator(partial(_paragraphs, limit=SUMMARY_CHARACTERS))]
Story = Annotated[str, AfterValidator(partial(_paragraphs, limit=STORY_CHARACTERS))]
OwnRules = Annotated[str, AfterValidator(partial(_paragraphs, limit=RULES_CHARACTERS))]
T = TypeVar("T")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, str_strip_whitespace=True)


class Both(_Section, Generic[T]):
    """A text in both languages."""

    zh: T
    en: T


class WindowSection(_Section):
    """When votes are taken; a datetime without an offset is in the contest's time zone."""

    opens_at: Annotated[datetime, AfterValidator(_plausible)]
    closes_at: Annotated[datetime, AfterValidator(_plausible)]
    publish_at: Annotated[datetime, AfterValidator(_plausible)] | None = None


class BallotSection(_Section):
    min_choices: Annotated[int, Field(ge=1, le=9999)] = 1
    max_choices: Annotated[int, Field(ge=1, le=9999)] = 10
    every: Literal["day", "contest"] = "day"


class ReleaseSection(_Section):
    mode: Literal["live", "daily", "hidden"] = "live"
    daily_at: time | None = None
    blackout_hours: Annotated[int, Field(ge=0, le=9999)] = 0


class CutSection(_Section):
    size: Annotated[int, Field(ge=1, le=9999)] = 30
    tie: Literal["committee", "lot", "advance_all"] = "committee"
    lot_source: Annotated[Both[Summary] | None, BeforeValidator(_same_in_both)] = None
    panel: bool = False


class OrganiserSection(_Section):
    role: Annotated[Both[Line], BeforeValidator(_same_in_both)]
    name: Annotated[Both[Line], BeforeValidator(_same_in_both)]


class ScreeningSection(_Section):
    """Whether suspicious votes are asked for a proof of work or a hosted captcha, and whether
    ballots are held. No secret belongs here: VOTING_CAPTCHA_SECRETS_FILE."""

    challenge: bool = True
    hold: bool = True
    captcha: CaptchaProvider | None = None
    site_key: Annotated[str, AfterValidator(_site_key)] | None = None


class PictureSection(_Section):
    """A picture beside the portrait; the caption is also what screen readers say."""

    file: Line
    caption: Annotated[Both[Line], BeforeValidator(_same_in_both)]


class CandidateSection(_Section):
    number: Annotated[int, Field(ge=1, le=9999)]
    name: Annotated[Both[Line], BeforeValidator(_same_in_both)]
    trade: Annotated[Both[Line], BeforeValidator(_same_in_both)]
    district: Annotated[Both[Line], BeforeValidator(_same_in_both)]
    summary: Annotated[Both[Summary], BeforeValidator(_same_in_both)]
    story: Annotated[Both[Story], BeforeValidator(_same_in_both)]
    employer: Annotated[Both[Line] | None, BeforeValidator(_same_in_both)] = None
    skill_grade: Annotated[Both[Line] | None, BeforeValidator(_same_in_both)] = None
    honours: Annotated[
        list[Annotated[Both[Line], BeforeValidator(_same_in_both)]], Field(max_length=MAX_HONOURS)
    ] = []
    film: Annotated[str, AfterValidator(_film)] | None = None
    portrait: Line | None = None
    pictures: Annotated[list[PictureSection], Field(max_length=MAX_PICTURES)] = []


class ContestDocument(_Section):
    """The whole file."""

    slug: Annotated[str, AfterValidator(_slug)]
    title: Both[Line]
    time_zone: Annotated[str, AfterValidator(_known_zone)]
    list_order: Literal["shuffled", "number"] = "shuffled"
    expected_voters_per_day: Annotated[int, Field(ge=1, le=1_000_000_000)] = 1_000_000
    theme: Annotated[Both[Line] | None, BeforeValidator(_same_in_both)] = None
    introduction: Annotated[Both[Story] | None, BeforeValidator(_same_in_both)] = None
    organisers: Annotated[list[OrganiserSection], Field(max_length=MAX_ORGANISERS)] = []
    own_rules: Annotated[Both[OwnRules] | None, BeforeValidator(_same_in_both)] = None
    logo: Line | None = None
    contact: Annotated[Both[Summary] | None, BeforeValidator(_same_in_both)] = None
    telephone: Annotated[str, AfterValidator(_telephone)] | None = None
    email: Annotated[str, AfterValidator(_email)] | None = None
    address: Annotated[Both[Line] | None, BeforeValidator(_same_in_both)] = None
    window: WindowSection
    ballot: BallotSection = BallotSection()
    release: ReleaseSection = ReleaseSection()
    cut: CutSection = CutSection()
    screening: ScreeningSection = ScreeningSection()
    candidates: Annotated[list[CandidateSection], Field(min_length=1)]


_SECTIONS: dict[str, type[_Section]] = {
    "ballot": BallotSection,
    "release": ReleaseSection,
    "cut": CutSection,
    "screening": ScreeningSection,
}
DEFAULTS: dict[str, Any] = {
    f"{section}.{name}": field.default
    for section, model in _SECTIONS.items()
    for name, field in model.model_fields.items()
}
"""The value of a key that is not in the file."""
