"""The message of an alarm to staff, in each language; texts in `alarm_messages.po`.

It states what the burst looks like and accuses nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voting_service.antifraud.alarms.detection import Alarm, AlarmSubject
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import Language, Text

_NETWORK_DIGITS = 8

Names = Mapping[int, Text]


def alarm_message(alarm: Alarm, candidates: Names, platforms: Names) -> Text:
    """Return the message. `candidates` are names by number, `platforms` by id; where a name is
    missing, the number or id stands for it."""
    return Text(
        zh=_format(alarm, candidates, platforms, "zh"),
        en=_format(alarm, candidates, platforms, "en"),
    )


def _format(alarm: Alarm, candidates: Names, platforms: Names, language: Language) -> str:
    catalogue = load_catalogue("alarm_messages", language)
    texts, subject = catalogue["message"], alarm.subject
    facts = catalogue["what"][subject.what].format(
        who=_format_candidate(subject.candidate, candidates, language),
        where=_format_source(subject, platforms, language),
        span=_format_span(alarm.span, texts),
        observed=_format_figure(alarm.observed),
        expected=_format_figure(alarm.expected),
    )
    separator: str = texts["separator"]
    return separator.join((facts, catalogue["looks"][alarm.looks], texts["not_held"]))


def _format_candidate(number: int | None, candidates: Names, language: Language) -> str:
    if number is None:
        return ""
    texts, name = load_catalogue("alarm_messages", language)["message"], candidates.get(number)
    if name is None:
        return str(texts["candidate"].format(number=number))
    return str(texts["named_candidate"].format(number=number, name=getattr(name, language)))


def _format_source(subject: AlarmSubject, platforms: Names, language: Language) -> str:
    if subject.network is not None:
        return subject.network.hex()[:_NETWORK_DIGITS]
    if subject.platform is None:
        return ""
    name = platforms.get(subject.platform)
    return getattr(name, language) if name else str(subject.platform)


def _format_span(minutes: int, texts: Mapping[str, Any]) -> str:
    if minutes < 60:
        return str(texts["minutes"].format(count=minutes))
    hours = minutes // 60
    return str(texts["hour"] if hours == 1 else texts["hours"].format(count=hours))


def _format_figure(value: float) -> str:
    return f"{value:.0f}" if value >= 1 else "<1"
