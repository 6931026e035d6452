"""Whether the database has the schema that this version of the code was written for."""

from __future__ import annotations

from functools import cache

import asyncpg

from voting_service.errors import StoreFault
from voting_service.infrastructure.postgres.migrations_folder import migrations_folder
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors

QUERIES = Queries(__package__, "schema.sql")


@cache
def known_revisions() -> tuple[str, ...]:
    """Return the names of the migrations in their order, which is that of their files."""
    return tuple(sorted(file.stem for file in (migrations_folder() / "versions").glob("[0-9]*.py")))


async def require_schema(connection: AnyConnection) -> None:
    """Raises StoreFault unless the newest migration that this version knows is the database's,
    or StoreUnavailable."""
    newest = known_revisions()[-1]
    try:
        with domain_errors():
            revision: str | None = await connection.fetchval(QUERIES["schema_revision"])
    except asyncpg.UndefinedTableError:
        revision = None
    if revision is None:
        raise StoreFault("infrastructure.postgres.schema_missing")
    if revision not in known_revisions():
        raise StoreFault("infrastructure.postgres.schema_newer", revision=revision)
    if revision != newest:
        raise StoreFault("infrastructure.postgres.schema_older", revision=revision, newest=newest)


async def require_session(first: AnyConnection, second: AnyConnection) -> None:
    """Raises StoreFault if a pooler gives these two connections sessions that do not last.

    A pooler in transaction mode hands the session that one connection has just used to the next;
    so what both write into their session is looked for there. Three tries, because others may use
    the pooler at the same time.
    """
    with domain_errors():
        for attempt in ("1", "2", "3"):
            for connection, owner in ((first, "first"), (second, "second")):
                await connection.fetchval(QUERIES["mark_session"], owner + attempt)
            if await first.fetchval(QUERIES["session_mark"]) != "first" + attempt:
                raise StoreFault(
                    "infrastructure.postgres.transaction_pooling", reason="session lost"
                )
