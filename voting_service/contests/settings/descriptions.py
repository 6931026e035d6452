"""Descriptions of settings and their changes, for the public rules page and the console."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from voting_service.contests.model import Contest
from voting_service.contests.settings.approval_kinds import PlatformPayload
from voting_service.contests.settings.model import TEXTS
from voting_service.contests.settings.platform_terms import PlatformTerms
from voting_service.contests.settings.repository import AnnouncedChange
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.formatting import (
    written_moment,
    written_number,
)
from voting_service.i18n.text import Language

_WHOLE_KEY = 12
"""Ids of keys up to this length are shown whole; longer ones are thumbprints. Of a logo's hash so
much is shown."""


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


class TermsChange(msgspec.Struct, frozen=True):
    """One term of a platform that a change sets, for staff; `before` is empty for a new one."""

    name: str
    before: str
    after: str


def describe_platform_change(payload: PlatformPayload, language: Language) -> list[TermsChange]:
    """Return what a change of a platform sets, by term."""
    words: Mapping[str, str] = load_catalogue("contest_settings", language)["terms"]
    before = _described_terms(payload.before, words, language) if payload.before else {}
    after = _described_terms(payload.after, words, language)
    changed = [
        TermsChange(words[term], before.get(term, ""), text)
        for term, text in after.items()
        if before.get(term) != text
    ]
    if payload.end_sessions:
        changed.append(TermsChange(words["sessions"], words["stay"], words["end"]))
    return changed


def _described_terms(
    terms: PlatformTerms, words: Mapping[str, str], language: Language
) -> dict[str, str]:
    ceiling = terms.daily_ceiling
    return {
        "name": f"{terms.name.zh} / {terms.name.en}",
        "app": f"{terms.app_name.zh} / {terms.app_name.en}" if terms.app_name else words["none"],
        "logo": terms.logo.hash[:_WHOLE_KEY] if terms.logo else words["none"],
        "entrance": terms.entrance or words["none"],
        "sign_in": _described_sign_in(terms),
        "origins": words["joint"].join(terms.origins) or words["none"],
        "ceiling": words["none"] if ceiling is None else written_number(ceiling, language),
        "person_policy": terms.person_policy,
        "state": words["on"] if terms.enabled else words["off"],
    }


def _described_sign_in(terms: PlatformTerms) -> str:
    if terms.kind == "jwt":
        return " ".join(terms.keys)
    return " ".join((terms.kind, *(f"{key}={value}" for key, value in terms.config.items())))


def describe_value(
    setting: str, value: Any, contest: Contest, language: Language, *, beside: Any = None
) -> str:
    """Return the description of a value of `model.setting_value`. A platform that did not exist
    before has the name of its later state, `beside`."""
    words: Mapping[str, str] = load_catalogue("contest_settings", language)["value"]
    match setting, value:
        case (("platform" | "platform_keys"), _):
            text = _describe_platform(setting, value, words, language, beside)
        case "publish_at", None:
            text = words["with_opening"]
        case _, None:
            text = words["nothing"]
        case (("publish_at" | "opens_at" | "closes_at"), str(moment)):
            text = written_moment(datetime.fromisoformat(moment), contest.zone, language)
        case "logo", {"hash": logo_hash}:
            text = words["logo"].format(hash=logo_hash[:8])
        case _ if setting in TEXTS:
            text = _describe_text(value, words, language)
        case "release", {"mode": mode, "daily_at": daily_at}:
            text = words[mode].format(at=(daily_at or "")[:5])
        case "blackout_hours", hours:
            text = words["hours"].format(count=hours) if hours else words["no_hours"]
        case "expected_voters_per_day", voters:
            text = words["voters"].format(count=written_number(voters, language))
        case "ballot", {"min_choices": least, "max_choices": most, "every": every}:
            choices = words["choices"].format(min=least, max=most)
            text = words["joint"].join((words[f"every_{every}"], choices))
        case "cut", {"size": size, "tie": tie}:
            source = value.get("lot_source")
            rule = words["lot_source"].format(source=source[language]) if source else words[tie]
            panel = [words["panel"]] if value.get("panel") else []
            text = words["joint"].join((words["size"].format(count=size), rule, *panel))
        case _:
            text = words[value]
    return text


def _describe_text(value: Any, words: Mapping[str, str], language: Language) -> str:
    """Return a text, a telephone number or an address as it is, and organisers with their roles."""
    match value:
        case str():
            return value
        case {"zh": _, "en": _}:
            return str(value[language])
    described = (
        words["organiser"].format(**{part: text[language] for part, text in organiser.items()})
        for organiser in value
    )
    return words["next"].join(described) or words["nothing"]


def _describe_platform(
    setting: str, value: Any, words: Mapping[str, str], language: Language, beside: Any
) -> str:
    if setting == "platform":
        state = "none" if value is None else "on" if value["enabled"] else "off"
        return words[f"platform_{state}"].format(name=(value or beside)["name"][language])
    keys = " ".join(key if len(key) <= _WHOLE_KEY else key[:8] + "…" for key in value["keys"])
    text = words["platform_keys_ended" if value["sessions_ended"] else "platform_keys"]
    return text.format(name=value["name"][language], keys=keys)
