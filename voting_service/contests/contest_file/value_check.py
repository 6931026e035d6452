"""Check the value of one key as the contest file would; what is wrong with it, and where."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from voting_service.contests.contest_file.schema import ContestDocument
from voting_service.contests.contest_file.toml_lines import Path
from voting_service.errors import Fault

_CODES = {
    "missing": "missing",
    "extra_forbidden": "unknown_key",
    "string_unicode": "lone_surrogate",
    "datetime_type": "not_a_datetime",
    "time_type": "not_a_time",
    "model_type": "not_a_table",
    "list_type": "not_a_list",
    "too_short": "no_candidates",
    "too_long": "list_too_long",
    "int_type": "not_a_whole_number",
    "greater_than_equal": "too_small",
    "less_than_equal": "too_large",
    "literal_error": "not_a_choice",
    "string_type": "not_a_string",
    "bool_type": "not_true_or_false",
}
"""Our error codes by pydantic's error types; the texts have the placeholders of its context."""
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def find_value_faults(key: str, value: Any) -> list[Fault]:
    """Return what is wrong with a value; the field is its path, `organisers[0].role.en`."""
    try:
        _read_type(key).validate_python(value)
    except ValidationError as error:
        return [
            read_fault(details).at(spell_path((key, *details["loc"])))
            for details in error.errors(include_url=False)
        ]
    return []


@cache
def _read_type(key: str) -> TypeAdapter[Any]:
    return TypeAdapter(ContestDocument.model_fields[key].rebuild_annotation())


def read_fault(details: ErrorDetails) -> Fault:
    """Return the fault of a value, without its field."""
    kind, message = details["type"], details["msg"]
    if kind == "contest_file":  # raised by schema.py, with a code as its message
        return Fault("", message, **details.get("ctx", {}))
    if kind in _CODES:
        return Fault("", f"contests.contest_file.{_CODES[kind]}", **details.get("ctx", {}))
    return Fault.verbatim("", message.replace("Input should be", "must be"))


def spell_path(path: Path) -> str:
    """Return a path as people read it: `candidates[3].number`."""
    spelled = ""
    for part in path:
        if isinstance(part, int):
            spelled += f"[{part}]"
        else:
            key = part if _BARE_KEY.fullmatch(part) else ascii(part)
            spelled += f".{key}" if spelled else key
    return spelled
