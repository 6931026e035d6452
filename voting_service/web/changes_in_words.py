"""Changes of a contest in words, for the public rules page and for the desk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from voting_service.contests.announced_changes import AnnouncedChange
from voting_service.contests.model import Contest, Language
from voting_service.web.languages import read_texts, written_moment, written_number


class ChangeInWords(msgspec.Struct, frozen=True):
    """A line of the list of changes, in one language."""

    changed_at: datetime
    setting: str
    before: str
    after: str
    reason: str


def in_words(
    changes: Iterable[AnnouncedChange], contest: Contest, language: Language
) -> list[ChangeInWords]:
    """The changes in their order."""
    return [
        ChangeInWords(
            change.changed_at,
            setting_in_words(change.setting, language),
            value_in_words(change.setting, change.before, contest, language, beside=change.after),
            value_in_words(change.setting, change.after, contest, language),
            getattr(change.reason, language),
        )
        for change in changes
    ]


def setting_in_words(setting: str, language: Language) -> str:
    """What the public calls a setting."""
    said: str = read_texts(__package__, f"changes.{language}.toml")["setting"][setting]
    return said


def value_in_words(
    setting: str, value: Any, contest: Contest, language: Language, *, beside: Any = None
) -> str:
    """A value as `changes.value_of` gives it. A platform that was not there before borrows its
    name from what it became, `beside`."""
    said: Mapping[str, str] = read_texts(__package__, f"changes.{language}.toml")["value"]
    match setting, value:
        case "platform", _:
            state = "none" if value is None else "on" if value["enabled"] else "off"
            name = (value or beside)["name"][language]
            text = said[f"platform_{state}"].format(name=name)
        case "publish_at", None:
            text = said["with_opening"]
        case _, None:
            text = said["nothing"]
        case (("publish_at" | "opens_at" | "closes_at"), str(moment)):
            text = written_moment(datetime.fromisoformat(moment), contest.zone, language)
        case (("title" | "contact"), both):
            text = both[language]
        case "release", {"mode": mode, "daily_at": daily_at}:
            text = said[mode].format(at=(daily_at or "")[:5])
        case "blackout_hours", 0:
            text = said["no_hours"]
        case "blackout_hours", hours:
            text = said["hours"].format(count=hours)
        case "expected_voters_per_day", voters:
            text = said["voters"].format(count=written_number(voters, language))
        case "ballot", {"min_choices": least, "max_choices": most, "every": every}:
            choices = said["choices"].format(min=least, max=most)
            text = said["joint"].join((said[f"every_{every}"], choices))
        case "cut", {"size": size, "tie": tie}:
            text = said["joint"].join((said["size"].format(count=size), said[tie]))
        case _:
            text = said[value]
    return text
