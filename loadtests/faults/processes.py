"""Faults of processes: killed, frozen, restarted, two where one is meant."""

from __future__ import annotations

import os
import signal

import psutil

from loadtests.faults.field import (
    RECOVERY_SECONDS,
    Fault,
    Field,
    all_processes,
    freeze,
)
from loadtests.stand import family
from loadtests.waiting import seconds_until
from voting_service.demo.child import stop, wait_for_end
from voting_service.demo.embedded_postgres import SUPERUSER
from voting_service.infrastructure.postgres.pool import connect
from voting_service.jobs.lease import lock_key

_FROZEN_SECONDS = (0.5, 3.0)


async def _workers(field: Field) -> list[psutil.Process]:
    """Return the workers once all of them are there."""

    async def all_there() -> bool:
        return len(field.stand.web_workers()) == field.stand.workers

    if await seconds_until(all_there, RECOVERY_SECONDS) is None:
        raise RuntimeError("the workers of `serve` did not come back")
    return field.stand.web_workers()


async def _kill_worker(field: Field) -> None:
    field.chooser.choice(await _workers(field)).kill()


async def _kill_postgres(field: Field) -> None:
    await field.kill(field.stand.postgres)
    await field.stand.postgres.start()


async def _kill_valkey(field: Field) -> None:
    await field.kill(field.stand.valkey)
    await field.stand.valkey.start()


async def _kill_work(field: Field) -> None:
    process = field.stand.processes["work"]
    process.kill()
    await wait_for_end(process, RECOVERY_SECONDS)
    await field.pause(0.1, 1.0)
    field.stand.work()


async def _freeze_worker(field: Field) -> None:
    worker = field.chooser.choice(await _workers(field))
    await freeze([worker], field.chooser.uniform(*_FROZEN_SECONDS))


async def _freeze_postgres(field: Field) -> None:
    await freeze(all_processes(field.stand.postgres), field.chooser.uniform(*_FROZEN_SECONDS))


async def _freeze_valkey(field: Field) -> None:
    await freeze(family(field.stand.valkey.process), field.chooser.uniform(*_FROZEN_SECONDS))


async def _freeze_work(field: Field) -> None:
    await freeze(family(field.stand.processes["work"]), field.chooser.uniform(*_FROZEN_SECONDS))


async def _end_sessions(field: Field) -> None:
    administrator = await connect(field.stand.postgres.url(SUPERUSER))
    await administrator.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where backend_type = 'client backend' and pid <> pg_backend_pid()"
    )
    await administrator.close()


async def _two_lease_holders(field: Field) -> None:
    """Freeze the holder of the lease, let another process take it, and thaw the first."""
    stand = field.stand
    first = stand.processes["work"]
    stand.work()
    second = stand.processes["work"]
    await field.pause(0.5, 1.5)
    for process in family(first):
        process.send_signal(signal.SIGSTOP)
    administrator = await connect(stand.postgres.url(SUPERUSER))
    key = lock_key("reconcile")
    await administrator.execute(
        "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'"
        " and classid = (($1::bigint >> 32) & 4294967295)::oid and objid = ($1 & 4294967295)::oid",
        key,
    )
    await administrator.close()
    await field.pause(2.5, 4.0)
    for process in family(first):
        process.send_signal(signal.SIGCONT)
    await field.pause(0.5, 1.5)
    if second.poll() is not None:
        field.broken.append("the second process of `work` ended")
    await stop(first, ((signal.SIGTERM, 20.0),))


async def _roll(field: Field) -> None:
    """Restart the workers one by one, as a new version does."""
    before = {worker.pid for worker in await _workers(field)}
    os.kill(field.stand.processes["serve"].pid, signal.SIGHUP)

    async def replaced() -> bool:
        now = {worker.pid for worker in field.stand.web_workers()}
        return len(now) == field.stand.workers and not now & before

    if await seconds_until(replaced, RECOVERY_SECONDS) is None:
        field.broken.append("a rolling restart did not end")


FAULTS = (
    Fault("SIGKILL of a worker of serve", 2, 1000, _kill_worker),
    Fault("SIGKILL of PostgreSQL", 2, 300, _kill_postgres),
    Fault("SIGKILL of Valkey", 1, 200, _kill_valkey),
    Fault("SIGKILL of work", 1, 200, _kill_work),
    Fault("SIGSTOP of a worker of serve", 1, 30, _freeze_worker),
    Fault("SIGSTOP of PostgreSQL", 1, 30, _freeze_postgres),
    Fault("SIGSTOP of Valkey", 1, 30, _freeze_valkey),
    Fault("SIGSTOP of work", 1, 30, _freeze_work),
    Fault("every session of PostgreSQL ended", 1, 30, _end_sessions),
    Fault("two processes that hold a lease", 1, 10, _two_lease_holders),
    Fault("rolling restart of the workers", 1, 20, _roll),
)
