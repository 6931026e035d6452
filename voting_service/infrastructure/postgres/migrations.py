"""Apply migrations/ with Alembic. Safe to repeat, and for two processes at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from alembic import command, op
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from voting_service.errors import Refused
from voting_service.infrastructure.postgres.migrations_folder import migrations_folder
from voting_service.infrastructure.postgres.pool import domain_errors


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


@contextmanager
def _driver_errors() -> Iterator[None]:
    """Raise the driver's own error instead of the one that SQLAlchemy makes of it."""
    try:
        yield
    except DBAPIError as error:
        raise (error.orig.__cause__ if error.orig else None) or error from None


def upgrade(database_url: str, revision: str = "head") -> None:
    """Migrate the database to a revision. Blocks; call it outside the event loop.

    Raises Refused if the login may not do it, or the database is of a newer version;
    StoreUnavailable if Postgres does not answer.
    """
    try:
        with domain_errors(), _driver_errors():
            command.upgrade(_config(database_url), revision)
    except asyncpg.InsufficientPrivilegeError as error:
        raise Refused("infrastructure.postgres.owner_lacks_right", error=error) from None
    except CommandError as error:
        if not isinstance(error.__cause__, ResolutionError):
            raise
        raise Refused(
            "infrastructure.postgres.schema_newer", revision=error.__cause__.argument
        ) from None


def run_script(path: str) -> None:
    """Run all statements of a file in the migration's transaction; `path` is below migrations/."""
    script = (migrations_folder() / path).read_text(encoding="utf-8")
    adapted = op.get_bind().connection.dbapi_connection
    adapted.run_async(lambda connection: connection.execute(script))  # type: ignore[union-attr]
