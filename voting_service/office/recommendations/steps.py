"""The form in steps: which fields each has, and the way between a form and what a page posts.

No I/O. A field's name in a page is its path in office/form.py, but for achievements: there
`achievements` holds the kinds that were ticked and `achievements.<kind>.pages` the pages of each.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Literal, get_args

import msgspec

from voting_service.errors import Fault
from voting_service.office.form import (
    Achievement,
    AchievementKind,
    Form,
    Month,
    Opinion,
    Qualification,
    Sex,
)
from voting_service.office.model import Slot
from voting_service.office.validation import LONGEST

Step = Literal["person", "work", "deeds", "evidence", "opinions"]
STEPS: tuple[Step, ...] = get_args(Step)
Kind = Literal["text", "lines", "month", "day", "choice", "ticks", "tick"]

SEXES: tuple[Sex, ...] = get_args(Sex)
QUALIFICATIONS: tuple[Qualification, ...] = get_args(Qualification)
ACHIEVEMENTS: tuple[AchievementKind, ...] = get_args(AchievementKind)
_MONTH = re.compile(r"([0-9]{4})\s*[-./年]\s*([0-9]{1,2})\s*月?")
_DAY = re.compile(r"([0-9]{4})\s*[-./年]\s*([0-9]{1,2})\s*[-./月]\s*([0-9]{1,2})\s*日?")

Values = Mapping[str, str | tuple[str, ...]]
"""What a page shows and posts, by the fields' names; ticked kinds are several."""

_OPINION: tuple[tuple[str, Kind], ...] = (
    ("text", "lines"),
    ("signer", "text"),
    ("signed_on", "day"),
)


class Field(msgspec.Struct, frozen=True):
    """One field of a page; `limit` is its most characters, where it has text."""

    name: str
    kind: Kind = "text"

    @property
    def id(self) -> str:
        """Where links lead to."""
        return self.name.replace(".", "-")

    @property
    def limit(self) -> int | None:
        return LONGEST.get(self.name)


FIELDS: Mapping[Step, tuple[Field, ...]] = MappingProxyType(
    {
        "person": (
            Field("name"),
            Field("sex", "choice"),
            Field("birth", "month"),
            Field("id_number"),
            Field("ethnic_group"),
            Field("political_status"),
            Field("education"),
        ),
        "work": (
            Field("trade"),
            Field("skill_grade"),
            Field("employer"),
            Field("is_central_unit", "tick"),
            Field("first_employed", "month"),
            Field("employer_address"),
            Field("employer_postcode"),
            Field("employer_contact"),
            Field("employer_telephone"),
            Field("industry", "choice"),
            Field("chain"),
        ),
        "deeds": (Field("skills", "lines"), Field("deeds", "lines")),
        "evidence": (
            Field("qualification", "choice"),
            Field("qualification_pages"),
            Field("achievements", "ticks"),
            *(Field(f"achievements.{kind}.pages") for kind in ACHIEVEMENTS),
            Field("evidence_handler"),
            Field("evidence_confirmed_on", "day"),
        ),
        "opinions": tuple(
            Field(f"{who}.{name}", kind)
            for who in ("employer_opinion", "body_opinion")
            for name, kind in _OPINION
        ),
    }
)
SLOTS: Mapping[Step, tuple[Slot, ...]] = MappingProxyType(
    {
        "person": ("photo",),
        "work": (),
        "deeds": (),
        "evidence": ("evidence",),
        "opinions": ("employer_scan", "body_scan"),
    }
)
"""The files of each step."""


def values_of(form: Form, step: Step) -> Values:
    """What the page of a step shows of a form."""
    return {field.name: _shown(form, field.name) for field in FIELDS[step]}


def _shown(form: Form, name: str) -> str | tuple[str, ...]:
    if name == "achievements":
        return tuple(achievement.kind for achievement in form.achievements)
    if name.startswith("achievements."):
        kind = name.split(".")[1]
        return next((each.pages for each in form.achievements if each.kind == kind), "")
    value: Any = form
    for part in name.split("."):
        value = getattr(value, part)
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else str(value)


def seen_mark(values: Values) -> str:
    """Tells apart what a page was loaded with, and what is stored when it comes back."""
    return blake2b(msgspec.json.encode(values, order="sorted"), digest_size=12).hexdigest()


