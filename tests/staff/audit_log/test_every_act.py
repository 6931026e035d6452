"""Every act is recorded somewhere, and nothing is recorded that is no act."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import voting_service
from voting_service.staff.audit_log.model import ACTS

SOURCE = Path(voting_service.__file__).parent


def recorded(tree: ast.AST) -> Iterator[str]:
    """The acts that calls of `record(connection, actor, act, …)` and `actor.record(act, …)` name,
    either of two included."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name("record"), args=[_, _, act, *_]):
                pass
            case ast.Call(func=ast.Attribute(attr="record"), args=[act, *_]):
                pass
            case _:
                continue
        for part in ast.walk(act):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield part.value


def test_each_act_is_written_where_it_happens() -> None:
    written = {
        act
        for path in SOURCE.rglob("*.py")
        for act in recorded(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert written == set(ACTS)
    assert list(ACTS) == sorted(ACTS)
