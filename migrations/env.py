"""Alembic's entry: one transaction for each migration, one migrator at a time."""

from __future__ import annotations

import asyncio
from functools import partial

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from voting_service.infrastructure.postgres.hosts import connect_to_primary

MIGRATOR_LOCK = 7_046_029_254_386_353_131
"""Advisory lock held while migrating; an arbitrary number that nothing else uses."""
CONNECT_TIMEOUT_SECONDS = 10.0


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
    # The driver reads the URL, as for the services: SQLAlchemy has another word for sslmode.
    connect = partial(
        connect_to_primary,
        context.config.attributes["database_url"],
        timeout=CONNECT_TIMEOUT_SECONDS,
    )
    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_migrate)
            await connection.commit()
    finally:
        await engine.dispose()
        await asyncio.sleep(0)  # lets the driver close what it could not use


asyncio.run(_run())
