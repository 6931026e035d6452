"""Every act is recorded somewhere, and nothing is recorded that is no act."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import voting_service
from voting_service.journal.model import ACTS

SOURCE = Path(voting_service.__file__).parent


def recorded(tree: ast.AST) -> Iterator[str]:
    """The acts that calls of `record(connection, actor, act, …)` name, either of two included."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id != "record" or len(node.args) < 3:
            continue
        for part in ast.walk(node.args[2]):
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
