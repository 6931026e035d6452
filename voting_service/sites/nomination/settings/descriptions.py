"""A proposed change of a selection as lines to read: what it was, what it becomes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.formatting import written_deadline, written_number
from voting_service.i18n.text import Language
from voting_service.nomination.model import RecommendingBody, Selection
from voting_service.nomination.settings.approval_kinds import (
    EARLIER_WINNERS,
    SELECTION_SETTINGS,
    SelectionSettingsPayload,
    WinnersPayload,
)
from voting_service.staff.approvals.model import ApprovalRequest


class ChangedSetting(NamedTuple):
    """A setting; `before` is empty for what is added."""

    label: str
    before: str
    after: str


class Described(NamedTuple):
    """The lines of a change, and why it was proposed."""

    lines: tuple[ChangedSetting, ...]
    reason: str = ""


def describe_change(
    selection: Selection,
    change: ApprovalRequest,
    reader: Language,
    bodies: Iterable[RecommendingBody] = (),
) -> Described:
    """Return a change as lines; as the sentence of its kind where its payload has another shape.
    `bodies` are named in a change of their contacts."""
    labels = load_catalogue("selection_settings", reader)["fields"]
    try:
        if change.kind == EARLIER_WINNERS.name:
            winners: WinnersPayload = EARLIER_WINNERS.read(change)
            people = written_number(len(winners.person_hashes), reader)
            text = labels["winners_of"].format(year=winners.year, people=people)
            return Described((ChangedSetting(labels["earlier_winners"], "", text),))
        payload: SelectionSettingsPayload = SELECTION_SETTINGS.read(change)
        if change.subject.startswith("body_contacts/"):
            names = {body.slug: str(getattr(body.name, reader)) for body in bodies}
            lines = tuple(
                ChangedSetting(
                    names.get(slug, slug), _contact(payload.before[slug]), _contact(after) or "–"
                )
                for slug, after in payload.after.items()
            )
        else:
            lines = tuple(_lines(selection, payload, reader))
    except (msgspec.ValidationError, ValueError, KeyError, TypeError):
        return Described((ChangedSetting(change.describe(reader), "", ""),))
    return Described(lines, payload.reason)


def _contact(contact: Mapping[str, str]) -> str:
    return " ".join(filter(None, (contact["person"], contact["telephone"])))


def _lines(
    selection: Selection, payload: SelectionSettingsPayload, reader: Language
) -> Iterator[ChangedSetting]:
    labels = load_catalogue("selection_settings", reader)["fields"]
    for name, after in payload.after.items():
        before = payload.before[name]
        if isinstance(after, dict):
            for language in after:
                label = labels[f"{name}_{language}"]
                yield ChangedSetting(label, str(before[language]), str(after[language]))
        else:
            shown = (_written(selection, name, value, reader) for value in (before, after))
            yield ChangedSetting(labels[name], *shown)


def _written(selection: Selection, name: str, value: Any, reader: Language) -> str:
    if name == "closes_at":
        return written_deadline(datetime.fromisoformat(value), selection.zone, reader)
    return written_number(value, reader)
