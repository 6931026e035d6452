"""Alembic's entry: one transaction for each migration, one migrator at a time."""

from __future__ import annotations

import asyncio

from alembic import context
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

MIGRATOR_LOCK = 7_046_029_254_386_353_131
"""Advisory lock held while migrating; an arbitrary number that nothing else uses."""


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, transaction_per_migration=False)
    with context.begin_transaction():
        connection.execute(text("set local statement_timeout = '15min'"))
        connection.execute(text(f"select pg_advisory_xact_lock({MIGRATOR_LOCK})"))
        # A migration that cannot get its table lock soon gives up rather than queue the votes
        # that arrive behind it.
        connection.execute(text("set local lock_timeout = '5s'"))
        context.run_migrations()


async def _run() -> None:
    url = make_url(context.config.attributes["database_url"]).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_migrate)
            await connection.commit()
    finally:
        await engine.dispose()


asyncio.run(_run())
