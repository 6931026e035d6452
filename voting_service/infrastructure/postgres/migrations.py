"""Apply migrations/ with Alembic. Safe to repeat, and for two processes at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command, op
from alembic.config import Config
from alembic.script import ScriptDirectory


def migrations_folder() -> Path:
    """Return the folder of the migrations: in the wheel, or beside the package in a checkout."""
    package = Path(__file__).resolve().parents[2]
    packaged = package / "_migrations"
    return packaged if packaged.is_dir() else package.parent / "migrations"


def _config(database_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    config.set_main_option("path_separator", "os")
    config.attributes["database_url"] = database_url
    return config


def latest_revision() -> str:
    """Return the name of the newest migration."""
    head = ScriptDirectory.from_config(_config("")).get_current_head()
    if head is None:
        raise RuntimeError("there are no migrations")
    return head


def upgrade(database_url: str, revision: str = "head") -> None:
    """Migrate the database to a revision. Blocks; call it outside the event loop."""
    command.upgrade(_config(database_url), revision)


def run_script(path: str) -> None:
    """Run all statements of a file in the migration's transaction; `path` is below migrations/."""
    script = (migrations_folder() / path).read_text(encoding="utf-8")
    adapted = op.get_bind().connection.dbapi_connection
    adapted.run_async(lambda connection: connection.execute(script))  # type: ignore[union-attr]
