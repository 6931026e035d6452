"""Faults of what the stores keep: a full disk, lost power, a backup, an old or empty Valkey."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from redis.asyncio import Redis

from loadtests.faults.field import RECOVERY_SECONDS, Fault, Field
from loadtests.waiting import seconds_until
from tests.infrastructure.postgres.copies import copy_data
from voting_service.demo.embedded_postgres import EmbeddedPostgres
from voting_service.demo.embedded_server import EmbeddedServer


async def _flush(field: Field) -> None:
    """Empty Valkey, every second."""
    client = Redis.from_url(field.stand.valkey.url)
    try:
        await client.flushall()
    finally:
        await client.aclose()
    await asyncio.sleep(1.0)


async def _old_valkey(field: Field) -> None:
    """Start Valkey with what it knew some time ago."""
    valkey = field.stand.valkey
    client = Redis.from_url(valkey.url)
    try:
        await client.save()
    finally:
        await client.aclose()
    await field.pause(0.5, 2.0)
    await field.kill(valkey)
    await valkey.start()
    (valkey.folder / "dump.rdb").unlink()


async def _fill_disk(field: Field) -> None:
    """Fill PostgreSQL's disk for a while. It may end itself, and is then started again."""
    assert field.disk is not None
    await asyncio.to_thread(field.disk.fill)
    await field.pause(1.0, 3.0)
    field.disk.empty()
    await field.stand.postgres.start()


async def _cut_power(field: Field) -> None:
    """End everything at once, and lose what was not synchronised to PostgreSQL's disk."""
    assert field.disk is not None
    stand = field.stand
    servers = (stand.postgres, stand.valkey)
    for process in stand.everything():
        process.kill()

    async def ended() -> bool:
        return not stand.everything() and not any(server.process for server in servers)

    if await seconds_until(ended, RECOVERY_SECONDS) is None:
        raise RuntimeError("a killed process did not end")
    await asyncio.to_thread(field.disk.cut_power)
    for server in servers:
        await server.start()
    await stand.serve()
    stand.work()


async def _restore_backup(field: Field) -> None:
    """PostgreSQL is lost with its data; a base backup and the log that was kept bring it back."""
    postgres = field.stand.postgres
    backup = postgres.folder / "backup"
    shutil.rmtree(backup, ignore_errors=True)
    await copy_data(postgres, backup, "--wal-method=none")
    await field.pause(0.5, 2.0)
    await field.kill(postgres)
    await asyncio.to_thread(_replace, postgres, backup)
    await postgres.start()


def _replace(postgres: EmbeddedPostgres, backup: Path) -> None:
    """Put the backup in the place of the data, with the log up to the end."""
    data = postgres.folder / "data"
    shutil.rmtree(backup / "pg_wal", ignore_errors=True)
    (data / "pg_wal").rename(backup / "pg_wal")
    shutil.rmtree(data)
    backup.rename(data)


async def _stop_store(field: Field, store: EmbeddedServer) -> None:
    await store.stop()
    await field.pause(1.0, 3.0)
    await store.start()


async def _stop_postgres(field: Field) -> None:
    await _stop_store(field, field.stand.postgres)


async def _stop_valkey(field: Field) -> None:
    await _stop_store(field, field.stand.valkey)


FAULTS = (
    Fault("FLUSHALL, every second", 2, 60, _flush),
    Fault("Valkey with an old state", 1, 20, _old_valkey),
    Fault("PostgreSQL stopped and started", 1, 20, _stop_postgres),
    Fault("Valkey stopped and started", 1, 20, _stop_valkey),
    Fault("base backup and log restored", 1, 10, _restore_backup, needs_backups=True),
    Fault("disk of PostgreSQL full", 1, 20, _fill_disk, needs_disk=True),
    Fault("power cut: unsynchronised data lost", 1, 20, _cut_power, needs_disk=True),
)