def posted_values(step: Step, fields: Mapping[str, Sequence[str]]) -> Values:
    """What a page of the step posted; text that is left out counts as empty."""
    values: dict[str, str | tuple[str, ...]] = {}
    for field in FIELDS[step]:
        given = fields.get(field.name, ())
        if field.kind == "ticks":
            values[field.name] = tuple(kind for kind in ACHIEVEMENTS if kind in given)
        else:
            text = given[0] if given else ""
            values[field.name] = text if field.kind == "lines" else text.strip()
    return values


def read_values(
    form: Form, step: Step, values: Values, industries: Iterable[str]
) -> tuple[Form, tuple[Fault, ...]]:
    """`form` with what a step says, and faults for what cannot be read as a month, a day or one
    of the choices: that stays open in the form."""
    found: list[Fault] = []
    choices: Mapping[str, Iterable[str]] = {
        "sex": SEXES,
        "qualification": QUALIFICATIONS,
        "industry": industries,
    }
    read: dict[str, Any] = {}
    for field in FIELDS[step]:
        text = values[field.name]
        if isinstance(text, tuple) or field.name.startswith("achievements."):
            continue
        read[field.name] = _read(field, text, choices.get(field.name, ()), found)
    if step == "evidence":
        read["achievements"] = _achievements(values)
    return _with(form, read), tuple(found)


def _read(field: Field, text: str, choices: Iterable[str], found: list[Fault]) -> Any:
    match field.kind:
        case "tick":
            return text == "yes"
        case "choice":
            if text in choices:
                return text
            if text:
                found.append(Fault(field.name, "choose one of the list", "请在列表中选择。"))
            return "" if field.name == "industry" else None
        case "month" | "day":
            value = read_month(text) if field.kind == "month" else read_day(text)
            if text and value is None:
                found.append(_UNREADABLE[field.kind](field.name))
            return value
        case _:
            return text


_UNREADABLE = {
    "month": lambda name: Fault(
        name, "must be a year and a month such as 1980-05", "请按“1980-05”的形式填写年月。"
    ),
    "day": lambda name: Fault(
        name, "must be a day such as 2022-06-01", "请按“2022-06-01”的形式填写日期。"
    ),
}


def read_month(text: str) -> Month | None:
    """From `1980-05`, `1980.5` or `1980年5月`; None for what is no month."""
    found = _MONTH.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if found is None or not 1 <= int(found[2]) <= 12:
        return None
    return Month(int(found[1]), int(found[2]))


def read_day(text: str) -> date | None:
    """The same for a day."""
    found = _DAY.fullmatch(unicodedata.normalize("NFKC", text).strip())
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None


def _achievements(values: Values) -> tuple[Achievement, ...]:
    ticked = values["achievements"]
    return tuple(
        Achievement(kind=kind, pages=str(values[f"achievements.{kind}.pages"]))
        for kind in ACHIEVEMENTS
        if kind in ticked
    )


def _with(form: Form, read: Mapping[str, Any]) -> Form:
    """Replaces by path; opinions are one level down."""
    changed: dict[str, Any] = {}
    opinions: dict[str, dict[str, Any]] = {}
    for path, value in read.items():
        head, dot, rest = path.partition(".")
        if dot:
            opinions.setdefault(head, {})[rest] = value
        else:
            changed[head] = value
    for head, parts in opinions.items():
        opinion: Opinion = getattr(form, head)
        changed[head] = msgspec.structs.replace(opinion, **parts)
    return msgspec.structs.replace(form, **changed)


def field_of(fault: Fault, form: Form) -> str:
    """The name of the page's field that a fault of validation.py is about."""
    found = re.fullmatch(r"achievements\[([0-9]+)\](\.pages)?", fault.field)
    if found is None or int(found[1]) >= len(form.achievements):
        return fault.field
    kind = form.achievements[int(found[1])].kind
    return f"achievements.{kind}.pages" if found[2] else "achievements"


def step_of(name: str) -> Step:
    """The step that a field, or a file, is filled in."""
    for step in STEPS:
        if name in SLOTS[step] or any(field.name == name for field in FIELDS[step]):
            return step
    raise ValueError(f"no step has a field {name!r}")
