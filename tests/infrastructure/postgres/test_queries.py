"""Files of named statements."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import voting_service
from voting_service.infrastructure.postgres.named_queries import Queries

Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes queries.sql of a package and returns the package's name."""

    def written(text: str) -> str:
        name = f"owner_{tmp_path.name.replace('-', '_')}"
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
        (tmp_path / name / "queries.sql").write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, name, raising=False)
        return name

    return written


def test_statements_are_found_by_name(write: Write) -> None:
    queries = Queries(
        write("-- name: one\n-- First.\nselect 1;\n\n-- name: two\n-- 二。\nselect 2")
    )
    assert queries["one"] == "-- First.\nselect 1;"
    assert queries["two"] == "-- 二。\nselect 2"
    with pytest.raises(KeyError):
        queries["three"]


def test_a_name_given_twice_is_refused(write: Write) -> None:
    with pytest.raises(RuntimeError, match="twice"):
        Queries(write("-- name: one\n-- A.\nselect 1\n-- name: one\n-- B.\nselect 2"))


def test_every_statement_states_what_it_does(write: Write) -> None:
    with pytest.raises(RuntimeError, match=r"no description above \['two'\]"):
        Queries(write("-- name: one\n-- A.\nselect 1\n-- name: two\nselect 2"))


def test_every_statement_that_the_code_looks_up_exists() -> None:
    """A lookup by another name would be found by the first person who needs it."""
    package = Path(voting_service.__file__).parent
    lookups = re.compile(r'QUERIES\[\s*"(\w+)"\s*\]')
    names = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
    expected = {
        name for path in package.rglob("*.py") for name in lookups.findall(path.read_text())
    }
    stored = {name for path in package.rglob("*.sql") for name in names.findall(path.read_text())}
    assert len(expected) > 200
    assert expected <= stored
