"""Writes docs/settings.md: `python -m tests.project.settings_document > docs/settings.md`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from annotated_types import Ge, Gt, Le
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from voting_service.settings import DEFAULT_MAX_WORKERS, PREFIX, Settings

HEAD = """# Every setting, with its default and bounds

Made from `voting_service/settings.py`; [operators.md](operators.md#settings) says more of most.
A variable that is misspelt, empty or out of bounds keeps a process from starting, and is named.

| variable | default | bounds | what it is |
|---|---|---|---|"""
COMPUTED = {"workers": f"cores, at most {DEFAULT_MAX_WORKERS}"}


def _default(name: str, field: FieldInfo) -> str:
    if name in COMPUTED:
        return COMPUTED[name]
    if field.default is PydanticUndefined:
        return "**needed**"
    if field.default in (None, ()):
        return "none"
    if isinstance(field.default, tuple):
        return ", ".join(f"`{part}`" for part in field.default)
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def _values(field: FieldInfo) -> str:
    bounds = [_bound(item) for item in field.metadata]
    if any(bounds):
        return " ".join(filter(None, bounds))
    choices = [value for value in get_args(field.annotation) if isinstance(value, str)]
    return ", ".join(f"`{value}`" for value in choices)


def _bound(item: Any) -> str:
    match item:
        case Ge():
            return f"from {item.ge}"
        case Gt():
            return f"above {item.gt}"
        case Le():
            return f"to {item.le}"
        case _:
            return ""


def lines() -> Iterator[str]:
    """The document's lines."""
    yield HEAD
    for name, field in Settings.model_fields.items():
        text = (field.description or "").replace("|", "\\|")
        yield f"| `{PREFIX}{name.upper()}` | {_default(name, field)} | {_values(field)} | {text} |"


if __name__ == "__main__":
    print("\n".join(lines()))
