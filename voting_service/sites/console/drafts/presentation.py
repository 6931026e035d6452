"""A draft as its pages show it: steps with their state, faults with places, values as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from voting_service.contests.candidate_list.reader import CellFault
from voting_service.contests.drafts.model import SAVED, ContestDraft, DraftChecks, DraftFault
from voting_service.errors import Fault, InvalidInput, VotingError
from voting_service.i18n.formatting import written_moment, written_number
from voting_service.i18n.text import Language
from voting_service.sites.console.drafts.fields import SECTIONS, DraftField, find_value

Texts = Mapping[str, Any]
_EXPECTED = {
    "introduction": ("introduction",),
    "organisers": ("organisers",),
    "contact": ("contact", "telephone", "email", "address"),
}
"""What a reader looks for on a contest's page, and the keys of which one has it."""


class Step(NamedTuple):
    """A step of the list of tasks: its page, what is filled in, what is wrong, whether nobody has
    saved it yet, and what of the public page is still empty."""

    name: str
    values: Sequence[tuple[str, str]]
    faults: Sequence[str]
    is_usual: bool = False
    lacking: Sequence[str] = ()


class ShownFault(NamedTuple):
    """A fault beside its input, or in the table of a list."""

    place: str
    heading: str
    text: str


def steps(draft: ContestDraft, checked: DraftChecks, texts: Texts, reader: Language) -> list[Step]:
    """Return the steps of the form, in order, then the candidates and the pictures."""
    shown = [
        Step(
            section,
            [
                (texts["fields"][field.id], value)
                for field in fields
                if (value := describe(draft, field, texts, reader))
            ],
            [
                f"{texts['fields'][field.id]}{texts['colon']}{text}"
                for field in fields
                for text in _fault_texts(checked.faults, field.key, texts, reader)
            ],
            is_usual=not {field.key for field in fields} & set(draft.content.get(SAVED, ())),
            lacking=_lacking(draft, texts) if section == "page" else (),
        )
        for section, fields in SECTIONS.items()
    ]
    for name in ("logo", "candidates", "pictures"):
        shown.append(Step(name, (), _fault_texts(checked.faults, name, texts, reader)))
    return shown


def _lacking(draft: ContestDraft, texts: Texts) -> list[str]:
    """Return what of introduction, organisers and contact is empty."""
    return [
        texts["lacking_names"][name]
        for name, keys in _EXPECTED.items()
        if not any(find_value(draft.content, key) for key in keys)
    ]


def _fault_texts(
    faults: Sequence[DraftFault], key: str, texts: Texts, reader: Language
) -> list[str]:
    """Return the faults of a dotted key and what is below it, each text once."""
    start = tuple(key.split("."))
    if start == ("candidates",) and any(path == start for path, _ in faults):
        return [texts["faults"]["no_candidates"]]
    return list(
        dict.fromkeys(
            fault_text(fault, texts, reader)
            for path, fault in faults
            if path[: len(start)] == start
        )
    )


def describe(draft: ContestDraft, field: DraftField, texts: Texts, reader: Language) -> str:
    """Return the value of a field as text; "" without one."""
    value = find_value(draft.content, field.key)
    if value is None or value == "":
        return ""
    match field.kind, value:
        case "line" | "text", Mapping():
            text = value.get(reader) or value.get("zh") or ""
        case "organisers", _:
            text = " · ".join(
                f"{organiser['role'][reader]}{texts['colon']}{organiser['name'][reader]}"
                for organiser in value
            )
        case "flag", _:
            text = texts["choices"][field.id]["yes" if value else "no"]
        case "choice", _:
            text = texts["choices"][field.id].get(str(value), value)
        case "number", int():
            text = written_number(value, reader)
        case "moment", _:
            text = _describe_moment(draft, str(value), reader)
        case _:
            text = value
    return str(text)


def _describe_moment(draft: ContestDraft, value: str, reader: Language) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    return written_moment(moment.replace(tzinfo=draft.zone), draft.zone, reader)


def fault_text(fault: Fault, texts: Texts, reader: Language) -> str:
    """Return what is wrong, in the words of a form where it has any for the fault: those of a
    contest file name its keys."""
    words: str | None = texts["faults"].get(fault.code.rpartition(".")[2])
    return fault.text(reader) if words is None else words.format(**fault.params)


def input_faults(error: VotingError | None, texts: Texts, reader: Language) -> dict[str, str]:
    """Return what is wrong by input; a fault of both languages of a text stands at the first."""
    if not isinstance(error, InvalidInput):
        return {}
    return {fault.field: fault_text(fault, texts, reader) for fault in reversed(error.faults)}


def list_faults(error: InvalidInput, reader: Language) -> list[ShownFault]:
    """Return the faults of a list of candidates, with row and column where they have one."""
    cell_faults: Sequence[CellFault] = getattr(error, "cell_faults", ())
    if cell_faults:
        return [
            ShownFault(cell.reference, cell.heading, fault.text(reader))
            for cell, fault in cell_faults
        ]
    return [ShownFault("", "", fault.text(reader)) for fault in error.faults]


def file_faults(faults: Sequence[Fault], reader: Language) -> list[ShownFault]:
    """Return the faults of picture files, in Chinese where they have it."""
    return [
        ShownFault(fault.field, "", (fault.zh if reader == "zh" else "") or fault.message)
        for fault in faults
    ]
