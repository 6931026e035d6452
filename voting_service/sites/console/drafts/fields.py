"""The fields of a draft's forms: which key of the contest file each sets, and how it is typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from voting_service.contests.contest_file.schema import ContestDocument
from voting_service.contests.drafts.model import Content
from voting_service.i18n.text import Text, in_both, typed_english
from voting_service.sites.console.organisers import INPUTS, read_organisers, show_organisers

Kind = Literal[
    "line", "text", "word", "zone", "moment", "time", "number", "choice", "flag", "organisers"
]
Form = Mapping[str, str]
ZONES = ("Asia/Shanghai", "Asia/Urumqi", "Asia/Hong_Kong", "Asia/Macau", "Asia/Taipei", "UTC")
"""Suggested; every IANA name is allowed."""


class DraftField(NamedTuple):
    """A field: `key` is the dotted key of the contest file. A line or text is in both languages.
    It counts only while the field `goes_with` has the value named there."""

    key: str
    kind: Kind
    is_required: bool = True
    choices: tuple[str, ...] = ()
    goes_with: tuple[str, str] | None = None

    @property
    def id(self) -> str:
        """Return the name of its texts in the catalogue `drafts`, and its id on the page."""
        return self.key.replace(".", "_")

    @property
    def inputs(self) -> tuple[str, ...]:
        """Return the names of its inputs."""
        if self.kind == "organisers":
            return INPUTS
        is_both = self.kind in {"line", "text"}
        return (f"{self.key}.zh", f"{self.key}.en") if is_both else (self.key,)


_ALL: Mapping[str, tuple[DraftField, ...]] = {
    "names": (
        DraftField("title", "line"),
        DraftField("slug", "word"),
        DraftField("time_zone", "zone"),
    ),
    "window": (
        DraftField("window.opens_at", "moment"),
        DraftField("window.closes_at", "moment"),
        DraftField("window.publish_at", "moment", is_required=False),
    ),
    "ballot": (
        DraftField("ballot.every", "choice", choices=("day", "contest")),
        DraftField("ballot.min_choices", "number"),
        DraftField("ballot.max_choices", "number"),
    ),
    "release": (
        DraftField("release.mode", "choice", choices=("live", "daily", "hidden")),
        DraftField("release.daily_at", "time", goes_with=("release.mode", "daily")),
        DraftField("release.blackout_hours", "number"),
    ),
    "cut": (
        DraftField("cut.size", "number"),
        DraftField("cut.tie", "choice", choices=("committee", "lot", "advance_all")),
        DraftField("cut.lot_source", "text", goes_with=("cut.tie", "lot")),
        DraftField("cut.panel", "flag", choices=("yes", "no")),
    ),
    "page": (
        DraftField("theme", "line", is_required=False),
        DraftField("introduction", "text", is_required=False),
        DraftField("organisers", "organisers", is_required=False),
        DraftField("own_rules", "text", is_required=False),
        DraftField("contact", "text", is_required=False),
        DraftField("telephone", "word", is_required=False),
        DraftField("email", "word", is_required=False),
        DraftField("address", "line", is_required=False),
        DraftField("list_order", "choice", choices=("shuffled", "number")),
        DraftField("expected_voters_per_day", "number"),
    ),
}


def _is_key(key: str) -> bool:
    """Return whether a contest file has the dotted key."""
    section, _, name = key.rpartition(".")
    if not section:
        return name in ContestDocument.model_fields
    annotation = ContestDocument.model_fields[section].annotation
    return isinstance(annotation, type) and name in getattr(annotation, "model_fields", {})


SECTIONS: Mapping[str, tuple[DraftField, ...]] = {
    section: tuple(field for field in fields if _is_key(field.key))
    for section, fields in _ALL.items()
}
"""The pages of the form, in the order in which they are filled in: the fields of the model. A new
field is a line above, and its texts in the catalogue `drafts`."""


def read_section(form: Form, section: str) -> dict[str, Any]:
    """Return the values of a posted section by dotted key, None for what is left empty and need not
    be given. They are as typed; whether they are right is the draft's to say."""
    return {field.key: _read(form, field) for field in SECTIONS[section]}


def _read(form: Form, field: DraftField) -> Any:
    typed = [form.get(name, "").strip() for name in field.inputs]
    is_idle = field.goes_with and form.get(field.goes_with[0]) != field.goes_with[1]
    if is_idle or (not any(typed) and not field.is_required):
        return None
    if field.kind == "organisers":
        return read_organisers(form)
    if field.kind in {"line", "text"}:
        text = Text(*typed) if field.is_required else in_both(*typed)
        return msgspec.to_builtins(text)
    [value] = typed
    if field.kind == "flag":
        return value == "yes"
    if field.kind == "number" and value.isascii() and value.isdigit() and len(value) < 11:
        return int(value)
    return value


def show_section(content: Content, section: str) -> dict[str, str]:
    """Return what stands in the inputs of a section, by their names."""
    shown: dict[str, str] = {}
    for field in SECTIONS[section]:
        if field.kind == "organisers":
            shown |= show_organisers(find_value(content, field.key) or ())
            continue
        for name in field.inputs:
            value = find_value(content, name)
            if field.kind == "flag":
                value = "yes" if value else "no"
            shown[name] = "" if value is None else str(value)
        if len(field.inputs) == 2 and not field.is_required:
            chinese, english = field.inputs
            shown[english] = typed_english(shown[chinese], shown[english])
    return shown


def find_value(content: Content, key: str) -> Any:
    """Return the value at a dotted key; None without one."""
    value: Any = content
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
