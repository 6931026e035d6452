"""A PostgreSQL server that can be copied while it runs, as a standby or as a backup."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from tests.conftest import in_memory
from voting_service.demo.embedded_postgres import OWNER, SUPERUSER, EmbeddedPostgres, program
from voting_service.demo.embedded_server import free_port
from voting_service.demo.private_files import write_private
from voting_service.infrastructure.postgres.migrations import upgrade

_SETTINGS = {"wal_level": "replica", "max_wal_senders": "4", "max_prepared_transactions": "4"}


class Standby(EmbeddedPostgres):
    """A copy that follows its primary. Its roles are those of the primary."""

    async def _create_roles(self) -> None:
        pass


@asynccontextmanager
async def copyable_server() -> AsyncIterator[EmbeddedPostgres]:
    """A migrated server of its own that has senders for copies."""
    with tempfile.TemporaryDirectory(prefix="voting-postgres-", dir=in_memory()) as folder:
        server = EmbeddedPostgres(Path(folder) / "primary", durable=False, shared_buffers="32MB")
        try:
            await server.start()
            for name, value in _SETTINGS.items():
                await configure(server, f"{name} = {value}")
            await server.stop()
            await server.start()
            await asyncio.to_thread(upgrade, server.url(OWNER))
            yield server
        finally:
            await server.stop()


async def configure(server: EmbeddedPostgres, setting: str) -> None:
    """Change a setting and reload the configuration."""
    connection = await asyncpg.connect(server.url(SUPERUSER, "postgres"))
    await connection.execute(f"alter system set {setting}")
    await connection.execute("select pg_reload_conf()")
    await connection.close()


async def copy_data(server: EmbeddedPostgres, folder: Path, *options: str) -> None:
    """Copy the data of a running server into `folder`, which is made, with pg_basebackup."""
    folder.mkdir(mode=0o700)
    user = server.system_user()
    if user is not None:
        shutil.chown(folder, user, user)
    command = [
        *(str(program("pg_basebackup")), "--pgdata", str(folder), "--checkpoint=fast"),
        *("--no-sync", "--dbname", server.url(SUPERUSER, "postgres"), *options),
    ]
    done = await asyncio.to_thread(
        subprocess.run,
        command,
        capture_output=True,
        check=False,
        user=user,
        group=user,
        extra_groups=[] if user else None,
        cwd=folder.parent,
    )
    assert done.returncode == 0, done.stderr.decode()


@asynccontextmanager
async def running_standby(primary: EmbeddedPostgres) -> AsyncIterator[Standby]:
    """A standby for which every commit of the primary waits from here on."""
    standby = Standby(primary.folder.with_name("standby"), durable=False, shared_buffers="32MB")
    standby.folder.mkdir()
    standby.port, standby.secrets = free_port(), primary.secrets
    write_private(standby.folder / "server.json", "{}")
    await copy_data(primary, standby.folder / "data", "--write-recovery-conf")
    try:
        await standby.start()
        await configure(primary, "synchronous_standby_names = '*'")
        yield standby
    finally:
        await configure(primary, "synchronous_standby_names = ''")
        await standby.stop()
