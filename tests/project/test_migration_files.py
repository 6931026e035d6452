"""The migrations as files: one line of them, each with its SQL. `make check` runs this too."""

from __future__ import annotations

import re

import pytest
from alembic.config import Config
from alembic.script import Script, ScriptDirectory

from voting_service.storage.migrations import latest_revision, migrations_folder

FOLDER = migrations_folder()


def revisions() -> list[Script]:
    """From the newest to the oldest."""
    configuration = Config()
    configuration.set_main_option("script_location", str(FOLDER))
    configuration.set_main_option("path_separator", "os")
    return list(ScriptDirectory.from_config(configuration).walk_revisions())


def test_there_is_one_head_and_no_fork() -> None:
    found = revisions()
    assert [revision.is_head for revision in found] == [True] + [False] * (len(found) - 1)
    assert not any(revision.is_branch_point or revision.is_merge_point for revision in found)
    assert found[0].revision == latest_revision()


def test_names_sort_in_the_order_they_are_applied() -> None:
    names = [revision.revision for revision in reversed(revisions())]
    assert names == sorted(names)
    assert [name for name in names if not re.fullmatch(r"\d{4}_[a-z0-9_]+", name)] == []


@pytest.mark.parametrize("revision", revisions(), ids=lambda script: str(script.revision))
def test_a_migration_has_a_description_and_its_sql(revision: Script) -> None:
    assert revision.doc
    script = FOLDER / "sql" / f"{revision.revision}.sql"
    assert script.read_text(encoding="utf-8").strip()


def test_no_sql_is_left_without_a_migration() -> None:
    named = {revision.revision for revision in revisions()}
    assert {script.stem for script in (FOLDER / "sql").glob("*.sql")} == named
