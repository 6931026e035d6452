"""The contest file of a shortlist: the settings that two people approve, and a section for each
candidate. No I/O."""

from __future__ import annotations

import tomllib
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
import tomli_w

from voting_service.contests.contest_file.reader import ContestFile, load_contest_file
from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.nomination.model import Selection
from voting_service.nomination.review.repository import SubmittedRecommendation
from voting_service.nomination.shortlist.profiles import Profile

MAX_SETTINGS_CHARACTERS = 10_000
_DAYS_UNTIL_OPEN, _DAYS_OPEN = 7, 30


class ShortlistedCandidate(msgspec.Struct, frozen=True, kw_only=True):
    """One person of the shortlist with everything that becomes public in the contest."""

    number: int
    submitted: SubmittedRecommendation
    profile: Profile
    photo: bytes


def default_settings(selection: Selection, now: datetime) -> str:
    """Return a contest file without candidates for staff to adapt: a month from next week on."""
    local = now.astimezone(selection.zone).replace(tzinfo=None)
    opens = datetime(local.year, local.month, local.day, 9) + timedelta(days=_DAYS_UNTIL_OPEN)
    closes = opens.replace(hour=18) + timedelta(days=_DAYS_OPEN)
    settings: dict[str, Any] = {
        "slug": f"{selection.slug[:35]}-vote",
        "time_zone": selection.rules.time_zone,
        "title": selection.title,
        "contact": selection.rules.contact,
        "window": {"opens_at": opens, "closes_at": closes},
        "ballot": {
            "min_choices": 1,
            "max_choices": min(10, selection.rules.shortlist_size),
            "every": "day",
        },
        "cut": {"size": selection.rules.cut, "tie": "committee", "panel": True},
    }
    return _toml({key: value for key, value in settings.items() if value is not None})


def contest_text(settings: str, candidates: tuple[ShortlistedCandidate, ...]) -> str:
    """Return the whole contest file, TOML: the settings as they were written, then candidates."""
    tables = [
        {"number": candidate.number} | candidate.profile.public_texts() for candidate in candidates
    ]
    return f"{settings.strip()}\n\n{_toml({'candidates': tables}) if tables else ''}"


def _toml(values: dict[str, Any]) -> str:
    return tomli_w.dumps(msgspec.to_builtins(values, builtin_types=(datetime,)))


def read_contest(
    selection: Selection, settings: str, candidates: tuple[ShortlistedCandidate, ...]
) -> tuple[ContestFile, str]:
    """Return the checked contest and the SHA-256 of its file. Raises InvalidInput with every
    fault."""
    if len(settings) > MAX_SETTINGS_CHARACTERS or _names_candidates(settings):
        raise InvalidInput(
            Fault(
                "settings",
                "nomination.shortlist.settings_only",
                max_characters=MAX_SETTINGS_CHARACTERS,
            )
        )
    text = contest_text(settings, candidates)
    contest = load_contest_file(text)
    numbers = [candidate.number for candidate in contest.candidates]
    if numbers != [candidate.number for candidate in candidates]:
        raise Refused("nomination.shortlist.candidates_differ_from_shortlist")
    if contest.rules.cut.size != selection.rules.cut:
        raise InvalidInput(
            Fault("cut.size", "nomination.shortlist.cut_as_announced", cut=selection.rules.cut)
        )
    return contest, sha256(text.encode()).hexdigest()


def _names_candidates(settings: str) -> bool:
    """Return whether the settings hold candidates in any spelling; a syntax error is reported
    by the reader of contest files."""
    try:
        return "candidates" in tomllib.loads(settings)
    except tomllib.TOMLDecodeError:
        return False
