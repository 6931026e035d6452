"""Another real PostgreSQL cluster, and dumps of the tests' databases restored into it."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from tests.conftest import in_memory
from tests.voting.tally.forged import NOW
from voting_service.demo.embedded_postgres import (
    SUPERUSER,
    EmbeddedPostgres,
    program,
)
from voting_service.infrastructure.postgres.pool import Connection


@asynccontextmanager
async def second_cluster() -> AsyncIterator[EmbeddedPostgres]:
    """A cluster of its own: another system identifier, transaction ids from the beginning."""
    with tempfile.TemporaryDirectory(prefix="voting-postgres-", dir=in_memory()) as folder:
        server = EmbeddedPostgres(Path(folder), durable=False, shared_buffers="32MB")
        try:
            await server.start()
            yield server
        finally:
            await server.stop()


async def move(source: EmbeddedPostgres, target: EmbeddedPostgres, name: str) -> None:
    """Restores a dump of the database `name` into `target`, under the same name."""
    administrator: Connection = await asyncpg.connect(target.url(SUPERUSER, "postgres"))
    try:
        await target.create_database(administrator, name)
    finally:
        await administrator.close()
    dump = await asyncio.to_thread(_run, "pg_dump", source.url(SUPERUSER, name))
    await asyncio.to_thread(
        _run, "psql", "--quiet", "--set=ON_ERROR_STOP=1", target.url(SUPERUSER, name), stdin=dump
    )


def _run(name: str, *arguments: str, stdin: bytes = b"") -> bytes:
    done = subprocess.run(
        [str(program(name)), *arguments], input=stdin, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


async def burn_until(connection: Connection, query: str) -> None:
    """Uses up transaction ids until they are beyond the one that the query names."""
    floor = await connection.fetchval(query)
    await burn(connection, max(0, floor - await connection.fetchval(NOW)) + 1)


async def burn(connection: Connection, transactions: int) -> None:
    """Uses up so many transaction ids."""
    await connection.execute(
        "create or replace procedure burn(times integer) language plpgsql as $$ begin"
        " for n in 1..times loop perform pg_current_xact_id(); commit; end loop; end $$"
    )
    await connection.execute(f"call burn({transactions})")
