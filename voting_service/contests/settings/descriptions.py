"""Descriptions of settings and their changes, for the public rules page and the console."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from voting_service.contests.model import Contest
from voting_service.contests.settings.repository import AnnouncedChange
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.formatting import (
    written_moment,
    written_number,
)
from voting_service.i18n.text import Language


class DescribedChange(msgspec.Struct, frozen=True):
    """An entry of the list of changes, in one language."""

    changed_at: datetime
    setting: str
    before: str
    after: str
    reason: str


def describe_changes(
    changes: Iterable[AnnouncedChange], contest: Contest, language: Language
) -> list[DescribedChange]:
    """Return the changes in their order."""
    return [
        DescribedChange(
            change.changed_at,
            setting_name(change.setting, language),
            describe_value(change.setting, change.before, contest, language, beside=change.after),
            describe_value(change.setting, change.after, contest, language),
            getattr(change.reason, language),
        )
        for change in changes
    ]


def setting_name(setting: str, language: Language) -> str:
    """Return the public name of a setting."""
    words: str = load_catalogue("contest_settings", language)["setting"][setting]
    return words


def describe_value(
    setting: str, value: Any, contest: Contest, language: Language, *, beside: Any = None
) -> str:
    """Return the description of a value of `model.setting_value`. A platform that did not exist
    before has the name of its later state, `beside`."""
    words: Mapping[str, str] = load_catalogue("contest_settings", language)["value"]
    match setting, value:
        case "platform", _:
            state = "none" if value is None else "on" if value["enabled"] else "off"
            name = (value or beside)["name"][language]
            text = words[f"platform_{state}"].format(name=name)
        case "publish_at", None:
            text = words["with_opening"]
        case _, None:
            text = words["nothing"]
        case (("publish_at" | "opens_at" | "closes_at"), str(moment)):
            text = written_moment(datetime.fromisoformat(moment), contest.zone, language)
        case (("title" | "contact"), both):
            text = both[language]
        case "release", {"mode": mode, "daily_at": daily_at}:
            text = words[mode].format(at=(daily_at or "")[:5])
        case "blackout_hours", 0:
            text = words["no_hours"]
        case "blackout_hours", hours:
            text = words["hours"].format(count=hours)
        case "expected_voters_per_day", voters:
            text = words["voters"].format(count=written_number(voters, language))
        case "ballot", {"min_choices": least, "max_choices": most, "every": every}:
            choices = words["choices"].format(min=least, max=most)
            text = words["joint"].join((words[f"every_{every}"], choices))
        case "cut", {"size": size, "tie": tie}:
            text = words["joint"].join((words["size"].format(count=size), words[tie]))
        case _:
            text = words[value]
    return text
