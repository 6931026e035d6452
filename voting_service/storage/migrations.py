"""Applies migrations/ with Alembic; safe to run twice and by two processes at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command, op
from alembic.config import Config
from alembic.script import ScriptDirectory


def migrations_folder() -> Path:
    """Beside the package in a checkout, inside the package in an installed wheel."""
    package = Path(__file__).resolve().parent.parent
    packaged = package / "_migrations"
    return packaged if packaged.is_dir() else package.parent / "migrations"


def _config(database_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    config.set_main_option("path_separator", "os")
    config.attributes["database_url"] = database_url
    return config


def latest_revision() -> str:
    """The newest migration's name; one head only."""
    head = ScriptDirectory.from_config(_config("")).get_current_head()
    if head is None:
        raise RuntimeError("there are no migrations")
    return head


def upgrade(database_url: str, revision: str = "head") -> None:
    """Brings the database to a migration, the newest unless told otherwise. Blocks; call it
    outside the event loop."""
    command.upgrade(_config(database_url), revision)


def run_script(file_name: str) -> None:
    """Runs migrations/sql/`file_name`, which may hold many statements, in the migration's
    transaction."""
    script = (migrations_folder() / "sql" / file_name).read_text(encoding="utf-8")
    adapted = op.get_bind().connection.dbapi_connection
    adapted.run_async(lambda connection: connection.execute(script))  # type: ignore[union-attr]
