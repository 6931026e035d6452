"""Check the value of one key as the contest file would."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from voting_service.contests.contest_file.reader import read_fault
from voting_service.contests.contest_file.schema import ContestDocument
from voting_service.contests.contest_file.tree import spell_path
from voting_service.errors import Fault


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
