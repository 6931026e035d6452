"""The files of migrations/: one schema, then one line of migrations. `make check` runs this too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import Script, ScriptDirectory

from voting_service.infrastructure.postgres.migrations import latest_revision
from voting_service.infrastructure.postgres.migrations_folder import migrations_folder

FOLDER = migrations_folder()


def load_revisions() -> list[Script]:
    """Return all revisions, the newest first."""
    configuration = Config()
    configuration.set_main_option("script_location", str(FOLDER))
    configuration.set_main_option("path_separator", "os")
    return list(ScriptDirectory.from_config(configuration).walk_revisions())


*LATER, FIRST = load_revisions()
SCHEMA = sorted((FOLDER / "schema").rglob("*.sql"))


def test_there_is_one_head_and_no_fork() -> None:
    revisions = load_revisions()
    assert [revision.is_head for revision in revisions] == [True] + [False] * len(LATER)
    assert not any(revision.is_branch_point or revision.is_merge_point for revision in revisions)
    assert revisions[0].revision == latest_revision()


def test_names_sort_in_the_order_they_are_applied() -> None:
    names = [revision.revision for revision in reversed(load_revisions())]
    assert names == sorted(names)
    assert [name for name in names if not re.fullmatch(r"\d{4}_[a-z0-9_]+", name)] == []


def test_the_first_revision_applies_every_file_of_the_schema_once() -> None:
    applied = [FOLDER / "schema" / f"{area}.sql" for area in FIRST.module.AREAS]
    assert sorted(applied) == SCHEMA


@pytest.mark.parametrize("path", SCHEMA, ids=lambda path: str(path.relative_to(FOLDER / "schema")))
def test_every_table_view_and_function_of_the_schema_is_described(path: Path) -> None:
    """A comment on what it holds, or on the rule it enforces, stands directly above each."""
    lines = path.read_text(encoding="utf-8").splitlines()
    undescribed = [
        line
        for above, line in zip(["", *lines], lines, strict=False)
        if re.match(r"create (table|view|function) ", line) and not above.startswith("-- ")
    ]
    assert undescribed == []


def test_every_revision_is_described() -> None:
    assert [script.revision for script in load_revisions() if not script.doc] == []


def test_later_revisions_and_their_sql_match() -> None:
    named = {revision.revision for revision in LATER}
    scripts = {path.stem: path for path in (FOLDER / "sql").glob("*.sql")}
    assert set(scripts) == named
    assert [name for name, path in scripts.items() if not path.read_text("utf-8").strip()] == []
