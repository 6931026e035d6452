"""Which acts the code writes into the audit log, read from its calls and the schema's functions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import voting_service

SOURCES = Path(voting_service.__file__).parent
SCHEMA = SOURCES.parent / "migrations" / "schema"


def recorded_acts() -> set[tuple[str, tuple[str, ...]]]:
    """Every act that calls of `record(connection, actor, act, …)` and `actor.record(act, …)` name,
    either of two included, each with the names of the details written beside it; and every act that
    a function of the schema inserts itself."""
    return _written_by_calls() | _written_by_the_schema()


def _written_by_the_schema() -> set[tuple[str, tuple[str, ...]]]:
    """Acts of `insert into audit_log (actor, act, …) select NAME, ACT, …, jsonb_build_object()`."""
    inserts = re.compile(
        r"insert into audit_log \(actor, act\b[^;]*?'(\w+)'[^;]*?jsonb_build_object\(([^;]*?)\)"
    )
    return {
        (act, tuple(re.findall(r"'(\w+)',", details)))
        for path in SCHEMA.glob("*.sql")
        for act, details in inserts.findall(path.read_text(encoding="utf-8"))
    }


def _written_by_calls() -> set[tuple[str, tuple[str, ...]]]:
    return {
        (part.value, keys)
        for path in SOURCES.rglob("*.py")
        for act, keys in _calls(ast.parse(path.read_text(encoding="utf-8")))
        for part in ast.walk(act)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    }


def _calls(tree: ast.AST) -> Iterator[tuple[ast.expr, tuple[str, ...]]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Name("record"), [_, _, act, *_], keywords):
                given = [word.value for word in keywords if word.arg == "details"]
                yield act, tuple(_keys(given))
            case ast.Call(ast.Attribute(attr="record"), [act, *_], keywords):
                yield act, tuple(word.arg for word in keywords if word.arg is not None)


def _keys(given: list[ast.expr]) -> Iterator[str]:
    for details in given:
        if isinstance(details, ast.Dict):
            for key in details.keys:
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value
