"""The steps of the form: the fields of each, and conversion between a form and posted values.

No I/O. A field's name on a page is its path in nomination/form/model.py, except for achievements:
`achievements` has the kinds that were ticked, `achievements.<kind>.pages` the pages of each. The
patterns of months and days hold the Chinese characters that the input may use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from voting_service.errors import Fault
from voting_service.i18n.patterns import load_patterns
from voting_service.i18n.typed_numbers import plain_number
from voting_service.infrastructure.text_files import without_marks
from voting_service.nomination.form.id_numbers import fill_from_id_number
from voting_service.nomination.form.model import (
    ACHIEVEMENT_KINDS,
    Achievement,
    Month,
    Opinion,
    Qualification,
    RecommendationForm,
    Sex,
)
from voting_service.nomination.form.validation import LONGEST
from voting_service.nomination.model import Slot

Step = Literal["person", "work", "deeds", "evidence", "opinions"]
STEPS: tuple[Step, ...] = get_args(Step)
Kind = Literal["text", "lines", "month", "day", "choice", "ticks", "tick"]

SEXES: tuple[Sex, ...] = get_args(Sex)
QUALIFICATIONS: tuple[Qualification, ...] = get_args(Qualification)
ACHIEVEMENTS = ACHIEVEMENT_KINDS
_WORDS = load_patterns("voting_service.nomination.form")
_YEAR_AND_MONTH = rf"([0-9]{{4}})\s*[-./{_WORDS['year']}]\s*([0-9]{{1,2}})"
_MONTH = re.compile(
    rf"{_YEAR_AND_MONTH}(?:\s*[-./{_WORDS['month']}]\s*[0-9]{{1,2}}\s*{_WORDS['day']}?"
    rf"|\s*{_WORDS['month']})?"
)
_DAY = re.compile(
    rf"{_YEAR_AND_MONTH}\s*[-./{_WORDS['month']}]\s*([0-9]{{1,2}})\s*{_WORDS['day']}?"
)
_RUN_OF_DIGITS = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})?")
"""`196503` and `20220630`, as systems export them."""

Values = Mapping[str, str | tuple[str, ...]]
"""What a page shows and posts, by field name; a tuple for ticked kinds."""

_OPINION: tuple[tuple[str, Kind], ...] = (
    ("text", "lines"),
    ("signer", "text"),
    ("signed_on", "day"),
)


class StepField(msgspec.Struct, frozen=True):
    """One field of a page; `limit` is its maximum of characters, for a text."""

    name: str
    kind: Kind = "text"

    @property
    def id(self) -> str:
        """The element id, which links lead to."""
        return self.name.replace(".", "-")

    @property
    def limit(self) -> int | None:
        return LONGEST.get(self.name)


FIELDS: Mapping[Step, tuple[StepField, ...]] = MappingProxyType(
    {
        "person": (
            StepField("name"),
            StepField("sex", "choice"),
            StepField("birth", "month"),
            StepField("id_number"),
            StepField("ethnic_group"),
            StepField("political_status"),
            StepField("education"),
        ),
        "work": (
            StepField("trade"),
            StepField("skill_grade"),
            StepField("employer"),
            StepField("is_central_unit", "tick"),
            StepField("first_employed", "month"),
            StepField("employer_address"),
            StepField("employer_postcode"),
            StepField("employer_contact"),
            StepField("employer_telephone"),
            StepField("industry", "choice"),
            StepField("industry_other"),
            StepField("chain"),
        ),
        "deeds": (StepField("skills", "lines"), StepField("deeds", "lines")),
        "evidence": (
            StepField("conduct_declared", "tick"),
            StepField("qualification", "choice"),
            StepField("qualification_pages"),
            StepField("achievements", "ticks"),
            *(StepField(f"achievements.{kind}.pages") for kind in ACHIEVEMENTS),
            StepField("evidence_handler"),
            StepField("evidence_confirmed_on", "day"),
        ),
        "opinions": tuple(
            StepField(f"{who}.{name}", kind)
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


def step_values(form: RecommendationForm, step: Step) -> Values:
    """Return the values of a step that its page shows."""
    return {field.name: _field_value(form, field.name) for field in FIELDS[step]}


def _field_value(form: RecommendationForm, name: str) -> str | tuple[str, ...]:
    if name == "achievements":
        return tuple(achievement.kind for achievement in form.achievements)
    if name.startswith("achievements."):
        kind = name.split(".")[1]
        return next(
            (achievement.pages for achievement in form.achievements if achievement.kind == kind), ""
        )
    value: Any = form
    for part in name.split("."):
        value = getattr(value, part)
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else str(value)


def values_fingerprint(values: Values) -> str:
    """Return a fingerprint of each value, which shows what changed since the page was loaded."""
    return ".".join(_fingerprint(value) for value in values.values())


def _fingerprint(value: str | tuple[str, ...]) -> str:
    return blake2b(msgspec.json.encode(value), digest_size=6).hexdigest()


class MergedValues(NamedTuple):
    """A step as two windows changed it. `theirs` are the fields that only the other one changed,
    which has saved, `conflicts` those that both changed; there `values` has what was posted."""

    values: Values
    theirs: frozenset[str]
    conflicts: frozenset[str]


def merge_values(stored: Values, posted: Values, seen: str) -> MergedValues:
    """Return the values of a step where each window changed something; `seen` is the fingerprint of
    the values that the page was loaded with."""
    marks = dict(zip(stored, seen.split("."), strict=False))

    def changed(values: Values) -> set[str]:
        return {name for name in stored if _fingerprint(values[name]) != marks.get(name)}

    theirs = frozenset(changed(stored) - changed(posted))
    both = changed(stored) & changed(posted)
    conflicts = frozenset(name for name in both if posted[name] != stored[name])
    values = {name: stored[name] if name in theirs else posted[name] for name in stored}
    return MergedValues(values, theirs, conflicts)


def posted_values(step: Step, fields: Mapping[str, Sequence[str]]) -> Values:
    """Return the values that the page of a step posted; a missing text is empty."""
    values: dict[str, str | tuple[str, ...]] = {}
    for field in FIELDS[step]:
        given = fields.get(field.name, ())
        if field.kind == "ticks":
            values[field.name] = tuple(kind for kind in ACHIEVEMENTS if kind in given)
        else:
            text = without_marks(given[0]) if given else ""
            values[field.name] = text if field.kind == "lines" else text.strip()
    return values


def apply_values(
    form: RecommendationForm, step: Step, values: Values, industries: Iterable[str]
) -> tuple[RecommendationForm, tuple[Fault, ...]]:
    """Return `form` with the values of a step, and faults for values that cannot be read as a
    month, a day or a choice; those fields stay as they were."""
    faults: list[Fault] = []
    choices: Mapping[str, Iterable[str]] = {
        "sex": SEXES,
        "qualification": QUALIFICATIONS,
        "industry": industries,
    }
    parsed: dict[str, Any] = {}
    for field in FIELDS[step]:
        text = values[field.name]
        if isinstance(text, tuple) or field.name.startswith("achievements."):
            continue
        parsed[field.name] = _parse(field, text, choices.get(field.name, ()), faults)
    for fault in faults:
        del parsed[fault.field]
    if step == "evidence":
        parsed["achievements"] = _achievements(values)
    changed = _replace_paths(form, parsed)
    if step == "person":
        changed = _fill_empty(changed, values)
    return changed, tuple(faults)


def _fill_empty(form: RecommendationForm, values: Values) -> RecommendationForm:
    """Return the form with sex and birth from the ID number where nothing was typed."""
    filled = fill_from_id_number(form)
    empty = {name: getattr(filled, name) for name in ("sex", "birth") if not values[name]}
    return msgspec.structs.replace(form, **empty)


def _parse(field: StepField, text: str, choices: Iterable[str], faults: list[Fault]) -> Any:
    match field.kind:
        case "tick":
            return text == "yes"
        case "choice":
            if text in choices:
                return text
            if text:
                faults.append(
                    Fault(field.name, "sites.nomination.recommendations.choose_from_list")
                )
            return "" if field.name == "industry" else None
        case "month" | "day":
            value = parse_month(text) if field.kind == "month" else parse_day(text)
            if text and value is None:
                faults.append(_unreadable(field))
            return value
        case _:
            return text


def _unreadable(field: StepField) -> Fault:
    if field.kind == "month":
        return Fault(field.name, "sites.nomination.recommendations.enter_month")
    return Fault(field.name, "sites.nomination.recommendations.enter_day")


def parse_month(text: str) -> Month | None:
    """Parse `1980-05`, `1980.5`, `198005`, the same with the Chinese words, or with a day, which is
    left out; None for anything else."""
    match = _MONTH.fullmatch(_separated(text))
    if match is None or not 1 <= int(match[2]) <= 12:
        return None
    return Month(int(match[1]), int(match[2]))


def parse_day(text: str) -> date | None:
    """Parse a day in the same spellings; None for anything else."""
    match = _DAY.fullmatch(_separated(text))
    try:
        return date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        return None


def _separated(text: str) -> str:
    """Return a date with plain digits and with dashes between its parts."""
    plain = plain_number(text)
    digits = _RUN_OF_DIGITS.fullmatch(plain)
    return "-".join(filter(None, digits.groups())) if digits else plain


def _achievements(values: Values) -> tuple[Achievement, ...]:
    ticked = values["achievements"]
    return tuple(
        Achievement(kind=kind, pages=str(values[f"achievements.{kind}.pages"]))
        for kind in ACHIEVEMENTS
        if kind in ticked
    )


def _replace_paths(form: RecommendationForm, parsed: Mapping[str, Any]) -> RecommendationForm:
    """Replace values by path; those of opinions are one level down."""
    changed: dict[str, Any] = {}
    opinions: dict[str, dict[str, Any]] = {}
    for path, value in parsed.items():
        head, dot, rest = path.partition(".")
        if dot:
            opinions.setdefault(head, {})[rest] = value
        else:
            changed[head] = value
    for head, parts in opinions.items():
        opinion: Opinion = getattr(form, head)
        changed[head] = msgspec.structs.replace(opinion, **parts)
    return msgspec.structs.replace(form, **changed)


def page_field(fault: Fault, form: RecommendationForm) -> str:
    """Return the name of the page's field that a fault of validation.py is about."""
    match = re.fullmatch(r"achievements\[([0-9]+)\](\.pages)?", fault.field)
    if match is None or int(match[1]) >= len(form.achievements):
        return fault.field
    kind = form.achievements[int(match[1])].kind
    return f"achievements.{kind}.pages" if match[2] else "achievements"


def find_step(name: str) -> Step:
    """Return the step that has a field or a file slot. Raises KeyError."""
    for step in STEPS:
        if name in SLOTS[step] or any(field.name == name for field in FIELDS[step]):
            return step
    raise KeyError(f"no step has a field {name!r}")
